#include "training/training.h"

#include <algorithm>

#include "base/error.h"
#include "training/torch_learner.h"

namespace laconic {
namespace {

std::shared_ptr<TrainingContext> make_context(TrainingSetup setup) {
  LACONIC_CHECK(setup.data && setup.model && setup.optimizer && !setup.partition.empty(), "an incomplete setup");
  if (setup.batch == 0) throw UsageError("data.batch: 0 samples a step; take at least 1");
  setup.optimizer->check(setup.optimizer_options);
  std::shared_ptr<const Network> network =
      setup.model->make(setup.model_options, setup.data->shape, setup.data->classes);
  return std::make_shared<TrainingContext>(std::move(setup), std::move(network));
}

}  // namespace

Training::Training(TrainingSetup setup) : context_(make_context(std::move(setup))) {}

std::size_t Training::workers() const { return context_->setup.partition.size(); }
std::size_t Training::dimension() const { return context_->layout.size; }
const Layout& Training::layout() const { return context_->layout; }

std::vector<float> Training::initial_parameters() const {
  return laconic::initial_parameters(*context_->network, context_->setup.seed);
}

std::uint64_t Training::training_samples() const {
  std::uint64_t total = 0;
  for (const auto& part : context_->setup.partition) total += part.size();
  return total;
}

std::uint64_t Training::training_samples(Rank rank) const {
  return context_->setup.partition.at(static_cast<std::size_t>(rank.value)).size();
}

std::uint64_t Training::samples_per_step() const {
  std::uint64_t total = 0;
  for (const auto& part : context_->setup.partition) {
    total += context_->setup.sampling == Sampling::kFresh ? std::min<std::uint64_t>(context_->setup.batch, part.size())
                                                          : context_->setup.batch;
  }
  return total;
}

Bytes Training::memory_per_worker(bool with_gradient) const {
  const std::size_t state = context_->setup.optimizer->state_vectors(context_->setup.optimizer_options);
  return {(1 + state + (with_gradient ? 1 : 0)) * dimension() * sizeof(float)};
}

std::unique_ptr<Learner> Training::learner(Rank rank) const { return make_torch_learner(context_, rank); }

Evaluation Training::evaluate(std::span<const float> params, Split split) const {
  return evaluate_model(*context_, params, split);
}

}  // namespace laconic
