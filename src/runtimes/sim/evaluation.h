// Measuring the average of the workers' models while they train: free in the simulator, no bytes, no barrier. Each
// worker adds its model to the evaluator's sum as it passes a step; whoever passes last has the average measured.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "runtimes/node/driver.h"
#include "runtimes/node/evaluation.h"
#include "runtimes/node/thread_pool.h"
#include "runtimes/sim/node.h"

namespace laconic::sim {

class Evaluation {
 public:
  // All outlive it, and it outlives `pool`. Whether a measurement ends the run is asked before own models are in it.
  Evaluation(const RunOptions& options, const std::function<void(const Measurement&)>& record, World& world,
             Evaluator& evaluator, ThreadPool& pool, Supervisor& supervisor)
      : options_(options),
        record_(record),
        world_(world),
        evaluator_(evaluator),
        pool_(pool),
        supervisor_(supervisor),
        helpers_(static_cast<std::size_t>(std::max(0, options.compute_threads - 1))) {}

  // `node` has just taken a step that is measured. Returns true when the run shall end. Throws RunError when the
  // average model's loss is not finite after the last step, Interrupted where it was given up: an evaluation that was not
  // finished is no measurement.
  Task<bool> pass(Node& node);
  // At the end of a run that did not come to its own: what was measured while own models were not, to the end.
  void record_rest();

 private:
  // The workers' own models after a step, of those that are measured.
  struct OwnModelsKept {
    std::vector<bool> chosen;  // by rank
    std::map<Rank, Model> models;
  };
  bool keeps_own_models(Step step) const;
  bool samples() const;
  std::vector<bool> choose(Step step) const;
  void measure_own(const OwnModelsKept& kept, Learner& learner, bool is_at_end, Measurement& measurement);
  void record(const Measurement& measurement) const {
    if (record_) record_(measurement);
  }

  const RunOptions& options_;
  const std::function<void(const Measurement&)>& record_;
  World& world_;
  Evaluator& evaluator_;
  ThreadPool& pool_;
  Supervisor& supervisor_;
  std::vector<ThreadPool::Queue> helpers_;
  std::optional<Measurement> unrecorded_;     // whose own models are being measured
  std::map<Step, OwnModelsKept> own_models_;  // kept only where they may be measured
};

}  // namespace laconic::sim
