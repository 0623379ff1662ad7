#include "protocol/worker.h"

#include <cmath>
#include <string>

#include "base/error.h"
#include "kernels/vector_ops.h"

namespace laconic {

void Worker::check_loss() const {
  if (std::isfinite(last_.loss)) return;
  throw RunError("training diverged: the loss of worker " + std::to_string(node_.value) + " is not finite in step " +
                 std::to_string(step_.value + 1) +
                 "; lower optimizer.learning_rate, or a rate of the strategy's own, or synchronise more often");
}

void Worker::finish_step() {
  check_loss();
  loss_.sum += last_.loss;
  ++loss_.steps;
  if (last_.test_loss) {
    loss_.tested +=
        Prequential{.loss = *last_.test_loss * static_cast<double>(last_.samples), .samples = last_.samples};
  }
  ++step_.value;
}

void Worker::end_step(double loss) {
  last_.loss = loss;
  finish_step();
}

Worker Worker::representative(Rank rank, Comm& comm, GradientSource* gradients) const {
  Worker worker(rank, seed_,
                {.learner = parts_.learner,
                 .comm = comm,
                 .processor = parts_.processor,
                 .events = parts_.events,
                 .gradients = gradients});
  worker.node_ = node_;
  worker.step_ = step_;
  return worker;
}

PendingStep Worker::begin_local_step() {
  if (parts_.gradients != nullptr) {
    parts_.gradients->begin(step_);
    return PendingStep(take_gradient_and_step());
  }
  return PendingStep(rest_of_step(
      parts_.processor.submit(Processor::Cost::kStep, [this] { last_ = parts_.learner.local_step(step_); })));
}

Task<void> Worker::rest_of_step(Pending own) {
  co_await own.done();
  finish_step();
}

Task<void> Worker::take_gradient_and_step() {
  co_await take_gradient();
  co_await apply_gradient();
}

Task<void> Worker::local_step() {
  PendingStep pending = begin_local_step();
  co_await pending.done();
}

PendingStep Worker::begin_gradient() {
  if (parts_.gradients != nullptr) {
    parts_.gradients->begin(step_);
    return PendingStep(take_gradient());
  }
  return PendingStep(rest_of_gradient(
      parts_.processor.submit(Processor::Cost::kStep, [this] { last_ = parts_.learner.compute_gradient(step_); })));
}

Task<void> Worker::rest_of_gradient(Pending own) {
  co_await own.done();
  check_loss();
}

Task<void> Worker::take_gradient() {
  last_.loss = co_await parts_.gradients->finish();
  check_loss();
}

Task<void> Worker::compute_gradient() {
  PendingStep pending = begin_gradient();
  co_await pending.done();
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

Task<void> Worker::set_params(std::span<const float> model) {
  return comm().compute(model.size(), [this, model] { kernels::copy(model, params()); });
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
  archive.value("worker.tested_loss", loss_.tested.loss);
  archive.value("worker.tested_samples", loss_.tested.samples);
  archive.value("worker.last_loss", last_.loss);
  archive.value("worker.last_samples", last_.samples);
  bool tested = last_.test_loss.has_value();
  double test_loss = last_.test_loss.value_or(0.0);
  archive.value("worker.last_tested", tested);
  archive.value("worker.last_test_loss", test_loss);
  last_.test_loss = tested ? std::optional(test_loss) : std::nullopt;
}

}  // namespace laconic
