#include "training/models.h"

#include <array>
#include <charconv>
#include <cmath>
#include <string>

#include "base/error.h"
#include "base/random.h"
#include "training/network.h"
#include "training/row.h"

namespace laconic {

void Network::add_dense(const std::string& name, std::int64_t inputs, std::int64_t outputs) {
  parameters_.push_back({name + ".weight", {outputs, inputs}, inputs, outputs});
  parameters_.push_back({.name = name + ".bias", .shape = {outputs}});
}

void Network::add_convolution(const std::string& name, std::int64_t inputs, std::int64_t outputs, std::int64_t kernel) {
  const std::int64_t area = kernel * kernel;
  parameters_.push_back({name + ".weight", {outputs, inputs, kernel, kernel}, inputs * area, outputs * area});
  parameters_.push_back({.name = name + ".bias", .shape = {outputs}});
}

namespace {

using Parameters = std::vector<at::Tensor>;

// Weight and bias number `layer`.
at::Tensor dense(const Parameters& parameters, std::size_t layer, const at::Tensor& x) {
  return at::linear(x, parameters[2 * layer], parameters[2 * layer + 1]);
}

at::Tensor convolution(const Parameters& parameters, std::size_t layer, const at::Tensor& x, std::int64_t padding) {
  return at::conv2d(x, parameters[2 * layer], parameters[2 * layer + 1], /*stride=*/1, padding);
}

// Inverted dropout with masks of `generator`; libtorch's own draws from one generator for the whole process.
at::Tensor dropout(const at::Tensor& x, double rate, at::Generator* generator) {
  if (generator == nullptr) return x;
  at::Tensor mask;
  {
    const at::NoGradGuard no_gradient;
    mask = at::empty_like(x).bernoulli_(1.0 - rate, *generator).div_(1.0 - rate);
  }
  return x * mask;
}

void require_size(const ImageShape& shape, std::int64_t smallest, std::string_view model) {
  if (shape.height >= smallest && shape.width >= smallest) return;
  throw UsageError("model.name: " + std::string(model) + " needs images of at least " + std::to_string(smallest) + "x" +
                   std::to_string(smallest) + " pixels, the data set has " + std::to_string(shape.height) + "x" +
                   std::to_string(shape.width) + "; take another model, such as mlp");
}

// Fully connected layers with ReLU between them.
class Mlp final : public Network {
 public:
  Mlp(const std::vector<std::int64_t>& hidden, const ImageShape& shape, std::uint32_t classes) {
    auto inputs = static_cast<std::int64_t>(shape.size());
    for (const std::int64_t size : hidden) {
      add_dense("fc" + std::to_string(++layers_), inputs, size);
      inputs = size;
    }
    add_dense("fc" + std::to_string(++layers_), inputs, classes);
  }
  at::Tensor scores(const Parameters& parameters, const at::Tensor& images, at::Generator*) const override {
    at::Tensor x = images.flatten(1);
    for (std::size_t layer = 0; layer + 1 < layers_; ++layer) x = dense(parameters, layer, x).relu_();
    return dense(parameters, layers_ - 1, x);
  }

 private:
  std::size_t layers_ = 0;
};

// LeNet-5 as Theologitis et al. 2025 use it: tanh, average pooling, the first convolution padded to the same size.
class LeNet5 final : public Network {
 public:
  LeNet5(const ImageShape& shape, std::uint32_t classes) {
    require_size(shape, 12, "lenet5");
    const std::int64_t height = (shape.height / 2 - 4) / 2;
    const std::int64_t width = (shape.width / 2 - 4) / 2;
    add_convolution("conv1", shape.channels, 6, 5);
    add_convolution("conv2", 6, 16, 5);
    add_dense("fc1", 16 * height * width, 120);
    add_dense("fc2", 120, 84);
    add_dense("fc3", 84, classes);
  }
  at::Tensor scores(const Parameters& parameters, const at::Tensor& images, at::Generator*) const override {
    at::Tensor x = at::avg_pool2d(convolution(parameters, 0, images, 2).tanh_(), 2);
    x = at::avg_pool2d(convolution(parameters, 1, x, 0).tanh_(), 2).flatten(1);
    x = dense(parameters, 2, x).tanh_();
    x = dense(parameters, 3, x).tanh_();
    return dense(parameters, 4, x);
  }
};

// VGG16* of Theologitis et al. 2025: VGG16's first three blocks, narrow dense layers with dropout, ReLU.
class Vgg16Star final : public Network {
 public:
  Vgg16Star(const ImageShape& shape, std::uint32_t classes) {
    require_size(shape, 8, "vgg16_star");
    std::int64_t inputs = shape.channels;
    for (std::size_t layer = 0; layer < kChannels.size(); ++layer) {
      add_convolution("conv" + std::to_string(layer + 1), inputs, kChannels[layer], 3);
      inputs = kChannels[layer];
    }
    add_dense("fc1", inputs * (shape.height / 8) * (shape.width / 8), 512);
    add_dense("fc2", 512, 512);
    add_dense("fc3", 512, classes);
  }
  bool has_dropout() const override { return true; }
  at::Tensor scores(const Parameters& parameters, const at::Tensor& images, at::Generator* masks) const override {
    at::Tensor x = images;
    for (std::size_t layer = 0; layer < kChannels.size(); ++layer) {
      x = convolution(parameters, layer, x, 1).relu_();
      if (layer % 2 == 1) x = at::max_pool2d(x, 2);
    }
    x = x.flatten(1);
    x = dropout(dense(parameters, 6, x).relu_(), kDropout, masks);
    x = dropout(dense(parameters, 7, x).relu_(), kDropout, masks);
    return dense(parameters, 8, x);
  }

 private:
  static constexpr std::array<std::int64_t, 6> kChannels = {64, 64, 128, 128, 256, 256};
  static constexpr double kDropout = 0.5;
};

// "256,128" as sizes.
std::vector<std::int64_t> parse_sizes(const Options& options, std::string_view name) {
  constexpr std::int64_t kLargest = 65536;
  const std::string& text = options.text(name);
  std::vector<std::int64_t> sizes;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (true) {
    std::int64_t size = 0;
    while (at != end && *at == ' ') ++at;
    const auto result = std::from_chars(at, end, size);
    if (result.ec != std::errc{} || size < 1 || size > kLargest || (result.ptr != end && *result.ptr != ',')) {
      throw UsageError(options.place(name) + ": '" + text + "' is not a list of sizes from 1 to " +
                       std::to_string(kLargest) + " such as \"256,128\"");
    }
    sizes.push_back(size);
    if (result.ptr == end) return sizes;
    at = result.ptr + 1;
  }
}

std::shared_ptr<const Network> make_mlp(const Options& options, const ImageShape& shape, std::uint32_t classes) {
  return std::make_shared<Mlp>(parse_sizes(options, "hidden"), shape, classes);
}
std::shared_ptr<const Network> make_lenet5(const Options&, const ImageShape& shape, std::uint32_t classes) {
  return std::make_shared<LeNet5>(shape, classes);
}
std::shared_ptr<const Network> make_vgg16_star(const Options&, const ImageShape& shape, std::uint32_t classes) {
  return std::make_shared<Vgg16Star>(shape, classes);
}

}  // namespace

std::span<const ModelRow> models() {
  static const std::array mlp_options = {
      OptionSpec{.name = "hidden", .default_value = "128", .help = "sizes of the hidden layers, such as \"256,128\""}};
  static const std::array rows = {
      ModelRow{"mlp", "dense layers with ReLU", mlp_options, make_mlp},
      ModelRow{"lenet5",
               "LeNet-5 with tanh and average pooling; 61,706 parameters for 28x28 in 10 classes",
               {},
               make_lenet5},
      ModelRow{"vgg16_star",
               "six 3x3 convolutions and three dense layers with dropout; 2,592,202 parameters for 28x28 in 10 classes",
               {},
               make_vgg16_star},
  };
  return rows;
}

const ModelRow& find_model(std::string_view name) { return find_row(models(), name, "model.name"); }

Layout layout_of(const Network& network) {
  Layout layout;
  for (const ParameterSpec& parameter : network.parameters()) {
    TensorLayout tensor{.name = parameter.name, .offset = layout.size, .shape = parameter.shape, .size = 1};
    for (const std::int64_t extent : parameter.shape) tensor.size *= static_cast<std::size_t>(extent);
    layout.size += tensor.size;
    layout.tensors.push_back(std::move(tensor));
  }
  return layout;
}

std::vector<float> initial_parameters(const Network& network, std::uint64_t seed) {
  const Layout layout = layout_of(network);
  std::vector<float> values(layout.size, 0.0F);
  for (std::size_t i = 0; i < layout.tensors.size(); ++i) {
    const ParameterSpec& parameter = network.parameters()[i];
    if (parameter.fan_in == 0) continue;
    RandomStream stream(seed, "initialisation", {i});
    const double limit = std::sqrt(6.0 / static_cast<double>(parameter.fan_in + parameter.fan_out));
    for (std::size_t j = 0; j < layout.tensors[i].size; ++j) {
      values[layout.tensors[i].offset + j] = static_cast<float>((2.0 * stream.uniform() - 1.0) * limit);
    }
  }
  return values;
}

}  // namespace laconic
