// Residual networks for small images. Internal to the training layer.
#pragma once

#include <cstdint>
#include <memory>

#include "training/models/normalised.h"

namespace laconic {

// Two halvings leave 2x2 of it: a batch of one still has a variance.
inline constexpr std::int64_t kSmallestResnetImage = 8;

// The network of depth 6 * blocks + 2 of He et al. 2016 (arXiv 1512.03385, section 4.2) for images of `channels`
// channels and any size from kSmallestResnetImage: a 3x3 convolution, three stages of `blocks` blocks with 16, 32, 64
// channels, the mean over the image, a dense layer. The shortcut into a stage that halves the image is a 1x1
// convolution. Every convolution is followed by `norm`, not kNone. With EvoNorm no ReLU is left, after the sums
// neither: so it stands in this network in work on decentralised learning.
std::shared_ptr<const Network> make_resnet(int blocks, std::int64_t channels, std::uint32_t classes, Norm norm);

}  // namespace laconic
