// Models as files in the safetensors format (https://github.com/huggingface/safetensors), float32 only.
//
//   file   = size header data
//   size   = 8 bytes, little-endian: bytes of the header
//   header = JSON object, padded with blanks:
//            tensor name -> {"dtype":"F32", "shape":[...], "data_offsets":[begin, end]}
//            "__metadata__" -> {text: text}
//            offsets count from the end of the header
//   data   = the tensors, little-endian, without gaps
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/layout.h"

namespace laconic {

// Writes the model `params`, layout.size elements, with `metadata` to read by people. The file appears whole or not at
// all: it is written beside `path` under a name of its own and then renamed. Throws RunError when it cannot be written.
void write_safetensors(const std::string& path, const Layout& layout, std::span<const float> params,
                       const std::map<std::string, std::string>& metadata);

// Reads the model of `layout`. Throws UsageError, one line with the file, the place and the remedy, for a file that
// cannot be read, is not safetensors, breaks off or goes on, holds overlapping tensors, another type than float32, or
// other names or shapes than `layout`. Tensors may come in any order. Memory is bounded by the size of the model.
std::vector<float> read_safetensors(const std::string& path, const Layout& layout);

// A file whose layout nobody knows beforehand: its tensors in the order of their data, those without elements left out.
// `kSkipped`: tensors of whole numbers and truth values, such as the counts of batch norm, may be there and are left out.
// Throws UsageError as above, also for a header above 8 MiB and for a file without any element.
struct SafetensorsModel {
  Layout layout;
  std::vector<float> params;
  std::vector<std::string> skipped = {};  // tensors of whole numbers, where those are allowed
};
enum class WholeNumbers { kRefused, kSkipped };
SafetensorsModel read_safetensors(const std::string& path, WholeNumbers whole_numbers = WholeNumbers::kRefused);

}  // namespace laconic
