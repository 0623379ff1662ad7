#include "training/torch_learner.h"

#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/random.h"
#include "base/supervision.h"
#include "training/batch.h"
#include "training/data/graphical_model.h"
#include "training/models/torch_error.h"
#include "training/optimizers/flat_optimizer.h"

namespace laconic {
namespace {

// Tensors on `buffers`, which must outlive them. libtorch has no view of constants: only a pass in training writes.
std::vector<at::Tensor> buffer_tensors(const Layout& layout, const float* buffers) {
  std::vector<at::Tensor> tensors;
  for (const TensorLayout& tensor : layout.tensors) {
    tensors.push_back(at::from_blob(const_cast<float*>(buffers) + tensor.offset, tensor.shape));
  }
  return tensors;
}

// The buffers of a model, from wherever they are, none of them below its minimum.
std::vector<float> usable_buffers(const TrainingContext& context, std::span<const float> params,
                                  std::span<const float> buffers) {
  const auto given = context.buffers_travel ? params.subspan(context.trained.size) : buffers;
  std::vector<float> usable(given.begin(), given.end());
  for (std::size_t i = 0; i < context.state.tensors.size(); ++i) {
    const TensorLayout& tensor = context.state.tensors[i];
    for (float& value : std::span(usable).subspan(tensor.offset, tensor.size)) {
      value = std::max(value, context.network->buffers()[i].minimum);
    }
  }
  return usable;
}

class TorchLearner final : public Learner {
 public:
  TorchLearner(std::shared_ptr<TrainingContext> context, Rank rank)
      : context_(std::move(context)),
        rank_(rank),
        shard_(context_->setup.partition.at(static_cast<std::size_t>(rank.value))),
        sampler_(context_->setup.sampling, shard_, context_->setup.batch, context_->setup.seed, rank),
        params_(at::empty({static_cast<std::int64_t>(context_->layout.size)})),
        buffers_(context_->buffers_travel ? std::vector<float>() : initial_buffers(*context_->network)),
        optimizer_(context_->setup.optimizer->make(context_->setup.optimizer_options)) {
    std::ranges::copy(initial_vector(*context_), params_.data_ptr<float>());
    optimizer_->attach(trained(params_));
  }

  std::span<float> params() override { return {params_.data_ptr<float>(), context_->layout.size}; }

  std::span<float> gradient() override {
    if (!gradient_.defined()) gradient_ = at::zeros({static_cast<std::int64_t>(context_->layout.size)});
    return {gradient_.data_ptr<float>(), context_->layout.size};
  }

  const Layout& layout() const override { return context_->layout; }
  std::span<float> buffers() override { return buffers_; }
  std::uint64_t samples() const override { return shard_.size(); }

  std::size_t trained_size() const override { return context_->trained.size; }
  double learning_rate() const override { return context_->learning_rate.at(step_.value); }

  StepResult compute_gradient(Step step) override {
    gradient();
    const InstancePool::Lease instance(context_->pool);
    return backward(*instance.operator->(), step, gradient_);
  }

  void apply_gradient() override {
    gradient();
    prepare_compute_thread();
    const FlushDenormals flush_denormals;
    optimizer_->step(trained(gradient_), learning_rate());
  }

  StepResult local_step(Step step) override {
    const InstancePool::Lease instance(context_->pool);
    const at::Tensor& gradient = instance->scratch_gradient();
    const StepResult result = backward(*instance.operator->(), step, gradient);
    optimizer_->step(gradient, learning_rate());
    return result;
  }

  Evaluation evaluate(std::span<const float> params, std::span<const float> buffers, Split split) override {
    return evaluate_model(*context_, params, buffers, split, step_);
  }

  void archive(Archive& archive) override {
    archive.value("learner.step", step_.value);
    optimizer_->archive(archive);
    if (!buffers_.empty()) archive.floats("buffers", buffers_);
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
    instance.bind(params_.data_ptr<float>(), gradient.data_ptr<float>());
    float* const buffers =
        context_->buffers_travel ? params_.data_ptr<float>() + context_->trained.size : buffers_.data();
    StepResult result{.samples = static_cast<std::uint64_t>(batch.inputs.size(0))};
    const bool trains_as_it_tests =
        !context_->network->has_dropout() && context_->state.size == 0 && !setup.data->augmented;
    if (setup.prequential && !trains_as_it_tests) {
      result.test_loss = test(instance, make_training_batch(step, nullptr));
    }
    Pass pass{.buffers = buffer_tensors(context_->state, buffers), .training = true};
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
  double test(ModelInstance& instance, const Batch& batch) const {
    const at::NoGradGuard no_gradient;
    const std::span<const float> params(params_.data_ptr<float>(), context_->layout.size);
    const std::vector<float> usable = usable_buffers(*context_, params, buffers_);
    const Pass pass{.buffers = buffer_tensors(context_->state, usable.data())};
    const at::Tensor scores = context_->network->scores(instance.parameters(), batch.inputs, pass);
    return context_->network->loss(scores, batch.targets, true).item<double>();
  }

  // The part of a vector like params() that is trained.
  at::Tensor trained(const at::Tensor& vector) const {
    return vector.narrow(0, 0, static_cast<std::int64_t>(context_->trained.size));
  }

  std::shared_ptr<TrainingContext> context_;
  Rank rank_;
  Step step_;
  const std::vector<std::uint32_t>& shard_;
  Sampler sampler_;
  at::Tensor params_;
  std::vector<float> buffers_;  // none where they travel
  at::Tensor gradient_;         // undefined until someone asks for it
  std::unique_ptr<FlatOptimizer> optimizer_;
};

}  // namespace

std::vector<float> initial_vector(const TrainingContext& context) {
  std::vector<float> values = initial_parameters(*context.network, context.setup.seed);
  if (context.buffers_travel) {
    const std::vector<float> buffers = initial_buffers(*context.network);
    values.insert(values.end(), buffers.begin(), buffers.end());
  }
  return values;
}

std::unique_ptr<Learner> make_torch_learner(std::shared_ptr<TrainingContext> context, Rank rank) {
  return std::make_unique<TorchLearner>(std::move(context), rank);
}

Evaluation evaluate_model(TrainingContext& context, std::span<const float> params, std::span<const float> buffers,
                          Split split, Step step) {
  // Small enough for the activations to stay in the cache, and the scores of a large vocabulary in memory. Part of the
  // result: another size rounds the scores differently.
  constexpr std::size_t kMostSamples = 32;
  constexpr std::size_t kMostScores = std::size_t{1} << 22;
  LACONIC_CHECK(params.size() == context.layout.size, params.size() << " parameters for " << context.layout.size);
  const std::size_t separate = context.buffers_travel ? 0 : context.state.size;
  LACONIC_CHECK(buffers.size() == separate, buffers.size() << " buffers for " << separate);
  const Dataset& data = *context.setup.data;
  const Samples& kept = split == Split::kTest ? data.test : data.validation;
  Evaluation result{.loss = 0.0, .accuracy = 0.0, .samples = kept.count()};
  if (result.samples == 0) return result;
  const Concept present = context.drift.at(step);
  Samples drawn;
  if (data.stream) {
    RandomStream stream(context.setup.seed, "test split", {present.model});
    drawn = GraphicalModel(*data.stream, context.setup.seed, present.model).draw(stream, kept.count());
  }
  const Samples& samples = data.stream ? drawn : kept;

  const InstancePool::Lease instance(context.pool);
  const at::NoGradGuard no_gradient;
  instance->bind(params.data());
  const std::vector<float> usable = usable_buffers(context, params, buffers);
  const Pass pass{.buffers = buffer_tensors(context.state, usable.data())};
  const std::size_t scores_each = samples.predictions_each() * data.classes;
  const std::size_t most = std::clamp<std::size_t>(kMostScores / scores_each, 1, kMostSamples);
  std::uint64_t correct = 0;
  std::vector<std::uint32_t> chosen;
  for (std::size_t first = 0; first < samples.count(); first += most) {
    report_progress("evaluating the model", first, samples.count());
    chosen.resize(std::min(most, samples.count() - first));
    std::iota(chosen.begin(), chosen.end(), static_cast<std::uint32_t>(first));
    const Batch batch = make_batch(data, samples, chosen, nullptr, present);
    const at::Tensor scores = context.network->scores(instance->parameters(), batch.inputs, pass);
    result.loss += context.network->loss(scores, batch.targets, false).item<double>();
    correct += static_cast<std::uint64_t>(context.network->right(scores, batch.targets));
  }
  const auto predictions = static_cast<double>(result.samples * samples.predictions_each());
  result.loss /= predictions;
  result.accuracy = static_cast<double>(correct) / predictions;
  return result;
}

}  // namespace laconic
