// Checkpoints of jobs: in the folder OUTPUT.checkpoint beside the results, from which `laconic run --resume` goes on.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "job/job.h"
#include "runtimes/node/checkpoint.h"
#include "runtimes/node/checkpoint_store.h"

namespace laconic {

// What a checkpoint is made by, and resumed with: the simulator's state means nothing to a real run.
enum class RuntimeKind { kSimulator, kProcesses };
std::string_view to_text(RuntimeKind kind);

// A checkpoint that a job goes on from.
struct Resumption {
  CheckpointManifest manifest;
  bool from_model = false;         // with other workers than made it: from the common model alone
  std::vector<std::string> notes;  // what is another than it was, a line each
};

class JobCheckpoints final : public CheckpointKeeper {
 public:
  // `leads`: this process is the one of its run that completes checkpoints. Throws UsageError when their folder cannot
  // be made or is in use.
  JobCheckpoints(const Job& job, RuntimeKind kind, bool leads);

  // For a run that begins at the beginning. Throws UsageError where an earlier run has left a checkpoint, which would
  // be in its way.
  void begin();
  // For a run that goes on from a checkpoint: newer ones, of which parts may be left, go away.
  ResumePoint resume(const Resumption& resumption);
  // Whether there is one to go on from.
  bool has_any() const;
  // For a run that has come to its end.
  void remove_all() { store_.remove_all(); }

  PartRecord save(Step step, std::string_view name, std::span<const std::byte> bytes) override {
    return store_.write_part(step, name, bytes);
  }
  std::vector<Step> complete(Step step, std::vector<PartRecord> parts) override {
    return store_.complete(step, job_, std::move(parts));
  }
  void keep_only(std::span<const Step> kept) override { store_.remove_older(kept); }

 private:
  std::string folder_;
  std::string output_dir_;
  CheckpointJob job_;
  CheckpointStore store_;
};

// Whether a run of the job has left a checkpoint that can be gone on from.
bool has_checkpoint(const Job& job, RuntimeKind kind);

// The newest checkpoint of a run, and its job.
struct RunToResume {
  CheckpointManifest manifest;
  std::string job_text;
  std::string output_dir;
  std::vector<std::string> passed_over;  // newer ones that are damaged, a line each
  // Where the run was first started; empty: not known.
  std::string first_folder() const;
};
// `path`: of the run's results, whether or not there are any yet; "runs/x.failed" and "runs/x.checkpoint" name the same
// run. Throws UsageError where there is no checkpoint, and one for those that cannot be used.
RunToResume find_run_to_resume(const std::string& path, RuntimeKind kind);

// The job of a checkpoint, with `overrides`; or, where `job_file` is not empty, the job of that file;
// its files are looked for where they are now (first_folder.h).
Job job_to_resume(const RunToResume& run, const std::string& job_file, std::span<const std::string> overrides);

// The part "model" of the checkpoint. Throws UsageError where it cannot be read.
std::vector<std::byte> read_model(const RunToResume& run, RuntimeKind kind);

// Going on with `job`. Throws UsageError, which names the first difference, unless it is the job of the checkpoint, or
// that for another time, with another end, or with other workers.
Resumption resumption_of(const RunToResume& run, const Job& job);

}  // namespace laconic
