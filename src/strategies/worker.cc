#include "strategies/worker.h"

#include <cmath>
#include <string>

#include "base/error.h"

namespace laconic {

Task<void> PendingStep::done() {
  co_await work_.done();
  finish_();
}

void Worker::check_loss() const {
  if (std::isfinite(last_.loss)) return;
  throw RunError("training diverged: the loss of worker " + std::to_string(rank_.value) + " is not finite in step " +
                 std::to_string(step_.value + 1) + "; lower optimizer.learning_rate or synchronise more often");
}

void Worker::finish_step() {
  check_loss();
  loss_.sum += last_.loss;
  ++loss_.steps;
  ++step_.value;
}

PendingStep Worker::begin_local_step() {
  Pending work = parts_.processor.submit(Processor::Cost::kStep, [this] { last_ = parts_.learner.local_step(step_); });
  return {std::move(work), [this] { finish_step(); }};
}

Task<void> Worker::local_step() {
  PendingStep pending = begin_local_step();
  co_await pending.done();
}

Task<void> Worker::compute_gradient() {
  Pending work =
      parts_.processor.submit(Processor::Cost::kStep, [this] { last_ = parts_.learner.compute_gradient(step_); });
  co_await work.done();
  check_loss();
}

Task<void> Worker::apply_gradient() {
  Pending work = parts_.processor.submit(Processor::Cost::kFree, [this] { parts_.learner.apply_gradient(); });
  co_await work.done();
  finish_step();
}

Task<void> Worker::compute(std::function<void()> work) {
  Pending pending = parts_.processor.submit(Processor::Cost::kFree, std::move(work));
  co_await pending.done();
}

RandomStream Worker::rng(std::string_view purpose) const {
  return {seed_, purpose, {static_cast<std::uint64_t>(rank_.value), step_.value}};
}

RandomStream Worker::shared_rng(std::string_view purpose) const { return {seed_, purpose, {step_.value}}; }

Worker::MeanLoss Worker::take_loss() { return std::exchange(loss_, MeanLoss{}); }

void Worker::archive(Archive& archive) {
  archive.value("worker.step", step_.value);
  archive.value("worker.loss_sum", loss_.sum);
  archive.value("worker.loss_steps", loss_.steps);
}

}  // namespace laconic
