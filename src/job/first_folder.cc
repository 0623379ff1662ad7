#include "job/first_folder.h"

#include <filesystem>
#include <optional>

#include "base/error.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;

// `place` without `end`, where it ends so.
std::optional<fs::path> without_end(fs::path place, fs::path end) {
  while (!end.empty()) {
    if (place.filename() != end.filename()) return std::nullopt;
    place = place.parent_path();
    end = end.has_parent_path() ? end.parent_path() : fs::path();
  }
  return place;
}

// Where a tree that was moved as a whole has its first folder now: the results lie as they did.
std::optional<fs::path> moved_folder(const RunToResume& run) {
  const Job job = parse_job_text(run.job_text, run.output_dir + ".checkpoint/" + std::string(kJobPart));
  const fs::path dir = fs::path(job.output_dir).lexically_normal();
  if (dir.is_absolute() || *dir.begin() == "..") return std::nullopt;
  const fs::path results = fs::absolute(run.output_dir).lexically_normal();
  return without_end(results, dir.has_filename() ? dir : dir.parent_path());
}

bool is_gone(const std::string& folder) {
  std::error_code error;
  return !folder.empty() && !fs::is_directory(folder, error);
}

}  // namespace

void settle_first_folder(const RunToResume& run, Job& job) {
  std::error_code error;
  job.first_folder = run.first_folder();
  if (is_gone(job.first_folder)) {
    if (const std::optional<fs::path> now = moved_folder(run)) {
      job.moved = Job::Moved{.from = job.first_folder, .to = now->string()};
      job.first_folder = now->string();
      const fs::path way = fs::path(job.folder).lexically_relative(job.moved->from);
      const bool was_moved = !way.empty() && *way.begin() != "..";
      if (was_moved && is_gone(job.folder)) job.folder = (*now / way).lexically_normal().string();
    } else {
      job.first_folder.clear();
    }
  }
  if (is_gone(job.folder)) job.folder = fs::current_path(error).string();
}

JobSetup set_up_resumed(const RunToResume& run, const Job& job, const std::function<JobSetup()>& set_up) {
  try {
    return set_up();
  } catch (const UsageError& error) {
    if (!is_gone(run.first_folder())) throw;
    throw UsageError(std::string(error.what()) + "; the run was first started in " + run.first_folder() +
                     ", which is not there: relative paths are taken from " + job.folder);
  }
}

}  // namespace laconic
