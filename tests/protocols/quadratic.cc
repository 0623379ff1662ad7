#include "quadratic.h"

#include <limits>
#include <utility>

#include "base/error.h"
#include "base/random.h"

namespace laconic::tests {
namespace {

// a_k and b_k.
struct Coefficients {
  std::vector<double> curvature;
  std::vector<double> optimum;
};

Coefficients coefficients(const QuadraticProblem& problem, int worker) {
  RandomStream common(problem.seed, "common");
  RandomStream own(problem.seed, "own", {static_cast<std::uint64_t>(worker)});
  Coefficients result;
  for (std::size_t j = 0; j < problem.dimension; ++j) {
    result.optimum.push_back(common.gaussian() + problem.spread * own.gaussian());
    result.curvature.push_back(0.5 + own.uniform());
  }
  return result;
}

}  // namespace

Layout QuadraticProblem::layout() const {
  Layout layout;
  const std::vector<std::vector<std::int64_t>> one = {{static_cast<std::int64_t>(dimension)}};
  for (const std::vector<std::int64_t>& shape : shapes.empty() ? one : shapes) {
    TensorLayout tensor{
        .name = "w" + std::to_string(layout.tensors.size()), .offset = layout.size, .shape = shape, .size = 1};
    for (const std::int64_t extent : shape) tensor.size *= static_cast<std::size_t>(extent);
    layout.size += tensor.size;
    layout.tensors.push_back(tensor);
  }
  LACONIC_CHECK(layout.size == dimension, "tensors of " << layout.size << " elements for " << dimension);
  return layout;
}

std::vector<float> QuadraticProblem::start() const {
  RandomStream stream(seed, "start");
  std::vector<float> result(dimension);
  for (float& value : result) value = static_cast<float>(stream.gaussian());
  return result;
}

std::vector<float> QuadraticProblem::first_model(int worker) const {
  std::vector<float> result = start();
  RandomStream stream(seed, "scatter", {static_cast<std::uint64_t>(worker)});
  for (float& value : result) value += static_cast<float>(scatter * stream.gaussian());
  return result;
}

std::vector<double> QuadraticProblem::gradient(int worker, std::uint64_t step,
                                               const std::vector<double>& params) const {
  const Coefficients c = coefficients(*this, worker);
  RandomStream stream(seed, "noise", {static_cast<std::uint64_t>(worker), step});
  std::vector<double> result(dimension);
  for (std::size_t j = 0; j < dimension; ++j) {
    result[j] = c.curvature[j] * (params[j] - c.optimum[j]) + noise * stream.gaussian();
  }
  return result;
}

double QuadraticProblem::loss(int worker, const std::vector<double>& params) const {
  const Coefficients c = coefficients(*this, worker);
  double sum = 0.0;
  for (std::size_t j = 0; j < dimension; ++j) {
    const double distance = params[j] - c.optimum[j];
    sum += 0.5 * c.curvature[j] * distance * distance;
  }
  return sum;
}

QuadraticLearner::QuadraticLearner(const QuadraticProblem& problem, int worker)
    : problem_(problem),
      worker_(worker),
      layout_(problem.layout()),
      params_(problem.first_model(worker)),
      gradient_(problem.dimension),
      velocity_(problem.dimension) {}

StepResult QuadraticLearner::compute_gradient(Step step) {
  step_ = step.value;
  const std::vector<double> params(params_.begin(), params_.end());
  const std::vector<double> gradient = problem_.gradient(worker_, step.value, params);
  for (std::size_t j = 0; j < gradient.size(); ++j) gradient_[j] = static_cast<float>(gradient[j]);
  for (std::size_t j = trained_size(); j < gradient.size(); ++j) params_[j] -= 0.1F * std::exchange(gradient_[j], 0.0F);
  const bool diverged = step.value >= diverges_at_;
  const double loss = diverged ? std::numeric_limits<double>::quiet_NaN() : problem_.loss(worker_, params);
  return {.loss = loss, .samples = 1};
}

void QuadraticLearner::apply_gradient() {
  for (std::size_t j = 0; j < params_.size(); ++j) {
    velocity_[j] = static_cast<float>(problem_.momentum) * velocity_[j] + gradient_[j];
    params_[j] -= static_cast<float>(learning_rate()) * velocity_[j];
  }
}

StepResult QuadraticLearner::local_step(Step step) {
  const StepResult result = compute_gradient(step);
  apply_gradient();
  return result;
}

Evaluation QuadraticLearner::evaluate(std::span<const float> params, std::span<const float>, Split split) {
  if (split == Split::kValidation) return {};
  const double loss = problem_.loss(worker_, {params.begin(), params.end()});
  return {.loss = loss, .accuracy = 1.0 / (1.0 + loss), .samples = 1};
}

}  // namespace laconic::tests
