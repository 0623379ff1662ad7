// Where a loop of the user's and the protocol hand one worker's model to each other. For the protocol it is a Learner
// whose steps someone else takes: a call of it waits until the loop has done its part.
#pragma once

#include <condition_variable>
#include <exception>
#include <mutex>
#include <vector>

#include "base/units.h"
#include "protocol/learner.h"

namespace laconic {

class Desk final : public Learner {
 public:
  // What the loop is to do before it hands back.
  enum class Turn {
    kStep,      // compute a gradient and take the optimiser's step
    kGradient,  // compute a gradient, into gradient()
    kApply,     // take the optimiser's step with gradient()
    kOver       // nothing any more: the run is done, params() are final
  };

  // The protocol waits at most `patience` (patience_of) for the loop.
  Desk(Rank rank, Layout layout, std::vector<float> start, std::uint64_t samples, Seconds patience);

  // The loop's side. Between take() and hand_back() the vectors are the loop's, after kOver for good.
  //
  // Waits for the loop's turn; throws the run's error. Ends when the run does, whose own waits have deadlines.
  Turn take();
  void hand_back();

  // Ends all waits of both sides with `error`, and all later ones; the first error stays. Any thread.
  void fail(const std::exception_ptr& error);
  // The run is done. Nothing of the protocol's side is called any more.
  void finish();

  // The protocol's side.
  std::span<float> params() override { return params_; }
  std::span<float> gradient() override { return gradient_; }
  const Layout& layout() const override { return layout_; }
  std::span<float> buffers() override { return {}; }
  std::uint64_t samples() const override { return samples_; }
  double learning_rate() const override;
  // Their losses are 0: the loop's own, which it does not tell.
  StepResult compute_gradient(Step step) override;
  void apply_gradient() override;
  StepResult local_step(Step step) override;
  Evaluation evaluate(std::span<const float>, std::span<const float>, Split) override { return {}; }
  void archive(Archive& archive) override;

 private:
  void hand_over(Turn turn);
  void check_finite() const;

  const Rank rank_;
  const Layout layout_;
  std::vector<float> params_;
  std::vector<float> gradient_;  // empty until the protocol asks for one
  const std::uint64_t samples_;
  const Seconds patience_;
  Step step_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_loops_ = false;  // whose turn it is
  Turn turn_ = Turn::kStep;
  std::exception_ptr error_;
};

}  // namespace laconic
