#include "training/optimizers/optimizers.h"

#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/sgd.h>

#include <array>
#include <sstream>
#include <string>
#include <type_traits>

#include "base/error.h"
#include "base/row.h"
#include "training/optimizers/flat_optimizer.h"
#include "training/optimizers/learning_rate.h"

namespace laconic {
namespace {

std::span<float> view(const at::Tensor& tensor) {
  return {tensor.data_ptr<float>(), static_cast<std::size_t>(tensor.numel())};
}

// What the three have in common: libtorch's optimiser on one tensor, whose state appears at its first step.
// `State` is libtorch's state of one tensor; `Save` archives its content.
template <typename TorchOptimizer, typename TorchOptions, typename State, void (*kArchive)(Archive&, State&)>
class TorchFlatOptimizer final : public FlatOptimizer {
 public:
  explicit TorchFlatOptimizer(TorchOptions options) : options_(std::move(options)) {}

  void attach(const at::Tensor& params) override {
    params_ = params;
    optimizer_ = std::make_unique<TorchOptimizer>(std::vector<at::Tensor>{params_}, options_);
  }

  void step(const at::Tensor& gradient, double learning_rate) override {
    optimizer_->param_groups().front().options().set_lr(learning_rate);
    params_.mutable_grad() = gradient;
    optimizer_->step();
    params_.mutable_grad() = at::Tensor();
  }

  void archive(Archive& archive) override {
    auto& states = optimizer_->state();
    bool started = !states.empty();
    archive.value("optimizer.started", started);
    if (archive.loading()) {
      states.clear();
      if (started) states[key<std::decay_t<decltype(states)>>()] = fresh_state();
    }
    if (started) kArchive(archive, static_cast<State&>(*states.begin()->second));
  }

 private:
  // libtorch names a tensor's state by its address: as text in 1.x, as a pointer in 2.x.
  template <typename States>
  auto key() const {
    if constexpr (std::is_same_v<typename States::key_type, std::string>) {
      std::ostringstream address;
      address << params_.unsafeGetTensorImpl();
      return address.str();
    } else {
      return static_cast<void*>(params_.unsafeGetTensorImpl());
    }
  }

  std::unique_ptr<State> fresh_state() const {
    auto state = std::make_unique<State>();
    if constexpr (std::is_same_v<State, torch::optim::SGDParamState>) {
      state->momentum_buffer(at::zeros_like(params_));
    } else {
      state->exp_avg(at::zeros_like(params_));
      state->exp_avg_sq(at::zeros_like(params_));
    }
    return state;
  }

  TorchOptions options_;
  at::Tensor params_;
  std::unique_ptr<TorchOptimizer> optimizer_;
};

void archive_momentum(Archive& archive, torch::optim::SGDParamState& state) {
  archive.floats("optimizer.velocity", view(state.momentum_buffer()));
}

template <typename State>
void archive_moments(Archive& archive, State& state) {
  auto steps = static_cast<std::uint64_t>(state.step());
  archive.value("optimizer.steps", steps);
  state.step(static_cast<std::int64_t>(steps));
  archive.floats("optimizer.first_moment", view(state.exp_avg()));
  archive.floats("optimizer.second_moment", view(state.exp_avg_sq()));
}

void check_sgd(const Options& options) {
  check_schedule(options);
  if (options.flag("nesterov") && options.number("momentum") == 0.0) {
    throw UsageError(options.place("nesterov") + ": Nesterov's form needs a momentum above 0; set optimizer.momentum");
  }
}

std::size_t sgd_state_vectors(const Options& options) { return options.number("momentum") == 0.0 ? 0 : 1; }

std::unique_ptr<FlatOptimizer> make_sgd(const Options& options) {
  auto settings = torch::optim::SGDOptions(options.number("learning_rate"))
                      .momentum(options.number("momentum"))
                      .nesterov(options.flag("nesterov"))
                      .weight_decay(options.number("weight_decay"));
  return std::make_unique<
      TorchFlatOptimizer<torch::optim::SGD, torch::optim::SGDOptions, torch::optim::SGDParamState, archive_momentum>>(
      std::move(settings));
}

template <typename TorchOptions>
TorchOptions adam_settings(const Options& options) {
  TorchOptions settings(options.number("learning_rate"));
  settings.betas(std::make_tuple(options.number("beta1"), options.number("beta2")));
  settings.eps(options.number("epsilon"));
  settings.weight_decay(options.number("weight_decay"));
  return settings;
}

std::unique_ptr<FlatOptimizer> make_adam(const Options& options) {
  using State = torch::optim::AdamParamState;
  return std::make_unique<
      TorchFlatOptimizer<torch::optim::Adam, torch::optim::AdamOptions, State, archive_moments<State>>>(
      adam_settings<torch::optim::AdamOptions>(options));
}

std::unique_ptr<FlatOptimizer> make_adamw(const Options& options) {
  using State = torch::optim::AdamWParamState;
  return std::make_unique<
      TorchFlatOptimizer<torch::optim::AdamW, torch::optim::AdamWOptions, State, archive_moments<State>>>(
      adam_settings<torch::optim::AdamWOptions>(options));
}

OptionSpec learning_rate(std::string_view default_value) {
  return {.name = "learning_rate",
          .type = OptionType::kNumber,
          .default_value = default_value,
          .minimum = 0.0,
          .maximum = 1000.0,
          .help = "step size"};
}

OptionSpec weight_decay(std::string_view default_value, std::string_view help) {
  return {.name = "weight_decay",
          .type = OptionType::kNumber,
          .default_value = default_value,
          .minimum = 0.0,
          .maximum = 1000.0,
          .help = help};
}

// A decay rate per step, in [0, 1).
OptionSpec decay(std::string_view name, std::string_view default_value, std::string_view help) {
  return {.name = name,
          .type = OptionType::kNumber,
          .default_value = default_value,
          .minimum = 0.0,
          .maximum = 0.9999999,
          .help = help};
}

std::vector<OptionSpec> with_schedule(std::vector<OptionSpec> options) {
  options.push_back({.name = "clip",
                     .type = OptionType::kNumber,
                     .default_value = "0",
                     .minimum = 0.0,
                     .maximum = 1e30,
                     .help = "gradient clipping: a worker's own gradient is scaled down to this L2 norm over all "
                             "parameters before its step, or before it is sent; 0: never"});
  options.insert(options.end(), schedule_options().begin(), schedule_options().end());
  return options;
}

std::vector<OptionSpec> adam_options(OptionSpec last) {
  return with_schedule({learning_rate("0.001"), decay("beta1", "0.9", "decay of the first moment per step"),
                        decay("beta2", "0.999", "decay of the second moment per step"),
                        OptionSpec{.name = "epsilon",
                                   .type = OptionType::kNumber,
                                   .default_value = "1e-8",
                                   .minimum = 1e-12,
                                   .maximum = 1.0,
                                   .help = "added to the root of the second moment"},
                        last});
}

}  // namespace

std::span<const OptimizerRow> optimizers() {
  static const std::vector<OptionSpec> sgd_options =
      with_schedule({learning_rate("0.01"), decay("momentum", "0", "momentum factor; 0: none"),
                     OptionSpec{.name = "nesterov",
                                .type = OptionType::kFlag,
                                .default_value = "false",
                                .help = "momentum in Nesterov's form"},
                     weight_decay("0", "weight decay: this times the parameters is added to the gradient")});
  static const std::vector<OptionSpec> coupled =
      adam_options(weight_decay("0", "weight decay: this times the parameters is added to the gradient"));
  static const std::vector<OptionSpec> decoupled = adam_options(weight_decay(
      "0.01", "decoupled weight decay: each step subtracts this times learning_rate times the parameters"));
  constexpr auto two_vectors = [](const Options&) -> std::size_t { return 2; };
  static const std::array rows = {
      OptimizerRow{"sgd", "stochastic gradient descent, with momentum by option", sgd_options, check_sgd,
                   sgd_state_vectors, make_sgd},
      OptimizerRow{"adam", "Adam (Kingma and Ba 2015)", coupled, check_schedule, two_vectors, make_adam},
      OptimizerRow{"adamw", "Adam with decoupled weight decay (Loshchilov and Hutter 2019)", decoupled, check_schedule,
                   two_vectors, make_adamw},
  };
  return rows;
}

const OptimizerRow& find_optimizer(std::string_view name) { return find_row(optimizers(), name, "optimizer.name"); }

}  // namespace laconic
