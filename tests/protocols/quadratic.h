// A learner whose every step is known in closed form: stochastic gradient descent on a quadratic of its own.
#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "protocol/learner.h"

namespace laconic::tests {

// Worker k's loss is 1/2 sum_j a_kj (w_j - b_kj)^2; its gradient in step t is a_k (w - b_k) + noise_kt.
struct QuadraticProblem {
  int workers = 4;
  std::size_t dimension = 16;
  std::uint64_t seed = 1;
  double learning_rate = 0.1;
  double decay = 1.0;     // of the learning rate, a step
  double momentum = 0.0;  // of the learner's own steps
  double noise = 0.1;
  double spread = 1.0;   // of the workers' optima b_k around a common one
  double scatter = 0.0;  // of the workers' first models around the common start
  // The last elements, which are not trained: a step moves them by -0.1 times their gradient, whatever the rate.
  std::size_t buffers = 0;
  std::vector<float> constants = {};  // buffers of their own beside the model, which nothing changes
  // Of the model's tensors; they hold `dimension` elements. Without any the model is one vector.
  std::vector<std::vector<std::int64_t>> shapes = {};

  Layout layout() const;
  // Of step `step`.
  double rate(std::uint64_t step) const { return learning_rate * std::pow(decay, static_cast<double>(step)); }
  std::vector<float> start() const;
  // What worker k begins with: start() when there is no scatter.
  std::vector<float> first_model(int worker) const;
  // The stochastic gradient, in double.
  std::vector<double> gradient(int worker, std::uint64_t step, const std::vector<double>& params) const;
  double loss(int worker, const std::vector<double>& params) const;
  // Numbers of samples, which differ from worker to worker where none are given.
  std::vector<std::uint64_t> sample_counts = {};
  std::uint64_t samples(int worker) const {
    if (!sample_counts.empty()) return sample_counts.at(static_cast<std::size_t>(worker));
    return 10 + 7 * static_cast<std::uint64_t>(worker);
  }
};

class QuadraticLearner final : public Learner {
 public:
  QuadraticLearner(const QuadraticProblem& problem, int worker);

  std::span<float> params() override { return params_; }
  std::span<float> gradient() override { return gradient_; }
  const Layout& layout() const override { return layout_; }
  std::span<float> buffers() override { return problem_.constants; }
  std::size_t trained_size() const override { return problem_.dimension - problem_.buffers; }
  double learning_rate() const override { return problem_.rate(step_); }
  std::uint64_t samples() const override { return problem_.samples(worker_); }
  StepResult compute_gradient(Step step) override;
  void apply_gradient() override;
  StepResult local_step(Step step) override;
  // Loss of the worker's own quadratic; "accuracy" is 1 / (1 + loss).
  Evaluation evaluate(std::span<const float> params, std::span<const float> buffers, Split split) override;
  void archive(Archive& archive) override {
    archive.floats("velocity", velocity_);
    archive.value("step", step_);
  }

  // From this step on the loss is not a number.
  void diverge_at(Step step) { diverges_at_ = step.value; }

 private:
  QuadraticProblem problem_;
  int worker_;
  Layout layout_;
  std::vector<float> params_;
  std::vector<float> gradient_;
  std::vector<float> velocity_;
  std::uint64_t step_ = 0;  // whose gradient was computed last
  std::uint64_t diverges_at_ = UINT64_MAX;
};

}  // namespace laconic::tests
