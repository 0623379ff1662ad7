// What a strategy sees of the node it runs on: the model, its own steps, the other nodes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/archive.h"
#include "base/ids.h"
#include "base/random.h"
#include "comm/comm.h"
#include "comm/processor.h"
#include "protocol/learner.h"

namespace laconic {

// What strategies tell about themselves; implemented by runtimes, which pass it on to the metrics.
class StrategyEvents {
 public:
  virtual ~StrategyEvents() = default;
  // Models were synchronised by `rank` and its peers.
  virtual void synchronised(Rank rank, Step step) = 0;
  // A quantity the strategy watches ("variance_estimate").
  virtual void measured(Rank rank, Step step, std::string_view name, double value) = 0;
  // Something that should not happen and was dealt with: one line for whoever runs the job.
  virtual void warned(Rank rank, Step step, const std::string& text) = 0;
};

// A local step, or its gradient alone, that was begun.
class PendingStep {
 public:
  explicit PendingStep(Task<void> rest) : rest_(std::move(rest)) {}
  // Returns when it is done; to be called once. Throws RunError when training diverged in it.
  Task<void> done() { return std::move(rest_); }

 private:
  Task<void> rest_;
};

// Where the gradients of a worker that stands for several nodes come from.
class GradientSource {
 public:
  virtual ~GradientSource() = default;
  // Starts on the gradient of `step` at the worker's params() and returns.
  virtual void begin(Step step) = 0;
  // Returns the loss when the gradient is in the worker's gradient(). Once after each begin().
  virtual Task<double> finish() = 0;
};

// All calls come from the thread that runs the protocol.
class Worker {
 public:
  struct Parts {  // all outlive the worker
    Learner& learner;
    Comm& comm;
    Processor& processor;
    StrategyEvents& events;
    GradientSource* gradients = nullptr;  // null: the learner's own
  };
  Worker(Rank rank, std::uint64_t seed, const Parts& parts) : rank_(rank), node_(rank), seed_(seed), parts_(parts) {}

  // A worker on this one's learner, processor and step, for a strategy that sees each group of workers as one: of that
  // rank among the groups, talking through `comm`, its gradients from `gradients` (null: the learner's own). What it
  // reports carries this worker's rank. This one's step does not end with that one's: end_step().
  Worker representative(Rank rank, Comm& comm, GradientSource* gradients) const;

  Rank rank() const { return rank_; }
  int world_size() const { return parts_.comm.world_size(); }
  // The step that is under way or comes next.
  Step step() const { return step_; }

  std::span<float> params() { return parts_.learner.params(); }
  std::span<float> gradient() { return parts_.learner.gradient(); }
  const Layout& layout() const { return parts_.learner.layout(); }
  std::size_t trained_size() const { return parts_.learner.trained_size(); }
  // Of the step taken last.
  double learning_rate() const { return parts_.learner.learning_rate(); }
  // Samples this worker trains on.
  std::uint64_t weight() const { return parts_.learner.samples(); }
  Comm& comm() const { return parts_.comm; }

  // One optimiser step on one batch. Throws RunError that names the worker and the step (counted from
  // 1) when the loss is not finite.
  Task<void> local_step();
  // The same in two parts: the step's work starts at once and goes on while the strategy communicates.
  PendingStep begin_local_step();
  // The two halves of a step: the gradient alone (at the cost of a step), and its application. apply_gradient ends the
  // step.
  Task<void> compute_gradient();
  Task<void> apply_gradient();
  PendingStep begin_gradient();
  // Ends a step whose gradient was applied on the group's account, by whoever represents this worker. `loss`: of this
  // worker's batch.
  void end_step(double loss);
  // Arithmetic on vectors, on the node's processor and behind the step that is under way there, free of time on the
  // runtime's clock. What `work` reads stays alive until the returned task is done. (Comm::compute is for what goes on
  // beside a step, or is too little for a turn of its own among the simulator's events.)
  Task<void> compute(std::function<void()> work);

  // params() becomes `model`, d elements that stay alive until the returned task is done.
  Task<void> set_params(std::span<const float> model);

  // A random stream of this worker at this step, or one that all workers share at it.
  RandomStream rng(std::string_view purpose) const;
  RandomStream shared_rng(std::string_view purpose) const;

  void synchronised() { parts_.events.synchronised(node_, step_); }
  void measured(std::string_view name, double value) { parts_.events.measured(node_, step_, name, value); }
  void warn(const std::string& text) { parts_.events.warned(node_, step_, text); }

  // Loss of the newest step, and all that it saw.
  double last_loss() const { return last_.loss; }
  const StepResult& last_step() const { return last_; }
  // Sum of the training losses of the steps since the last call, and their number: for the metrics.
  struct MeanLoss {
    double sum = 0.0;
    std::uint64_t steps = 0;
    Prequential tested = {};  // where the learner's steps tell
  };
  MeanLoss take_loss();

  void archive(Archive& archive);
  // For a run that goes on from a model alone: the steps that count as taken.
  void begin_at(Step step) { step_ = step; }

 private:
  Task<void> rest_of_step(Pending own);
  Task<void> rest_of_gradient(Pending own);
  Task<void> take_gradient();
  Task<void> take_gradient_and_step();
  void finish_step();
  void check_loss() const;

  Rank rank_;
  Rank node_;  // the job's node it runs on
  std::uint64_t seed_;
  Parts parts_;
  Step step_;
  StepResult last_;  // of the step or gradient under way
  MeanLoss loss_;
};

}  // namespace laconic
