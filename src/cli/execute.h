// Running a job for a user: progress on the console, results in their folder, checkpoints beside it.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "cli/commands.h"
#include "cli/console.h"
#include "job/checkpoints.h"
#include "job/exit_code.h"
#include "job/job.h"
#include "job/wiring.h"

namespace laconic {

// In which way a job is run.
struct Execution {
  RuntimeKind kind = RuntimeKind::kSimulator;
  Runtime runtime = simulate_job;
  // The job with its data.
  std::function<JobSetup(const Job& job)> set_up;
  std::optional<Resumption> resume = {};  // the checkpoint to go on from
  // Called when all is made that the run needs, before its first step; what it throws ends all. May be empty.
  std::function<void()> ready = {};
  // Asked once the results' folder is this process' own: true ends with kDone, as another process has done it meanwhile.
  // May be empty.
  std::function<bool()> is_done = {};
};
Execution simulated_execution(const Console& console);

// Runs a job and writes its results. An error of the run is printed, with what there is in the results; thrown is what
// kept it from starting.
ExitCode execute(Console& console, const Job& job, const Execution& execution);

}  // namespace laconic
