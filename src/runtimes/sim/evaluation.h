// Measuring the average of the workers' models while they train: free in the simulator, no bytes, no barrier. Each
// worker adds its model to the evaluator's sum as it passes a step; whoever passes last has the average measured.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "runtimes/node/driver.h"
#include "runtimes/node/evaluation.h"
#include "runtimes/sim/node.h"

namespace laconic::sim {

class Evaluation {
 public:
  // All outlive it. Whether a measurement ends the run is asked before own models are in it.
  Evaluation(const RunOptions& options, const std::function<void(const Measurement&)>& record, World& world,
             Evaluator& evaluator)
      : options_(options), record_(record), world_(world), evaluator_(evaluator) {}

  // `node` has just taken a step that is measured. Returns true when the run shall end. Throws RunError when the
  // average model's loss is not finite after the last step.
  Task<bool> pass(Node& node);

 private:
  bool keeps_own_models(Step step) const;
  void record(const Measurement& measurement) const {
    if (record_) record_(measurement);
  }

  const RunOptions& options_;
  const std::function<void(const Measurement&)>& record_;
  World& world_;
  Evaluator& evaluator_;
  std::map<Step, std::vector<Model>> own_models_;  // by rank, kept only where they may be measured
};

}  // namespace laconic::sim
