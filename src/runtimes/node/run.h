// What every runtime takes and gives: the options of a run, what it tells on the way, and what it came to.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/step_schedule.h"
#include "base/supervision.h"
#include "comm/comm.h"
#include "comm/ledger.h"
#include "protocol/measurement.h"
#include "protocol/strategy.h"
#include "runtimes/node/best.h"
#include "runtimes/node/checkpoint.h"

namespace laconic {

// Which of the workers' own models are measured too: K more evaluations each time.
enum class OwnModels { kNever, kAtEnd, kAlways };

struct RunOptions {
  // What changes results.
  Step steps = {};  // local steps of each worker
  std::uint64_t seed = 0;
  CommOptions comm = {};
  bool with_coordinator = true;
  // Evaluations come after these steps, and after the last.
  StepSchedule evaluation = {.numerator = 1, .denominator = 1};
  OwnModels own_models = OwnModels::kAtEnd;
  // Of more workers than this, so many drawn at random have their own models measured; 0: all. Of the simulator: over
  // processes each measures its own.
  std::uint32_t own_models_sample = 0;
  std::function<bool(const Measurement&)> until = {};  // unset: run all steps
  Criterion criterion = Criterion::kAccuracy;          // of the best measurement
  bool keep_best = false;                              // and its model
  std::uint64_t patience = 0;  // ends the run after so many measurements none of which was the best; 0: never
  CheckpointOptions checkpoints = {};

  // What changes speed.
  int compute_threads = 1;                    // 0: the calling thread computes, which is the fastest for tiny models
  std::function<void()> prepare_thread = {};  // runs once in each compute thread

  bool evaluates_after(Step step) const { return step == steps || evaluation.due(step); }
  bool saves_after(Step step) const { return step != steps && checkpoints.schedule.due(step); }
};

// A worker has taken a step. The views are valid during the call.
struct WorkerStep {
  Rank rank;
  Step step;  // taken so far
  const StepResult& result;
  std::span<const float> params;
  Seconds time;
  const Ledger& ledger;  // of what this process' nodes have sent so far
};

// Told what happens, on the thread that runs the protocol. Where a run has several processes, the one of worker 0 tells
// of measurements, steps and synchronisations, each of its own workers' steps and warnings.
struct RunObserver {
  std::function<void(const Measurement&)> on_measurement;
  // Worker 0 has taken a step. `framed`: what the nodes of this process have sent.
  std::function<void(Step step, double loss, std::uint64_t syncs, Bytes framed)> on_step;
  // Any worker has taken a step.
  std::function<void(const WorkerStep&)> on_worker_step;
  // Worker 0 took part in a synchronisation; `watched` holds the newest values of what the strategy watches.
  std::function<void(Step step, const std::map<std::string, double>& watched)> on_sync;
  // Something that should not happen and was dealt with, in one line.
  std::function<void(const std::string& text)> on_warning;
  // Asked between events, and while work is waited for; true ends the run with what there is.
  std::function<bool()> interrupted;
  // How far long work is, such as an evaluation, several times a second while it is waited for.
  std::function<void(const Progress&)> on_progress;
  // What the observer itself keeps in a checkpoint, and loads from one before a run goes on.
  std::function<void(Archive&)> archive;
};

struct Outcome {
  enum class End { kSteps, kUntil, kPatience, kInterrupted, kFailed };
  End end = End::kSteps;
  std::exception_ptr error;  // of kFailed
  Ledger ledger{0};
  bool ledger_is_whole = true;  // else it has the nodes of this process alone: the others could not tell any more
  Seconds time;                 // of the run's clock, when the run ended
  std::uint64_t syncs = 0;
  std::uint64_t trace_hash = 0;  // of the simulator
  // The newest good model there is. Of a run that came to its end the one of the newest measurement whose losses were
  // finite (the workers' average in the simulator), the common start before the first one. Of one that was interrupted
  // or failed what the end found, where it is newer and finite: the average of the workers' models, or, over processes,
  // the model last synchronised, worker 0's own where the strategy does not synchronise. And the step it is of, worker
  // 0's.
  enum class Source { kStart, kMeasured, kAverageAtEnd, kSynchronised, kOfWorker0 };
  std::vector<float> model;
  std::vector<float> buffers;  // of the same
  Step model_step;
  Source model_source = Source::kStart;
  // The best measurement, with its model where it is kept.
  std::optional<BestFigures> best;
  std::vector<float> best_model;
  std::vector<float> best_buffers;
};

}  // namespace laconic
