// Measuring the average of the workers' models while they train: free in the simulator, no bytes, no barrier. Each
// worker adds its parameters and buffers to a sum as it passes a step; whoever passes last has the average measured.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "protocol/measurement.h"
#include "protocol/worker.h"
#include "runtimes/node/run.h"
#include "runtimes/sim/node.h"

namespace laconic::sim {

// All tensors of a model.
struct Model {
  std::vector<float> params;   // d elements
  std::vector<float> buffers;  // as many as Learner::buffers()
};
inline Model model_of(std::span<const float> params, std::span<const float> buffers) {
  return {.params = {params.begin(), params.end()}, .buffers = {buffers.begin(), buffers.end()}};
}

class Evaluator {
 public:
  // `options` and `world` outlive it. Whether a measurement ends the run is asked before own models are in it.
  // `start`: a learner at the common start, the good state until something better is measured.
  Evaluator(const RunOptions& options, std::function<void(const Measurement&)> record, World& world, Learner& start)
      : options_(options),
        record_(std::move(record)),
        world_(world),
        last_good_model_(model_of(start.params(), start.buffers())) {}

  // What the strategies tell, for the measurements.
  void count_sync() { ++syncs_; }
  void watch(std::string_view name, double value) { watched_[std::string(name)] = value; }
  std::uint64_t syncs() const { return syncs_; }
  const std::map<std::string, double>& watched() const { return watched_; }

  // `worker` has just taken step worker.step() - 1. Returns true when the run shall end. Throws RunError when the
  // average model's loss is not finite after the last step.
  Task<bool> pass(Worker& worker, Learner& learner);

  // The average model of the newest measurement whose losses were finite; the start before the first.
  const Model& last_good_model() const { return last_good_model_; }
  Step last_good_step() const { return last_good_step_; }

  // When all workers have passed the same steps.
  void archive(Archive& archive);

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

  const RunOptions& options_;
  std::function<void(const Measurement&)> record_;
  World& world_;
  std::map<Step, Slot> slots_;
  Prequential prequential_;  // up to the newest step that all have passed
  std::uint64_t syncs_ = 0;
  std::map<std::string, double> watched_;
  Model last_good_model_;
  Step last_good_step_;
};

}  // namespace laconic::sim
