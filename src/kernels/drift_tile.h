// The piece of squared_distance() that the sketch shares: a tile of the drift and its part of ||u||^2. Of this folder
// only.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/vector_ops.h"

namespace laconic::kernels::detail {

// difference = params - reference in double; adds the squares to the kLanes partial sums. Tiles are handed over in
// order, and all but the last have a multiple of kLanes elements: then the folded lanes have squared_distance()'s bits.
void drift_tile(std::span<const float> params, std::span<const float> reference, std::span<double> difference,
                std::span<double, kLanes> lanes);

// The sum of the lanes in the fixed order; the lanes are used up.
double fold_lanes(std::span<double, kLanes> lanes);

}  // namespace laconic::kernels::detail
