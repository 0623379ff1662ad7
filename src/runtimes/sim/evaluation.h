// Measuring the average of the workers' models while they train: free in the simulator, no bytes, no barrier. Each
// worker adds its parameters and buffers to a sum as it passes a step; whoever passes last has the average measured.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "runtimes/sim/node.h"
#include "strategies/measurement.h"
#include "strategies/worker.h"

namespace laconic::sim {

// Evaluations are due at the steps ceil(i * numerator / denominator), i = 1, 2, ..., and at the last step.
struct EvaluationSchedule {
  std::uint64_t numerator = 1;
  std::uint64_t denominator = 1;

  bool due(Step step, Step last) const;
};

// All tensors of a model.
struct Model {
  std::vector<float> params;   // d elements
  std::vector<float> buffers;  // as many as Learner::buffers()
};
inline Model model_of(std::span<const float> params, std::span<const float> buffers) {
  return {.params = {params.begin(), params.end()}, .buffers = {buffers.begin(), buffers.end()}};
}

// Which of the workers' own models are measured too: K more evaluations each time.
enum class OwnModels { kNever, kAtEnd, kAlways };

class Evaluator {
 public:
  struct Options {
    EvaluationSchedule schedule = {};
    Step last = {};  // the step after which the run ends
    OwnModels own_models = OwnModels::kAtEnd;
    // Whether a measurement (own models not yet in it) ends the run there; unset: none does.
    std::function<bool(const Measurement&)> until = {};
    std::function<void(const Measurement&)> record = {};
  };

  // `start`: a learner at the common start, the good state until something better is measured.
  Evaluator(const Options& options, World& world, Learner& start)
      : options_(options), world_(world), last_good_model_(model_of(start.params(), start.buffers())) {}

  // What the strategies tell, for the measurements.
  void count_sync() { ++syncs_; }
  void watch(std::string_view name, double value) { watched_[std::string(name)] = value; }
  std::uint64_t syncs() const { return syncs_; }
  const std::map<std::string, double>& watched() const { return watched_; }

  bool due(Step step) const { return options_.schedule.due(step, options_.last); }
  // `worker` has just taken step worker.step() - 1. Returns true when the run shall end. Throws RunError when the
  // average model's loss is not finite after the last step.
  Task<bool> pass(Worker& worker, Learner& learner);

  // The average model of the newest measurement whose losses were finite; the start before the first.
  const Model& last_good_model() const { return last_good_model_; }
  Step last_good_step() const { return last_good_step_; }

 private:
  // The workers that have passed a step so far.
  struct Slot {
    int passed = 0;
    std::vector<double> sum;          // of the parameters
    std::vector<double> buffers_sum;  // of the buffers
    double squared_norms = 0.0;
    std::int32_t broken = -1;  // the first worker to pass whose parameters are not finite
    double loss_sum = 0.0;
    std::uint64_t loss_steps = 0;
    Prequential tested;
    std::vector<Model> own_models;  // by rank, kept only where they may be measured
  };
  bool keeps_own_models(Step step) const;

  Options options_;
  World& world_;
  std::map<Step, Slot> slots_;
  Prequential prequential_;  // up to the newest step that all have passed
  std::uint64_t syncs_ = 0;
  std::map<std::string, double> watched_;
  Model last_good_model_;
  Step last_good_step_;
};

}  // namespace laconic::sim
