// A model in a file, of whatever kind: what `laconic evaluate` is given.
#pragma once

#include <string>

#include "training/formats/safetensors.h"

namespace laconic {

enum class ModelFileKind {
  kSafetensors,  // tensors by name, as all runs write them
  kStateDict,    // the same, as torch.save(model.state_dict()) writes them
  kTorchScript,  // a module, as torch.jit.save writes it
  kRawSamples,   // a module that does to raw samples what was done to the data (output.preprocess = true)
};

struct ModelFile {
  ModelFileKind kind = ModelFileKind::kSafetensors;
  // The float32 tensors; of kRawSamples without the "model." before their names, and without what prepares samples.
  SafetensorsModel tensors = {};
  std::string preparation = {};  // preprocess.json, where the file has it
};

// Throws UsageError, one line with the file, what it is and the remedy, for a file that cannot be read, is damaged, or
// is no model.
ModelFile read_model_file(const std::string& path);

}  // namespace laconic
