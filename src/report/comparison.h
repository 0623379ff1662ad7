// What several runs came to, side by side: grouped over their seeds, with mean and spread, ranked by the split that may
// choose, and with a word for what cannot be compared.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "report/summary.h"

namespace laconic {

// Key ("strategy.threshold") and value of what makes groups differ, in their order. "job" is the name of the job.
using Settings = std::vector<std::pair<std::string, std::string>>;

struct ComparedRun {
  std::string group;  // name of the group; runs that have the same differ in their seed alone
  Settings settings;  // of the group, without job.seed
  std::string seed;   // empty: not known
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

// Its figures are of the runs that came to their end; where none did, of what they had.
struct ComparedGroup {
  std::string name;
  Settings settings;
  std::string strategy;
  std::vector<std::size_t> runs;  // indices in Comparison::runs
  std::size_t unfinished = 0;     // of these: failed, interrupted
  Spread validation;              // score of the average model: its accuracy, or of numbers its R2
  Spread validation_loss;
  Spread test;
  Spread test_loss;
  Spread mae;         // of numbers, on the test split
  Spread own_models;  // mean score of the workers' own models, on the test split
  Spread payload_bytes;
  Spread wire_bytes;
  Spread steps;
  Spread syncs;
  Spread seconds;
  Spread paper_gb;
  Spread joules;
  bool of_numbers = false;  // scores are R2

  // Told by a mark behind the name and a note.
  bool has_other_data = false;     // than most groups: not ranked
  bool has_other_clock = false;    // real time among simulated time, or the other way round
  bool has_other_version = false;  // of the program
  std::string marks() const;       // "†‡"

  // From 1; unset where a run did not come to its end, has no score, or has other data.
  std::optional<std::size_t> rank;
  // It has a rank, and no other that has one has at least its mean score, of the split that ranks, with at most its mean
  // bytes, and more of the one or less of the other.
  bool on_pareto_front = false;
};

struct Comparison {
  enum class RankedBy { kNothing, kTest, kValidation };

  std::vector<ComparedRun> runs;
  std::vector<ComparedGroup> groups;  // in the order in which they first appear
  // Validation where all groups that can be ranked have such a score, else test.
  RankedBy ranked_by = RankedBy::kNothing;
  // Sentences for the reader: how groups are ranked, what figures are, what a mark means.
  std::vector<std::string> notes;

  // Indices of the groups: the ranked ones, best first, then the others.
  std::vector<std::size_t> ranking() const;
  bool has_groups_of_many() const;  // some group has more than one run
};

// At least one run.
Comparison compare_runs(std::vector<ComparedRun> runs);

// For people: a line for each group in the order of the ranking, at most `width` characters wide where that can be, and
// the notes.
std::string comparison_text(const Comparison& comparison, std::size_t width);
// Null where there is none. Nothing in it is from the wall clock, but the times of runs over MPI.
//
//   {"job" (where one is given), "ranked_by": "validation" or "test" or null, "notes": [...],
//    "groups": [{"name", "settings": {key: value}, "strategy", "runs", "unfinished", "rank", "pareto",
//                "other_data", "other_clock", "other_version" (where true),
//                "validation_accuracy" or "validation_r2": SPREAD, "validation_loss": SPREAD,
//                "accuracy" or "r2": SPREAD, "loss": SPREAD,                                       on the test split
//                "wire_bytes": SPREAD, "payload_bytes": SPREAD, "steps": SPREAD, "syncs": SPREAD, "time_s": SPREAD}],
//    "runs":   [{"group", "settings", "seed", "folder", "end", "validation_accuracy", "validation_r2",
//                "validation_loss", "accuracy", "r2", "loss", "wire_bytes", "payload_bytes", "steps", "syncs",
//                "time_s"}]}
//   SPREAD = {"mean", "deviation", "minimum", "maximum"}
std::string comparison_json(const std::string& job, const Comparison& comparison);
// A line for each run, with a head: the settings, job.seed, and the figures of "runs" above.
std::string comparison_csv(const Comparison& comparison);

}  // namespace laconic
