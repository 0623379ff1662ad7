// A model that a user brings: a TorchScript module, as torch.jit.script(model).save("net.pt") writes it. Internal to
// the training layer.
//
// Its parameters that require a gradient are trained, weights that several layers share once, as they are, transposed
// or in part (script_sharing.h); float32 buffers, such as the running statistics of batch norm, stay with the worker,
// and what is measured has their average. What is frozen, and buffers of other types, are as in the file, in every pass.
// A module that computes from a count of passes is refused, and so is one that always acts as in training
// (script_modes.h). Passes in training draw from libtorch's generator of
// the process, which is seeded for each and held for as long, so that results depend on the job's seed alone.
#pragma once

#include <memory>

#include "training/data/dataset.h"
#include "training/models/network.h"

namespace laconic {

// The module of options "file", with its "loss". It takes samples x channels x height x width floats, or, where `shape`
// is empty, samples x length tokens (int64), of which each counts as a sample below: scores come samples x length x
// classes, or with the first two as one. What it gives is, for
//   cross_entropy         scores, samples x classes
//   nll                   logarithms of probabilities, samples x classes
//   mse                   samples x classes against 1 for the label and 0 for the others, or one number a sample
//                         against the label's number
//   binary_cross_entropy  probabilities, samples x classes, or of two classes one number a sample: of the second
//   module                samples x classes, or one number a sample, of which the module's method loss(output, labels:
//                         int64) makes one number, the mean over the samples, from nothing else and without chance
// all but the last as torch.nn.functional calls them. Right is a sample whose label has the largest score; of one number
// a sample, the label next to it. Where numbers are predicted it gives samples x numbers, or one number a sample, for
// mse, l1, huber, or a loss(output, targets: samples x numbers floats) of its own.
//
// Throws UsageError with the file for what is no TorchScript module, or has nothing to train, parameters other than
// float32, or no such forward() or loss().
std::shared_ptr<const Network> make_script_network(const Options& options, const ImageShape& shape,
                                                   const Prediction& prediction);

}  // namespace laconic
