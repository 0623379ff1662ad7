// What all networks have in common: their tensors, where these lie in flat vectors, how they start, and how they are
// written for Python.
#include "training/models/network.h"

#include <caffe2/serialize/inline_container.h>
#include <torch/csrc/jit/serialization/pickler.h>

#include <cmath>
#include <fstream>
#include <string>

#include "base/random.h"
#include "training/models/models.h"

namespace laconic {
namespace {

// The a of Glorot's U(-a, a).
double glorot(std::int64_t fan_in, std::int64_t fan_out) {
  return std::sqrt(6.0 / static_cast<double>(fan_in + fan_out));
}

// A file for torch.load(). Not torch::jit::pickle_save(): that also names the type of the dictionary, and such a file
// torch.load() refuses since PyTorch 2.6.
std::string state_dict_file(const c10::Dict<std::string, at::Tensor>& state, const std::string& notes) {
  std::string pickled;
  torch::jit::Pickler pickler([&](const char* bytes, std::size_t size) { pickled.append(bytes, size); },
                              /*tensor_table=*/nullptr, /*type_renamer=*/nullptr, /*memoized_class_types=*/nullptr,
                              /*get_tensor_id=*/nullptr, /*tag_aggregates=*/false);
  pickler.protocol();
  pickler.pushIValue(state);
  pickler.stop();
  std::string file;  // in memory: a writer that fails ends the program, in its destructor
  caffe2::serialize::PyTorchStreamWriter writer([&](const void* bytes, std::size_t size) {
    file.append(static_cast<const char*>(bytes), size);
    return size;
  });
  std::size_t number = 0;
  for (const at::Tensor& tensor : pickler.tensorData()) {
    const auto data = torch::jit::getWriteableTensorData(tensor);
    writer.writeRecord("data/" + std::to_string(number++), data.data(), data.sizeInBytes());
  }
  writer.writeRecord("data.pkl", pickled.data(), pickled.size());
  writer.writeRecord(std::string("extra/") + kNotesFile, notes.data(), notes.size());
  writer.writeEndOfFile();
  return file;
}

}  // namespace

void Network::add_dense(const std::string& name, std::int64_t inputs, std::int64_t outputs) {
  add({name + ".weight", {outputs, inputs}, ParameterSpec::Start::kUniform, glorot(inputs, outputs)});
  add(ParameterSpec{.name = name + ".bias", .shape = {outputs}});
}

void Network::add_convolution(const std::string& name, std::int64_t inputs, std::int64_t outputs, std::int64_t kernel) {
  const std::int64_t area = kernel * kernel;
  add({name + ".weight",
       {outputs, inputs, kernel, kernel},
       ParameterSpec::Start::kUniform,
       glorot(inputs * area, outputs * area)});
  add(ParameterSpec{.name = name + ".bias", .shape = {outputs}});
}

at::Tensor Network::loss(const at::Tensor& scores, const at::Tensor& targets, bool mean) const {
  return at::cross_entropy_loss(scores, targets, {}, mean ? at::Reduction::Mean : at::Reduction::Sum);
}

at::Tensor Network::predicted(const at::Tensor& scores) const { return scores.argmax(1); }

std::string Network::misfit(const at::Tensor&, std::int64_t, std::int64_t) const { return {}; }

std::vector<std::string> Network::remarks(const at::Tensor&) const { return {}; }

void Network::save(const std::string& path, const std::vector<at::Tensor>& parameters,
                   const std::vector<at::Tensor>& buffers, const std::string& notes) const {
  c10::Dict<std::string, at::Tensor> state;
  for (std::size_t i = 0; i < parameters.size(); ++i) state.insert(parameters_.at(i).name, parameters[i].clone());
  for (std::size_t i = 0; i < buffers.size(); ++i) state.insert(buffers_.at(i).name, buffers[i].clone());
  const std::string file = state_dict_file(state, notes);
  std::ofstream stream(path, std::ios::binary);
  stream.write(file.data(), static_cast<std::streamsize>(file.size()));
  stream.close();
  TORCH_CHECK(stream, path, ": cannot be written");
}

std::optional<torch::jit::Module> Network::module(const std::vector<at::Tensor>&,
                                                  const std::vector<at::Tensor>&) const {
  return std::nullopt;
}

at::Tensor dropout(const at::Tensor& x, double rate, at::Generator* masks) {
  if (masks == nullptr || rate == 0.0) return x;
  at::Tensor mask;
  {
    const at::NoGradGuard no_gradient;
    mask = at::empty_like(x).bernoulli_(1.0 - rate, *masks).div_(1.0 - rate);
  }
  return x * mask;
}

namespace {

template <typename Specs>
Layout layout_of_specs(const Specs& specs) {
  Layout layout;
  for (const auto& spec : specs) {
    TensorLayout tensor{.name = spec.name, .offset = layout.size, .shape = spec.shape, .size = 1};
    for (const std::int64_t extent : spec.shape) tensor.size *= static_cast<std::size_t>(extent);
    layout.size += tensor.size;
    layout.tensors.push_back(std::move(tensor));
  }
  return layout;
}

}  // namespace

Layout layout_of(const Network& network) { return layout_of_specs(network.parameters()); }
Layout buffer_layout_of(const Network& network) { return layout_of_specs(network.buffers()); }

Layout joined(Layout first, const Layout& second) {
  for (TensorLayout tensor : second.tensors) {
    tensor.offset += first.size;
    first.tensors.push_back(std::move(tensor));
  }
  first.size += second.size;
  return first;
}

std::vector<float> initial_parameters(const Network& network, std::uint64_t seed) {
  const Layout layout = layout_of(network);
  std::vector<float> values(layout.size, 0.0F);
  for (std::size_t i = 0; i < layout.tensors.size(); ++i) {
    const ParameterSpec& parameter = network.parameters()[i];
    RandomStream stream(seed, "initialisation", {i});
    for (float& value : std::span(values).subspan(layout.tensors[i].offset, layout.tensors[i].size)) {
      switch (parameter.start) {
        case ParameterSpec::Start::kConstant:
          value = static_cast<float>(parameter.scale);
          break;
        case ParameterSpec::Start::kUniform:
          value = static_cast<float>((2.0 * stream.uniform() - 1.0) * parameter.scale);
          break;
        case ParameterSpec::Start::kNormal:
          value = static_cast<float>(stream.gaussian() * parameter.scale);
          break;
        case ParameterSpec::Start::kGiven:
          break;  // below
      }
    }
    if (parameter.start == ParameterSpec::Start::kGiven) {
      std::ranges::copy(parameter.given, values.begin() + static_cast<std::ptrdiff_t>(layout.tensors[i].offset));
    }
  }
  return values;
}

std::vector<float> initial_buffers(const Network& network) {
  std::vector<float> values;
  const Layout layout = buffer_layout_of(network);
  for (std::size_t i = 0; i < layout.tensors.size(); ++i) {
    const BufferSpec& buffer = network.buffers()[i];
    if (buffer.given.empty()) {
      values.insert(values.end(), layout.tensors[i].size, buffer.value);
    } else {
      values.insert(values.end(), buffer.given.begin(), buffer.given.end());
    }
  }
  return values;
}

}  // namespace laconic
