// The learner of a worker whose steps a loop of the user's takes. The protocol and the loop, each on its own thread, have
// the model by turns: a call of the protocol's gives the turn to the loop and waits until the loop has ended it.
#pragma once

#include <condition_variable>
#include <exception>
#include <mutex>
#include <vector>

#include "base/units.h"
#include "protocol/learner.h"

namespace laconic {

class LoopLearner final : public Learner {
 public:
  // What the loop is to do in its turn.
  enum class Turn {
    kStep,      // compute a gradient and take the optimiser's step
    kGradient,  // compute a gradient, into gradient()
    kApply,     // take the optimiser's step with gradient()
    kOver       // nothing any more: the run is done, params() are final
  };

  // The protocol waits at most `patience` (patience_of) for the loop.
  LoopLearner(Rank rank, Layout layout, std::vector<float> start, std::uint64_t samples, Seconds patience);

  // The loop's side. Between await_turn() and end_turn() the vectors are the loop's, after kOver for good.
  //
  // Throws the run's error. Ends when the run does, whose own waits have deadlines.
  Turn await_turn();
  void end_turn();

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
  // And waits for its end.
  void give_turn(Turn turn);
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
  bool is_loops_turn_ = false;
  Turn turn_ = Turn::kStep;
  std::exception_ptr error_;
};

}  // namespace laconic
