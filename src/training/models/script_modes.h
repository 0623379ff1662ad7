// Layers of a TorchScript module that train() and eval() do not switch. Internal to the training layer.
//
// A trace writes the mode it was made in into its graph as a constant, where a script reads self.training.
#pragma once

#include <torch/script.h>

#include <set>
#include <string>

namespace laconic::script {

// Layers by the names of their operations, such as "dropout", "batch_norm". A dropout of rate 0 and a norm without
// running statistics do the same in both modes and are in neither set.
struct FixedModes {
  std::set<std::string> training;    // act as in training when the model is measured, too
  std::set<std::string> evaluation;  // act as in evaluation when the model is trained, too
};

FixedModes fixed_modes(const torch::jit::Block& block);

}  // namespace laconic::script
