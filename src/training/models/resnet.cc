#include "training/models/resnet.h"

#include <array>
#include <string>

namespace laconic {
namespace {

constexpr std::array<std::int64_t, 3> kChannels = {16, 32, 64};

class Resnet final : public NormalisedNetwork {
 public:
  Resnet(int blocks, std::int64_t channels, std::uint32_t classes, Norm norm)
      : NormalisedNetwork(norm), blocks_(blocks) {
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
    Layers layers(*this, parameters, pass);
    at::Tensor x = layers.activated(layers.normalised(images, 1));
    for (std::size_t stage = 0; stage < kChannels.size(); ++stage) {
      for (int block = 0; block < blocks_; ++block) {
        const bool halves = stage > 0 && block == 0;
        at::Tensor y = layers.activated(layers.normalised(x, halves ? 2 : 1));
        y = layers.normalised(y, 1);
        x = layers.activated(y + (halves ? layers.normalised(x, 2) : x));
      }
    }
    return layers.dense(x.mean({2, 3}));
  }

 private:
  int blocks_;
};

}  // namespace

std::shared_ptr<const Network> make_resnet(int blocks, std::int64_t channels, std::uint32_t classes, Norm norm) {
  return std::make_shared<Resnet>(blocks, channels, classes, norm);
}

}  // namespace laconic
