#include "cli/first_folder.h"

#include <filesystem>

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
std::optional<fs::path> moved_folder(const RunToResume& run, const fs::path& results) {
  const Job job = parse_job_text(run.job_text, run.output_dir + ".checkpoint/" + std::string(kJobPart));
  const fs::path dir = fs::path(job.output_dir).lexically_normal();
  if (dir.is_absolute() || *dir.begin() == "..") return std::nullopt;
  return without_end(results, dir.has_filename() ? dir : dir.parent_path());
}

}  // namespace

FirstFolder::FirstFolder(RunToResume& run, std::string& job_file) {
  std::error_code error;
  const fs::path here = fs::current_path(error);
  const std::string first = run.first_folder();
  if (error || first.empty() || fs::equivalent(first, here, error)) return;
  const fs::path results = fs::absolute(run.output_dir).lexically_normal();
  fs::path folder = first;
  if (!fs::is_directory(folder, error)) {
    const std::optional<fs::path> moved = moved_folder(run, results);
    explanation_ = "; the run was first started in " + first + ", which is not there: relative paths are taken from " +
                   (moved ? moved->string() : here.string());
    if (!moved || fs::equivalent(*moved, here, error)) return;
    folder = *moved;
  } else {
    explanation_ = "; relative paths are taken from " + first + ", where the run was first started";
  }
  fs::current_path(folder, error);
  if (error) {
    explanation_ = "; the run was first started in " + first +
                   ", which cannot be entered: relative paths are taken from " + here.string();
    return;
  }
  here_ = here.string();
  run.output_dir = results.string();
  if (!job_file.empty()) job_file = (here / job_file).lexically_normal().string();
}

FirstFolder::~FirstFolder() {
  std::error_code ignored;
  if (!here_.empty()) fs::current_path(here_, ignored);
}

JobSetup FirstFolder::explained(const std::function<JobSetup()>& set_up) const {
  try {
    return set_up();
  } catch (const UsageError& error) {
    throw UsageError(error.what() + explanation_);
  }
}

}  // namespace laconic
