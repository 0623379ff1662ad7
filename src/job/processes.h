// A process that a launcher has started as one of several: its start, what all of them agree upon before the first
// step, and its run. Who trains in it, the job's own training or a loop of the user's, is the caller's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "job/job.h"
#include "job/process_end.h"
#include "job/wiring.h"
#include "links/connection.h"
#include "runtimes/process/process.h"

namespace laconic {

// The deadline of the job, as far as this process can read it; what is wrong with it is for all to know, later.
Seconds first_deadline(const std::string& job_file, std::span<const std::string> overrides,
                       JobLoop loop = JobLoop::kOurs);

// One process of a job, connected to the others.
class JobProcess {
 public:
  // Connects, which by itself would wait for all processes without an end where one is held up: `end` ends that after
  // the deadline, or when interrupted. Throws as links::connect does.
  JobProcess(const std::optional<links::Launch>& launch, Seconds deadline, const std::function<bool()>& interrupted,
             const ProcessEnd& end);

  process::Process& process() { return *process_; }
  // Name and version of what carries the messages, for people.
  const std::string& library() const { return connection_->library(); }
  // links::Connection::part.
  void part(Seconds limit, const std::function<void()>& late) { connection_->part(limit, late); }

 private:
  process::MachineHost host_;
  std::unique_ptr<links::Connection> connection_;
  std::optional<process::Process> process_;
};

// Every process calls these. Throw, in all of them, UsageError unless the job is one for these processes and the same
// in all; unless all begin with the same model, gamma and number of steps.
void agree_on_job(const Job& job, process::Process& process, bool resumes);
void agree_on_start(const JobSetup& setup, process::Process& process);

// `average`: process::ProcessOptions::average.
Outcome run_process(process::Process& process, const JobSetup& setup, bool average, Learner& learner,
                    const StrategyFactory& make_strategy, const RunObserver& observer, const ProcessEnd& end);

}  // namespace laconic
