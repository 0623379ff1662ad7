#include "training/models/exported_module.h"

#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/script.h>

#include <optional>

#include "base/error.h"
#include "training/models/torch_error.h"

namespace laconic {
namespace {

using torch::jit::Module;

// The module that the first parts of "layer1.0.weight" name, made where it is not there; the last part is left in `name`.
Module submodule_for(const Module& root, std::string& name) {
  Module module = root;
  for (std::size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.')) {
    const std::string part = name.substr(0, dot);
    name.erase(0, dot + 1);
    if (!module.hasattr(part)) module.register_module(part, Module("laconic." + part));
    module = module.attr(part).toModule();
  }
  return module;
}

at::Tensor example_inputs(const Dataset& data, std::int64_t samples) {
  const ImageShape& shape = data.shape;
  return (at::arange(samples * static_cast<std::int64_t>(shape.size()), at::kFloat) * 0.7)
      .sin()
      .reshape({samples, shape.channels, shape.height, shape.width});
}

// forward() as a trace of what the network computes in evaluation.
Module traced(const Network& network, const Dataset& data, const std::vector<at::Tensor>& parameters,
              const std::vector<at::Tensor>& buffers) {
  Module module("laconic.Model");
  std::vector<at::Tensor> trained;
  Pass pass;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    std::string name = network.parameters()[i].name;
    trained.push_back(parameters[i].clone().set_requires_grad(true));
    submodule_for(module, name).register_parameter(name, trained.back(), /*is_buffer=*/false);
  }
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    std::string name = network.buffers()[i].name;
    pass.buffers.push_back(buffers[i].clone());
    submodule_for(module, name).register_buffer(name, pass.buffers.back());
  }
  const auto compute = [&](torch::jit::Stack inputs) -> torch::jit::Stack {
    return {network.scores(trained, inputs.at(0).toTensor(), pass)};
  };
  const auto nameless = [](const torch::autograd::Variable&) { return std::string(); };
  const auto state = torch::jit::tracer::trace({example_inputs(data, 2)}, compute, nameless, /*strict=*/true,
                                               /*force_outplace=*/false, &module, {"x"})
                         .first;
  const auto function = module._ivalue()->compilation_unit()->create_function(
      c10::QualifiedName(*module.type()->name(), "forward"), state->graph);
  module.type()->addMethod(function);
  // A trace can hold what was meant for the example alone, such as its number of samples.
  const at::NoGradGuard no_gradient;
  for (const std::int64_t samples : {1, 3}) {
    const at::Tensor inputs = example_inputs(data, samples) + 0.25;
    const at::Tensor expected = network.scores(trained, inputs, pass);
    if (!at::allclose(module.forward({inputs}).toTensor(), expected, 1e-4, 1e-5)) {
      throw UsageError("output.preprocess: this model cannot be written as TorchScript; remove it");
    }
  }
  return module;
}

template <typename Scale>
at::Tensor column_of(const std::vector<Scale>& scales, double Scale::*member) {
  at::Tensor column = at::empty({static_cast<std::int64_t>(scales.size())}, at::kDouble);
  for (std::size_t i = 0; i < scales.size(); ++i) column[static_cast<std::int64_t>(i)] = scales[i].*member;
  return column;
}

std::string sizes_text(const ImageShape& shape) {
  return std::to_string(shape.channels) + " x " + std::to_string(shape.height) + " x " + std::to_string(shape.width);
}

// What a model sees of raw samples. Scalar types have numbers here: 6 is float32, 7 is float64.
std::string source_of_inputs(const Dataset& data, Module& module) {
  const ImageShape& shape = data.shape;
  const std::string sizes =
      std::to_string(shape.channels) + ", " + std::to_string(shape.height) + ", " + std::to_string(shape.width);
  const std::string area = std::to_string(shape.height) + ", " + std::to_string(shape.width);
  const bool is_vector = shape.channels == 1 && shape.height == 1;
  std::string source = "  sizes = x.size()\n  fits = sizes[1:] == [" + sizes + "]\n";
  if (is_vector) source += "  fits = fits or sizes[1:] == [" + std::to_string(shape.width) + "]\n";
  if (shape.channels == 1 && !is_vector) source += "  fits = fits or sizes[1:] == [" + area + "]\n";
  const std::string wanted = "samples x " + (is_vector ? std::to_string(shape.width) : sizes_text(shape));
  source += "  assert fits, \"this model takes " + wanted + "\"\n";
  if (!data.train.values.empty()) {
    std::string value = "x";
    if (!data.feature_scale.empty()) {
      module.register_buffer("feature_mean", column_of(data.feature_scale, &ColumnScale::mean));
      module.register_buffer("feature_deviation", column_of(data.feature_scale, &ColumnScale::deviation));
      value = "((x.reshape([-1, " + std::to_string(shape.size()) +
              "]).to(7) - self.feature_mean) / self.feature_deviation)";
    }
    return source + "  x = " + value + ".to(6).reshape([-1, " + sizes + "])\n";
  }
  source += "  assert x.dtype == 0, \"this model takes bytes: torch.uint8\"\n";  // 0 is uint8
  source += "  x = x.to(6).reshape([-1, " + sizes + "]) / 255.0\n";
  if (!data.normalisation.empty()) {
    const auto channels = static_cast<std::int64_t>(data.normalisation.size());
    at::Tensor mean = at::empty({channels, 1, 1});
    at::Tensor deviation = at::empty({channels, 1, 1});
    for (std::int64_t i = 0; i < channels; ++i) {
      mean[i] = data.normalisation[static_cast<std::size_t>(i)].mean;
      deviation[i] = data.normalisation[static_cast<std::size_t>(i)].deviation;
    }
    module.register_buffer("channel_mean", mean);
    module.register_buffer("channel_deviation", deviation);
    source += "  x = (x - self.channel_mean) / self.channel_deviation\n";
  }
  return source;
}

// What a user gets of what the model gives.
std::string source_of_outputs(const Dataset& data, Module& module) {
  if (data.numbers == 0) return "  return y\n";
  const std::string numbers = "y.reshape([-1, " + std::to_string(data.numbers) + "]).to(7)";
  if (data.target_scale.empty()) return "  return " + numbers + "\n";
  module.register_buffer("target_mean", column_of(data.target_scale, &ColumnScale::mean));
  module.register_buffer("target_deviation", column_of(data.target_scale, &ColumnScale::deviation));
  return "  return " + numbers + " * self.target_deviation + self.target_mean\n";
}

}  // namespace

Module exported_module(const Network& network, const Dataset& data, const std::vector<at::Tensor>& parameters,
                       const std::vector<at::Tensor>& buffers) {
  try {
    const std::optional<Module> given = network.module(parameters, buffers);
    Module module("laconic.Preprocessed");
    module.register_attribute(kTakesRawSamples, c10::BoolType::get(), true);
    module.register_module("model", given ? *given : traced(network, data, parameters, buffers));
    const std::string inputs = source_of_inputs(data, module);
    const std::string outputs = source_of_outputs(data, module);
    module.define("def forward(self, x):\n" + inputs + "  y = self.model.forward(x)\n" + outputs);
    module.eval();
    return module;
  } catch (const c10::Error& error) {
    throw UsageError("output.preprocess: this model cannot be written as TorchScript (" + torch_error_text(error) +
                     "); remove it");
  }
}

}  // namespace laconic
