// The simulator: all nodes of a job in one process, in virtual time. Same seed, same run: parameters, bytes and the
// order of events do not depend on the number of compute threads.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "comm/comm.h"
#include "comm/ledger.h"
#include "runtimes/sim/evaluation.h"
#include "runtimes/sim/network_model.h"
#include "strategies/measurement.h"
#include "strategies/strategy.h"

namespace laconic::sim {

struct SimulationOptions {
  // What changes results.
  Step steps = {};  // local steps of each worker
  std::uint64_t seed = 0;
  std::vector<Seconds> step_cost = {};  // of each worker; its size is the number of workers
  NetworkOptions network = {};
  CommOptions comm = {};
  bool with_coordinator = true;
  EvaluationSchedule evaluation = {};
  OwnModels own_models = OwnModels::kAtEnd;
  std::function<bool(const Measurement&)> until = {};  // unset: run all steps
  Damage damage = {};                                  // unset: frames arrive as sent

  // What changes speed.
  int compute_threads = 1;                    // 0: the calling thread computes, which is the fastest for tiny models
  std::function<void()> prepare_thread = {};  // runs once in each compute thread
};

// A worker has taken a step. The views are valid during the call.
struct WorkerStep {
  Rank rank;
  Step step;  // taken so far
  const StepResult& result;
  std::span<const float> params;
  Seconds time;
  const Ledger& ledger;  // of what all nodes have sent so far
};

// Told what happens, on the thread that runs the simulation.
struct SimulationObserver {
  std::function<void(const Measurement&)> on_measurement;
  // Worker 0 has taken a step.
  std::function<void(Step step, double loss, std::uint64_t syncs, Bytes framed)> on_step;
  // Any worker has taken a step.
  std::function<void(const WorkerStep&)> on_worker_step;
  // Worker 0 took part in a synchronisation; `watched` holds the newest values of what the strategy watches.
  std::function<void(Step step, const std::map<std::string, double>& watched)> on_sync;
  // Something that should not happen and was dealt with, in one line.
  std::function<void(const std::string& text)> on_warning;
  // Asked between events; true ends the run with what there is.
  std::function<bool()> interrupted;
};

struct Outcome {
  enum class End { kSteps, kUntil, kInterrupted, kFailed };
  End end = End::kSteps;
  std::exception_ptr error;  // of kFailed
  Ledger ledger{0};
  Seconds time;  // of the simulated clock, when the run ended
  std::uint64_t syncs = 0;
  std::uint64_t trace_hash = 0;
  // Average model of the newest measurement whose losses were finite, the common start before the first one; of
  // kInterrupted the average of the workers' models as they are. And the step it is of, worker 0's.
  std::vector<float> model;
  std::vector<float> buffers;  // the same average of the workers' buffers
  Step model_step;
};

// Runs a job to its end. `learners` are the workers' (one each, they outlive the call); `make_strategy` is called for
// each worker in the order of ranks, then for the coordinator. An error of the run is in the outcome, with what there
// was until then; only a caller's bug is thrown.
Outcome simulate(const SimulationOptions& options, std::span<Learner* const> learners,
                 const StrategyFactory& make_strategy, const SimulationObserver& observer = {});

}  // namespace laconic::sim
