// For the tests of models that a user brings: TorchScript modules made on the spot, and training on them.
#pragma once

#include <torch/script.h>
#include <torch/torch.h>

#include <cstdint>
#include <string>
#include <vector>

#include "training/data/test_support.h"
#include "training/models/compute_threads.h"
#include "training/models/models.h"
#include "training/models/script_network.h"
#include "training/training.h"

namespace laconic {

inline constexpr ImageShape kShape{.channels = 1, .height = 12, .width = 12};
inline constexpr std::uint32_t kClasses = 4;
inline constexpr std::int64_t kInputs = 144;

inline torch::jit::Module empty_module() {
  torch::jit::Module module("net");
  module.register_attribute("training", c10::BoolType::get(), true);
  return module;
}

inline at::Tensor ramp(at::IntArrayRef sizes, double scale) {
  std::int64_t count = 1;
  for (const std::int64_t size : sizes) count *= size;
  return (at::arange(count, at::kFloat) * 0.7).sin().mul(scale).reshape(sizes);
}

// Two dense layers whose second weight is used twice, a frozen scale, batch norm, dropout: the habits of others.
inline std::string write_module(const TemporaryFolder& folder, const std::string& name, double dropout) {
  torch::jit::Module module = empty_module();
  module.register_parameter("first", ramp({8, kInputs}, 0.1), false);
  torch::jit::Module inner("inner");
  const at::Tensor shared = ramp({8, 8}, 0.3).set_requires_grad(true);
  inner.register_parameter("weight", shared, false);
  module.register_module("inner", inner);
  module.register_parameter("again", shared, false);
  module.register_parameter("frozen", at::full({8}, 2.0).set_requires_grad(false), false);
  module.register_parameter("last", ramp({kClasses, 8}, 0.3), false);
  module.register_buffer("mean", at::zeros({8}));
  module.register_buffer("variance", at::ones({8}));
  module.register_buffer("batches", at::zeros({}, at::kLong));
  module.register_attribute("rate", c10::FloatType::get(), dropout);
  for (const char* trained : {"first", "last"}) module.attr(trained).toTensor().set_requires_grad(true);
  module.define(R"(
    def forward(self, x):
      h = torch.linear(torch.flatten(x, 1), self.first)
      if self.training:
        self.batches += 1
      h = torch.batch_norm(h, None, None, self.mean, self.variance, self.training, 0.1, 1e-5, False)
      h = torch.relu(torch.linear(h, self.inner.weight)) * self.frozen
      h = torch.dropout(h, self.rate, self.training)
      return torch.linear(torch.linear(h, self.again), self.last)
  )");
  module.save(folder.path(name));
  return folder.path(name);
}

inline std::string write_linear(const TemporaryFolder& folder, const std::string& name, const std::string& output,
                                std::int64_t outputs = kClasses) {
  torch::jit::Module module = empty_module();
  module.register_parameter("weight", ramp({outputs, kInputs}, 0.1).set_requires_grad(true), false);
  module.define("def forward(self, x):\n  y = torch.linear(torch.flatten(x, 1), self.weight)\n  return " + output +
                "\n");
  module.save(folder.path(name));
  return folder.path(name);
}

inline Options options_of(const std::string& file, const std::string& loss = "cross_entropy") {
  return Options("model", find_model("torchscript").options,
                 {{"file", {.text = file, .where = "test"}}, {"loss", {.text = loss, .where = "test"}}});
}

inline Training make_training(const std::string& file, const std::string& loss = "cross_entropy") {
  use_one_thread_per_computation();
  auto data = std::make_shared<Dataset>(random_dataset(120, 100, kShape, kClasses));
  TrainingSetup setup;
  setup.partition = make_partition("iid", data->train, data->classes, 2, 1);
  setup.data = data;
  setup.batch = 8;
  setup.model = &find_model("torchscript");
  setup.model_options = options_of(file, loss);
  setup.optimizer = &find_optimizer("sgd");
  setup.optimizer_options =
      Options("optimizer", setup.optimizer->options, {{"learning_rate", {.text = "0.1", .where = "test"}}});
  setup.seed = 5;
  return Training(std::move(setup));
}

inline std::vector<float> after_steps(const Training& training, Rank rank, int steps) {
  const auto learner = training.learner(rank);
  for (int step = 0; step < steps; ++step) learner->local_step({static_cast<std::uint64_t>(step)});
  std::vector<float> state(learner->params().begin(), learner->params().end());
  state.insert(state.end(), learner->buffers().begin(), learner->buffers().end());
  return state;
}

}  // namespace laconic
