#include "training/optimizers/clipping.h"

#include <cmath>

namespace laconic {

void clip_to_norm(std::span<float> gradient, double largest) {
  constexpr double kAgainstZero = 1e-6;
  double squares = 0.0;
  for (const float value : gradient) squares += static_cast<double>(value) * static_cast<double>(value);
  const double share = largest / (std::sqrt(squares) + kAgainstZero);
  if (share >= 1.0) return;
  for (float& value : gradient) value *= static_cast<float>(share);
}

}  // namespace laconic
