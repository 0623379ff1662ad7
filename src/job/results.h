// The folder of a run's results, and what a run came to.
//
//   job.resolved.toml   the job with every option; running it again gives the identical run
//   metrics.jsonl       measurements and data-dependent synchronisations, one JSON object a line (report/metrics.h)
//   events.out...       the same for TensorBoard (report/tensorboard.h)
//   model.safetensors   the average model of the newest good measurement, the start when there was none; of a run that
//                       was interrupted or failed the average of the workers' models at its end, where that is good
//   model.pt            the same as Python loads it
//   model.best...       the model of the best measurement, in both forms, unless output.best = false
//   preprocess.json     what was done to the data: means, deviations, names of classes, rows of the test split
//                       (training/data/preprocessing.h)
//   workers.json        who has which labels, and who sends to whom (report/workers.h)
//   summary.json        what it came to (report/summary.h)
//   report.html         all that to look at (report/page.h)
//   charts/             its charts as files, where `laconic report` was asked for them
//
// While the run goes on they lie in ".NAME.tmp" beside the folder, which takes the place of a former run's at the end,
// as a whole.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "base/error.h"
#include "job/checkpoints.h"
#include "job/job.h"
#include "job/result_files.h"
#include "job/run_summary.h"
#include "job/stored_run.h"
#include "job/wiring.h"
#include "report/page.h"
#include "report/summary.h"

namespace laconic {

// Another process is writing the results of a run.
class RunInUse : public UsageError {
 public:
  using UsageError::UsageError;
};

class RunFolder {
 public:
  // Makes the temporary folder. Throws UsageError when the results have no place: a folder of that name that holds
  // other things than results, a path that cannot be written; RunInUse where another run is writing it.
  explicit RunFolder(const Job& job);
  // Without publish(): removes what was written.
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  // The lines of metrics.jsonl so far; and what a run that goes on begins with.
  std::string metrics() const;
  void set_metrics(const std::string& lines);
  // Adds a line to metrics.jsonl. Throws RunError when it cannot be written.
  void add_metric(const std::string& line);
  // Writes the other files in the order of their worth, the model first, and puts the folder in its place. A file that
  // cannot be written is left out, and the others are written all the same; so are, but models and summary, those whose
  // turn comes once this thread's supervisor wants an end. A run that did not finish, or lacks files,
  // never takes the place of a finished one: it goes beside it, into NAME.interrupted or NAME.failed. Returns what is
  // missing and why in one line, empty where nothing is. Throws RunError where the folder cannot be put in its place.
  std::string publish(const Job& job, const JobSetup& setup, const RunResult& result, const Summary& summary);

  // Where the results are, once published.
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::string temporary_;
  int lock_ = -1;
  std::ofstream metrics_;
};

// What a page can show of a run before its first step: job, summary and workers.
PageRun page_at_start(const Job& job, const JobSetup& setup, RuntimeKind runtime);

// Whether another process, or another run of this one, is writing the results of `job` now.
bool is_being_written(const Job& job);

// Writes a file of results. Throws RunError when it cannot be written.
void write_result(const std::string& path, const std::string& text);

}  // namespace laconic
