// What a model's outputs lose against what they should be. Internal to the training layer.
#pragma once

#include <ATen/ATen.h>

#include <string_view>
#include <vector>

#include "training/data/dataset.h"

namespace laconic {

enum class Loss { kCrossEntropy, kNll, kMse, kL1, kHuber, kBinaryCrossEntropy, kModule };

// "cross_entropy", "mse", ...: one of those that the option `loss` of a model offers.
Loss find_loss(std::string_view name);

// Whether a loss compares with real numbers, and whether it compares with classes.
bool takes_numbers(Loss loss);
bool takes_classes(Loss loss);

// Throws UsageError, at `place`, where `name` does not compare with what is to be predicted.
void require_fit(std::string_view name, const Prediction& prediction, std::string_view place);

// The loss, the mean over the predictions or the sum; any of them but kModule. `outputs` are predictions x outputs, or
// one number a prediction; `targets` as Batch has them. Of numbers the mean and the sum are over all of them, as
// torch.nn.functional's mse_loss, l1_loss and huber_loss (delta = 1) give; of classes that are compared by numbers, as
// mse does, over predictions, with 1 for the class and 0 for the others (or the class itself, of one number).
at::Tensor loss_of(Loss loss, const at::Tensor& outputs, const at::Tensor& targets, const Prediction& prediction,
                   bool mean);

}  // namespace laconic
