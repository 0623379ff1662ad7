#include "training/torch_learner.h"

#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/random.h"
#include "training/batch.h"
#include "training/data/graphical_model.h"
#include "training/model_evaluation.h"
#include "training/models/torch_error.h"
#include "training/optimizers/clipping.h"
#include "training/optimizers/flat_optimizer.h"

namespace laconic {
namespace {

// Elements before a worker's vector, so that what strategies see of it begins where vector instructions like it, as a
// vector of its own would.
std::size_t padding_of(const WorkerVector& places) {
  constexpr std::size_t kAlignment = 64 / sizeof(float);
  return (kAlignment - places.own.size % kAlignment) % kAlignment;
}

class TorchLearner final : public Learner {
 public:
  TorchLearner(std::shared_ptr<TrainingContext> context, Rank rank)
      : context_(std::move(context)),
        rank_(rank),
        shard_(context_->setup.partition.at(static_cast<std::size_t>(rank.value))),
        sampler_(context_->setup.sampling, shard_, context_->setup.batch, context_->setup.seed, rank),
        places_(context_->places),
        padding_(padding_of(places_)),
        vector_(at::empty({static_cast<std::int64_t>(padding_ + places_.size())})),
        optimizer_(context_->setup.optimizer->make(context_->setup.optimizer_options)),
        clip_(context_->setup.optimizer_options.number("clip")) {
    std::ranges::copy(context_->start_vector, vector());
    optimizer_->attach(part(vector_, padding_ + places_.trained_begin, places_.parameters.size));
  }

  std::span<float> params() override { return {vector() + places_.own.size, places_.shared.size}; }

  std::span<float> gradient() override {
    if (!gradient_.defined()) {
      gradient_ = at::zeros({static_cast<std::int64_t>(places_.size() - places_.trained_begin)});
    }
    return {gradient_.data_ptr<float>() + places_.own.size - places_.trained_begin, places_.shared.size};
  }

  const Layout& layout() const override { return places_.shared; }
  std::span<float> buffers() override { return {vector(), places_.own.size}; }
  std::uint64_t samples() const override { return shard_.size(); }

  std::size_t trained_size() const override { return places_.trained_size(); }
  double learning_rate() const override { return context_->learning_rate.at(step_.value); }

  StepResult compute_gradient(Step step) override {
    gradient();
    const InstancePool::Lease instance(context_->pool);
    return backward(*instance.operator->(), step, part(gradient_, 0, places_.parameters.size));
  }

  void apply_gradient() override {
    gradient();
    prepare_compute_thread();
    const FlushDenormals flush_denormals;
    optimizer_->step(part(gradient_, 0, places_.parameters.size), learning_rate());
  }

  StepResult local_step(Step step) override {
    const InstancePool::Lease instance(context_->pool);
    const at::Tensor& gradient = instance->scratch_gradient();
    const StepResult result = backward(*instance.operator->(), step, gradient);
    optimizer_->step(gradient, learning_rate());
    return result;
  }

  Evaluation evaluate(std::span<const float> params, std::span<const float> buffers, Split split) override {
    return with_torch_errors("the model in evaluation",
                             [&] { return evaluate_model(*context_, params, buffers, split, step_); });
  }

  Evaluation evaluate_on_data_of(Rank owner, std::span<const float> params, std::span<const float> buffers) override {
    return with_torch_errors("the model in evaluation",
                             [&] { return evaluate_on_training_data(*context_, owner, params, buffers, step_); });
  }

  void archive(Archive& archive) override {
    archive.value("learner.step", step_.value);
    optimizer_->archive(archive);
    if (!buffers().empty()) archive.floats("buffers", buffers());
  }

 private:
  std::string place_of_step() const {
    return "the model in step " + std::to_string(step_.value + 1) + " of worker " + std::to_string(rank_.value);
  }

  // The gradient of step `step`'s batch into `gradient`.
  StepResult backward(ModelInstance& instance, Step step, const at::Tensor& gradient) {
    const TrainingSetup& setup = context_->setup;
    const auto rank = static_cast<std::uint64_t>(rank_.value);
    step_ = step;
    RandomStream augmentation(setup.seed, "augmentation", {rank, step.value});
    const Batch batch = make_training_batch(step, &augmentation);
    instance.bind(vector() + places_.trained_begin, gradient.data_ptr<float>());
    StepResult result{.samples = static_cast<std::uint64_t>(batch.inputs.size(0))};
    const bool trains_as_it_tests = !context_->network->has_dropout() && places_.buffers.tensors.empty() &&
                                    setup.data->augmentation == Augmentation::kNone;
    if (setup.prequential && !trains_as_it_tests) {
      result.test_loss = test(instance, make_training_batch(step, nullptr));
    }
    Pass pass{.buffers = buffer_tensors(places_, vector()), .training = true};
    at::Generator masks;
    if (context_->network->has_dropout()) {
      RandomStream stream(setup.seed, "dropout", {rank, step.value});
      masks = at::detail::createCPUGenerator(stream());
      pass.dropout_masks = &masks;
    }
    result.loss = with_torch_errors(place_of_step(), [&] {
      const at::Tensor loss = context_->network->loss(
          context_->network->scores(instance.parameters(), batch.inputs, pass), batch.targets, true);
      loss.backward();
      return loss.item<double>();
    });
    if (setup.prequential && trains_as_it_tests) result.test_loss = result.loss;
    if (clip_ > 0.0) clip_to_norm({gradient.data_ptr<float>(), places_.parameters.size}, clip_);
    return result;
  }

  // The batch of `step`; `augmentation` as make_batch takes it.
  Batch make_training_batch(Step step, RandomStream* augmentation) {
    const TrainingSetup& setup = context_->setup;
    const Dataset& data = *setup.data;
    const Concept present = context_->drift.at(step);
    std::span<const std::uint32_t> chosen = sampler_.draw(step);
    if (!data.stream) return make_batch(data, data.train, chosen, augmentation, present);
    RandomStream stream(setup.seed, "stream", {static_cast<std::uint64_t>(rank_.value), step.value});
    const Samples drawn = GraphicalModel(*data.stream, setup.seed, present.model).draw(stream, chosen.size());
    std::vector<std::uint32_t> all(chosen.size());
    std::iota(all.begin(), all.end(), 0U);
    return make_batch(data, drawn, all, augmentation, present);
  }

  // Mean loss outside training.
  double test(ModelInstance& instance, const Batch& batch) {
    const at::NoGradGuard no_gradient;
    const std::vector<float> usable = usable_vector(*context_, params(), buffers());
    const Pass pass{.buffers = buffer_tensors(places_, usable.data())};
    const at::Tensor scores = context_->network->scores(instance.parameters(), batch.inputs, pass);
    return context_->network->loss(scores, batch.targets, true).item<double>();
  }

  static at::Tensor part(const at::Tensor& vector, std::size_t first, std::size_t size) {
    return vector.narrow(0, static_cast<std::int64_t>(first), static_cast<std::int64_t>(size));
  }

  float* vector() const { return vector_.data_ptr<float>() + padding_; }

  std::shared_ptr<TrainingContext> context_;
  Rank rank_;
  Step step_;
  const std::vector<std::uint32_t>& shard_;
  Sampler sampler_;
  const WorkerVector& places_;
  std::size_t padding_;
  at::Tensor vector_;    // behind the padding as places_ says
  at::Tensor gradient_;  // of the vector's trained part and what follows; undefined until someone asks for it
  std::unique_ptr<FlatOptimizer> optimizer_;
  double clip_;
};

}  // namespace

std::vector<float> initial_vector(const TrainingContext& context) {
  const auto first = context.start_vector.begin() + static_cast<std::ptrdiff_t>(context.places.own.size);
  return {first, context.start_vector.end()};
}

std::unique_ptr<Learner> make_torch_learner(std::shared_ptr<TrainingContext> context, Rank rank) {
  return std::make_unique<TorchLearner>(std::move(context), rank);
}

}  // namespace laconic
