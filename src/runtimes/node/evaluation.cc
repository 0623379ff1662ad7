#include "runtimes/node/evaluation.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "kernels/vector_ops.h"
#include "runtimes/node/node_state.h"

namespace laconic {

WorkerReport report_of(Worker& worker) {
  const Worker::MeanLoss loss = worker.take_loss();
  WorkerReport report;
  report.step = worker.step();
  report.loss_sum = loss.sum;
  report.loss_steps = loss.steps;
  report.tested = loss.tested;
  report.squared_norm = kernels::squared_norm(worker.params());
  return report;
}

void take_own_data(const Evaluation& evaluation, WorkerScore& score) {
  if (evaluation.samples == 0) return;
  score.own_data = evaluation.score();
  score.own_samples = evaluation.samples;
}

void take_scores(std::vector<WorkerScore> scores, Measurement& measurement) {
  const auto has_test = [](const WorkerScore& worker) { return worker.test.has_value(); };
  if (!scores.empty() && std::ranges::all_of(scores, has_test)) {
    std::vector<double> accuracies;
    for (const WorkerScore& worker : scores) accuracies.push_back(*worker.test);
    measurement.workers = WorkerAccuracy::of(accuracies);
  }
  if (std::ranges::any_of(scores, [](const WorkerScore& worker) { return worker != WorkerScore{}; })) {
    measurement.by_worker = std::move(scores);
  }
}

void Evaluator::add(Rank rank, const WorkerReport& report, std::span<const float> params,
                    std::span<const float> buffers, Seconds now) {
  Slot& slot = slots_[report.step];
  slot.reported.resize(static_cast<std::size_t>(world_size_));
  slot.own.resize(static_cast<std::size_t>(world_size_));
  const std::string who =
      "report of worker " + std::to_string(rank.value) + " after step " + std::to_string(report.step.value) + ": ";
  if (slot.reported.at(static_cast<std::size_t>(rank.value))) throw DecodeError(who + "it came before");
  if (averages_ == params.empty()) {
    throw DecodeError(who + "a model is " + (averages_ ? "missing" : "too much") +
                      "; all processes need the same evaluation.average");
  }
  slot.reported[static_cast<std::size_t>(rank.value)] = true;
  ++slot.reports;
  slot.newest = now;
  if (averages_) {
    slot.sum.resize(params.size());
    slot.buffers_sum.resize(buffers.size());
    kernels::accumulate(1.0, params, slot.sum);
    kernels::accumulate(1.0, buffers, slot.buffers_sum);
  }
  slot.squared_norms += report.squared_norm;
  if (slot.broken < 0 && !std::isfinite(report.squared_norm)) slot.broken = rank.value;
  slot.loss_sum += report.loss_sum;
  slot.loss_steps += report.loss_steps;
  slot.tested += report.tested;
  slot.own[static_cast<std::size_t>(rank.value)] = report.own;
  for (std::size_t kind = 0; kind < kTrafficKinds; ++kind) slot.traffic[kind] += report.traffic[kind];
  if (rank.value != 0) return;
  slot.syncs = syncs_;
  slot.watched = watched_;
}

std::optional<Evaluator::Due> Evaluator::take_due() {
  if (slots_.empty() || slots_.begin()->second.reports < world_size_) return std::nullopt;
  Due due;
  due.step = slots_.begin()->first;
  Slot slot = std::move(slots_.begin()->second);
  slots_.erase(slots_.begin());
  const double workers = world_size_;
  Measurement& measurement = due.measurement;
  measurement.step = due.step;
  measurement.time = slot.newest;
  measurement.train_loss = slot.loss_steps == 0 ? 0.0 : slot.loss_sum / static_cast<double>(slot.loss_steps);
  measurement.prequential = prequential_ += slot.tested;
  measurement.consensus_distance = std::numeric_limits<double>::quiet_NaN();
  measurement.syncs = slot.syncs;
  measurement.watched = slot.watched;
  measurement.traffic = slot.traffic;
  due.broken = slot.broken;
  due.model = std::move(slot.model);
  if (averages_) {
    due.model.params.resize(slot.sum.size());
    due.model.buffers.resize(slot.buffers_sum.size());
    kernels::finish_mean(slot.sum, workers, due.model.params);
    kernels::finish_mean(slot.buffers_sum, workers, due.model.buffers);
    double squared_norm_of_mean = 0.0;
    for (const double sum : slot.sum) squared_norm_of_mean += (sum / workers) * (sum / workers);
    measurement.consensus_distance = std::max(0.0, slot.squared_norms / workers - squared_norm_of_mean);
  }
  take_scores(std::move(slot.own), measurement);
  return due;
}

std::optional<Rank> Evaluator::missing() const {
  if (slots_.empty()) return std::nullopt;
  const Slot& slot = slots_.begin()->second;
  for (std::int32_t rank = 0; rank < world_size_; ++rank) {
    if (!slot.reported.at(static_cast<std::size_t>(rank))) return Rank{rank};
  }
  return std::nullopt;
}

void Evaluator::measure(Due& due, Learner& learner) {
  due.measurement.test = learner.evaluate(due.model.params, due.model.buffers, Split::kTest);
  due.measurement.validation = learner.evaluate(due.model.params, due.model.buffers, Split::kValidation);
}

bool Evaluator::measured(const Due& due) {
  const Measurement& measurement = due.measurement;
  if (best_.add(measurement) && keeps_best_) best_model_ = due.model;
  if (!std::isfinite(measurement.test.loss) || !std::isfinite(measurement.validation.loss)) return false;
  last_good_ = due.model;
  last_good_step_ = due.step;
  has_good_ = true;
  return true;
}

void Evaluator::give(Outcome& outcome) const {
  outcome.model = last_good_.params;
  outcome.buffers = last_good_.buffers;
  outcome.model_step = last_good_step_;
  outcome.model_source = has_good_ ? Outcome::Source::kMeasured : Outcome::Source::kStart;
  outcome.best = best_.best();
  outcome.best_model = best_model_.params;
  outcome.best_buffers = best_model_.buffers;
}

void Evaluator::archive(Archive& archive) {
  LACONIC_CHECK(slots_.empty(), "the state of an evaluation in the middle of it");
  archive_prequential(archive, prequential_);
  archive.value("evaluation.syncs", syncs_);
  archive_watched(archive, watched_);
  archive.floats("evaluation.model", last_good_.params);
  archive.floats("evaluation.buffers", last_good_.buffers);
  archive.value("evaluation.model_step", last_good_step_.value);
  archive.value("evaluation.has_model", has_good_);
  best_.archive(archive);
  bool has_best_model = !best_model_.params.empty();
  archive.value("best.has_model", has_best_model);
  if (!has_best_model) return;
  best_model_.params.resize(last_good_.params.size());
  best_model_.buffers.resize(last_good_.buffers.size());
  archive.floats("best.params", best_model_.params);
  archive.floats("best.buffers", best_model_.buffers);
}

}  // namespace laconic
