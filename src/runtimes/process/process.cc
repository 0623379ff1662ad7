#include "runtimes/process/process.h"

#include <utility>

#include "base/error.h"
#include "runtimes/process/peers.h"
#include "runtimes/process/run.h"

namespace laconic::mpi {

Process::Process(const std::optional<runtime::Launch>& launch, Seconds deadline, std::function<bool()> interrupted)
    : environment_(launch),
      link_(environment_, kMaxPayloadSize),
      meeting_(environment_, link_, {.deadline = deadline, .interrupted = std::move(interrupted)}) {}

Outcome Process::run(const ProcessOptions& options, Learner& learner, const StrategyFactory& make_strategy,
                     const RunObserver& observer) {
  LACONIC_CHECK(options.steps.value > 0, "no steps");
  LACONIC_CHECK(options.end_process != nullptr, "a process that cannot be ended");
  Peers peers(meeting_.share(Peers::self()), rank());
  Run run(environment_, link_, meeting_, std::move(peers), options, learner, make_strategy, observer);
  Outcome outcome = run.run();
  has_lost_leader_ = run.lost() == 0;
  return outcome;
}

}  // namespace laconic::mpi
