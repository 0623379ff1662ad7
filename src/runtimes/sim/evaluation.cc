#include "runtimes/sim/evaluation.h"

#include <utility>

#include "comm/crc32c.h"
#include "runtimes/node/node_state.h"

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
    std::vector<Model>& models = own_models_[step];
    models.resize(static_cast<std::size_t>(world_.world_size));
    models[static_cast<std::size_t>(worker.rank().value)] = model_of(learner);
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
  co_await worker.compute([&] { Evaluator::measure(*due, learner); });
  if (!evaluator_.measured(*due) && step == options_.steps) {
    // Before the last step a worker's own loss will tell, with its name.
    record(measurement);
    throw divergence(due->broken, step);
  }
  const bool stop = options_.until && options_.until(measurement);
  if (!kept.empty() && (stop || step == options_.steps || options_.own_models == OwnModels::kAlways)) {
    co_await worker.compute([&] {
      std::vector<double> accuracies;
      for (const Model& model : kept.mapped())
        accuracies.push_back(learner.evaluate(model.params, model.buffers, Split::kTest).score());
      measurement.workers = WorkerAccuracy::of(accuracies);
    });
  }
  record(measurement);
  co_return stop;
}

}  // namespace laconic::sim
