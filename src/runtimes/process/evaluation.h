// What process 0 makes of the workers' reports: measurements, each complete once the reports of all workers are in.
// Nobody waits for it but worker 0 while it measures.
//
// Measured is, at no cost in bytes, the model that worker 0 last took part in synchronising (its own where it never
// did); or, where the job asks for it, the average of all, which the reports then carry.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtimes/node/run.h"
#include "runtimes/process/messages.h"

namespace laconic::mpi {

// All tensors of a model.
struct Model {
  std::vector<float> params;
  std::vector<float> buffers;
};

class Evaluator {
 public:
  // `start`: the common start, the good model until something better is measured.
  Evaluator(int world_size, bool averages, Model start)
      : world_size_(world_size), averages_(averages), last_good_(std::move(start)) {}

  // What worker 0's strategy tells.
  void count_sync() { ++syncs_; }
  void watch(std::string_view name, double value) { watched_[std::string(name)] = value; }
  std::uint64_t syncs() const { return syncs_; }
  const std::map<std::string, double>& watched() const { return watched_; }

  bool averages() const { return averages_; }
  // Worker 0's model of that step, to be measured unless averages are.
  void set_model(Step step, Model model) { slots_[step].model = std::move(model); }
  // Throws DecodeError for a second report of a worker and for a model that is missing or too much. `now`: when it
  // came.
  void add(Rank rank, EvaluationReport report, Seconds now);

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

  // What was measured: it is the newest good model unless its losses are not finite. Returns whether they are.
  bool measured(const Due& due);
  const Model& last_good_model() const { return last_good_; }
  Step last_good_step() const { return last_good_step_; }

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
    std::vector<double> own_accuracies;
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
};

}  // namespace laconic::mpi
