#include "training/models/my_model.h"

#include <array>

#include "base/error.h"
#include "training/models/network.h"

namespace laconic {
namespace {

// One 3x3 convolution with ReLU, the mean over the image, one dense layer.
class MyModel final : public Network {
 public:
  MyModel(std::int64_t inputs, std::int64_t channels, std::uint32_t classes) {
    // In the order in which scores() finds them: weight and bias of each.
    add_convolution("conv", inputs, channels, 3);
    add_dense("fc", channels, classes);
  }

  // Keeps no state: several threads call it at once.
  at::Tensor scores(const std::vector<at::Tensor>& parameters, const at::Tensor& images, const Pass&) const override {
    const at::Tensor x = at::conv2d(images, parameters[0], parameters[1], /*stride=*/1, /*padding=*/1).relu_();
    return at::linear(x.mean({2, 3}), parameters[2], parameters[3]);
  }
};

}  // namespace

std::span<const OptionSpec> my_model_options() {
  static const std::array options = {OptionSpec{.name = "channels",
                                                .type = OptionType::kInteger,
                                                .default_value = "16",
                                                .minimum = 1,
                                                .maximum = 4096,
                                                .help = "channels of the convolution"}};
  return options;
}

std::shared_ptr<const Network> make_my_model(const Options& options, const ImageShape& shape,
                                             const Prediction& prediction) {
  if (prediction.numbers > 0)
    throw UsageError("model.name: my_model predicts classes, and data.targets are numbers; take mlp or torchscript");
  return std::make_shared<MyModel>(shape.channels, static_cast<std::int64_t>(options.integer("channels")),
                                   prediction.classes);
}

}  // namespace laconic
