// The runs of a sweep: every combination of a grid's values, in one job or in several.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "job/job.h"
#include "report/comparison.h"

namespace laconic {

struct PlannedRun {
  std::string name;  // "threshold=0.5,seed=1", of several jobs "fda,threshold=0.5,seed=1"; also of its folder
  Job job;
  ComparedRun result;  // all but its figures
};

struct SweepPlan {
  std::string jobs;    // "fda", "fda, periodic"
  std::string folder;  // "runs/fda.sweep", "runs/fda+periodic.sweep"; with --set output.dir=runs/x it is "runs/x.sweep"
  std::vector<PlannedRun> runs;
};

// Reads every combination before any is run. `grid` as parse_grid takes it; it may be empty for several jobs, which are
// called by their files' names without ".toml". Throws UsageError, one line, for what parse_grid and load_job refuse, two
// jobs of one name, two combinations that are the same job, and a key that one of several jobs does not know.
SweepPlan plan_sweep(std::span<const std::string> job_files, std::span<const std::string> grid,
                     std::span<const std::string> overrides);

}  // namespace laconic
