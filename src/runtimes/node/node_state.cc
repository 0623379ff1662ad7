#include "runtimes/node/node_state.h"

#include <string>
#include <string_view>

namespace laconic {

void archive_worker(Archive& archive, Worker& worker, Learner& learner, Strategy& strategy, Comm& comm,
                    Mailbox& mailbox) {
  worker.archive(archive);
  archive.floats("params", learner.params());
  learner.archive(archive);
  archive_coordinator(archive, strategy, comm, mailbox);
}

void archive_coordinator(Archive& archive, Strategy& strategy, Comm& comm, Mailbox& mailbox) {
  strategy.archive(archive);
  comm.archive(archive);
  mailbox.archive(archive);
}

void archive_model(Archive& archive, Step& step, Seconds& now, std::span<float> params, std::span<float> buffers) {
  archive.value("model.step", step.value);
  archive.value("model.now", now.value);
  archive.floats("model.params", params);
  archive.floats("model.buffers", buffers);
}

void archive_watched(Archive& archive, std::map<std::string, double>& watched) {
  constexpr std::uint64_t kMost = 1000;
  constexpr std::size_t kLongest = 200;
  std::uint64_t count = watched.size();
  archive.value("watched", count);
  if (count > kMost) throw DecodeError("state: " + std::to_string(count) + " watched values");
  auto next = watched.begin();
  for (std::uint64_t i = 0; i < count; ++i) {
    std::string name = archive.loading() ? std::string() : next->first;
    archive.text("watched.name", name, kLongest);
    if (archive.loading()) next = watched.try_emplace(name).first;
    archive.value("watched.value", next->second);
    ++next;
  }
}

void archive_prequential(Archive& archive, Prequential& prequential) {
  archive.value("prequential.loss", prequential.loss);
  archive.value("prequential.samples", prequential.samples);
}

namespace {

// As Worker says it too.
constexpr std::string_view kDiverged = "training diverged";

void archive_evaluation(Archive& archive, Evaluation& evaluation) {
  archive.value("evaluation.loss", evaluation.loss);
  archive.value("evaluation.accuracy", evaluation.accuracy);
  archive.value("evaluation.samples", evaluation.samples);
  bool has_regression = evaluation.regression.has_value();
  archive.value("evaluation.has_regression", has_regression);
  if (!has_regression) return;
  Regression regression = evaluation.regression.value_or(Regression{});
  archive.value("evaluation.r2", regression.r2);
  archive.value("evaluation.mae", regression.mean_absolute_error);
  evaluation.regression = regression;
}

void archive_measurement(Archive& archive, Measurement& measurement) {
  archive.value("measurement.step", measurement.step.value);
  archive.value("measurement.time", measurement.time.value);
  archive.value("measurement.train_loss", measurement.train_loss);
  archive_evaluation(archive, measurement.test);
  archive_evaluation(archive, measurement.validation);
  archive_prequential(archive, measurement.prequential);
  archive.value("measurement.consensus_distance", measurement.consensus_distance);
  bool has_workers = measurement.workers.has_value();
  archive.value("measurement.has_workers", has_workers);
  if (has_workers) {
    WorkerAccuracy workers = measurement.workers.value_or(WorkerAccuracy{});
    archive.value("measurement.mean", workers.mean);
    archive.value("measurement.minimum", workers.minimum);
    archive.value("measurement.maximum", workers.maximum);
    archive.value("measurement.sampled", workers.sampled);
    measurement.workers = workers;
  }
  archive.value("measurement.syncs", measurement.syncs);
  for (Tally& tally : measurement.traffic) {
    archive.value("measurement.frames", tally.frames);
    archive.value("measurement.payload", tally.payload.value);
    archive.value("measurement.framed", tally.framed.value);
  }
  archive_watched(archive, measurement.watched);
}

}  // namespace

void archive_measurements(Archive& archive, std::vector<Measurement>& measurements) {
  std::uint64_t count = measurements.size();
  archive.value("measurements", count);
  for (std::uint64_t i = 0; i < count; ++i) {
    if (archive.loading()) measurements.emplace_back();
    archive_measurement(archive, measurements[i]);
  }
}

RunError divergence(std::int32_t broken, Step step) {
  return RunError(std::string(kDiverged) + ": the loss of the " +
                  (broken < 0 ? "average model" : "model of worker " + std::to_string(broken)) +
                  " is not finite after step " + std::to_string(step.value) +
                  "; lower optimizer.learning_rate, or a rate of the strategy's own, or synchronise more often");
}

bool is_divergence(const std::exception_ptr& error) {
  if (!error) return false;
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& known) {
    return std::string_view(known.what()).find(kDiverged) != std::string_view::npos;
  } catch (...) {
    return false;
  }
}

}  // namespace laconic
