// What trained models differ by: the vectors that compressed synchronisation really sends.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/layout.h"

namespace laconic::bench {

struct ModelDifferences {
  Layout layout;
  // Parameters after one range of steps minus those before it, one vector a range.
  std::vector<std::vector<float>> ranges;
};

// Trains `model` (a row of the table of models) on Fashion-MNIST from `data_dir` (empty: the Debian package's) with
// Adam and batch 32: `warm_up` steps, then `ranges` times `steps` steps.
ModelDifferences train_differences(const std::string& model, const std::string& data_dir, std::size_t warm_up,
                                   std::size_t ranges, std::size_t steps);

}  // namespace laconic::bench
