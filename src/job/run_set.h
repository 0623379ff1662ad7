// Finished runs for a comparison: found in folders of results and of sweeps, and grouped.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "job/results.h"
#include "report/charts.h"
#include "report/comparison.h"

namespace laconic {

struct RunOfSet {
  std::string folder;
  std::string place;  // the folder by its one name, without links and ".."
  StoredRun stored;
  bool is_of_sweep = false;  // found in a sweep's folder
};

struct RunSet {
  std::vector<RunOfSet> runs;
  std::vector<std::string> left_out;  // a line each: which folder or file, and why
};

// Adds the run of a folder of results, or those of a folder of a sweep: the runs that its sweep.json names, or, without
// one that can be read, all that lie in it. A run of a sweep that cannot be read, or is not there, is left out and told;
// so is a folder that the set has already. Throws UsageError for a folder with no run, and for a run, given by its own
// folder, that cannot be read.
void add_runs(const std::string& folder, RunSet& set);

// Runs that are the same job but for their seed, of the same runtime and program, are a group, called by its job's name
// and the keys in which it differs from others of that name. A seed that comes twice begins another group.
Comparison compare_set(const RunSet& set);

// Takes out of the set the runs of sweeps whose texts are not what a page shows, and tells of them. Throws UsageError for
// one that was given by its own folder.
void check_pages(RunSet& set);

// The texts of the runs, by the groups of `comparison`, which is of this set: pages and charts are made of them.
std::vector<RunGroup> pages_of(const RunSet& set, const Comparison& comparison);

}  // namespace laconic
