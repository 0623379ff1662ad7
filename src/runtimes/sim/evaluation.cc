#include "runtimes/sim/evaluation.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "comm/crc32c.h"
#include "kernels/vector_ops.h"
#include "runtimes/node/node_state.h"

namespace laconic::sim {

bool Evaluator::keeps_own_models(Step step) const {
  switch (options_.own_models) {
    case OwnModels::kNever:
      return false;
    case OwnModels::kAtEnd:
      return options_.until || step == options_.steps;
    case OwnModels::kAlways:
      return true;
  }
  return false;
}

Task<bool> Evaluator::pass(Worker& worker, Learner& learner) {
  const Step step = worker.step();
  Slot& slot = slots_[step];
  const std::span<const float> params = worker.params();
  const std::span<const float> buffers = learner.buffers();
  if (slot.sum.empty()) {
    slot.sum.assign(params.size(), 0.0);
    slot.buffers_sum.assign(buffers.size(), 0.0);
    slot.own_models.resize(static_cast<std::size_t>(world_.world_size));
  }
  kernels::accumulate(1.0, params, slot.sum);
  kernels::accumulate(1.0, buffers, slot.buffers_sum);
  const double squared_norm = kernels::squared_norm(params);
  slot.squared_norms += squared_norm;
  if (slot.broken < 0 && !std::isfinite(squared_norm)) slot.broken = worker.rank().value;
  const Worker::MeanLoss loss = worker.take_loss();
  slot.loss_sum += loss.sum;
  slot.loss_steps += loss.steps;
  slot.tested += loss.tested;
  world_.trace.add(std::uint64_t{crc32c(std::as_bytes(params))});
  if (keeps_own_models(step)) {
    slot.own_models[static_cast<std::size_t>(worker.rank().value)] = model_of(params, buffers);
  }
  if (++slot.passed < world_.world_size) co_return false;

  Slot done = std::move(slot);
  slots_.erase(step);
  const double workers = world_.world_size;
  Model mean{.params = std::vector<float>(done.sum.size()), .buffers = std::vector<float>(done.buffers_sum.size())};
  kernels::finish_mean(done.sum, workers, mean.params);
  kernels::finish_mean(done.buffers_sum, workers, mean.buffers);
  double mean_squared_norm = 0.0;
  for (const double sum : done.sum) mean_squared_norm += (sum / workers) * (sum / workers);

  Measurement measurement;
  measurement.step = step;
  measurement.time = world_.events.now();
  measurement.train_loss = done.loss_steps == 0 ? 0.0 : done.loss_sum / static_cast<double>(done.loss_steps);
  measurement.prequential = prequential_ += done.tested;
  measurement.consensus_distance = std::max(0.0, done.squared_norms / workers - mean_squared_norm);
  measurement.syncs = syncs_;
  measurement.watched = watched_;
  for (std::size_t kind = 0; kind < kTrafficKinds; ++kind) {
    measurement.traffic[kind] = world_.ledger.total(static_cast<Traffic>(kind));
  }
  co_await worker.compute([&] {
    measurement.test = learner.evaluate(mean.params, mean.buffers, Split::kTest);
    measurement.validation = learner.evaluate(mean.params, mean.buffers, Split::kValidation);
  });
  if (std::isfinite(measurement.test.loss) && std::isfinite(measurement.validation.loss)) {
    last_good_model_ = std::move(mean);
    last_good_step_ = step;
  } else if (step == options_.steps) {
    // Before the last step a worker's own loss will tell, with its name.
    if (record_) record_(measurement);
    throw divergence(done.broken, step);
  }
  const bool stop = options_.until && options_.until(measurement);
  if (keeps_own_models(step) && (stop || step == options_.steps || options_.own_models == OwnModels::kAlways)) {
    co_await worker.compute([&] {
      std::vector<double> accuracies;
      for (const Model& model : done.own_models)
        accuracies.push_back(learner.evaluate(model.params, model.buffers, Split::kTest).accuracy);
      measurement.workers = WorkerAccuracy::of(accuracies);
    });
  }
  if (record_) record_(measurement);
  co_return stop;
}

void Evaluator::archive(Archive& archive) {
  LACONIC_CHECK(slots_.empty(), "the state of an evaluation in the middle of it");
  archive_prequential(archive, prequential_);
  archive.value("evaluation.syncs", syncs_);
  archive_watched(archive, watched_);
  archive.floats("evaluation.model", last_good_model_.params);
  archive.floats("evaluation.buffers", last_good_model_.buffers);
  archive.value("evaluation.model_step", last_good_step_.value);
}

}  // namespace laconic::sim
