// A learner of a few parameters whose every step is known in closed form: gradient descent on a quadratic of its own.
//
//   loss_k(w)    1/2 sum_j a_kj (w_j - b_kj)^2
//   gradient     a_k (w - b_k) + noise of step t
//
// It has no state but the model: after the same steps from the same model two learners of a worker hold the same bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "protocol/learner.h"

namespace laconic::faults {

struct TinyProblem {
  std::size_t dimension = 24;
  std::uint64_t seed = 1;
  // Of the start, the optima and the noise: how far apart the workers' models come in a few steps. Their variance grows
  // with its square.
  double scale = 1.0;
  double learning_rate = 0.1;
  // Parameters behind these that no step changes, 0 at the start: a larger model on the network.
  std::size_t padding = 0;

  std::size_t parameters() const { return dimension + padding; }
};

// The common first parameters, the padding included.
std::vector<float> start_of(const TinyProblem& problem);
// Training samples, which differ from worker to worker.
std::uint64_t samples_of(int worker);

class TinyLearner final : public Learner {
 public:
  TinyLearner(const TinyProblem& problem, int worker);

  std::span<float> params() override { return params_; }
  std::span<float> gradient() override { return gradient_; }
  const Layout& layout() const override { return layout_; }
  std::span<float> buffers() override { return {}; }
  double learning_rate() const override;
  std::uint64_t samples() const override { return samples_of(worker_); }
  StepResult compute_gradient(Step step) override;
  void apply_gradient() override;
  StepResult local_step(Step step) override;
  // There is nothing held out.
  Evaluation evaluate(std::span<const float>, std::span<const float>, Split) override { return {}; }
  void archive(Archive& archive) override { static_cast<void>(archive); }

 private:
  TinyProblem problem_;
  int worker_;
  Layout layout_;
  std::vector<double> curvature_;  // a_k
  std::vector<double> optimum_;    // b_k
  std::vector<float> params_;
  std::vector<float> gradient_;
};

}  // namespace laconic::faults
