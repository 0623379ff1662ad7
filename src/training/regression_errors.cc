#include "training/regression_errors.h"

#include <cmath>

namespace laconic {

RegressionErrors::RegressionErrors(const Samples& split)
    : squared_spread_(split.targets_each, 0.0),
      squared_(split.targets_each, 0.0),
      absolute_(split.targets_each, 0.0),
      samples_(static_cast<double>(split.count())) {
  std::vector<double> mean(split.targets_each, 0.0);
  for (std::size_t i = 0; i < split.targets.size(); ++i) mean[i % mean.size()] += split.targets[i] / samples_;
  for (std::size_t i = 0; i < split.targets.size(); ++i) {
    const double difference = split.targets[i] - mean[i % mean.size()];
    squared_spread_[i % mean.size()] += difference * difference;
  }
  // What the mean's own rounding leaves is no spread.
  for (std::size_t number = 0; number < mean.size(); ++number) {
    if (std::sqrt(squared_spread_[number] / samples_) <= 1e-12 * std::abs(mean[number])) squared_spread_[number] = 0.0;
  }
}

void RegressionErrors::add(const at::Tensor& outputs, const at::Tensor& targets) {
  const at::Tensor given = outputs.reshape(targets.sizes()).contiguous();
  const float* output = given.data_ptr<float>();
  const float* target = targets.data_ptr<float>();
  const std::size_t numbers = squared_.size();
  for (std::size_t i = 0; i < static_cast<std::size_t>(targets.numel()); ++i) {
    const double error = static_cast<double>(output[i]) - target[i];
    squared_[i % numbers] += error * error;
    absolute_[i % numbers] += std::abs(error);
  }
}

Regression RegressionErrors::regression(std::span<const ColumnScale> scale) const {
  const auto numbers = static_cast<double>(squared_.size());
  Regression result;
  for (std::size_t number = 0; number < squared_.size(); ++number) {
    const double spread = squared_spread_[number];
    const double r2 = spread > 0.0 ? 1.0 - squared_[number] / spread : squared_[number] == 0.0 ? 1.0 : 0.0;
    const double unit = scale.empty() ? 1.0 : scale[number].deviation;
    result.r2 += r2 / numbers;
    result.mean_absolute_error += absolute_[number] * unit / samples_ / numbers;
  }
  return result;
}

}  // namespace laconic
