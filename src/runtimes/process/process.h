// One process of a run over several: worker r in process r, the coordinator beside worker 0.
//
//   MachineHost host;
//   process::Process process(link, host, deadline, interrupted);
//   ... = process.meeting().together([&] { ... });   // what all need before the first step
//   const Outcome outcome = process.run(options, learner, make_strategy, observer);
//
// Two threads: the one that calls run() carries the protocol and the messages, another computes; so a gradient and an
// exchange go on at once. Every process ends: at the end of the steps together with the others, and when a peer is
// lost, at the latest when the deadline has passed, with an error that names it. Beside the strategies' own waits that
// is seen to by signs of life: each process hears from process 0, and process 0 from each, several times within a
// deadline.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "runtimes/node/link.h"
#include "runtimes/node/run.h"
#include "runtimes/process/host.h"
#include "runtimes/process/meeting.h"

namespace laconic::process {

struct ProcessOptions : RunOptions {
  // Measure the average of the workers' models, which travel for it, and not what worker 0 has.
  bool average = false;
  // Called, on another thread, when this process has to end and its own thread is held up: says why and ends the
  // process. To be set where the host watches.
  std::function<void(const std::string& why)> end_process = {};
};

class Process {
 public:
  // `link` and `host` outlive it. `interrupted` as RunObserver::interrupted, for what comes before the run.
  Process(node::Link& link, Host& host, Seconds deadline, std::function<bool()> interrupted)
      : link_(link),
        host_(host),
        meeting_(link, host.clock(), {.deadline = deadline, .interrupted = std::move(interrupted)}) {}

  int rank() const { return link_.self(); }
  int size() const { return link_.size(); }
  bool leads() const { return rank() == 0; }
  Meeting& meeting() { return meeting_; }

  // Runs this process' part of a job to its end; again, with another job, where the outcome has no error and nobody
  // asked for the end. `learner` is that of worker rank(). `make_strategy` is called
  // for the worker, and in process 0 for the coordinator where the job has one. An error of the run is in the outcome,
  // in every process; the outcome of process 0 has the ledger of all nodes, that of another its own. Thrown are a
  // caller's bug, and DecodeError or UsageError for a checkpoint that cannot be resumed.
  Outcome run(const ProcessOptions& options, Learner& learner, const StrategyFactory& make_strategy,
              const RunObserver& observer);

  // Whether the run has ended since this process heard no more of process 0.
  bool has_lost_leader() const { return has_lost_leader_; }

 private:
  node::Link& link_;
  Host& host_;
  Meeting meeting_;
  bool has_lost_leader_ = false;
};

}  // namespace laconic::process
