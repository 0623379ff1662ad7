#include "job/checkpoints.h"

#include <filesystem>
#include <utility>

#include "base/error.h"
#include "job/first_folder.h"
#include "job/job_paths.h"
#include "mechanisms/budget.h"
#include "report/format.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;

// A checkpoint is for the program and the runtime that made it.
std::string program_of(RuntimeKind kind) { return LACONIC_VERSION " " + std::string(to_text(kind)); }

CheckpointStoreOptions store_of(std::string folder, RuntimeKind kind) {
  CheckpointStoreOptions options;
  options.folder = std::move(folder);
  options.program = program_of(kind);
  return options;
}

CheckpointStoreOptions store_of(const Job& job, RuntimeKind kind, bool leads) {
  CheckpointStoreOptions options = store_of(job.checkpoint_dir(), kind);
  options.completes = leads;
  options.keep = job.section("checkpoint").integer("keep");
  return options;
}

// The job with the folder in which it was first started. Results below that have their way from there, so that both are
// found when the tree is moved as a whole.
std::string job_part(Job job) {
  std::error_code error;
  const fs::path folder = job.first_folder.empty() ? fs::current_path(error) : fs::path(job.first_folder);
  const fs::path way = fs::absolute(job.output_dir, error).lexically_normal().lexically_relative(folder);
  if (!job.section("output").text("dir").empty() && !way.empty() && *way.begin() != "..") {
    Options& output = job.sections.find("output")->second;
    output = output.with("dir", way.string());
  }
  return folder_line(kFirstStartedIn, folder.string()) + job.resolved_text();
}

// Each process of a run writes the part of its worker.
std::int32_t processes_of(const CheckpointManifest& manifest) {
  std::int32_t count = 0;
  while (manifest.find(part_name(Rank{count})) != nullptr) ++count;
  return count;
}

// Throws UsageError where the newest checkpoint is one of the other runtime.
void refuse_other_runtime(const std::string& run, RuntimeKind kind) {
  const bool over_processes = kind == RuntimeKind::kProcesses;
  const RuntimeKind other = over_processes ? RuntimeKind::kSimulator : RuntimeKind::kProcesses;
  std::optional<FoundCheckpoint> found;
  try {
    found = CheckpointStore(store_of(run + ".checkpoint", other)).newest();
  } catch (const Error&) {
    return;
  }
  if (!found) return;
  throw UsageError(run + ".checkpoint: was made " + std::string(to_text(other)) + ", whose state means nothing " +
                   std::string(to_text(kind)) + "; " +
                   (over_processes
                        ? "go on without a launcher: laconic run --resume " + run
                        : "go on under the launcher, with as many processes: mpirun -n " +
                              std::to_string(processes_of(found->manifest)) + " laconic run --resume " + run));
}

}  // namespace

std::string_view to_text(RuntimeKind kind) { return kind == RuntimeKind::kProcesses ? "over MPI" : "in the simulator"; }

JobCheckpoints::JobCheckpoints(const Job& job, RuntimeKind kind, bool leads)
    : folder_(job.checkpoint_dir()),
      output_dir_(job.output_dir),
      job_{.resolved = job_part(job), .identity = job.identity()},
      store_(store_of(job, kind, leads)) {}

void JobCheckpoints::begin() {
  std::string what = "a checkpoint";
  try {
    const std::optional<FoundCheckpoint> found = store_.newest();
    if (!found) {
      store_.remove_all();  // what no manifest completes
      return;
    }
    what += " of step " + std::to_string(found->manifest.step.value);
  } catch (const Error&) {
    // It stands in the way, whatever is wrong with it.
  }
  throw UsageError(folder_ + ": an earlier run has left " + what + "; go on from it with `laconic run --resume " +
                   output_dir_ + "`, or remove that folder to begin anew");
}

bool JobCheckpoints::has_any() const {
  try {
    return store_.newest().has_value();
  } catch (const Error&) {
    return false;
  }
}

ResumePoint JobCheckpoints::resume(const Resumption& resumption) {
  store_.remove_newer(resumption.manifest.step);
  return {.step = resumption.manifest.step,
          .from_model = resumption.from_model,
          .part = [this, manifest = resumption.manifest](std::string_view name) {
            return store_.read_part(manifest, name);
          }};
}

bool has_checkpoint(const Job& job, RuntimeKind kind) {
  try {
    return CheckpointStore(store_of(job.checkpoint_dir(), kind)).newest().has_value();
  } catch (const Error&) {
    return false;
  }
}

RunToResume find_run_to_resume(const std::string& path, RuntimeKind kind) {
  std::string run = fs::path(path).lexically_normal().string();
  while (run.size() > 1 && run.back() == '/') run.pop_back();
  for (const std::string_view ending : {".checkpoint", ".interrupted", ".failed"}) {
    std::error_code error;
    const bool is_of_another_name = !fs::is_directory(run + ".checkpoint", error);
    if (is_of_another_name && run.ends_with(ending)) run.resize(run.size() - ending.size());
  }
  const CheckpointStore store(store_of(run + ".checkpoint", kind));
  std::optional<FoundCheckpoint> found;
  try {
    found = store.newest();
  } catch (const DecodeError& error) {
    throw UsageError(error.what());
  } catch (const UsageError&) {
    refuse_other_runtime(run, kind);
    throw;
  }
  std::error_code error;
  if (!found && fs::is_regular_file(run + "/summary.json", error)) {
    throw UsageError(
        run +
        ": has results, and no checkpoint beside it to go on from; a run that has come to its end "
        "removes its checkpoints unless checkpoint.keep_last = true, and a job makes them with [checkpoint] "
        "every, such as \"1 epoch\"");
  }
  if (!found) {
    throw UsageError(run +
                     ".checkpoint: holds no complete checkpoint; a job makes them with [checkpoint] every, such as "
                     "\"1 epoch\", and a run that has come to its end removes them unless checkpoint.keep_last = true");
  }
  RunToResume result;
  try {
    const std::vector<std::byte> text = store.read_part(found->manifest, kJobPart);
    result.job_text.assign(reinterpret_cast<const char*>(text.data()), text.size());
  } catch (const DecodeError& error) {
    throw UsageError(error.what());
  }
  result.manifest = std::move(found->manifest);
  result.passed_over = std::move(found->passed_over);
  result.output_dir = std::move(run);
  return result;
}

std::string RunToResume::first_folder() const { return leading_comment(job_text, kFirstStartedIn); }

Job job_to_resume(const RunToResume& run, const std::string& job_file, std::span<const std::string> overrides) {
  std::vector<std::string> changes(overrides.begin(), overrides.end());
  changes.push_back("output.dir=" + run.output_dir);
  Job job = job_file.empty()
                ? parse_job_text(run.job_text, run.output_dir + ".checkpoint/" + std::string(kJobPart), changes)
                : load_job(job_file, changes);
  settle_first_folder(run, job);
  return job;
}

std::vector<std::byte> read_model(const RunToResume& run, RuntimeKind kind) {
  try {
    return CheckpointStore(store_of(run.output_dir + ".checkpoint", kind)).read_part(run.manifest, kModelPart);
  } catch (const DecodeError& error) {
    throw UsageError(error.what());
  }
}

Resumption resumption_of(const RunToResume& run, const Job& job) {
  const std::string place = run.output_dir + ".checkpoint";
  const Job before = parse_job_text(run.job_text, place + "/" + std::string(kJobPart));
  const std::string step = grouped(run.manifest.step.value);
  Resumption result{.manifest = run.manifest, .from_model = job.workers != before.workers, .notes = {}};
  const std::string identity = job.continued_identity(result.from_model);
  if (before.continued_identity(result.from_model) != identity) {
    throw UsageError(place + ": holds checkpoints of another job: " +
                     first_difference(run.job_text, {.resolved = job.resolved_text(), .identity = identity}) +
                     "; give the job as it was, or remove the folder to start from the beginning");
  }
  if (result.from_model) {
    if (job.length.in_epochs) {
      throw UsageError(job.section("workers").place("count") +
                       ": with other workers an epoch has another number of steps; say how many steps the run has in "
                       "all, " +
                       step + " of which are taken, with --set job.steps");
    }
    if (run.manifest.find(kModelPart) == nullptr) throw UsageError(place + ": holds no common model to go on from");
    result.notes.push_back("goes on with " + grouped(job.workers) + " workers, " + grouped(before.workers) +
                           " until now, from their common model after step " + step +
                           ": states of optimisers and strategies, and the count of bytes, begin anew");
  }
  const bool has_other_length = before.length.in_epochs != job.length.in_epochs ||
                                before.length.numerator != job.length.numerator ||
                                before.length.denominator != job.length.denominator;
  if (!has_other_length) return result;
  const Options& optimizer = job.section("optimizer");
  if (optimizer.text("schedule") == "cosine") {
    result.notes.push_back(
        "the cosine of the learning rate is that of the new length from here on: not what a run of that length from "
        "the beginning would have had");
  }
  if (has_budget(*job.strategy, job.section("strategy"))) {
    result.notes.push_back("the budget is for the new length from here on");
  }
  return result;
}

}  // namespace laconic
