// What every worker begins with. Internal to the training layer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "training/models/network.h"

namespace laconic {

// In the order of the network's parameters() and buffers().
struct ModelStart {
  std::vector<float> parameters;
  std::vector<float> buffers;
  std::uint64_t fingerprint = 0;  // of the file; 0 without one
};

// The network's own start from `seed`, or, where `file` is not empty, that of a safetensors file: all parameters by their
// names, and all buffers or none, which then start as the network's do. Tensors of whole numbers in it are left out.
// Throws UsageError that begins with "model.start" for a file that cannot be read or has other tensors: those that are
// missing, not the model's, or of another shape.
ModelStart start_of(const Network& network, std::uint64_t seed, const std::string& file);

}  // namespace laconic
