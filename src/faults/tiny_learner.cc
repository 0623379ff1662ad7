#include "faults/tiny_learner.h"

#include "base/random.h"
#include "compress/compressor.h"

namespace laconic::faults {
namespace {

constexpr double kNoise = 0.1;

}  // namespace

std::vector<float> start_of(const TinyProblem& problem) {
  RandomStream stream(problem.seed, "tiny start");
  std::vector<float> start(problem.parameters());
  for (std::size_t j = 0; j < problem.dimension; ++j) {
    start[j] = static_cast<float>(problem.scale * stream.gaussian());
  }
  return start;
}

std::uint64_t samples_of(int worker) { return 10 + 7 * static_cast<std::uint64_t>(worker); }

TinyLearner::TinyLearner(const TinyProblem& problem, int worker)
    : problem_(problem),
      worker_(worker),
      layout_(flat_layout(problem.parameters())),
      params_(start_of(problem)),
      gradient_(problem.parameters()) {
  RandomStream common(problem.seed, "tiny optimum");
  RandomStream own(problem.seed, "tiny worker", {static_cast<std::uint64_t>(worker)});
  for (std::size_t j = 0; j < problem.dimension; ++j) {
    optimum_.push_back(problem.scale * (common.gaussian() + own.gaussian()));
    curvature_.push_back(0.5 + own.uniform());
  }
}

double TinyLearner::learning_rate() const { return problem_.learning_rate; }

StepResult TinyLearner::compute_gradient(Step step) {
  RandomStream stream(problem_.seed, "tiny noise", {static_cast<std::uint64_t>(worker_), step.value});
  double loss = 0.0;
  for (std::size_t j = 0; j < problem_.dimension; ++j) {
    const double distance = params_[j] - optimum_[j];
    loss += 0.5 * curvature_[j] * distance * distance;
    gradient_[j] = static_cast<float>(curvature_[j] * distance + problem_.scale * kNoise * stream.gaussian());
  }
  return {.loss = loss, .samples = 1};
}

void TinyLearner::apply_gradient() {
  for (std::size_t j = 0; j < problem_.dimension; ++j) {
    params_[j] -= static_cast<float>(problem_.learning_rate) * gradient_[j];
  }
}

StepResult TinyLearner::local_step(Step step) {
  const StepResult result = compute_gradient(step);
  apply_gradient();
  return result;
}

}  // namespace laconic::faults
