#include "training/models/models.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "base/error.h"
#include "base/row.h"
#include "training/models/loss.h"
#include "training/models/lstm.h"
#include "training/models/network.h"
#include "training/models/resnet.h"
#include "training/models/script_network.h"
#include "training/models/vgg.h"

namespace laconic {

namespace {

using Parameters = std::vector<at::Tensor>;

// Weight and bias number `layer`.
at::Tensor dense(const Parameters& parameters, std::size_t layer, const at::Tensor& x) {
  return at::linear(x, parameters[2 * layer], parameters[2 * layer + 1]);
}

at::Tensor convolution(const Parameters& parameters, std::size_t layer, const at::Tensor& x, std::int64_t padding) {
  return at::conv2d(x, parameters[2 * layer], parameters[2 * layer + 1], /*stride=*/1, padding);
}

void require_size(const ImageShape& shape, std::int64_t smallest, std::string_view model) {
  if (shape.height >= smallest && shape.width >= smallest) return;
  throw UsageError("model.name: " + std::string(model) + " needs images of at least " + std::to_string(smallest) + "x" +
                   std::to_string(smallest) + " pixels, the data set has " + std::to_string(shape.height) + "x" +
                   std::to_string(shape.width) + "; take another model, such as mlp");
}

// Softmax regression: one dense layer, from zero, where the convex loss has no better start.
class LogisticRegression final : public Network {
 public:
  LogisticRegression(const ImageShape& shape, std::uint32_t classes) {
    add(ParameterSpec{.name = "weight", .shape = {classes, static_cast<std::int64_t>(shape.size())}});
    add(ParameterSpec{.name = "bias", .shape = {classes}});
  }
  at::Tensor scores(const Parameters& parameters, const at::Tensor& images, const Pass&) const override {
    return dense(parameters, 0, images.flatten(1));
  }
};

// Fully connected layers with ReLU between them.
class Mlp final : public Network {
 public:
  Mlp(const std::vector<std::int64_t>& hidden, const ImageShape& shape, const Prediction& prediction, Loss loss)
      : prediction_(prediction), loss_(loss) {
    auto inputs = static_cast<std::int64_t>(shape.size());
    for (const std::int64_t size : hidden) {
      add_dense("fc" + std::to_string(++layers_), inputs, size);
      inputs = size;
    }
    add_dense("fc" + std::to_string(++layers_), inputs, prediction.outputs());
  }
  at::Tensor scores(const Parameters& parameters, const at::Tensor& images, const Pass&) const override {
    at::Tensor x = images.flatten(1);
    for (std::size_t layer = 0; layer + 1 < layers_; ++layer) x = dense(parameters, layer, x).relu_();
    return dense(parameters, layers_ - 1, x);
  }
  at::Tensor loss(const at::Tensor& scores, const at::Tensor& targets, bool mean) const override {
    return loss_of(loss_, scores, targets, prediction_, mean);
  }

 private:
  Prediction prediction_;
  Loss loss_;
  std::size_t layers_ = 0;
};

// LeNet-5, the first convolution padded to the same size: with tanh and average pooling as Theologitis et al. 2025 use
// it, or with ReLU and max pooling as it is mostly trained today.
class LeNet5 final : public Network {
 public:
  enum class Form { kTanh, kRelu };
  LeNet5(const ImageShape& shape, std::uint32_t classes, Form form) : form_(form) {
    require_size(shape, 12, form == Form::kTanh ? "lenet5" : "lenet5_relu");
    const std::int64_t height = (shape.height / 2 - 4) / 2;
    const std::int64_t width = (shape.width / 2 - 4) / 2;
    add_convolution("conv1", shape.channels, 6, 5);
    add_convolution("conv2", 6, 16, 5);
    add_dense("fc1", 16 * height * width, 120);
    add_dense("fc2", 120, 84);
    add_dense("fc3", 84, classes);
  }
  at::Tensor scores(const Parameters& parameters, const at::Tensor& images, const Pass&) const override {
    at::Tensor x = pooled(convolution(parameters, 0, images, 2));
    x = pooled(convolution(parameters, 1, x, 0)).flatten(1);
    x = activated(dense(parameters, 2, x));
    x = activated(dense(parameters, 3, x));
    return dense(parameters, 4, x);
  }

 private:
  // In place.
  at::Tensor activated(at::Tensor x) const { return form_ == Form::kTanh ? x.tanh_() : x.relu_(); }
  at::Tensor pooled(const at::Tensor& x) const {
    return form_ == Form::kTanh ? at::avg_pool2d(activated(x), 2) : at::max_pool2d(activated(x), 2);
  }

  Form form_;
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
  at::Tensor scores(const Parameters& parameters, const at::Tensor& images, const Pass& pass) const override {
    at::Tensor x = images;
    for (std::size_t layer = 0; layer < kChannels.size(); ++layer) {
      x = convolution(parameters, layer, x, 1).relu_();
      if (layer % 2 == 1) x = at::max_pool2d(x, 2);
    }
    x = x.flatten(1);
    x = dropout(dense(parameters, 6, x).relu_(), kDropout, pass.dropout_masks);
    x = dropout(dense(parameters, 7, x).relu_(), kDropout, pass.dropout_masks);
    return dense(parameters, 8, x);
  }

 private:
  static constexpr std::array<std::int64_t, 6> kChannels = {64, 64, 128, 128, 256, 256};
  static constexpr double kDropout = 0.5;
};

// The network of Kamp et al. 2018 for MNIST.
class KampCnn final : public Network {
 public:
  KampCnn(const ImageShape& shape, std::uint32_t classes) {
    require_size(shape, 6, "kamp_cnn");
    add_convolution("conv1", shape.channels, 32, 3);
    add_convolution("conv2", 32, 64, 3);
    add_dense("fc1", 64 * ((shape.height - 4) / 2) * ((shape.width - 4) / 2), 128);
    add_dense("fc2", 128, classes);
  }
  bool has_dropout() const override { return true; }
  at::Tensor scores(const Parameters& parameters, const at::Tensor& images, const Pass& pass) const override {
    at::Tensor x = convolution(parameters, 0, images, 0).relu_();
    x = at::max_pool2d(convolution(parameters, 1, x, 0).relu_(), 2);
    x = dropout(x, 0.25, pass.dropout_masks).flatten(1);
    x = dropout(dense(parameters, 2, x).relu_(), 0.5, pass.dropout_masks);
    return dense(parameters, 3, x);
  }
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

// Of models that tell classes apart and do nothing else.
std::uint32_t classes_for(std::string_view model, const Prediction& prediction) {
  if (prediction.numbers == 0) return prediction.classes;
  throw UsageError("model.name: " + std::string(model) +
                   " tells classes apart, and data.targets are numbers; take mlp or torchscript");
}

std::shared_ptr<const Network> make_logistic_regression(const Options&, const ImageShape& shape,
                                                        const Prediction& prediction) {
  return std::make_shared<LogisticRegression>(shape, classes_for("logistic_regression", prediction));
}
std::shared_ptr<const Network> make_mlp(const Options& options, const ImageShape& shape, const Prediction& prediction) {
  return std::make_shared<Mlp>(parse_sizes(options, "hidden"), shape, prediction, find_loss(options, prediction));
}
std::shared_ptr<const Network> make_lenet5(const Options&, const ImageShape& shape, const Prediction& prediction) {
  return std::make_shared<LeNet5>(shape, classes_for("lenet5", prediction), LeNet5::Form::kTanh);
}
std::shared_ptr<const Network> make_lenet5_relu(const Options&, const ImageShape& shape, const Prediction& prediction) {
  return std::make_shared<LeNet5>(shape, classes_for("lenet5_relu", prediction), LeNet5::Form::kRelu);
}
std::shared_ptr<const Network> make_vgg16_star(const Options&, const ImageShape& shape, const Prediction& prediction) {
  return std::make_shared<Vgg16Star>(shape, classes_for("vgg16_star", prediction));
}
std::shared_ptr<const Network> make_kamp_cnn(const Options&, const ImageShape& shape, const Prediction& prediction) {
  return std::make_shared<KampCnn>(shape, classes_for("kamp_cnn", prediction));
}
template <int kBlocks>
std::shared_ptr<const Network> make_resnet_of(const Options& options, const ImageShape& shape,
                                              const Prediction& prediction) {
  constexpr std::string_view kName = kBlocks == 1 ? "resnet8" : "resnet20";
  require_size(shape, kSmallestResnetImage, kName);
  return make_resnet(kBlocks, shape.channels, classes_for(kName, prediction), norm_of(options.text("norm")));
}
std::shared_ptr<const Network> make_vgg11_of(const Options& options, const ImageShape& shape,
                                             const Prediction& prediction) {
  require_size(shape, kSmallestVgg11Image, "vgg11");
  return make_vgg11(shape.channels, classes_for("vgg11", prediction), norm_of(options.text("norm")));
}
std::shared_ptr<const Network> make_lstm_of(const Options& options, const ImageShape&, const Prediction& prediction) {
  return make_lstm({.layers = static_cast<std::int64_t>(options.integer("layers")),
                    .hidden = static_cast<std::int64_t>(options.integer("hidden")),
                    .embedding = static_cast<std::int64_t>(options.integer("embedding")),
                    .dropout = options.number("dropout")},
                   prediction.classes);
}

OptionSpec size_option(std::string_view name, std::string_view default_value, double maximum, std::string_view help) {
  return {.name = name,
          .type = OptionType::kInteger,
          .default_value = default_value,
          .minimum = 1,
          .maximum = maximum,
          .help = help};
}

OptionSpec norm_option(std::vector<std::string_view> choices) {
  return {.name = "norm",
          .type = OptionType::kChoice,
          .default_value = "batch",
          .choices = std::move(choices),
          .help =
              "normalisation after each convolution: batch norm; or group norm (Wu and He 2018) or EvoNorm-S0 (Liu et "
              "al. 2020), which normalise each image separately and have no running statistics"};
}

OptionSpec buffers_option() {
  return {
      .name = "buffers",
      .type = OptionType::kChoice,
      .default_value = "local",
      .choices = {"local", "average"},
      .only_with = {"norm", "batch"},
      .help =
          "running statistics of batch norm; local: each worker keeps its own, and their average is measured; average: "
          "they are part of the model that strategies send and average (except strategies that send gradients)"};
}

}  // namespace

std::span<const ModelRow> models() {
  static const std::array mlp_options = {
      OptionSpec{.name = "hidden", .default_value = "128", .help = "sizes of the hidden layers, such as \"256,128\""},
      OptionSpec{.name = "loss",
                 .type = OptionType::kChoice,
                 .default_value = "cross_entropy",
                 .choices = {"cross_entropy", "mse", "l1", "huber"},
                 .help = "loss function, as in torch.nn.functional: for classes cross_entropy or mse (against 1 for "
                         "the class and 0 for the others); for numbers (data.targets) mse, l1 or huber"}};
  static const std::array script_options = {
      OptionSpec{.name = "file", .required = true, .help = "the module, such as \"net.pt\""},
      OptionSpec{.name = "loss",
                 .type = OptionType::kChoice,
                 .default_value = "cross_entropy",
                 .choices = {"cross_entropy", "nll", "mse", "l1", "huber", "binary_cross_entropy", "module"},
                 .help = "loss function: one of torch.nn.functional, or module: the module's own method loss(output, "
                         "labels); for numbers (data.targets) mse, l1, huber or module"}};
  static const std::array lstm_options = {
      size_option("layers", "1", 16, "LSTM layers on top of each other"),
      size_option("hidden", "128", 8192, "units of a layer"),
      size_option("embedding", "128", 8192, "size of a token's embedding"),
      OptionSpec{.name = "dropout",
                 .type = OptionType::kNumber,
                 .default_value = "0",
                 .minimum = 0,
                 .maximum = 0.9,
                 .help = "fraction of the activations between layers that is dropped in training"}};
  static const std::array resnet_options = {norm_option({"batch", "group", "evonorm"}), buffers_option()};
  static const std::array vgg_options = {norm_option({"batch", "group", "evonorm", "none"}), buffers_option()};
  static const std::array rows = {
      ModelRow{"logistic_regression",
               "softmax regression, convex, from zero; L2 regularisation is optimizer.weight_decay",
               Input::kImages,
               {},
               make_logistic_regression},
      ModelRow{"mlp", "dense layers with ReLU", Input::kImages, mlp_options, make_mlp},
      ModelRow{"lenet5",
               "LeNet-5 with tanh and average pooling; 61,706 parameters for 28x28 in 10 classes",
               Input::kImages,
               {},
               make_lenet5},
      ModelRow{"lenet5_relu",
               "LeNet-5 with ReLU and max pooling; 61,706 parameters for 28x28 in 10 classes",
               Input::kImages,
               {},
               make_lenet5_relu},
      ModelRow{"vgg16_star",
               "six 3x3 convolutions and three dense layers with dropout; 2,592,202 parameters for 28x28 in 10 classes",
               Input::kImages,
               {},
               make_vgg16_star},
      ModelRow{"kamp_cnn",
               "two 3x3 convolutions, max pooling and two dense layers with dropout (Kamp et al. 2018); 1,199,882 "
               "parameters for 28x28 in 10 classes",
               Input::kImages,
               {},
               make_kamp_cnn},
      ModelRow{"resnet8",
               "residual network, one block per stage (He et al. 2016); 78,042 parameters for 3 channels in 10 classes",
               Input::kImages, resnet_options, make_resnet_of<1>},
      ModelRow{"resnet20",
               "residual network, three blocks per stage, shortcuts by 1x1 convolutions (He et al. 2016); 272,474 "
               "parameters for 3 channels in 10 classes",
               Input::kImages, resnet_options, make_resnet_of<3>},
      ModelRow{
          "vgg11",
          "eight 3x3 convolutions and one dense layer (Simonyan and Zisserman 2015, configuration A) for images from "
          "32x32; 9,228,362 parameters for 3 channels in 10 classes",
          Input::kImages, vgg_options, make_vgg11_of},
      ModelRow{"torchscript",
               "a TorchScript module from Python (torch.jit.script(model).save) for images, features (an image of one "
               "row) or tokens; the default of name where file is given",
               std::nullopt, script_options, make_script_network},
      ModelRow{"lstm", "embedding, LSTM layers, scores of the next token", Input::kText, lstm_options, make_lstm_of},
  };
  return rows;
}

const ModelRow& find_model(std::string_view name) { return find_row(models(), name, "model.name"); }

}  // namespace laconic
