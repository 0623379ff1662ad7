#include "training/regression_errors.h"

#include <cmath>

namespace laconic {

RegressionErrors::RegressionErrors(const Samples& samples, std::span<const std::uint32_t> chosen)
    : squared_spread_(samples.targets_each, 0.0),
      squared_(samples.targets_each, 0.0),
      absolute_(samples.targets_each, 0.0),
      samples_(static_cast<double>(chosen.size())) {
  const std::size_t numbers = samples.targets_each;
  // Divided once, so that the mean of equal targets is what they are.
  std::vector<double> mean(numbers, 0.0);
  for (const std::uint32_t sample : chosen) {
    for (std::size_t number = 0; number < numbers; ++number) mean[number] += samples.targets[sample * numbers + number];
  }
  for (double& sum : mean) sum /= samples_;
  for (const std::uint32_t sample : chosen) {
    for (std::size_t number = 0; number < numbers; ++number) {
      const double difference = samples.targets[sample * numbers + number] - mean[number];
      squared_spread_[number] += difference * difference;
    }
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
    result.r2 += r2;
    result.mean_absolute_error += absolute_[number] * unit / samples_;
  }
  result.r2 /= numbers;
  result.mean_absolute_error /= numbers;
  return result;
}

}  // namespace laconic
