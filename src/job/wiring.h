// From a job to a run: data, learners, strategy and simulator put together. Prints nothing and writes no file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "consensus/tune.h"
#include "job/job.h"
#include "job/job_data.h"
#include "protocol/measurement.h"
#include "runtimes/sim/simulation.h"
#include "training/training.h"

namespace laconic {

// What a run has to know of a model and its data, whoever trains it.
struct ModelFacts {
  Layout layout = {};
  std::optional<std::size_t> trained = {};  // of its elements, the first that are trained; unset: all
  std::vector<float> start = {};            // the common first parameters, layout.size elements
  std::vector<std::uint64_t> samples = {};  // that each worker trains on
  std::uint64_t steps = 0;                  // of each worker
  double steps_per_epoch = 0.0;             // 0: not known
};

// A job with its data, ready to run; nothing has started.
struct JobSetup {
  // Without data and training where the loop is the user's own; then epochs() and world_size() are not to be asked.
  std::shared_ptr<const Dataset> data;
  Partition partition;               // as JobData's
  std::vector<std::string> remarks;  // on the model, for whoever runs it, each in one line
  std::shared_ptr<const Training> training;
  StrategySetting strategy_setting;
  Options strategy_options;         // [strategy]; here and in strategy_setting a gamma to be tuned is a number
  std::optional<TuneResult> tuned;  // of that gamma
  sim::SimulationOptions simulation;
  TrafficFormula traffic;

  std::uint64_t steps() const { return simulation.steps.value; }
  int world_size() const { return static_cast<int>(partition.size()); }
  // Whether the data decide when models are synchronised.
  bool syncs_depend_on_data() const;
  // Steps of each worker as epochs.
  double epochs(Step step) const;
};

// Loads the data, deals them out, makes the model's start, tries all that a run will do with the model, and tunes a gamma
// that is "auto", which may take some tens of seconds; to evaluate a model the last two are left out. `interrupted` is asked while it tunes: true ends that with
// Interrupted. With `only` it holds the data of one worker and gives that one's learner alone; all else is as with all
// of them. Throws UsageError, with the place in the job file, for what cannot be met.
enum class Purpose { kRun, kEvaluate };
JobSetup set_up(const Job& job, Purpose purpose = Purpose::kRun, const std::function<bool()>& interrupted = {},
                const std::optional<OneWorker>& only = {});

// Before strategies are made for a run that goes on from the part "model" of a checkpoint: that model is their start.
// Throws DecodeError for one of another size.
void start_from(std::span<const std::byte> model_part, JobSetup& setup);
// The same for the checkpoint that the setup goes on from, where it goes on from its model alone.
void resume_from_model(JobSetup& setup);

// The same for a job of JobLoop::kOwn, whose workers train what `facts` says elsewhere: no evaluation but an empty one
// at the end, no checkpoints, a compute thread for each worker.
JobSetup set_up_own_loop(const Job& job, const ModelFacts& facts);

// Who talks on the graph: the job's strategy, or the one between its groups; its options and its demands.
const StrategyRow& gossiping_strategy(const Job& job);
const Options& gossip_options(const Job& job, const JobSetup& setup);
Demands gossip_demands(const Job& job, const JobSetup& setup);

// "gamma 0.37, tuned on ring:8, sign", or empty.
std::string tuned_text(const Job& job, const JobSetup& setup);

struct RunResult {
  Outcome outcome;
  std::vector<Measurement> measurements;  // in order; the newest alone has classes and workers one by one
  Step steps_done;                        // by worker 0
  double wall_seconds = 0.0;              // of the run, without loading; decides nothing
};

// What a job runs on: gives the strategies of `make_strategy` the learners of the setup, and runs all to the end.
using Runtime =
    std::function<Outcome(const JobSetup& setup, const StrategyFactory& make_strategy, const RunObserver& observer)>;
Outcome simulate_job(const JobSetup& setup, const StrategyFactory& make_strategy, const RunObserver& observer);

// Runs to the end. What goes wrong in the run is in the outcome.
RunResult run_job(const Job& job, const JobSetup& setup, const RunObserver& observer = {},
                  const Runtime& runtime = simulate_job);

}  // namespace laconic
