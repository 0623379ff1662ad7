#include "training/torch_learner.h"

#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/random.h"
#include "training/flat_optimizer.h"

namespace laconic {
namespace {

struct Batch {
  at::Tensor images;  // samples x channels x height x width, in [0, 1]
  at::Tensor labels;  // samples
};

Batch make_batch(const Samples& samples, const ImageShape& shape, std::span<const std::uint32_t> chosen) {
  const auto count = static_cast<std::int64_t>(chosen.size());
  Batch batch{.images = at::empty({count, shape.channels, shape.height, shape.width}),
              .labels = at::empty({count}, at::kLong)};
  const std::size_t size = shape.size();
  float* pixels = batch.images.data_ptr<float>();
  auto* labels = batch.labels.data_ptr<std::int64_t>();
  for (const std::uint32_t sample : chosen) {
    const std::uint8_t* from = samples.pixels.data() + std::size_t{sample} * size;
    for (std::size_t i = 0; i < size; ++i) pixels[i] = static_cast<float>(from[i]) / 255.0F;
    pixels += size;
    *labels++ = samples.labels[sample];
  }
  return batch;
}

class TorchLearner final : public Learner {
 public:
  TorchLearner(std::shared_ptr<TrainingContext> context, Rank rank)
      : context_(std::move(context)),
        rank_(rank),
        shard_(context_->setup.partition.at(static_cast<std::size_t>(rank.value))),
        sampler_(context_->setup.sampling, shard_, context_->setup.batch, context_->setup.seed, rank),
        params_(at::empty({static_cast<std::int64_t>(context_->layout.size)})),
        optimizer_(context_->setup.optimizer->make(context_->setup.optimizer_options)) {
    std::ranges::copy(initial_parameters(*context_->network, context_->setup.seed), params_.data_ptr<float>());
    optimizer_->attach(params_);
  }

  std::span<float> params() override { return {params_.data_ptr<float>(), context_->layout.size}; }

  std::span<float> gradient() override {
    if (!gradient_.defined()) gradient_ = at::zeros({static_cast<std::int64_t>(context_->layout.size)});
    return {gradient_.data_ptr<float>(), context_->layout.size};
  }

  const Layout& layout() const override { return context_->layout; }
  std::span<float> buffers() override { return {}; }
  std::uint64_t samples() const override { return shard_.size(); }

  StepResult compute_gradient(Step step) override {
    gradient();
    const InstancePool::Lease instance(context_->pool);
    return backward(*instance.operator->(), step, gradient_);
  }

  void apply_gradient() override {
    gradient();
    prepare_compute_thread();
    const FlushDenormals flush_denormals;
    optimizer_->step(gradient_);
  }

  StepResult local_step(Step step) override {
    const InstancePool::Lease instance(context_->pool);
    const at::Tensor& gradient = instance->scratch_gradient();
    const StepResult result = backward(*instance.operator->(), step, gradient);
    optimizer_->step(gradient);
    return result;
  }

  Evaluation evaluate(std::span<const float> params, Split split) override {
    return evaluate_model(*context_, params, split);
  }

  void archive(Archive& archive) override { optimizer_->archive(archive); }

 private:
  // The gradient of step `step`'s batch into `gradient`.
  StepResult backward(ModelInstance& instance, Step step, const at::Tensor& gradient) {
    const TrainingSetup& setup = context_->setup;
    const Batch batch = make_batch(setup.data->train, setup.data->shape, sampler_.draw(step));
    instance.bind(params_.data_ptr<float>(), gradient.data_ptr<float>());
    at::Generator masks;
    if (context_->network->has_dropout()) {
      RandomStream stream(setup.seed, "dropout", {static_cast<std::uint64_t>(rank_.value), step.value});
      masks = at::detail::createCPUGenerator(stream());
    }
    const at::Tensor loss = at::cross_entropy_loss(
        context_->network->scores(instance.parameters(), batch.images, masks.defined() ? &masks : nullptr),
        batch.labels);
    loss.backward();
    return {.loss = loss.item<double>(), .samples = static_cast<std::uint64_t>(batch.labels.numel())};
  }

  std::shared_ptr<TrainingContext> context_;
  Rank rank_;
  const std::vector<std::uint32_t>& shard_;
  Sampler sampler_;
  at::Tensor params_;
  at::Tensor gradient_;  // undefined until someone asks for it
  std::unique_ptr<FlatOptimizer> optimizer_;
};

}  // namespace

std::unique_ptr<Learner> make_torch_learner(std::shared_ptr<TrainingContext> context, Rank rank) {
  return std::make_unique<TorchLearner>(std::move(context), rank);
}

Evaluation evaluate_model(TrainingContext& context, std::span<const float> params, Split split) {
  // Small enough for the activations to stay in the cache. Part of the result: another size rounds the scores
  // differently.
  constexpr std::size_t kBatch = 32;
  LACONIC_CHECK(params.size() == context.layout.size, params.size() << " parameters for " << context.layout.size);
  const Dataset& data = *context.setup.data;
  const Samples& samples = split == Split::kTest ? data.test : data.validation;
  Evaluation result{.loss = 0.0, .accuracy = 0.0, .samples = samples.count()};
  if (result.samples == 0) return result;

  const InstancePool::Lease instance(context.pool);
  const at::NoGradGuard no_gradient;
  instance->bind(params.data());
  std::uint64_t correct = 0;
  std::vector<std::uint32_t> chosen;
  for (std::size_t first = 0; first < samples.count(); first += kBatch) {
    chosen.resize(std::min(kBatch, samples.count() - first));
    std::iota(chosen.begin(), chosen.end(), static_cast<std::uint32_t>(first));
    const Batch batch = make_batch(samples, data.shape, chosen);
    const at::Tensor scores = context.network->scores(instance->parameters(), batch.images, nullptr);
    result.loss += at::cross_entropy_loss(scores, batch.labels, {}, at::Reduction::Sum).item<double>();
    correct += static_cast<std::uint64_t>(scores.argmax(1).eq(batch.labels).sum().item<std::int64_t>());
  }
  result.loss /= static_cast<double>(result.samples);
  result.accuracy = static_cast<double>(correct) / static_cast<double>(result.samples);
  return result;
}

}  // namespace laconic
