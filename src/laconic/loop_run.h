// A run whose workers are loops of the user's, as a session sees it, whoever carries the protocol.
#pragma once

#include <cstdint>
#include <exception>
#include <string>

#include "base/units.h"
#include "job/job.h"
#include "job/wiring.h"
#include "laconic/session.h"

namespace laconic {

// Every method may be called from any thread.
class LoopRun {
 public:
  virtual ~LoopRun() = default;

  virtual int world_size() const = 0;
  virtual std::uint64_t steps() const = 0;
  virtual bool needs_gradient() const = 0;
  // Ends the run with `error`, unless it has ended.
  virtual void abandon(const std::exception_ptr& error) = 0;
  // Says why a loop has left, where no other call of the program would.
  virtual void tell(const std::string&) {}
  // Waits for the end; throws the run's error, or UsageError where it has not begun.
  virtual RunSummary summary() = 0;
};

// How long a run waits for a loop, on the wall clock: the job's network.deadline, as far as the clock can count.
Seconds patience_of(const Job& job);
// What a run without an error came to.
RunSummary summary_of(const RunResult& result);

}  // namespace laconic
