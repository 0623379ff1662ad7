// Models as torch.save writes them: a ZIP archive with the pickle data.pkl of a dictionary of tensors, and a file for the
// elements of each storage, data/0, data/1, ...
#pragma once

#include <string>
#include <vector>

#include "training/formats/safetensors.h"

namespace laconic {

// What an archive of PyTorch holds, by the names of its files.
enum class TorchArchive { kNone, kStateDict, kTorchScript };

// kNone for what is no such archive; throws UsageError for a file that cannot be read.
TorchArchive torch_archive(const std::string& path);

// The float32 tensors of a state dict, in its order. It may lie in a dictionary under "state_dict", "model_state_dict",
// "model" or "net", as checkpoints of training loops have it; "module.", which DataParallel puts before every name, is
// taken away. Tensors of whole numbers and truth values are left out (`skipped`). Throws UsageError, one line with the
// file and the remedy, for a file that is something else, breaks off, or has tensors of other types; what it takes of
// memory is bounded by the size of the file.
SafetensorsModel read_state_dict(const std::string& path);

// A file of the archive, such as "extra/preprocess.json", without the archive's own folder; empty where it is not there.
std::string read_from_archive(const std::string& path, const std::string& name);

}  // namespace laconic
