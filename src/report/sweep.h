// What the runs of a sweep came to: grouped over their seeds, with mean and spread, and which groups no other one beats
// in both accuracy and bytes.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "report/summary.h"

namespace laconic {

// Key ("strategy.threshold") and value of what a sweep changes, in the sweep's order.
using Settings = std::vector<std::pair<std::string, std::string>>;

struct SweepRun {
  Settings settings;  // without job.seed
  std::string seed;   // empty where the sweep does not change it
  std::string folder;
  SummaryFigures figures;
};

// Of the figures of runs; none where no run has one.
struct Spread {
  std::size_t count = 0;
  double mean = 0.0;
  std::optional<double> deviation;  // of the sample (over count - 1); unset for fewer than two
  double minimum = 0.0;
  double maximum = 0.0;
};
Spread spread_of(std::span<const double> figures);

// Runs that differ in their seed alone. Its figures are of the runs that came to their end.
struct SweepGroup {
  Settings settings;
  std::size_t runs = 0;
  std::size_t unfinished = 0;  // of these: failed
  Spread accuracy;             // of the average model; of numbers its R2
  Spread loss;
  Spread wire_bytes;
  Spread steps;
  Spread syncs;
  Spread seconds;
  bool of_numbers = false;  // it is an R2
  // All its runs came to their end, and no other such group has at least its mean accuracy with at most its mean bytes,
  // and more of the one or less of the other.
  bool on_pareto_front = false;
};

// In the order in which they first appear.
std::vector<SweepGroup> sweep_groups(std::span<const SweepRun> runs);

// For people: a line for each group, at most `width` characters wide where that can be, and what the star means.
std::string sweep_text(std::span<const SweepGroup> groups, std::size_t width);
// sweep.json; null where there is none. Nothing in it is from the wall clock.
//
//   {"job",
//    "groups": [{"settings": {key: value}, "runs", "unfinished",
//                "accuracy" or "r2": SPREAD, "loss": SPREAD, "wire_bytes": SPREAD, "steps": SPREAD, "syncs": SPREAD,
//                "time_s": SPREAD, "pareto"}],
//    "runs":   [{"settings", "seed", "folder", "end", "accuracy", "r2", "loss", "wire_bytes", "payload_bytes", "steps",
//                "syncs", "time_s"}]}
//   SPREAD = {"mean", "deviation", "minimum", "maximum"}
std::string sweep_json(const std::string& job, std::span<const SweepGroup> groups, std::span<const SweepRun> runs);
// sweep.csv: a line for each run, with a head.
std::string sweep_csv(std::span<const SweepRun> runs);

}  // namespace laconic
