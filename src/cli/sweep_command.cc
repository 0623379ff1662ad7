// A job over a grid of values: each combination a run with a folder of its own, and one comparison at the end.
#include <filesystem>
#include <map>
#include <optional>
#include <ostream>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/execute.h"
#include "job/checkpoints.h"
#include "job/results.h"
#include "job/sweep_grid.h"
#include "links/connection.h"
#include "report/format.h"
#include "report/sweep.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;

struct PlannedRun {
  std::string name;  // "threshold=0.5,seed=1"
  Job job;
  SweepRun result;  // all but its figures
};

struct Sweep {
  std::string job;
  std::string folder;
  std::vector<PlannedRun> runs;
};

// Every combination is read before the first is run.
Sweep plan(const SweepArguments& arguments) {
  const std::vector<SweptKey> keys = parse_grid(arguments.grid);
  const Job base = load_job(arguments.job_file, arguments.overrides);
  fs::path folder = fs::path(base.output_dir).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  Sweep sweep{.job = base.name, .folder = folder.string() + ".sweep", .runs = {}};
  std::map<std::string, std::string> known;  // names by identity
  for (const Combination& combination : combinations(keys)) {
    PlannedRun run;
    run.name = folder_name(keys, combination);
    run.result.folder = (fs::path(sweep.folder) / run.name).string();
    std::vector<std::string> changes = arguments.overrides;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      changes.push_back(keys[i].path() + "=" + combination[i]);
      if (keys[i].path() == "job.seed") {
        run.result.seed = combination[i];
      } else {
        run.result.settings.emplace_back(keys[i].path(), combination[i]);
      }
    }
    changes.push_back("output.dir=" + run.result.folder);
    try {
      run.job = load_job(arguments.job_file, changes);
    } catch (const UsageError& error) {
      throw UsageError(run.name + ": " + error.what());
    }
    const auto [other, is_new] = known.emplace(run.job.identity(), run.name);
    if (!is_new) throw UsageError(run.name + ": is the same job as " + other->second + "; give one of them");
    sweep.runs.push_back(std::move(run));
  }
  return sweep;
}

std::optional<StoredRun> finished_run(const PlannedRun& run) {
  std::optional<StoredRun> stored = load_run(run.result.folder);
  if (stored && !is_result_of(*stored, run.job)) stored.reset();
  return stored;
}

// What a run that did not come to its end has left: beside an older run's results where those are finished.
StoredRun unfinished_run(const PlannedRun& run) {
  for (const char* ending : {"", ".failed"}) {
    const std::optional<StoredRun> stored = load_run(run.result.folder + ending);
    if (stored && stored->identity == run.job.identity()) return *stored;
  }
  throw RunError(run.result.folder + ": the results have gone");
}

// The checkpoint of a run that broke off; a folder without a complete one is nothing to go on from.
std::optional<Resumption> checkpoint_of(Console& console, const PlannedRun& run) {
  if (!run.job.checkpoint_interval || !has_checkpoint(run.job, RuntimeKind::kSimulator)) return std::nullopt;
  RunToResume found = find_run_to_resume(run.result.folder, RuntimeKind::kSimulator);
  for (const std::string& line : found.passed_over) print_warning(console.err, "passed over " + line);
  return resumption_of(found, run.job);
}

std::string state_of(const PlannedRun& run) {
  if (finished_run(run)) return "is there already";
  if (run.job.checkpoint_interval && has_checkpoint(run.job, RuntimeKind::kSimulator)) return "goes on";
  return "to be run";
}

}  // namespace

ExitCode sweep_command(Console& console, const SweepArguments& arguments) {
  if (const auto launch = links::find_launch(); launch && launch->size != 1) {
    throw UsageError("a sweep runs in the simulator; start it without mpirun, or each of its runs with laconic run");
  }
  Sweep sweep = plan(arguments);
  const std::string count = std::to_string(sweep.runs.size());
  if (arguments.dry_run) {
    Table table({{"run", Table::Align::kLeft}, {"state", Table::Align::kLeft}});
    for (const PlannedRun& run : sweep.runs) table.add_row({run.name, state_of(run)});
    console.out << count << " runs in " << sweep.folder << "\n" << table.text(console.width) << std::flush;
    return ExitCode::kDone;
  }

  std::vector<SweepRun> results;
  std::size_t failed = 0;
  for (std::size_t i = 0; i < sweep.runs.size(); ++i) {
    PlannedRun& run = sweep.runs[i];
    std::optional<StoredRun> stored = finished_run(run);
    console.out << "run " << i + 1 << " of " << count << ": " << run.name << (stored ? " is there already" : "")
                << std::endl;
    if (!stored) {
      Execution execution = simulated_execution(console);
      execution.resume = checkpoint_of(console, run);
      ExitCode code = ExitCode::kBadUsage;
      try {
        code = execute(console, run.job, execution);
      } catch (const UsageError& error) {
        // Its data or model cannot be had: the others go on, and this one has no results.
        print_error(console.err, run.name + ": " + error.what());
        ++failed;
        continue;
      }
      if (code == ExitCode::kInterrupted) {
        console.err << "laconic: " << sweep.job << ": " << i << " of " << count
                    << " runs are done; the same command goes on" << std::endl;
        return code;
      }
      if (code != ExitCode::kDone) ++failed;
      stored = code == ExitCode::kDone ? load_run(run.result.folder) : unfinished_run(run);
      if (!stored) throw RunError(run.result.folder + ": the results have gone");
    }
    run.result.figures = std::move(stored->figures);
    results.push_back(std::move(run.result));
  }
  if (results.empty()) {
    console.err << "laconic: " << sweep.job << ": none of " << count << " runs could begin" << std::endl;
    return ExitCode::kBadUsage;
  }

  const std::vector<SweepGroup> groups = sweep_groups(results);
  write_result((fs::path(sweep.folder) / "sweep.json").string(), sweep_json(sweep.job, groups, results));
  write_result((fs::path(sweep.folder) / "sweep.csv").string(), sweep_csv(results));
  console.out << "\n" << sweep_text(groups, console.width) << "results in " << sweep.folder << std::endl;
  if (failed > 0) console.err << "laconic: " << failed << " of " << count << " runs failed" << std::endl;
  return failed > 0 ? ExitCode::kFailed : ExitCode::kDone;
}

}  // namespace laconic
