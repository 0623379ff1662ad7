// R2 and mean absolute error of predicted numbers, added up over batches. Internal to the training layer.
#pragma once

#include <ATen/ATen.h>

#include <span>
#include <vector>

#include "protocol/learner.h"
#include "training/data/dataset.h"

namespace laconic {

// Sums are in double and in the order of the samples.
class RegressionErrors {
 public:
  // `chosen`: all samples that will be measured, whose mean is what R2 compares with.
  RegressionErrors(const Samples& samples, std::span<const std::uint32_t> chosen);

  // Outputs of a batch, targets.numel() of them, and what they should have been: samples x numbers.
  void add(const at::Tensor& outputs, const at::Tensor& targets);

  // R2 = 1 - sum (y - f)^2 / sum (y - mean y)^2 of each number, then their mean. A number that is the same in all samples
  // has an R2 of 1 where it is met exactly, else 0. `scale`, where there is one, takes the errors back to the unit of the
  // file; R2 has none.
  Regression regression(std::span<const ColumnScale> scale) const;

 private:
  std::vector<double> squared_spread_;  // of each number around its mean
  std::vector<double> squared_;         // errors of each number
  std::vector<double> absolute_;
  double samples_;
};

}  // namespace laconic
