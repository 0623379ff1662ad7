// A scenario over several processes in this program.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kept_checkpoints.h"
#include "run.h"
#include "runtimes/process/process.h"
#include "runtimes/sim/process_world.h"

namespace laconic::tests {

// What a run came to in one process.
struct ProcessResult {
  std::optional<Outcome> outcome;  // unset: the run did not begin, or threw
  std::string error;               // the text of the outcome's error, or of what was thrown
  bool is_loss = false;            // it is a PeerLost
  bool is_interrupted = false;
  std::vector<float> params;  // of the process' worker
  Seconds ended;              // of the world's clock
};

struct ProcessesResult {
  std::vector<ProcessResult> processes;
  std::vector<Measurement> measurements;  // process 0's
  std::uint64_t trace_hash = 0;
  Seconds ended;             // when the last process had
  std::uint64_t lost = 0;    // frames
  std::uint64_t breaks = 0;  // of streams, over all processes
  std::string hang;          // what ProcessWorld::run() threw; empty: all have ended
};

struct ProcessesOptions {
  sim::ProcessWorldOptions world = {};  // its number of processes is the scenario's workers
  bool average = true;
  bool over_sessions = false;                  // over byte streams, else over links of whole frames
  std::vector<KeptCheckpoints*> keepers = {};  // of each process; empty: none
  std::vector<std::optional<ResumePoint>> resume = {};
  std::function<void(sim::ProcessWorld&)> plan = {};  // plans what happens, before the run
  std::function<bool(int process)> interrupted = {};
};

ProcessesResult run_over_processes(const Scenario& scenario, const ProcessesOptions& options);

}  // namespace laconic::tests
