// Gradients that are too long, as torch.nn.utils.clip_grad_norm_ shortens them.
#pragma once

#include <span>

namespace laconic {

// Scales `gradient` by min(1, largest / (norm + 1e-6)), norm its Euclidean one over all elements; `largest` above 0. One
// with an infinite norm becomes NaN, as there.
void clip_to_norm(std::span<float> gradient, double largest);

}  // namespace laconic
