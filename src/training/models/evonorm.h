// EvoNorm-S0 (Liu et al. 2020, arXiv 2004.02967, table 1), norm and activation in one. Internal to the training layer.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

namespace laconic {

// Of x, samples x channels x height x width, float or double; `groups` of neighbouring channels, a divisor of the
// channels; v, gamma, beta: one number a channel:
//   x * sigmoid(v x) / sqrt(variance + 1e-5) * gamma + beta
// The variance is the biased one of one sample's group. Differentiable once in all four.
at::Tensor evonorm_s0(const at::Tensor& x, const at::Tensor& v, const at::Tensor& gamma, const at::Tensor& beta,
                      std::int64_t groups);

}  // namespace laconic
