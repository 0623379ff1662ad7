#include "runtimes/sim/evaluation.h"

#include <atomic>
#include <utility>

#include "base/error.h"
#include "base/random.h"
#include "comm/crc32c.h"
#include "runtimes/node/node_state.h"
#include "runtimes/node/parallel_for.h"
#include "runtimes/node/shared_supervisor.h"

namespace laconic::sim {

bool Evaluation::keeps_own_models(Step step) const {
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

Task<bool> Evaluation::pass(Node& node) {
  Worker& worker = node.worker();
  Learner& learner = node.learner();
  const Step step = worker.step();
  evaluator_.add(worker.rank(), report_of(worker), worker.params(), learner.buffers(), world_.events.now());
  world_.trace.add(std::uint64_t{crc32c(std::as_bytes(std::span<const float>(worker.params())))});
  if (keeps_own_models(step)) {
    OwnModelsKept& own = own_models_[step];
    if (own.chosen.empty()) own.chosen = choose(step);
    if (own.chosen[static_cast<std::size_t>(worker.rank().value)]) own.models.emplace(worker.rank(), model_of(learner));
  }
  std::optional<Evaluator::Due> due = evaluator_.take_due();
  if (!due) co_return false;

  // Whoever passes last sees the newest of everything.
  Measurement& measurement = due->measurement;
  measurement.syncs = evaluator_.syncs();
  measurement.watched = evaluator_.watched();
  for (std::size_t kind = 0; kind < kTrafficKinds; ++kind) {
    measurement.traffic[kind] = world_.ledger.total(static_cast<Traffic>(kind));
  }
  const auto kept = own_models_.extract(step);
  co_await worker.compute([&] {
    const Supervision supervision(supervisor_);
    Evaluator::measure(*due, learner);
  });
  if (!evaluator_.measured(*due) && step == options_.steps) {
    // Before the last step a worker's own loss will tell, with its name.
    record(measurement);
    throw divergence(due->broken, step);
  }
  const bool stop = (options_.until && options_.until(measurement)) || evaluator_.is_out_of_patience();
  if (!kept.empty() && (stop || step == options_.steps || options_.own_models == OwnModels::kAlways)) {
    unrecorded_ = measurement;
    const bool is_at_end = stop || step == options_.steps;
    co_await worker.compute([&] { measure_own(kept.mapped(), learner, is_at_end, measurement); });
    unrecorded_.reset();
  }
  record(measurement);
  co_return stop;
}

void Evaluation::record_rest() {
  if (unrecorded_) record(*std::exchange(unrecorded_, std::nullopt));
}

bool Evaluation::samples() const {
  return options_.own_models_sample > 0 && options_.own_models_sample < static_cast<std::uint32_t>(world_.world_size);
}

std::vector<bool> Evaluation::choose(Step step) const {
  const auto workers = static_cast<std::uint32_t>(world_.world_size);
  if (!samples()) return std::vector<bool>(workers, true);
  std::vector<bool> chosen(workers, false);
  RandomStream stream(options_.seed, "own models", {step.value});
  const std::vector<std::uint32_t> order = random_permutation(stream, workers);
  for (std::uint32_t i = 0; i < options_.own_models_sample; ++i) chosen[order[i]] = true;
  return chosen;
}

// On all threads that have time. Which thread measures what decides nothing. Only `learner` is asked, for the data of all:
// where the job's end came before the last step, the others may be training.
void Evaluation::measure_own(const OwnModelsKept& kept, Learner& learner, bool is_at_end, Measurement& measurement) {
  std::vector<std::pair<Rank, const Model*>> models;
  for (const auto& [rank, model] : kept.models) models.emplace_back(rank, &model);
  std::vector<double> accuracies(models.size());
  std::vector<WorkerScore> scores(static_cast<std::size_t>(world_.world_size));
  std::atomic<std::uint64_t> done = 0;
  parallel_for(pool_, helpers_, models.size(), [&](std::size_t i) {
    QuietSupervisor quiet(supervisor_);
    {
      const Supervision part(quiet);
      const auto& [rank, model] = models[i];
      WorkerScore& score = scores[static_cast<std::size_t>(rank.value)];
      accuracies[i] = learner.evaluate(model->params, model->buffers, Split::kTest).score();
      score.test = accuracies[i];
      if (is_at_end) take_own_data(learner.evaluate_on_data_of(rank, model->params, model->buffers), score);
    }
    const Supervision whole(supervisor_);
    report_progress("evaluating the workers' own models", ++done, models.size());
  });
  measurement.workers = WorkerAccuracy::of(accuracies);
  if (samples()) measurement.workers->sampled = models.size();
  measurement.by_worker = std::move(scores);
}

}  // namespace laconic::sim
