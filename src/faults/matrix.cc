#include "faults/matrix.h"

#include <cmath>

namespace laconic::faults {

std::vector<double> weights_of(const TinyJob& job) {
  std::vector<double> weights(static_cast<std::size_t>(job.workers()), 1.0);
  for (const OptionSpec& spec : job.strategy->options) {
    if (spec.name != "weights" || job.options.text("weights") != "samples") continue;
    weights.assign(job.setting.samples.begin(), job.setting.samples.end());
  }
  return weights;
}

Model mean_of(const std::vector<Model>& models, const std::vector<double>& weights) {
  Model mean(models.front().size());
  for (std::size_t j = 0; j < mean.size(); ++j) {
    double sum = 0.0;
    double divisor = 0.0;
    for (std::size_t k = 0; k < models.size(); ++k) {
      sum += weights[k] * static_cast<double>(models[k][j]);
      divisor += weights[k];
    }
    mean[j] = static_cast<float>(sum / divisor);
  }
  return mean;
}

double variance_of(const std::vector<Model>& models, const std::vector<double>& weights) {
  double variance = 0.0;
  for (std::size_t j = 0; j < models.front().size(); ++j) {
    double mean = 0.0;
    double divisor = 0.0;
    for (std::size_t k = 0; k < models.size(); ++k) {
      mean += weights[k] * static_cast<double>(models[k][j]);
      divisor += weights[k];
    }
    mean /= divisor;
    for (std::size_t k = 0; k < models.size(); ++k) {
      variance += weights[k] * std::pow(static_cast<double>(models[k][j]) - mean, 2) / divisor;
    }
  }
  return variance;
}

double squared_distance(const Model& one, const Model& other) {
  double sum = 0.0;
  for (std::size_t j = 0; j < one.size(); ++j) sum += std::pow(static_cast<double>(one[j]) - other[j], 2);
  return sum;
}

}  // namespace laconic::faults
