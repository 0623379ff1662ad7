// Results that lie in a folder already.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "job/job.h"
#include "report/page.h"
#include "report/summary.h"

namespace laconic {

struct StoredRun {
  std::optional<Job> job;  // of job.resolved.toml; unset when this program cannot read it
  std::string identity;    // Job::identity_here() of it, or empty
  SummaryFigures figures;
  std::filesystem::file_time_type written;
};
// Unset when there is no such folder or no summary in it. Throws UsageError for a summary that cannot be read.
std::optional<StoredRun> load_run(const std::string& path);
// The same for a page. Throws UsageError when the folder holds no run.
PageRun load_page_run(const std::string& path);
// Whether running `job` would give these results once more: it is the same job, and its model.file and the files of the
// user's own data sets are older than they.
bool is_result_of(const StoredRun& run, const Job& job);

}  // namespace laconic
