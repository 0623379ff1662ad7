// What runs in a world of faults: a strategy as a job sets it, on learners of a few parameters.
#pragma once

#include <functional>
#include <memory>

#include "protocol/learner.h"
#include "protocol/strategy.h"

namespace laconic::faults {

struct TinyJob {
  const StrategyRow* strategy = nullptr;
  Options options = {};          // of it
  StrategySetting setting = {};  // of workers that come and go
  // Makes the learner of a worker, with the common first parameters: each is the same as the one before.
  std::function<std::unique_ptr<Learner>(int worker)> learner = {};
  Seconds deadline{2.0};

  // Of a process (0: the coordinator's), where its strategy is to be another one; else nothing, or not set.
  std::function<StrategyFactory(int process)> instead = {};

  int workers() const { return setting.world_size; }
  StrategyFactory strategies(int process) const {
    StrategyFactory other = instead ? instead(process) : StrategyFactory();
    return other ? other : strategy->make(options, setting);
  }
};

}  // namespace laconic::faults
