#include "training/training.h"

#include <algorithm>

#include "base/error.h"
#include "training/data/fingerprint.h"
#include "training/data/preprocessing.h"
#include "training/model_evaluation.h"
#include "training/models/exported_module.h"
#include "training/models/torch_error.h"
#include "training/rehearsal.h"
#include "training/torch_learner.h"

namespace laconic {
namespace {

std::uint64_t samples_per_step_of(const TrainingSetup& setup) {
  std::uint64_t total = 0;
  for (const std::uint64_t samples : setup.samples.of_worker) {
    total += setup.sampling == Sampling::kFresh ? std::min<std::uint64_t>(setup.batch, samples) : setup.batch;
  }
  return total;
}

std::uint64_t steps_of(const TrainingSetup& setup) {
  return setup.length.in_steps(setup.samples.total, samples_per_step_of(setup)).rounded_up();
}

// Tells before the run what could not be written after it.
void require_export(const TrainingSetup& setup, const Network& network) {
  if (setup.data->input == Input::kText) {
    throw UsageError("output.preprocess: " + setup.data->name +
                     " is text, whose tokens a model takes as they are; remove it");
  }
  const auto tensors_of = [](const Layout& layout, std::vector<float> values) {
    std::vector<at::Tensor> tensors;
    for (const TensorLayout& tensor : layout.tensors) {
      tensors.push_back(at::from_blob(values.data() + tensor.offset, tensor.shape).clone());
    }
    return tensors;
  };
  exported_module(network, *setup.data, tensors_of(layout_of(network), initial_parameters(network, setup.seed)),
                  tensors_of(buffer_layout_of(network), initial_buffers(network)));
}

std::shared_ptr<TrainingContext> make_context(TrainingSetup setup) {
  LACONIC_CHECK(setup.data && setup.model && setup.optimizer && !setup.partition.empty(), "an incomplete setup");
  if (setup.samples.of_worker.empty()) setup.samples = count_samples(setup.partition, setup.data->train);
  LACONIC_CHECK(setup.samples.of_worker.size() == setup.partition.size(),
                setup.samples.of_worker.size() << " counts for " << setup.partition.size() << " workers");
  for (std::size_t worker = 0; worker < setup.partition.size(); ++worker) {
    const std::size_t held = setup.partition[worker].size();
    const std::uint64_t samples = setup.samples.of_worker[worker];
    LACONIC_CHECK(samples > 0 && (held == 0 || held == samples),
                  "worker " << worker << " has " << samples << " samples, of which " << held << " are here");
  }
  if (setup.batch == 0) throw UsageError("data.batch: 0 samples a step; take at least 1");
  setup.optimizer->check(setup.optimizer_options);
  const LearningRate learning_rate = make_learning_rate(
      setup.optimizer_options,
      {.samples = setup.samples.total, .samples_per_step = samples_per_step_of(setup), .steps = steps_of(setup)});
  LACONIC_CHECK(setup.model->input.value_or(setup.data->input) == setup.data->input,
                setup.model->name << " does not learn " << setup.data->name);
  std::shared_ptr<const Network> network =
      setup.model->make(setup.model_options, setup.data->shape, setup.data->prediction());
  Drift drift(setup.drift, *setup.data, steps_of(setup), setup.seed);
  if (setup.preprocess) require_export(setup, *network);
  return std::make_shared<TrainingContext>(std::move(setup), std::move(network), learning_rate, std::move(drift));
}

}  // namespace

bool do_buffers_travel(const TrainingSetup& setup) {
  const auto has = [](const OptionSpec& option) { return option.name == "buffers"; };
  return std::ranges::any_of(setup.model->options, has) && setup.model_options.text("buffers") == "average";
}

Training::Training(TrainingSetup setup) : context_(make_context(std::move(setup))) {}

std::size_t Training::workers() const { return context_->setup.partition.size(); }
std::size_t Training::dimension() const { return context_->places.shared.size; }
const Layout& Training::layout() const { return context_->places.shared; }

std::size_t Training::trained_size() const { return context_->places.trained_size(); }

std::uint64_t Training::model_fingerprint() const {
  if (context_->start.fingerprint == 0) return context_->network->fingerprint();
  Fingerprint both;
  both.add(context_->network->fingerprint());
  both.add(context_->start.fingerprint);
  return both.value();
}
std::vector<float> Training::initial_parameters() const { return initial_vector(*context_); }

std::vector<std::string> Training::rehearse() const { return laconic::rehearse(*context_); }

Layout Training::stored_layout() const { return joined(context_->places.shared, context_->places.own); }

std::uint64_t Training::steps() const { return steps_of(context_->setup); }

std::uint64_t Training::training_samples() const { return context_->setup.samples.total; }

std::uint64_t Training::training_samples(Rank rank) const {
  return context_->setup.samples.of_worker.at(static_cast<std::size_t>(rank.value));
}

std::uint64_t Training::samples_per_step() const { return samples_per_step_of(context_->setup); }

Bytes Training::memory_per_worker(bool with_gradient) const {
  const std::size_t state = context_->setup.optimizer->state_vectors(context_->setup.optimizer_options);
  const std::size_t trained = (1 + state + (with_gradient ? 1 : 0)) * context_->places.parameters.size;
  return {(trained + context_->places.buffers.size) * sizeof(float)};
}

void Training::write_for_python(const std::string& path, std::span<const float> tensors) const {
  const WorkerVector& places = context_->places;
  LACONIC_CHECK(tensors.size() == places.size(), tensors.size() << " elements of a model");
  std::vector<float> vector(tensors.begin() + static_cast<std::ptrdiff_t>(places.shared.size), tensors.end());
  vector.insert(vector.end(), tensors.begin(), tensors.begin() + static_cast<std::ptrdiff_t>(places.shared.size));
  const auto views = [&](const Layout& layout, std::size_t from) {
    std::vector<at::Tensor> result;
    for (const TensorLayout& tensor : layout.tensors) {
      result.push_back(at::from_blob(vector.data() + from + tensor.offset, tensor.shape));
    }
    return result;
  };
  const std::vector<at::Tensor> parameters = views(places.parameters, places.trained_begin);
  const std::vector<at::Tensor> buffers = views(places.buffers, 0);
  const Dataset& data = *context_->setup.data;
  const std::string notes = preprocess_text(data);
  try {
    if (context_->setup.preprocess) {
      exported_module(*context_->network, data, parameters, buffers).save(path, {{kNotesFile, notes}});
    } else {
      context_->network->save(path, parameters, buffers, notes);
    }
  } catch (const c10::Error& error) {
    throw RunError(path + ": cannot be written (" + error.what_without_backtrace() + "); is the disk full?");
  }
}

const std::vector<std::uint64_t>& Training::drifts() const { return context_->drift.steps(); }

std::unique_ptr<Learner> Training::learner(Rank rank) const {
  LACONIC_CHECK(!context_->setup.partition.at(static_cast<std::size_t>(rank.value)).empty(),
                "the samples of worker " << rank.value << " are not here");
  return make_torch_learner(context_, rank);
}

Evaluation Training::evaluate(std::span<const float> params, std::span<const float> buffers, Split split) const {
  return with_torch_errors("the model in evaluation",
                           [&] { return evaluate_model(*context_, params, buffers, split, {steps() - 1}); });
}

}  // namespace laconic
