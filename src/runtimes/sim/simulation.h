// The simulator: all nodes of a job in one process, in virtual time. Same seed, same run: parameters, bytes and the
// order of events do not depend on the number of compute threads.
#pragma once

#include <span>
#include <vector>

#include "runtimes/node/run.h"
#include "runtimes/sim/network_model.h"
#include "runtimes/sim/node.h"

namespace laconic::sim {

struct SimulationOptions : RunOptions {
  // What changes results.
  std::vector<Seconds> step_cost = {};  // of each worker; its size is the number of workers
  NetworkOptions network = {};
  Damage damage = {};  // unset: frames arrive as sent
};

// Runs a job to its end. `learners` are the workers' (one each, they outlive the call); `make_strategy` is called for
// each worker in the order of ranks, then for the coordinator. An error of the run is in the outcome, with what there
// was until then; thrown are a caller's bug, and DecodeError or UsageError for a checkpoint that cannot be resumed.
//
// At a checkpoint every worker stops after its step, and all go on at the time when the last frame has arrived. A run
// that is resumed from one does what the run that made it went on to do.
Outcome simulate(const SimulationOptions& options, std::span<Learner* const> learners,
                 const StrategyFactory& make_strategy, const RunObserver& observer = {});

}  // namespace laconic::sim
