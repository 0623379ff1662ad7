#include "scenario_job.h"

#include "strategies/registry.h"

namespace laconic::tests {

faults::TinyJob job_of(const Scenario& scenario) {
  Scenario coming = scenario;
  coming.comes_and_goes = true;
  return {.strategy = &find_strategy(coming.strategy),
          .options = strategy_options(coming.strategy, coming.options),
          .setting = strategy_setting(coming),
          .learner = [coming](int worker) { return learner_of(coming, worker); },
          .deadline = coming.deadline};
}

}  // namespace laconic::tests
