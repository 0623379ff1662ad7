#include "training/resnet.h"

#include <array>
#include <cmath>
#include <string>

namespace laconic {
namespace {

constexpr std::array<std::int64_t, 3> kChannels = {16, 32, 64};

class Resnet final : public Network {
 public:
  Resnet(int blocks, std::int64_t channels, std::uint32_t classes) : blocks_(blocks) {
    add_normalised("conv1", channels, kChannels[0], 3);
    std::int64_t inputs = kChannels[0];
    for (std::size_t stage = 0; stage < kChannels.size(); ++stage) {
      for (int block = 0; block < blocks; ++block) {
        const std::string name = "stage" + std::to_string(stage + 1) + ".block" + std::to_string(block + 1);
        add_normalised(name + ".conv1", inputs, kChannels[stage], 3);
        add_normalised(name + ".conv2", kChannels[stage], kChannels[stage], 3);
        if (inputs != kChannels[stage]) add_normalised(name + ".shortcut", inputs, kChannels[stage], 1);
        inputs = kChannels[stage];
      }
    }
    add_dense("fc", inputs, classes);
  }

  at::Tensor scores(const std::vector<at::Tensor>& parameters, const at::Tensor& images,
                    const Pass& pass) const override {
    // In the order in which the constructor added them.
    std::size_t layer = 0;
    const auto normalised = [&](const at::Tensor& x, std::int64_t stride, std::int64_t padding) {
      const at::Tensor y = at::conv2d(x, parameters[3 * layer], {}, stride, padding);
      const at::Tensor z =
          at::batch_norm(y, parameters[3 * layer + 1], parameters[3 * layer + 2], pass.buffers[2 * layer],
                         pass.buffers[2 * layer + 1], pass.training, kMomentum, kEpsilon, /*cudnn_enabled=*/false);
      ++layer;
      return z;
    };
    at::Tensor x = normalised(images, 1, 1).relu_();
    for (std::size_t stage = 0; stage < kChannels.size(); ++stage) {
      for (int block = 0; block < blocks_; ++block) {
        const bool halves = stage > 0 && block == 0;
        at::Tensor y = normalised(x, halves ? 2 : 1, 1).relu_();
        y = normalised(y, 1, 1);
        x = (y + (halves ? normalised(x, 2, 0) : x)).relu_();
      }
    }
    return at::linear(x.mean({2, 3}), parameters[3 * layer], parameters[3 * layer + 1]);
  }

 private:
  static constexpr double kMomentum = 0.1;
  static constexpr double kEpsilon = 1e-5;

  // A convolution and its batch norm: three tensors of parameters, two of buffers.
  void add_normalised(const std::string& name, std::int64_t inputs, std::int64_t outputs, std::int64_t kernel) {
    const auto fan_out = static_cast<double>(outputs * kernel * kernel);
    add({name + ".weight", {outputs, inputs, kernel, kernel}, ParameterSpec::Start::kNormal, std::sqrt(2.0 / fan_out)});
    add({name + ".norm.weight", {outputs}, ParameterSpec::Start::kConstant, 1.0});
    add(ParameterSpec{.name = name + ".norm.bias", .shape = {outputs}});
    add(BufferSpec{.name = name + ".norm.running_mean", .shape = {outputs}, .value = 0.0F});
    add(BufferSpec{.name = name + ".norm.running_var", .shape = {outputs}, .value = 1.0F, .minimum = 0.0F});
  }

  int blocks_;
};

}  // namespace

std::shared_ptr<const Network> make_resnet(int blocks, std::int64_t channels, std::uint32_t classes) {
  return std::make_shared<Resnet>(blocks, channels, classes);
}

}  // namespace laconic
