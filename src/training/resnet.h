// Residual networks for small images. Internal to the training layer.
#pragma once

#include <cstdint>
#include <memory>

#include "training/network.h"

namespace laconic {

// Two halvings leave 2x2 of it: a batch of one still has a variance.
inline constexpr std::int64_t kSmallestResnetImage = 8;

// The network of depth 6 * blocks + 2 of He et al. 2016 (arXiv 1512.03385, section 4.2) for images of `channels`
// channels and any size from kSmallestResnetImage: a 3x3 convolution, three stages of `blocks` blocks with 16, 32, 64
// channels, the mean over the image, a dense layer. The shortcut into a stage that halves the image is a 1x1
// convolution with batch norm. Convolutions have no bias and start normal with variance 2 / fan_out (He et al. 2015);
// each is followed by batch norm (Ioffe and Szegedy 2015; momentum 0.1, epsilon 1e-5), whose running mean and unbiased
// running variance are buffers.
std::shared_ptr<const Network> make_resnet(int blocks, std::int64_t channels, std::uint32_t classes);

}  // namespace laconic
