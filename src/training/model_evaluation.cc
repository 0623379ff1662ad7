#include "training/model_evaluation.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <optional>

#include "base/error.h"
#include "base/random.h"
#include "base/supervision.h"
#include "training/batch.h"
#include "training/confusion_count.h"
#include "training/data/graphical_model.h"
#include "training/regression_errors.h"

namespace laconic {
namespace {

// Whole numbers of a tensor; what is none, or none that a class has, is -1.
std::vector<std::int64_t> classes_of(const at::Tensor& predicted) {
  const at::Tensor known = predicted.ge(0).logical_and(predicted.lt(static_cast<std::int64_t>(kMostClasses)));
  const at::Tensor whole = at::where(known, predicted, at::full_like(predicted, -1)).to(at::kLong).contiguous();
  const auto* first = whole.data_ptr<std::int64_t>();
  return {first, first + whole.numel()};
}

// Of two classes how much more a model says for class 1 than for class 0: of scores, as of logarithms of
// probabilities, the difference; of one number that number.
std::vector<double> margins_of(const at::Tensor& scores) {
  const at::Tensor exact = scores.to(at::kDouble);
  const bool has_two = exact.dim() == 2 && exact.size(1) == 2;
  const at::Tensor margins = (has_two ? exact.select(1, 1) - exact.select(1, 0) : exact.flatten()).contiguous();
  const auto* first = margins.data_ptr<double>();
  return {first, first + margins.numel()};
}

// Of `chosen` samples, at least one.
Evaluation evaluate(TrainingContext& context, std::span<const float> params, std::span<const float> buffers,
                    const Samples& samples, std::span<const std::uint32_t> chosen, const Concept& present,
                    bool counts_confusion) {
  const WorkerVector& places = context.places;
  LACONIC_CHECK(params.size() == places.shared.size, params.size() << " parameters for " << places.shared.size);
  LACONIC_CHECK(buffers.size() == places.own.size, buffers.size() << " buffers for " << places.own.size);
  const Dataset& data = *context.setup.data;
  const InstancePool::Lease instance(context.pool);
  const at::NoGradGuard no_gradient;
  const std::vector<float> usable = usable_vector(context, params, buffers);
  // In place where they can be: how they are aligned can decide the last bits of the scores.
  instance->bind(places.has_local_parameters() ? usable.data() + places.trained_begin : params.data());
  const Pass pass{.buffers = buffer_tensors(places, usable.data())};
  const std::size_t most = samples_at_once(data, samples);
  Evaluation result{.loss = 0.0, .accuracy = 0.0, .samples = chosen.size()};
  std::uint64_t correct = 0;
  std::optional<RegressionErrors> errors;
  if (data.numbers > 0) errors.emplace(samples, chosen);
  std::optional<ConfusionCount> confusion;
  if (counts_confusion) confusion.emplace(data.classes);
  for (std::size_t first = 0; first < chosen.size(); first += most) {
    report_progress("evaluating the model", first, chosen.size());
    const Batch batch =
        make_batch(data, samples, chosen.subspan(first, std::min(most, chosen.size() - first)), nullptr, present);
    const at::Tensor scores = context.network->scores(instance->parameters(), batch.inputs, pass);
    result.loss += context.network->loss(scores, batch.targets, false).item<double>();
    if (errors) {
      errors->add(scores, batch.targets);
      continue;
    }
    const at::Tensor predicted = context.network->predicted(scores);
    correct += static_cast<std::uint64_t>(predicted.eq(batch.targets).sum().item<std::int64_t>());
    if (!confusion) continue;
    const std::span<const std::int64_t> labels(batch.targets.data_ptr<std::int64_t>(),
                                               static_cast<std::size_t>(batch.targets.numel()));
    confusion->add(labels, classes_of(predicted), data.classes == 2 ? margins_of(scores) : std::vector<double>());
  }
  const auto predictions = static_cast<double>(result.samples * samples.predictions_each());
  result.loss /= predictions * (errors ? data.numbers : 1);
  result.accuracy = static_cast<double>(correct) / predictions;
  if (errors) result.regression = errors->regression(data.target_scale);
  if (confusion) result.confusion = std::make_shared<Confusion>(confusion->confusion());
  return result;
}

}  // namespace

std::size_t samples_at_once(const Dataset& data, const Samples& samples) {
  // Small enough for the activations to stay in the cache, and the scores of a large vocabulary in memory. Part of the
  // result: another size rounds the scores differently.
  constexpr std::size_t kMostSamples = 32;
  constexpr std::size_t kMostScores = std::size_t{1} << 22;
  const std::size_t scores_each = samples.predictions_each() * data.prediction().outputs();
  return std::clamp<std::size_t>(kMostScores / scores_each, 1, kMostSamples);
}

Evaluation evaluate_model(TrainingContext& context, std::span<const float> params, std::span<const float> buffers,
                          Split split, Step step) {
  const Dataset& data = *context.setup.data;
  const Samples& kept = split == Split::kTest ? data.test : data.validation;
  if (kept.count() == 0) return {};
  const Concept present = context.drift.at(step);
  Samples drawn;
  if (data.stream) {
    RandomStream stream(context.setup.seed, "test split", {present.model});
    drawn = GraphicalModel(*data.stream, context.setup.seed, present.model).draw(stream, kept.count());
  }
  const Samples& samples = data.stream ? drawn : kept;
  std::vector<std::uint32_t> all(samples.count());
  std::iota(all.begin(), all.end(), 0U);
  const bool has_classes = data.input != Input::kText && data.classes > 0 && data.classes <= kMostConfusedClasses;
  return evaluate(context, params, buffers, samples, all, present, has_classes);
}

Evaluation evaluate_on_training_data(TrainingContext& context, Rank owner, std::span<const float> params,
                                     std::span<const float> buffers, Step step) {
  const Dataset& data = *context.setup.data;
  const std::vector<std::uint32_t>& part = context.setup.partition.at(static_cast<std::size_t>(owner.value));
  if (part.empty() || data.stream) return {};
  const std::size_t count = std::min(part.size(), std::max(data.test.count(), kFewestOfOwnData));
  std::vector<std::uint32_t> chosen(count);
  for (std::size_t i = 0; i < count; ++i) chosen[i] = part[i * part.size() / count];
  return evaluate(context, params, buffers, data.train, chosen, context.drift.at(step), false);
}

std::vector<at::Tensor> buffer_tensors(const WorkerVector& places, const float* vector) {
  std::vector<at::Tensor> tensors;
  for (const TensorLayout& tensor : places.buffers.tensors) {
    tensors.push_back(at::from_blob(const_cast<float*>(vector) + tensor.offset, tensor.shape));
  }
  return tensors;
}

std::vector<float> usable_vector(const TrainingContext& context, std::span<const float> params,
                                 std::span<const float> buffers) {
  std::vector<float> vector(buffers.begin(), buffers.end());
  vector.insert(vector.end(), params.begin(), params.end());
  const Layout& layout = context.places.buffers;
  for (std::size_t i = 0; i < layout.tensors.size(); ++i) {
    const TensorLayout& tensor = layout.tensors[i];
    for (float& value : std::span(vector).subspan(tensor.offset, tensor.size)) {
      value = std::max(value, context.network->buffers()[i].minimum);
    }
  }
  return vector;
}

}  // namespace laconic
