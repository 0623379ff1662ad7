#include "training/models/vgg.h"

#include <array>
#include <string>

namespace laconic {
namespace {

struct Convolution {
  std::int64_t channels;
  bool pooled;
};
constexpr std::array<Convolution, 8> kConvolutions = {
    {{64, true}, {128, true}, {256, false}, {256, true}, {512, false}, {512, true}, {512, false}, {512, true}}};

class Vgg11 final : public NormalisedNetwork {
 public:
  Vgg11(std::int64_t channels, std::uint32_t classes, Norm norm) : NormalisedNetwork(norm) {
    std::int64_t inputs = channels;
    for (std::size_t layer = 0; layer < kConvolutions.size(); ++layer) {
      add_normalised("conv" + std::to_string(layer + 1), inputs, kConvolutions[layer].channels, 3);
      inputs = kConvolutions[layer].channels;
    }
    add_dense("fc", inputs, classes);
  }

  at::Tensor scores(const std::vector<at::Tensor>& parameters, const at::Tensor& images,
                    const Pass& pass) const override {
    Layers layers(*this, parameters, pass);
    at::Tensor x = images;
    for (const Convolution& convolution : kConvolutions) {
      x = layers.activated(layers.normalised(x, 1));
      if (convolution.pooled) x = at::max_pool2d(x, 2);
    }
    return layers.dense(x.mean({2, 3}));
  }
};

}  // namespace

std::shared_ptr<const Network> make_vgg11(std::int64_t channels, std::uint32_t classes, Norm norm) {
  return std::make_shared<Vgg11>(channels, classes, norm);
}

}  // namespace laconic
