#include "app/commands.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <ostream>

#include "app/job.h"
#include "app/plan.h"
#include "app/results.h"
#include "app/wiring.h"
#include "base/error.h"
#include "report/format.h"
#include "report/metrics.h"
#include "training/safetensors.h"

namespace laconic {
namespace {

ExitCode exit_code_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const UsageError&) {
    return ExitCode::kBadUsage;
  } catch (const PeerLost&) {
    return ExitCode::kPeerLost;
  } catch (const Interrupted&) {
    return ExitCode::kInterrupted;
  } catch (...) {
    return ExitCode::kFailed;
  }
}

ExitCode exit_code_of(const Outcome& outcome) {
  switch (outcome.end) {
    case Outcome::End::kSteps:
    case Outcome::End::kUntil:
      return ExitCode::kDone;
    case Outcome::End::kInterrupted:
      return ExitCode::kInterrupted;
    case Outcome::End::kFailed:
      return exit_code_of(outcome.error);
  }
  return ExitCode::kFailed;
}

void print_error(Console& console, const std::string& text) { console.err << "laconic: error: " << text << std::endl; }

std::string head_line(const Job& job, const JobSetup& setup) {
  return job.name + ": " + std::string(job.strategy->name) + ", " + std::string(job.model->name) + " with " +
         grouped(setup.strategy_setting.dimension) + " parameters on " + std::string(job.dataset->name) + ", " +
         grouped(job.workers) + (job.workers == 1 ? " worker, " : " workers, ") + grouped(setup.steps()) + " steps (" +
         significant(setup.epochs({setup.steps()})) + " epochs)";
}

// Runs a job and writes its results.
ExitCode execute(Console& console, const Job& job) {
  const JobSetup setup = set_up(job, Purpose::kRun, console.interrupted);
  RunFolder folder(job);
  const std::string& progress = job.section("output").text("progress");
  if (progress != "off") {
    console.out << head_line(job, setup) << std::endl;
    if (setup.tuned) console.out << tuned_text(job, setup) << std::endl;
  }
  ProgressDisplay display(console, progress, job.name, setup.steps());

  std::optional<double> threshold;
  for (const Options::Resolved& option : job.section("strategy").resolved()) {
    if (option.spec->name == "threshold" && !job.section("strategy").is_word("threshold")) {
      threshold = job.section("strategy").number("threshold");
    }
  }
  std::uint64_t syncs = 0;
  RunObserver observer;
  observer.interrupted = console.interrupted;
  observer.on_warning = [&](const std::string& text) { console.err << "laconic: warning: " << text << std::endl; };
  observer.on_step = [&](Step step, double loss, std::uint64_t so_far, Bytes wire) {
    display.step(step, loss, so_far, wire);
  };
  observer.on_measurement = [&](const Measurement& measurement) {
    const double epoch = setup.epochs(measurement.step);
    folder.add_metric(measurement_line(measurement, epoch));
    display.measurement(measurement, epoch);
  };
  if (setup.syncs_depend_on_data()) {
    observer.on_sync = [&](Step step, const std::map<std::string, double>& watched) {
      folder.add_metric(sync_line(step, setup.epochs(step), ++syncs, watched, threshold));
    };
  }
  const RunResult result = run_job(job, setup, observer);
  display.end();
  if (result.outcome.end == Outcome::End::kInterrupted && result.steps_done.value == 0) {
    console.err << "laconic: " << job.name << ": interrupted before the first step; nothing is written" << std::endl;
    return ExitCode::kInterrupted;
  }
  const Summary summary = summarise(job, setup, result);
  folder.publish(job, setup, result, summary);
  if (progress != "off") {
    console.out << summary_for_people(summary) << "  results       " << folder.path() << std::endl;
  }
  if (result.outcome.error) print_error(console, job.name + ": " + summary.error);
  return exit_code_of(result.outcome);
}

bool same_folder(const std::string& a, const std::string& b) {
  std::error_code error;
  return std::filesystem::weakly_canonical(a, error) == std::filesystem::weakly_canonical(b, error);
}

}  // namespace

ExitCode run_command(Console& console, const RunArguments& arguments) {
  const Job job = load_job(arguments.job_file, arguments.overrides);
  if (!arguments.dry_run) return execute(console, job);
  console.out << plan_text(job, set_up(job, Purpose::kRun, console.interrupted), console.width) << std::flush;
  return ExitCode::kDone;
}

ExitCode compare_command(Console& console, const CompareArguments& arguments) {
  // All jobs are read before the first is run.
  struct Entry {
    std::string folder;
    std::optional<Job> job;  // unset: a folder of results was given
  };
  std::vector<Entry> entries;
  for (const std::string& argument : arguments.jobs_or_folders) {
    std::error_code error;
    Entry entry;
    if (std::filesystem::is_directory(argument, error)) {
      entry.folder = argument;
      if (!load_run(argument))
        throw UsageError(argument + ": holds no summary.json of a run; give a job file or a folder of results");
    } else {
      entry.job = load_job(argument, arguments.overrides);
      entry.folder = entry.job->output_dir;
      for (const Entry& other : entries) {
        if (other.job && same_folder(other.folder, entry.folder) && other.job->identity() != entry.job->identity()) {
          throw UsageError(argument + ": writes " + entry.folder +
                           " as another of these jobs does; give them different names");
        }
      }
    }
    entries.push_back(std::move(entry));
  }

  std::vector<SummaryFigures> runs;
  for (const Entry& entry : entries) {
    std::optional<StoredRun> stored = load_run(entry.folder);
    const bool reusable =
        stored && (!entry.job || (stored->figures.finished && stored->identity == entry.job->identity() &&
                                  stored->figures.program_version == LACONIC_VERSION));
    if (!reusable) {
      const ExitCode code = execute(console, *entry.job);
      console.out << std::endl;
      if (code != ExitCode::kDone) return code;
      stored = load_run(entry.folder);
      if (!stored) throw RunError(entry.folder + ": the results have gone");
    }
    runs.push_back(stored->figures);
  }
  console.out << comparison_text(runs, console.width) << std::flush;
  return ExitCode::kDone;
}

ExitCode evaluate_command(Console& console, const EvaluateArguments& arguments) {
  const Job job = load_job(arguments.job_file, arguments.overrides);
  const JobSetup setup = set_up(job, Purpose::kEvaluate);
  const std::vector<float> tensors = read_safetensors(arguments.model_file, setup.training->stored_layout());
  const auto params = std::span(tensors).first(setup.training->dimension());
  const auto buffers = std::span(tensors).subspan(params.size());
  Table table({{"split", Table::Align::kLeft}, {"samples"}, {"loss"}, {"accuracy"}});
  const auto add = [&](const std::string& name, Split split) {
    const Evaluation result = setup.training->evaluate(params, buffers, split);
    if (result.samples == 0) return;
    table.add_row({name, grouped(result.samples), significant(result.loss, 4), percent(result.accuracy)});
  };
  add("test", Split::kTest);
  add("validation", Split::kValidation);
  console.out << table.text(console.width) << std::flush;
  return ExitCode::kDone;
}

ExitCode report_error(Console& console) {
  const std::exception_ptr error = std::current_exception();
  print_error(console, error_text(error));
  return exit_code_of(error);
}

}  // namespace laconic
