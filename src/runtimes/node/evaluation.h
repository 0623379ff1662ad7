// What a runtime makes of the workers' reports: measurements, each complete once all workers have reported of a step.
// No worker waits for another here.
//
// Measured is the average of the workers' models, of which each report then has one; or, where models would have to
// travel for that and the job does not ask for it, the model that the runtime names (set_model).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "comm/ledger.h"
#include "runtimes/node/run.h"

namespace laconic {

// All tensors of a model.
struct Model {
  std::vector<float> params;   // d elements
  std::vector<float> buffers;  // as many as Learner::buffers()
};
inline Model model_of(std::span<const float> params, std::span<const float> buffers) {
  return {.params = {params.begin(), params.end()}, .buffers = {buffers.begin(), buffers.end()}};
}
inline Model model_of(Learner& learner) { return model_of(learner.params(), learner.buffers()); }

// A worker's part of a measurement.
struct WorkerReport {
  Step step;
  double loss_sum = 0.0;  // of the training losses since the report before
  std::uint64_t loss_steps = 0;
  Prequential tested;
  double squared_norm = 0.0;                 // of its model
  WorkerScore own;                           // where it is measured
  std::array<Tally, kTrafficKinds> traffic;  // sent so far, on the account of whoever reports
};
// What `worker` has to say after the step that it has just taken, all but its own score and traffic; its losses since the
// report before are taken from it.
WorkerReport report_of(Worker& worker);

// What was measured on a worker's own data.
void take_own_data(const Evaluation& evaluation, WorkerScore& score);
// Of all workers, by rank, into `measurement`: what they are together where each was measured on the test split, and
// each one's where any was measured.
void take_scores(std::vector<WorkerScore> scores, Measurement& measurement);

class Evaluator {
 public:
  // `start`: the common start, the good model until something better is measured. `options`, of the run: what makes a
  // measurement the best, whether its model is kept, and after how many that are not the run ends.
  Evaluator(int world_size, bool averages, Model start, const RunOptions& options = {})
      : world_size_(world_size),
        averages_(averages),
        last_good_(std::move(start)),
        best_(options.criterion),
        keeps_best_(options.keep_best),
        patience_(options.patience) {}

  // What worker 0's strategy tells.
  void count_sync() { ++syncs_; }
  void watch(std::string_view name, double value) { watched_[std::string(name)] = value; }
  std::uint64_t syncs() const { return syncs_; }
  const std::map<std::string, double>& watched() const { return watched_; }

  bool averages() const { return averages_; }
  // The model to be measured after that step, unless averages are.
  void set_model(Step step, Model model) { slots_[step].model = std::move(model); }
  // `params`, `buffers`: the worker's model where averages are measured, else empty. Throws DecodeError for a second
  // report of a worker and for a model that is missing or too much. `now`: when it came.
  void add(Rank rank, const WorkerReport& report, std::span<const float> params, std::span<const float> buffers,
           Seconds now);

  // A step of which all workers have reported.
  struct Due {
    Step step;
    Model model;               // to be measured
    Measurement measurement;   // all of it but what measuring the model gives
    std::int32_t broken = -1;  // a worker whose model is not finite
  };
  // The oldest, if there is one.
  std::optional<Due> take_due();
  // The worker whose report of the oldest step is missing; to be asked when there is one.
  std::optional<Rank> missing() const;

  // Measures the model of `due` on the held-out data of `learner`; on any thread.
  static void measure(Due& due, Learner& learner);
  // What was measured: it is the newest good model unless its losses are not finite. Returns whether they are.
  bool measured(const Due& due);
  const Model& last_good_model() const { return last_good_; }
  Step last_good_step() const { return last_good_step_; }
  // Whether the newest measurements are no better than one before them, for long enough.
  bool is_out_of_patience() const { return patience_ > 0 && best_.since() >= patience_; }
  // The good and the best model into the outcome.
  void give(Outcome& outcome) const;

  // While no report waits for others.
  void archive(Archive& archive);

 private:
  struct Slot {
    std::vector<bool> reported;
    int reports = 0;
    Seconds newest;
    Model model;
    std::vector<double> sum;
    std::vector<double> buffers_sum;
    double squared_norms = 0.0;
    std::int32_t broken = -1;
    double loss_sum = 0.0;
    std::uint64_t loss_steps = 0;
    Prequential tested;
    std::vector<WorkerScore> own;  // by rank
    std::array<Tally, kTrafficKinds> traffic;
    std::uint64_t syncs = 0;
    std::map<std::string, double> watched;
  };

  int world_size_;
  bool averages_;
  std::map<Step, Slot> slots_;
  Prequential prequential_;
  std::uint64_t syncs_ = 0;
  std::map<std::string, double> watched_;
  Model last_good_;
  Step last_good_step_;
  bool has_good_ = false;  // beside the start
  BestMeasurement best_;
  Model best_model_;  // empty unless it is kept
  bool keeps_best_;
  std::uint64_t patience_;
};

}  // namespace laconic
