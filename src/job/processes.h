// A process that a launcher has started as one of several: its start, what all of them agree upon before the first
// step, and its run. Who trains in it, the job's own training or a loop of the user's, is the caller's.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "job/job.h"
#include "job/process_end.h"
#include "job/wiring.h"
#include "links/mpi/launcher.h"
#include "runtimes/process/process.h"

namespace laconic {

// The deadline of the job, as far as this process can read it; what is wrong with it is for all to know, later.
Seconds first_deadline(const std::string& job_file, std::span<const std::string> overrides,
                       JobLoop loop = JobLoop::kOurs);

// Starts the MPI library, which by itself would wait for all processes without an end where one is held up: `end` ends
// that after the deadline, or when interrupted. Throws as mpi::Environment does.
void start_process(std::optional<mpi::Process>& process, const std::optional<runtime::Launch>& launch, Seconds deadline,
                   const std::function<bool()>& interrupted, const ProcessEnd& end);

// Every process calls these. Throw, in all of them, UsageError unless the job is one for these processes and the same
// in all; unless all begin with the same model, gamma and number of steps.
void agree_on_job(const Job& job, mpi::Process& process, bool resumes);
void agree_on_start(const JobSetup& setup, mpi::Process& process);

// `average`: mpi::ProcessOptions::average.
Outcome run_process(mpi::Process& process, const JobSetup& setup, bool average, Learner& learner,
                    const StrategyFactory& make_strategy, const RunObserver& observer, const ProcessEnd& end);

}  // namespace laconic
