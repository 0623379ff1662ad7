#include "job/run_summary.h"

#include <algorithm>
#include <new>
#include <set>
#include <utility>
#include <vector>

#include "base/error.h"
#include "report/format.h"
#include "training/data/fingerprint.h"

namespace laconic {
namespace {

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

Summary::End end_of(Outcome::End end) {
  switch (end) {
    case Outcome::End::kSteps:
      return Summary::End::kSteps;
    case Outcome::End::kUntil:
      return Summary::End::kUntil;
    case Outcome::End::kPatience:
      return Summary::End::kPatience;
    case Outcome::End::kInterrupted:
      return Summary::End::kInterrupted;
    case Outcome::End::kFailed:
      return Summary::End::kFailed;
  }
  return Summary::End::kFailed;
}

Summary::Source source_of(Outcome::Source source) {
  switch (source) {
    case Outcome::Source::kStart:
      return Summary::Source::kStart;
    case Outcome::Source::kMeasured:
      return Summary::Source::kMeasured;
    case Outcome::Source::kAverageAtEnd:
      return Summary::Source::kAverageAtEnd;
    case Outcome::Source::kSynchronised:
      return Summary::Source::kSynchronised;
    case Outcome::Source::kOfWorker0:
      return Summary::Source::kOfWorker0;
  }
  return Summary::Source::kMeasured;
}

// How many users' samples each worker trains on; empty where the data have none, or nobody knows all.
std::vector<std::uint64_t> users_of_each(const JobSetup& setup) {
  if (setup.data->train.users.empty()) return {};
  std::vector<std::uint64_t> counts;
  for (const std::vector<std::uint32_t>& part : setup.partition) {
    if (part.empty()) return {};
    std::set<std::uint32_t> users;
    for (const std::uint32_t sample : part) users.insert(setup.data->train.users.at(sample));
    counts.push_back(users.size());
  }
  return counts;
}

}  // namespace

Summary summary_at_start(const Job& job, const JobSetup& setup, RuntimeKind runtime) {
  Summary summary;
  summary.runtime = runtime == RuntimeKind::kProcesses ? Summary::Runtime::kProcesses : Summary::Runtime::kSimulator;
  summary.average = runtime == RuntimeKind::kSimulator || job.section("evaluation").flag("average");
  summary.program_version = LACONIC_VERSION;
  summary.job = job.name;
  summary.strategy = job.strategy->name;
  summary.model = job.model->name;
  summary.dataset = job.dataset->name;
  summary.data = hex(fingerprint_of_test(*setup.data));
  if (setup.data->input == Input::kImages) summary.classes = setup.data->class_names;
  summary.seed = job.seed;
  summary.workers = job.workers;
  summary.parameters = setup.strategy_setting.dimension;
  if (setup.tuned) summary.tuned_gamma = setup.tuned->gamma;
  summary.planned_steps = setup.steps();
  summary.syncs_are_gossip = (job.between == nullptr ? job.demands() : job.demands_between()).gossips();
  return summary;
}

Summary summarise(const Job& job, const JobSetup& setup, const RunResult& result, RuntimeKind runtime) {
  Summary summary = summary_at_start(job, setup, runtime);
  summary.end = end_of(result.outcome.end);
  if (result.outcome.error) summary.error = error_text(result.outcome.error);
  summary.steps = result.steps_done.value;
  summary.epochs = setup.epochs(result.steps_done);
  if (!result.outcome.model.empty()) summary.model_step = result.outcome.model_step.value;
  summary.model_source = source_of(result.outcome.model_source);
  if (const std::optional<BestFigures>& best = result.outcome.best) {
    summary.best = Summary::Best{.step = best->step.value,
                                 .by_validation = best->by_validation,
                                 .of_numbers = setup.data->numbers > 0,
                                 .score = best->score,
                                 .loss = best->loss,
                                 .is_stored = !result.outcome.best_model.empty()};
  }
  summary.patience = setup.simulation.patience;
  summary.syncs = result.outcome.syncs;
  if (const std::optional<ResumePoint>& resume = setup.simulation.checkpoints.resume) {
    summary.resumed_step = resume->step.value;
  }
  for (const std::uint64_t step : setup.training->drifts()) {
    if (step < summary.steps) summary.drifts.push_back(step);
  }
  summary.time = result.outcome.time;
  summary.wall_seconds = result.wall_seconds;
  summary.trace_hash = result.outcome.trace_hash;
  summary.paper_gb = paper_gb(job, setup.strategy_setting, summary.steps, summary.syncs);
  summary.joules = joules_of(job, result.outcome.ledger.total().framed, summary.steps);
  if (!result.measurements.empty()) {
    summary.newest = result.measurements.back();
    double best = result.measurements.front().test.score();
    for (const Measurement& measurement : result.measurements) best = std::max(best, measurement.test.score());
    summary.best_score = best;
    summary.own_users = users_of_each(setup);
  }
  add_ledger(result.outcome.ledger, summary);
  summary.has_all_nodes = result.outcome.ledger_is_whole;
  return summary;
}

std::string error_text(const std::exception_ptr& error) {
  std::string text = "unknown error";
  try {
    std::rethrow_exception(error);
  } catch (const std::bad_alloc&) {
    text = "out of memory; --dry-run says what a job needs: give fewer workers.count or a smaller model";
  } catch (const std::exception& known) {
    text = known.what();
  } catch (...) {
  }
  return one_line(std::move(text));
}

std::optional<double> joules_of(const Job& job, Bytes sent, std::uint64_t steps) {
  const Options& energy = job.section("energy");
  if (!(energy.number("per_bit") > 0.0 || energy.number("per_step") > 0.0)) return std::nullopt;
  const double all_steps = static_cast<double>(steps) * static_cast<double>(job.workers);
  return 8.0 * static_cast<double>(sent.value) * energy.number("per_bit") + all_steps * energy.number("per_step");
}

std::optional<double> paper_gb(const Job& job, const StrategySetting& setting, std::uint64_t steps,
                               std::uint64_t syncs) {
  // The papers' formulas are of whole models.
  if (setting.compressor || job.strategy->paper_bytes == nullptr) return std::nullopt;
  const std::optional<double> bytes = job.strategy->paper_bytes(job.section("strategy"), setting, steps, syncs);
  return bytes ? std::optional(*bytes / 1e9) : std::nullopt;
}

}  // namespace laconic
