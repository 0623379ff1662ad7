// VGG for small images. Internal to the training layer.
#pragma once

#include <cstdint>
#include <memory>

#include "training/models/normalised.h"

namespace laconic {

// Five halvings leave one pixel of it.
inline constexpr std::int64_t kSmallestVgg11Image = 32;

// Configuration A of Simonyan and Zisserman 2015 (arXiv 1409.1556, table 1) for images of `channels` channels and any
// size from kSmallestVgg11Image: 3x3 convolutions with 64, 128, 256, 256, 512, 512, 512, 512 channels, each followed by
// `norm` and ReLU, with a 2x2 maximum pooling behind the first, second, fourth, sixth and eighth; the mean over what is
// left of the image (one pixel of 32x32) and one dense layer where the paper has three wide ones with dropout, as usual
// for small images.
std::shared_ptr<const Network> make_vgg11(std::int64_t channels, std::uint32_t classes, Norm norm);

}  // namespace laconic
