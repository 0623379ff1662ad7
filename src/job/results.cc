#include "job/results.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/supervision.h"
#include "job/result_files.h"
#include "job/workers_record.h"
#include "report/tensorboard.h"
#include "training/data/preprocessing.h"
#include "training/formats/safetensors.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;

// A folder that this program may replace: absent, or with nothing but results in it.
void check_replaceable(const Job& job, const std::string& path) {
  std::error_code error;
  if (!fs::exists(path, error)) return;
  const std::string place = job.place_of("output", "dir");
  if (!fs::is_directory(path, error)) {
    throw UsageError(place + path + ": is no folder; give another output.dir or job.name");
  }
  for (const fs::directory_entry& entry : fs::directory_iterator(path, error)) {
    const std::string name = entry.path().filename().string();
    if (std::find(kFiles.begin(), kFiles.end(), name) == kFiles.end()) {
      throw UsageError(place + path + ": holds '" + name +
                       "', which is no result of a run, and would be replaced; move it, or give another output.dir");
    }
  }
}

// `folder` takes the place of `path`, and what was there goes away.
void replace_folder(const std::string& folder, const std::string& path, std::error_code& error) {
  if (!fs::exists(path)) {
    fs::rename(folder, path, error);
    return;
  }
  std::error_code ignored;
  if (renameat2(AT_FDCWD, folder.c_str(), AT_FDCWD, path.c_str(), RENAME_EXCHANGE) == 0) {
    fs::remove_all(folder, ignored);
    return;
  }
  // Not every file system can exchange two folders.
  const std::string former = folder + ".former";
  fs::remove_all(former, error);
  if (!error) fs::rename(path, former, error);
  if (!error) fs::rename(folder, path, error);
  if (!error) fs::remove_all(former, ignored);
}

// Whether the folder's results are of a run that came to its end; a summary that cannot be read is taken for one.
bool holds_finished_run(const std::string& path) {
  std::error_code error;
  const std::string summary = result_path(path, kSummaryFile);
  if (!fs::is_regular_file(summary, error)) return false;
  try {
    return read_summary(read_result(summary)).finished;
  } catch (const DecodeError&) {
    return true;
  }
}

fs::path path_of(const Job& job) {
  fs::path path = fs::path(job.output_dir).lexically_normal();
  return path.has_filename() ? path : path.parent_path();  // "results/" is "results"
}

// Where results lie until their run ends.
std::string temporary_of(const fs::path& path) {
  return (path.parent_path() / ("." + path.filename().string() + ".tmp")).string();
}

// Whether the folder that is open is the one at `path`.
bool is_folder(const std::string& path, int open_folder) {
  struct stat here {};
  struct stat there {};
  return fstat(open_folder, &here) == 0 && stat(path.c_str(), &there) == 0 && here.st_dev == there.st_dev &&
         here.st_ino == there.st_ino;
}

}  // namespace

void write_result(const std::string& path, const std::string& text) {
  errno = 0;
  std::ofstream stream(path, std::ios::binary);
  stream << text;
  stream.close();
  if (!stream) {
    const std::string problem = errno != 0 ? std::strerror(errno) : "no reason is given";
    throw RunError(path + ": cannot be written (" + problem + ")");
  }
}

bool is_being_written(const Job& job) {
  const int folder = open(temporary_of(path_of(job)).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return false;
  const bool is_free = flock(folder, LOCK_EX | LOCK_NB) == 0;
  close(folder);
  return !is_free;
}

RunFolder::RunFolder(const Job& job) : path_(path_of(job).string()), temporary_(temporary_of(path_of(job))) {
  check_replaceable(job, path_);
  std::error_code error;
  // Whoever wrote it may have put it in its place between the opening and the lock: then the lock is on results.
  for (bool is_ours = false; !is_ours;) {
    fs::create_directories(temporary_, error);
    lock_ = open(temporary_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (error || lock_ < 0) {
      throw UsageError(job.place_of("output", "dir") + temporary_ + ": cannot be made; give another output.dir");
    }
    if (flock(lock_, LOCK_EX | LOCK_NB) != 0) {
      close(lock_);
      throw RunInUse(temporary_ + ": another run is writing it; wait for it, or give another job.name");
    }
    is_ours = is_folder(temporary_, lock_);
    if (!is_ours) close(lock_);
  }
  for (const std::string_view file : kFiles) fs::remove(result_path(temporary_, file), error);
  metrics_.open(result_path(temporary_, kMetricsFile), std::ios::binary);
  write_result(result_path(temporary_, kJobFile), job.resolved_text());
}

RunFolder::~RunFolder() {
  std::error_code error;
  if (!temporary_.empty()) fs::remove_all(temporary_, error);
  close(lock_);
}

std::string RunFolder::metrics() const { return read_result(result_path(temporary_, kMetricsFile)); }

void RunFolder::set_metrics(const std::string& lines) {
  metrics_.close();
  write_result(result_path(temporary_, kMetricsFile), lines);
  metrics_.open(result_path(temporary_, kMetricsFile), std::ios::binary | std::ios::app);
}

void RunFolder::add_metric(const std::string& line) {
  metrics_ << line << '\n' << std::flush;
  if (!metrics_) throw RunError(result_path(temporary_, kMetricsFile) + ": cannot be written; is the disk full?");
}

std::string RunFolder::publish(const Job& job, const JobSetup& setup, const RunResult& result, const Summary& summary) {
  metrics_.close();
  std::string missing;
  std::string reason;
  // A disk that has no room for a page may have some for a model.
  const auto attempt = [&](std::string_view file, const std::function<void(const std::string&)>& write) {
    const std::string path = result_path(temporary_, file);
    try {
      write(path);
    } catch (const std::exception&) {
      std::error_code ignored;
      fs::remove(path, ignored);
      missing += (missing.empty() ? "" : ", ") + std::string(file);
      if (reason.empty()) reason = error_text(std::current_exception());
    }
  };
  const auto store = [&](const std::vector<float>& params, const std::vector<float>& buffers, Step step,
                         std::string_view file, std::string_view python_file) {
    if (params.empty()) return;
    std::vector<float> tensors = params;
    tensors.insert(tensors.end(), buffers.begin(), buffers.end());
    attempt(file, [&](const std::string& path) {
      write_safetensors(
          path, setup.training->stored_layout(), tensors,
          {{"job", job.name}, {"model", std::string(job.model->name)}, {"step", std::to_string(step.value)}});
    });
    attempt(python_file, [&](const std::string& path) { setup.training->write_for_python(path, tensors); });
  };
  const Outcome& outcome = result.outcome;
  store(outcome.model, outcome.buffers, outcome.model_step, kModelFile, kPythonFile);
  if (outcome.best) store(outcome.best_model, outcome.best_buffers, outcome.best->step, kBestFile, kBestPythonFile);
  attempt(kPreprocessFile, [&](const std::string& path) { write_result(path, preprocess_text(*setup.data)); });
  const PageRun page{.name = job.name,
                     .job = job.resolved_text(),
                     .metrics = metrics(),
                     .summary = summary_text(summary),
                     .workers = workers_text(workers_record(setup))};
  attempt(kSummaryFile, [&](const std::string& path) { write_result(path, page.summary); });
  const auto attempt_in_time = [&](std::string_view file, const std::function<void(const std::string&)>& write) {
    attempt(file, [&](const std::string& path) {
      report_progress("writing results");
      write(path);
    });
  };
  attempt_in_time(kWorkersFile, [&](const std::string& path) { write_result(path, page.workers); });
  attempt_in_time(kTensorBoardFile,
                  [&](const std::string& path) { write_result(path, tensorboard_events(page.metrics)); });
  attempt_in_time(kPageFile, [&](const std::string& path) { write_result(path, report_page(page)); });
  if ((!summary.finished() || !missing.empty()) && holds_finished_run(path_)) {
    path_ += summary.end == Summary::End::kInterrupted ? ".interrupted" : ".failed";
    check_replaceable(job, path_);
  }
  std::error_code error;
  replace_folder(temporary_, path_, error);
  if (error) {
    const std::string kept = std::exchange(temporary_, {});
    throw RunError(path_ + ": cannot be written (" + error.message() + "); the results are in " + kept);
  }
  temporary_.clear();
  if (missing.empty()) return {};
  return path_ + ": without " + missing + ": " + reason;
}

PageRun page_at_start(const Job& job, const JobSetup& setup, RuntimeKind runtime) {
  return {.name = job.name,
          .job = job.resolved_text(),
          .metrics = {},
          .summary = summary_text(summary_at_start(job, setup, runtime)),
          .workers = workers_text(workers_record(setup))};
}

}  // namespace laconic
