#include "runtimes/process/process.h"

#include <utility>

#include "base/error.h"
#include "runtimes/process/peers.h"
#include "runtimes/process/run.h"

namespace laconic::process {

Outcome Process::run(const ProcessOptions& options, Learner& learner, const StrategyFactory& make_strategy,
                     const RunObserver& observer) {
  LACONIC_CHECK(options.steps.value > 0, "no steps");
  Peers peers(host_, meeting_.share(host_.self()), rank());
  Run run(link_, host_, meeting_, std::move(peers), options, learner, make_strategy, observer);
  Outcome outcome = run.run();
  has_lost_leader_ = run.lost() == 0;
  return outcome;
}

}  // namespace laconic::process
