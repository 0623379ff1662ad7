// What a model's outputs lose against what they should be. Internal to the training layer.
#pragma once

#include <ATen/ATen.h>

#include "base/options.h"
#include "training/data/dataset.h"

namespace laconic {

enum class Loss { kCrossEntropy, kNll, kMse, kL1, kHuber, kBinaryCrossEntropy, kModule };

// The loss that `options` name in "loss". Throws UsageError where it does not compare with what is to be predicted.
Loss find_loss(const Options& options, const Prediction& prediction);

// The loss, the mean over the predictions or the sum; any of them but kModule. `outputs` are predictions x outputs, or
// one number a prediction; `targets` as Batch has them. Of numbers the mean and the sum are over all of them, as
// torch.nn.functional's mse_loss, l1_loss and huber_loss (delta = 1) give; of classes that are compared by numbers, as
// mse does, over predictions, with 1 for the class and 0 for the others (or the class itself, of one number).
at::Tensor loss_of(Loss loss, const at::Tensor& outputs, const at::Tensor& targets, const Prediction& prediction,
                   bool mean);

}  // namespace laconic
