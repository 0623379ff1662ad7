#include "laconic/loop_learner.h"

#include <chrono>
#include <string>
#include <utility>

#include "base/error.h"
#include "kernels/vector_ops.h"
#include "report/format.h"

namespace laconic {

LoopLearner::LoopLearner(Rank rank, Layout layout, std::vector<float> start, std::uint64_t samples, Seconds patience)
    : rank_(rank), layout_(std::move(layout)), params_(std::move(start)), samples_(samples), patience_(patience) {
  LACONIC_CHECK(params_.size() == layout_.size, params_.size() << " parameters for " << layout_.size);
}

LoopLearner::Turn LoopLearner::await_turn() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return is_loops_turn_ || error_; });
  if (error_) std::rethrow_exception(error_);
  return turn_;
}

void LoopLearner::end_turn() {
  const std::lock_guard lock(mutex_);
  is_loops_turn_ = false;
  changed_.notify_all();
}

void LoopLearner::fail(const std::exception_ptr& error) {
  const std::lock_guard lock(mutex_);
  if (error_ || (is_loops_turn_ && turn_ == Turn::kOver)) return;
  error_ = error;
  changed_.notify_all();
}

void LoopLearner::finish() {
  const std::lock_guard lock(mutex_);
  is_loops_turn_ = true;
  turn_ = Turn::kOver;
  changed_.notify_all();
}

void LoopLearner::give_turn(Turn turn) {
  std::unique_lock lock(mutex_);
  turn_ = turn;
  is_loops_turn_ = true;
  changed_.notify_all();
  const auto patience = std::chrono::duration<double>(patience_.value);
  const bool came = changed_.wait_for(lock, patience, [this] { return !is_loops_turn_ || error_; });
  if (error_) std::rethrow_exception(error_);
  if (!came) {
    throw PeerLost("worker " + std::to_string(rank_.value) + "'s loop has not come back in step " +
                   std::to_string(step_.value + 1) + " within " + significant(patience_.value, 3) +
                   " s; see where it is, or raise network.deadline");
  }
}

void LoopLearner::check_finite() const {
  if (kernels::all_finite(params_)) return;
  throw RunError("training diverged: a parameter of worker " + std::to_string(rank_.value) +
                 " is not finite after step " + std::to_string(step_.value + 1) +
                 "; lower the learning rate, or synchronise more often");
}

double LoopLearner::learning_rate() const { throw CheckFailed("the learning rate of a loop that is not ours"); }

StepResult LoopLearner::compute_gradient(Step step) {
  step_ = step;
  gradient_.resize(params_.size());
  give_turn(Turn::kGradient);
  return {};
}

void LoopLearner::apply_gradient() {
  give_turn(Turn::kApply);
  check_finite();
}

StepResult LoopLearner::local_step(Step step) {
  step_ = step;
  give_turn(Turn::kStep);
  check_finite();
  return {};
}

void LoopLearner::archive(Archive&) { throw CheckFailed("the state of a loop that is not ours"); }

}  // namespace laconic
