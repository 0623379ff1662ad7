// What a run reports about itself at an evaluation: made by runtimes, written by `report`.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/units.h"
#include "comm/ledger.h"
#include "protocol/learner.h"

namespace laconic {

// Accuracies of the workers' own models, as opposed to that of their average; of numbers their R2.
struct WorkerAccuracy {
  double mean = 0.0;
  double minimum = 0.0;
  double maximum = 0.0;
  std::uint64_t sampled = 0;  // of so many workers drawn at random; 0: of all

  // Of one accuracy a worker, by rank; at least one.
  static WorkerAccuracy of(std::span<const double> accuracies) {
    WorkerAccuracy summary{.mean = 0.0, .minimum = accuracies[0], .maximum = accuracies[0]};
    for (const double accuracy : accuracies) {
      summary.mean += accuracy;
      summary.minimum = std::min(summary.minimum, accuracy);
      summary.maximum = std::max(summary.maximum, accuracy);
    }
    // Divided once: the mean of ones is 1. Rounding takes it no further than the accuracies.
    summary.mean = std::clamp(summary.mean / static_cast<double>(accuracies.size()), summary.minimum, summary.maximum);
    return summary;
  }
};

// How good one worker's own model is; each an accuracy, of numbers an R2.
struct WorkerScore {
  std::optional<double> test = {};      // on the test split
  std::optional<double> own_data = {};  // on the samples that the worker trains on; at the end of a run
  std::uint64_t own_samples = 0;        // how many of those are measured

  friend bool operator==(const WorkerScore&, const WorkerScore&) = default;
};

struct Measurement {
  Step step;                        // local steps every worker has taken
  Seconds time;                     // of the runtime's clock, when the last worker had taken them
  double train_loss = 0.0;          // mean over workers and steps since the measurement before
  Evaluation test;                  // of the average of the workers' models
  Evaluation validation;            // the same; no samples when the job holds none out
  Prequential prequential;          // over all workers and steps so far, where the job asks for it
  double consensus_distance = 0.0;  // (1/K) sum_k ||w_k - mean||^2
  std::optional<WorkerAccuracy> workers;
  std::vector<WorkerScore> by_worker;        // by rank; empty where no own models are measured
  std::uint64_t syncs = 0;                   // synchronisations so far
  std::array<Tally, kTrafficKinds> traffic;  // sent so far by all nodes, each frame counted once
  std::map<std::string, double> watched;     // latest values of what the strategy watches

  Tally total() const {
    Tally sum;
    for (const Tally& tally : traffic) sum += tally;
    return sum;
  }
};

}  // namespace laconic
