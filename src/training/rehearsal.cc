#include "training/rehearsal.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/random.h"
#include "training/batch.h"
#include "training/data/graphical_model.h"
#include "training/model_evaluation.h"
#include "training/models/torch_error.h"

namespace laconic {
namespace {

class Rehearsal {
 public:
  explicit Rehearsal(TrainingContext& context)
      : context_(context), network_(*context.network), data_(*context.setup.data), instance_(context.pool) {
    const std::span<const float> values =
        std::span(context.start_vector).subspan(context.places.trained_begin, context.places.parameters.size);
    parameters_ = at::empty({static_cast<std::int64_t>(values.size())});
    std::ranges::copy(values, parameters_.data_ptr<float>());
    gradient_ = at::empty_like(parameters_);
  }

  std::vector<std::string> all() {
    for (const auto& [samples, rank] : batches()) train(samples, rank);
    for (const Samples* split : {&data_.test, &data_.validation}) {
      const std::size_t count = split->count();
      if (count == 0) continue;
      const std::size_t most = samples_at_once(data_, *split);
      const std::string what = split == &data_.test ? "the test split" : "the validation split";
      for (const std::size_t samples : {std::min(most, count), count % most}) {
        if (samples > 0) evaluate(*split, first_of(samples), what);
      }
    }
    if (!unused_.empty()) remarks_.push_back(unused_);
    if (!context_.places.local.empty()) remarks_.push_back(local_text());
    return remarks_;
  }

 private:
  static std::string list_of(const std::vector<std::string>& names) {
    constexpr std::size_t kShown = 8;
    std::string text;
    for (std::size_t i = 0; i < std::min(kShown, names.size()); ++i) text += (i == 0 ? "" : ", ") + names[i];
    if (names.size() > kShown) text += " and " + std::to_string(names.size() - kShown) + " more";
    return text;
  }

  std::string local_text() const {
    const std::vector<std::string>& names = context_.places.local;
    return list_of(names) + (names.size() == 1 ? " stays" : " stay") + " with each worker";
  }

  // Parameters that travel and that this loss does not depend on, whatever their values; empty where there are none.
  std::string unused_text(const at::Tensor& loss) const {
    const auto gradients = torch::autograd::grad({loss}, instance_->parameters(), {}, /*retain_graph=*/true,
                                                 /*create_graph=*/false, /*allow_unused=*/true);
    const std::vector<TensorLayout>& sent = context_.places.shared.tensors;
    std::vector<std::string> names;
    std::size_t values = 0;
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      const TensorLayout& tensor = context_.places.parameters.tensors[i];
      const bool is_sent = std::ranges::any_of(sent, [&](const TensorLayout& one) { return one.name == tensor.name; });
      if (gradients[i].defined() || !is_sent) continue;
      names.push_back(tensor.name);
      values += tensor.size;
    }
    if (names.empty()) return {};
    return "its outputs do not depend on " + list_of(names) + ": " + std::to_string(values) + " of " +
           std::to_string(context_.places.shared.size) + " values are sent and never trained; take " +
           (names.size() == 1 ? "it" : "them") + " out of the model, or freeze " + (names.size() == 1 ? "it" : "them") +
           " with requires_grad_(False)";
  }

  // The different numbers of samples that a step of a worker here has, and the first such worker.
  std::map<std::size_t, std::size_t> batches() const {
    std::map<std::size_t, std::size_t> result;
    for (std::size_t rank = 0; rank < context_.setup.partition.size(); ++rank) {
      const std::size_t held = context_.setup.partition[rank].size();
      const std::size_t batch = context_.setup.batch;
      const bool stops_at_all = context_.setup.sampling == Sampling::kFresh;
      if (held > 0) result.emplace(stops_at_all ? std::min(batch, held) : batch, rank);
    }
    return result;
  }

  static std::vector<std::uint32_t> first_of(std::size_t samples) {
    std::vector<std::uint32_t> chosen(samples);
    std::iota(chosen.begin(), chosen.end(), 0U);
    return chosen;
  }

  // Samples of a split, by their places in it; of a stream, which has none to choose, as many as that.
  Batch batch_of(const Samples& split, std::span<const std::uint32_t> chosen) const {
    const Concept present = context_.drift.at(Step{0});
    if (!data_.stream) return make_batch(data_, split, chosen, nullptr, present);
    RandomStream stream(context_.setup.seed, "rehearsal");
    const Samples drawn = GraphicalModel(*data_.stream, context_.setup.seed, present.model).draw(stream, chosen.size());
    return make_batch(data_, drawn, first_of(chosen.size()), nullptr, present);
  }

  std::string count_text(std::size_t samples) const {
    const std::size_t tokens = data_.train.tokens_each;
    return std::to_string(samples) + (samples == 1 ? " sample" : " samples") +
           (tokens > 1 ? " of " + std::to_string(tokens - 1) + " tokens" : "");
  }

  struct State {
    std::vector<float> values;
    std::vector<at::Tensor> tensors = {};
  };
  State fresh_state() const {
    State state{context_.start_vector};
    for (const TensorLayout& tensor : context_.places.buffers.tensors) {
      state.tensors.push_back(at::from_blob(state.values.data() + tensor.offset, tensor.shape));
    }
    return state;
  }

  void train(std::size_t samples, std::size_t rank) {
    const std::vector<std::uint32_t>& shard = context_.setup.partition[rank];
    std::vector<std::uint32_t> chosen(samples);
    for (std::size_t i = 0; i < samples; ++i) chosen[i] = shard[i % shard.size()];
    const std::string worker = "worker " + std::to_string(rank);
    std::string problem = training_problem(chosen);
    if (problem.empty()) {
      if (context_.setup.prequential) evaluate(data_.train, chosen, "the batches of " + worker + " before each step");
      return;
    }
    if (samples == 1 && training_problem({chosen[0], chosen[0]}).empty()) {
      refuse("cannot be trained on one sample at a time, as " + worker +
             " would (batch norm needs at least two values of each feature): " +
             (context_.setup.batch == 1 ? "set data.batch to at least 2" : "give " + worker + " more samples") +
             ", or take a norm within each sample, such as group norm");
    }
    refuse(problem + ", in a step of " + worker + "; " + kAnyNumber);
  }

  // What goes wrong in a step on samples of the training split; empty where nothing does.
  std::string training_problem(const std::vector<std::uint32_t>& chosen) {
    const Batch batch = batch_of(data_.train, chosen);
    State state = fresh_state();
    instance_->bind(parameters_.data_ptr<float>(), gradient_.data_ptr<float>());
    Pass pass{.buffers = state.tensors, .training = true};
    RandomStream seed(context_.setup.seed, "rehearsal masks");
    at::Generator masks = at::detail::createCPUGenerator(seed());
    if (network_.has_dropout()) pass.dropout_masks = &masks;
    return problem_of(chosen.size(), "in training", [&]() -> std::string {
      const at::Tensor scores = network_.scores(instance_->parameters(), batch.inputs, pass);
      const std::string misfit = misfit_of(scores, chosen.size(), batch);
      if (!misfit.empty()) return misfit;
      const at::Tensor loss = network_.loss(scores, batch.targets, true);
      if (!std::exchange(knows_unused_, true)) unused_ = unused_text(loss);
      loss.backward();
      // What batch norm without a check of its own makes of one value.
      const std::vector<float>& before = context_.start_vector;
      for (std::size_t i = 0; i < before.size(); ++i) {
        if (std::isfinite(before[i]) && std::isnan(state.values[i]) && chosen.size() == 1) {
          return "takes one sample and has a statistic that is not a number afterwards";
        }
      }
      if (remarks_.empty()) remarks_ = network_.remarks(scores.detach());
      return {};
    });
  }

  void evaluate(const Samples& split, const std::vector<std::uint32_t>& chosen, const std::string& what) {
    const Batch batch = batch_of(split, chosen);
    const State state = fresh_state();
    const at::NoGradGuard no_gradient;
    instance_->bind(parameters_.data_ptr<float>());
    const std::string problem = problem_of(chosen.size(), "in evaluation", [&]() -> std::string {
      const at::Tensor scores = network_.scores(instance_->parameters(), batch.inputs, {.buffers = state.tensors});
      const std::string misfit = misfit_of(scores, chosen.size(), batch);
      if (!misfit.empty()) return misfit;
      network_.loss(scores, batch.targets, false).item<double>();
      if (chosen.size() > 1) compare_alone(split, chosen[0], scores);
      if (data_.numbers == 0) network_.predicted(scores);
      return {};
    });
    if (problem.empty()) return;
    refuse(problem + ", measuring " + what + "; " + (can_be_trained_on(chosen.size()) ? kBothModes : kAnyNumber));
  }

  // A softmax or a mean over the wrong dimension makes a sample's scores depend on its neighbours in the batch.
  void compare_alone(const Samples& split, std::uint32_t sample, const at::Tensor& among) {
    if (data_.stream || std::exchange(is_compared_, true)) return;
    at::Tensor alone;
    try {
      const Batch batch = batch_of(split, std::array{sample});
      const State state = fresh_state();
      alone = network_.scores(instance_->parameters(), batch.inputs, {.buffers = state.tensors});
    } catch (const std::exception&) {
      return;  // that it takes no sample alone is another matter
    }
    if (alone.dim() > 0 && alone.size(0) <= among.size(0) &&
        at::allclose(alone.flatten(), among.narrow(0, 0, alone.size(0)).flatten(), 1e-3, 1e-4)) {
      return;
    }
    remarks_.emplace_back(kMixesSamples);
  }

  // Whether the number of samples is not what is wrong with an evaluation.
  bool can_be_trained_on(std::size_t samples) {
    const at::AutoGradMode gradient(true);
    return data_.train.count() >= samples && training_problem(first_of(samples)).empty();
  }

  std::string misfit_of(const at::Tensor& scores, std::size_t samples, const Batch& batch) const {
    return network_.misfit(scores, static_cast<std::int64_t>(samples), batch.targets.size(0));
  }

  template <typename Work>
  std::string problem_of(std::size_t samples, const std::string& mode, Work&& work) const {
    const std::string problem = or_torch_error(work, [&](const std::string& text) -> std::string {
      return "does not take " + count_text(samples) + " (" + text + ")";
    });
    return problem.empty() ? problem : mode + " " + problem;
  }

  [[noreturn]] void refuse(const std::string& problem) const {
    throw UsageError(place_of_model(context_.setup) + problem);
  }

  static constexpr const char* kMixesSamples =
      "gives other outputs for a sample alone than for the same one in a batch: it mixes the samples (look for a "
      "softmax or a mean over dimension 0), or draws random numbers, and what is measured depends on how many "
      "samples "
      "are measured at once";
  static constexpr const char* kAnyNumber =
      "it has to take any number of samples: torch.jit.script(model) keeps it open, a trace where the code says "
      "x.flatten(1) or x.size(0) and no number";
  static constexpr const char* kBothModes =
      "forward() has to give the same kind of output after eval() as after train(); look for self.training in it";

  TrainingContext& context_;
  const Network& network_;
  const Dataset& data_;
  InstancePool::Lease instance_;
  at::Tensor parameters_;
  at::Tensor gradient_;
  std::vector<std::string> remarks_;
  bool knows_unused_ = false;
  std::string unused_;        // the remark on parameters without a use
  bool is_compared_ = false;  // scores of a sample alone and in a batch
};

}  // namespace

std::string place_of_model(const TrainingSetup& setup) {
  const auto is_file = [](const OptionSpec& option) { return option.name == "file"; };
  if (std::ranges::any_of(setup.model->options, is_file)) {
    return setup.model_options.place("file") + ": " + setup.model_options.text("file") + ": ";
  }
  return "model.name: " + std::string(setup.model->name) + ": ";
}

std::vector<std::string> rehearse(TrainingContext& context) {
  std::vector<std::string> remarks = Rehearsal(context).all();
  for (std::string& remark : remarks) remark = place_of_model(context.setup) + remark;
  return remarks;
}

}  // namespace laconic
