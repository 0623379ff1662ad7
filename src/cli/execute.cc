#include "cli/execute.h"

#include <ostream>

#include "base/error.h"
#include "base/supervision.h"
#include "cli/work_display.h"
#include "job/results.h"
#include "job/served_page.h"
#include "mechanisms/budget.h"
#include "report/format.h"
#include "report/metrics.h"
#include "topology/mixing.h"
#include "training/data/description.h"
#include "training/data/fingerprint.h"

namespace laconic {
namespace {

// Characters of metrics.jsonl that a checkpoint may hold.
constexpr std::size_t kMostMetrics = std::size_t{1} << 32;

std::string head_line(const Job& job, const JobSetup& setup) {
  return job.name + ": " + std::string(job.strategy->name) + ", " + std::string(job.model->name) + " with " +
         grouped(setup.strategy_setting.dimension) + " parameters on " + std::string(job.dataset->name) + ", " +
         grouped(job.workers) + (job.workers == 1 ? " worker, " : " workers, ") + grouped(setup.steps()) + " steps (" +
         significant(setup.epochs({setup.steps()})) + " epochs)";
}

// Throws UsageError for checkpoints that would keep nothing, and for one with no step left behind it.
void check_checkpoints(const Job& job, const JobSetup& setup, const Execution& execution) {
  if (job.section("checkpoint").flag("keep_last") && setup.strategy_setting.drains() == 0) {
    throw UsageError(job.section("checkpoint").place("keep_last") +
                     ": no checkpoint is made before the last step, and none would be kept; make checkpoint.every " +
                     "shorter than the run");
  }
  if (!execution.resume || execution.resume->manifest.step.value < setup.steps()) return;
  throw UsageError(job.output_dir + ": has taken " + grouped(execution.resume->manifest.step.value) + " of " +
                   grouped(setup.steps()) + " steps; give more to train on, such as --set job.steps=" +
                   std::to_string(2 * execution.resume->manifest.step.value));
}

ExitCode run_to_results(Console& console, const Job& job, const Execution& execution);

}  // namespace

Execution simulated_execution(const Console& console) {
  Execution execution;
  execution.set_up = [interrupted = console.interrupted](const Job& job) {
    return set_up(job, Purpose::kRun, interrupted);
  };
  return execution;
}

ExitCode execute(Console& console, const Job& job, const Execution& execution) {
  try {
    return run_to_results(console, job, execution);
  } catch (const Interrupted& end) {
    // Other processes have to hear of it.
    if (execution.kind == RuntimeKind::kProcesses) throw;
    console.err << "laconic: " << job.name << ": " << end.what() << "; nothing is written" << std::endl;
    return ExitCode::kInterrupted;
  }
}

namespace {

ExitCode run_to_results(Console& console, const Job& job, const Execution& execution) {
  const std::string& progress = job.section("output").text("progress");
  WorkDisplay work(console, progress);
  std::optional<Supervision> supervision(work);
  JobSetup setup = execution.set_up(job);
  work.end();
  RunFolder folder(job);
  if (execution.is_done && execution.is_done()) return ExitCode::kDone;
  ServedPage page(console.page, job, setup, execution.kind);
  std::optional<JobCheckpoints> checkpoints;
  const bool keeps_last = job.section("checkpoint").flag("keep_last");
  if (job.checkpoint_interval) {
    check_checkpoints(job, setup, execution);
    checkpoints.emplace(job, execution.kind, true);
    setup.simulation.checkpoints.keeper = &*checkpoints;
    if (execution.resume) {
      setup.simulation.checkpoints.resume = checkpoints->resume(*execution.resume);
      resume_from_model(setup);
    } else {
      checkpoints->begin();
    }
  }
  if (execution.ready) execution.ready();
  if (console.page) {
    console.out << "watch at " << page.url() << std::endl;
    if (!serve::is_loopback(*console.page)) {
      print_warning(console.err, "the dashboard has no password: whoever reaches this address sees the run");
    }
  }
  if (progress != "off") {
    console.out << head_line(job, setup) << std::endl;
    console.out << description(*setup.data, setup.training->training_samples()) << std::endl;
    for (const std::string& remark : setup.remarks) console.out << "note: " << remark << std::endl;
    if (setup.strategy_setting.mixing && !setup.strategy_setting.mixing->origin().empty()) {
      console.out << job.section("topology").text("graph") << ": " << setup.strategy_setting.mixing->origin()
                  << std::endl;
    }
    if (setup.tuned) console.out << tuned_text(job, setup) << std::endl;
    if (const std::uint32_t sample = setup.simulation.own_models_sample;
        execution.kind == RuntimeKind::kSimulator && sample > 0 && sample < job.workers &&
        setup.simulation.own_models != OwnModels::kNever) {
      console.out << "own models are measured of " << grouped(sample) << " of the " << grouped(job.workers)
                  << " workers, drawn at random (evaluation.sample = 0: of all)" << std::endl;
    }
    if (execution.resume) {
      console.out << "goes on after step " << grouped(execution.resume->manifest.step.value) << std::endl;
      for (const std::string& note : execution.resume->notes) console.out << note << std::endl;
    }
  }
  ProgressDisplay display(console, progress, job.name, setup.steps());

  const std::optional<double> threshold = fixed_threshold(*job.strategy, job.section("strategy"));
  std::uint64_t syncs = 0;
  const auto add_metric = [&](const std::string& line) {
    folder.add_metric(line);
    page.add_metric(line);
  };
  RunObserver observer;
  observer.interrupted = console.interrupted;
  observer.on_progress = [&](const Progress& of_work) { work.progress(of_work); };
  observer.on_warning = [&](const std::string& text) { print_warning(console.err, text); };
  // Of the data that decide what a step does; of one process over MPI its own.
  const std::uint64_t training_data = fingerprint_of_training(*setup.data);
  observer.archive = [&](Archive& archive) {
    std::string lines = folder.metrics();
    archive.text("metrics", lines, kMostMetrics);
    if (archive.loading()) {
      folder.set_metrics(lines);
      page.set_metrics(lines);
    }
    archive.value("synchronisations", syncs);
    std::uint64_t model = setup.training->model_fingerprint();
    archive.value("model", model);
    std::uint64_t data = training_data;
    archive.value("data", data);
    if (data != training_data) {
      throw DecodeError(
          "the training data are others than those it was made with (their number, labels, classes, users "
          "or order); put those back, or begin anew");
    }
    if (model != setup.training->model_fingerprint()) {
      throw DecodeError("model.file or model.start is another than the one it was made with; put that one back");
    }
  };
  observer.on_step = [&](Step step, double loss, std::uint64_t so_far, Bytes wire) {
    display.step(step, loss, so_far, wire);
    page.step(step);
  };
  observer.on_measurement = [&](const Measurement& measurement) {
    const double epoch = setup.epochs(measurement.step);
    add_metric(measurement_line(measurement, epoch));
    display.measurement(measurement, epoch);
  };
  if (setup.syncs_depend_on_data()) {
    observer.on_sync = [&](Step step, const std::map<std::string, double>& watched) {
      add_metric(sync_line(step, setup.epochs(step), ++syncs, watched, threshold));
    };
  }
  RunResult result;
  try {
    result = run_job(job, setup, observer, execution.runtime);
  } catch (const DecodeError& error) {
    if (!execution.resume) throw;
    throw UsageError(job.checkpoint_dir() + ": the checkpoint of step " +
                     std::to_string(execution.resume->manifest.step.value) + " cannot be used: " + error.what());
  }
  display.end();
  work.end();
  supervision.reset();
  if (result.outcome.error) print_error(console.err, job.name + ": " + error_text(result.outcome.error));
  if (result.outcome.end == Outcome::End::kInterrupted && result.steps_done.value == 0) {
    console.err << "laconic: " << job.name << ": interrupted before the first step; nothing is written" << std::endl;
    return ExitCode::kInterrupted;
  }
  const Summary summary = summarise(job, setup, result, execution.kind);
  // Who asked before has what is written now; who asks now has what was.
  const bool was_stopped = console.stopped();
  if (!was_stopped) supervision.emplace(work);
  const std::string missing = folder.publish(job, setup, result, summary);
  supervision.reset();
  page.end(summary);
  if (checkpoints && summary.finished() && missing.empty() && !keeps_last) checkpoints->remove_all();
  console.out << summary_for_people(summary) << "  results       " << folder.path() << std::endl;
  if (checkpoints && (!summary.finished() || keeps_last) && checkpoints->has_any()) {
    console.out << "  checkpoints   " << job.checkpoint_dir() << "; laconic run --resume " << job.output_dir
                << (summary.finished() ? " --set job.steps=... trains on" : " goes on") << " from the newest"
                << std::endl;
  }
  if (!missing.empty()) {
    print_error(console.err, missing);
    return console.stopped() && !was_stopped ? ExitCode::kInterrupted : ExitCode::kFailed;
  }
  return exit_code_of(result.outcome);
}

}  // namespace
}  // namespace laconic
