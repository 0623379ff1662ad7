// Jobs over a grid of values: each combination a run with a folder of its own, and one comparison at the end.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <numeric>
#include <optional>
#include <ostream>
#include <set>
#include <thread>
#include <utility>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/execute.h"
#include "job/checkpoints.h"
#include "job/results.h"
#include "job/sweep_plan.h"
#include "links/connection.h"
#include "report/comparison.h"
#include "report/format.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;

std::optional<StoredRun> finished_run(const PlannedRun& run) {
  std::optional<StoredRun> stored = load_run(run.result.folder);
  if (stored && !is_result_of(*stored, run.job)) stored.reset();
  return stored;
}

// What a run that did not come to its end has left: beside an older run's results where those are finished.
StoredRun unfinished_run(const PlannedRun& run) {
  for (const char* ending : {"", ".failed"}) {
    const std::optional<StoredRun> stored = load_run(run.result.folder + ending);
    if (stored && stored->identity == run.job.identity_here()) return *stored;
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

// The runs of a sweep, of which several processes may do some each: those that another one has begun are left to it,
// and waited for at the end.
class SweepRuns {
 public:
  SweepRuns(Console& console, SweepPlan& sweep) : console_(console), sweep_(sweep), figures_(sweep.runs.size()) {}

  // Until all are done, here or elsewhere. What the sweep ends with, when it ends before.
  std::optional<ExitCode> all() {
    std::vector<std::size_t> open(sweep_.runs.size());
    std::iota(open.begin(), open.end(), std::size_t{0});
    while (!open.empty()) {
      std::vector<std::size_t> elsewhere;
      for (const std::size_t run : open) {
        const State state = one(run);
        if (state == State::kInterrupted) return interrupted();
        if (state == State::kElsewhere) elsewhere.push_back(run);
      }
      if (elsewhere.size() == open.size() && !wait_for(elsewhere)) return interrupted();
      open = std::move(elsewhere);
    }
    return std::nullopt;
  }

  // Of those that have results, in the order of the sweep.
  std::vector<ComparedRun> results() {
    std::vector<ComparedRun> all;
    for (std::size_t i = 0; i < figures_.size(); ++i) {
      if (!figures_[i]) continue;
      ComparedRun& result = sweep_.runs[i].result;
      result.figures = std::move(*figures_[i]);
      all.push_back(std::move(result));
    }
    return all;
  }
  std::size_t failed() const { return failed_; }

 private:
  enum class State { kDone, kElsewhere, kInterrupted };

  State one(std::size_t number) {
    PlannedRun& run = sweep_.runs[number];
    std::optional<StoredRun> stored = finished_run(run);
    if (stored) {
      tell(number, told_elsewhere_.contains(number) ? " was run by another process" : " is there already");
      return keep(number, *stored);
    }
    if (is_being_written(run.job)) return left_to_another(number);
    tell(number, "");
    Execution execution = simulated_execution(console_);
    execution.is_done = [&] { return finished_run(run).has_value(); };
    ExitCode code = ExitCode::kBadUsage;
    try {
      execution.resume = checkpoint_of(console_, run);
      code = execute(console_, run.job, execution);
    } catch (const RunInUse&) {
      return left_to_another(number);
    } catch (const UsageError& error) {
      // Its data or model cannot be had: the others go on, and this one has no results.
      print_error(console_.err, run.name + ": " + error.what());
      ++failed_;
      return State::kDone;
    }
    if (code == ExitCode::kInterrupted) return State::kInterrupted;
    if (code != ExitCode::kDone) ++failed_;
    stored = code == ExitCode::kDone ? load_run(run.result.folder) : unfinished_run(run);
    if (!stored) throw RunError(run.result.folder + ": the results have gone");
    return keep(number, *stored);
  }

  State keep(std::size_t number, StoredRun& stored) {
    figures_[number] = std::move(stored.figures);
    return State::kDone;
  }

  State left_to_another(std::size_t number) {
    if (told_elsewhere_.insert(number).second) tell(number, " is run by another process");
    return State::kElsewhere;
  }

  void tell(std::size_t number, const char* state) {
    console_.out << "run " << number + 1 << " of " << sweep_.runs.size() << ": " << sweep_.runs[number].name << state
                 << std::endl;
  }

  // For a moment; a lock goes with its owner, so that nothing is waited for that nobody does. False: interrupted.
  bool wait_for(const std::vector<std::size_t>& runs) {
    if (!std::exchange(told_waiting_, true)) {
      console_.out << "waiting for " << runs.size() << " of " << sweep_.runs.size()
                   << " runs, which other processes do; Ctrl-C ends the waiting" << std::endl;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    return !(console_.interrupted && console_.interrupted());
  }

  ExitCode interrupted() {
    const auto done = std::count_if(figures_.begin(), figures_.end(), [](const auto& run) { return run.has_value(); });
    console_.err << "laconic: " << sweep_.jobs << ": " << done << " of " << sweep_.runs.size()
                 << " runs are done; the same command goes on" << std::endl;
    return ExitCode::kInterrupted;
  }

  Console& console_;
  SweepPlan& sweep_;
  std::vector<std::optional<SummaryFigures>> figures_;
  std::set<std::size_t> told_elsewhere_;
  bool told_waiting_ = false;
  std::size_t failed_ = 0;
};

std::string state_of(const PlannedRun& run) {
  if (finished_run(run)) return "is there already";
  if (is_being_written(run.job)) return "is run by another process";
  if (run.job.checkpoint_interval && has_checkpoint(run.job, RuntimeKind::kSimulator)) return "goes on";
  return "to be run";
}

}  // namespace

ExitCode sweep_command(Console& console, const SweepArguments& arguments) {
  if (const auto launch = links::find_launch(); launch && launch->size != 1) {
    throw UsageError("a sweep runs in the simulator; start it without mpirun, or each of its runs with laconic run");
  }
  std::vector<std::string> job_files;
  std::vector<std::string> grid;
  for (const std::string& word : arguments.jobs_and_values) {
    std::error_code error;
    const bool is_values = word.find('=') != std::string::npos && !fs::is_regular_file(word, error);
    if (!is_values && word.find_first_of("./") == std::string::npos && !fs::exists(word, error)) {
      throw UsageError(word + ": is no job file, and as a key it has no values; write " + word + "=1,2");
    }
    (is_values ? grid : job_files).push_back(word);
  }
  SweepPlan sweep = plan_sweep(job_files, grid, arguments.overrides);
  const std::string count = std::to_string(sweep.runs.size());
  if (arguments.dry_run) {
    Table table({{"run", Table::Align::kLeft}, {"state", Table::Align::kLeft}});
    for (const PlannedRun& run : sweep.runs) table.add_row({run.name, state_of(run)});
    console.out << count << " runs in " << sweep.folder << "\n" << table.text(console.width) << std::flush;
    return ExitCode::kDone;
  }

  SweepRuns runs(console, sweep);
  if (const std::optional<ExitCode> end = runs.all()) return *end;
  const std::size_t failed = runs.failed();
  std::vector<ComparedRun> results = runs.results();
  if (results.empty()) {
    console.err << "laconic: " << sweep.jobs << ": none of " << count << " runs could begin" << std::endl;
    return ExitCode::kBadUsage;
  }

  const Comparison comparison = compare_runs(std::move(results));
  write_result((fs::path(sweep.folder) / "sweep.json").string(), comparison_json(sweep.jobs, comparison));
  write_result((fs::path(sweep.folder) / "sweep.csv").string(), comparison_csv(comparison));
  console.out << "\n"
              << comparison_text(comparison, console.width) << "results in " << sweep.folder << "; laconic report "
              << sweep.folder << " draws them" << std::endl;
  if (failed > 0) console.err << "laconic: " << failed << " of " << count << " runs failed" << std::endl;
  return failed > 0 ? ExitCode::kFailed : ExitCode::kDone;
}

}  // namespace laconic
