// What a runtime does with the workers at checkpoints, without saving them: they wait until all have come.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "run.h"

namespace laconic::tests {

class Drain {
 public:
  // At the scenario's checkpoints, but for its last step, in one run. Workers that have all come wait for a second, for
  // what is on its way to arrive, and for `rest` more; then all go on at once.
  Drain(const Scenario& scenario, Seconds rest) : scenario_(scenario), rest_(rest) {}

  // Wraps the strategies of the scenario's nodes; the drain outlives them.
  StrategyFactory wrap(StrategyFactory inner);

  // Told when all have come, with the models of all workers by rank.
  std::function<void(Step step, const std::vector<std::vector<float>>& models)> on_drained = {};
  int drains() const { return drains_; }
  // What workers sent and received in the `rest` of all drains.
  Bytes spoken() const { return spoken_; }

 private:
  friend class DrainedStrategy;
  Task<void> wait(Worker& self);

  const Scenario& scenario_;
  Seconds rest_;
  struct Arrived {
    std::map<Rank, std::vector<float>> models;
    Seconds all_since;
  };
  std::map<Step, Arrived> arrived_;
  int drains_ = 0;
  Bytes spoken_;
};

}  // namespace laconic::tests
