#include "job/stored_run.h"

#include <fstream>
#include <sstream>
#include <system_error>

#include "base/error.h"
#include "job/job_data.h"
#include "job/result_files.h"

namespace laconic {

namespace fs = std::filesystem;

std::string result_path(const std::string& folder, std::string_view file) { return (fs::path(folder) / file).string(); }

std::string read_result(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::optional<StoredRun> load_run(const std::string& path) {
  std::error_code error;
  const std::string summary = result_path(path, kSummaryFile);
  if (!fs::is_regular_file(summary, error)) return std::nullopt;
  StoredRun run;
  try {
    run.figures = read_summary(read_result(summary));
    run.written = fs::last_write_time(summary, error);
  } catch (const DecodeError& bad) {
    throw UsageError(summary + ": " + bad.what() + "; remove the folder and run the job again");
  }
  try {
    run.job = load_job(result_path(path, kJobFile));
    run.identity = run.job->identity_here();
  } catch (const UsageError&) {
    // Of another version of the program, or changed by hand: the same as no job of ours.
  }
  return run;
}

PageRun load_page_run(const std::string& path) {
  std::error_code error;
  if (!fs::is_regular_file(result_path(path, kSummaryFile), error))
    throw UsageError(path + ": holds no summary.json of a run; give a folder of results");
  fs::path place = fs::absolute(path).lexically_normal();
  if (!place.has_filename()) place = place.parent_path();
  return {.name = place.filename().string(),
          .job = read_result(result_path(path, kJobFile)),
          .metrics = read_result(result_path(path, kMetricsFile)),
          .summary = read_result(result_path(path, kSummaryFile)),
          .workers = read_result(result_path(path, kWorkersFile))};
}

bool is_result_of(const StoredRun& run, const Job& job) {
  const bool is_same =
      run.figures.finished && run.identity == job.identity_here() && run.figures.program_version == LACONIC_VERSION;
  return is_same && !has_newer_input(job, run.written);
}

}  // namespace laconic
