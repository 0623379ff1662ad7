// A model as a TorchScript module that takes what is in the user's files. Internal to the training layer.
#pragma once

#include <torch/csrc/jit/api/module.h>

#include <string>
#include <vector>

#include "training/data/dataset.h"
#include "training/models/network.h"

namespace laconic {

// What torch.jit.load gives: a module whose forward() does to raw samples what was done to those of `data`, passes them
// through the network in evaluation, and takes predicted numbers back to the unit of the file. It takes
//   numbers   samples x features, or samples x channels x height x width, of any type of number (float64 keeps what
//             float32 would round off before the mean is taken away)
//   bytes     samples x channels x height x width, or of one channel samples x height x width: uint8
// raises an error for tensors of any other shape, and of another type than bytes where those are wanted, and gives class scores, or samples x numbers in float64. The tensors of the network keep their names behind "model.".
// Text has nothing to be done: its models are saved as they are.
// `parameters` and `buffers` are copied. Throws UsageError for a network whose operations are not known to TorchScript.
torch::jit::Module exported_module(const Network& network, const Dataset& data,
                                   const std::vector<at::Tensor>& parameters, const std::vector<at::Tensor>& buffers);

}  // namespace laconic
