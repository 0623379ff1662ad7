// Selection by magnitude: the k largest |x_j| of a flat vector in little more than one pass that reads it.
//
// Magnitudes are compared as the bits of |x| taken as an unsigned integer, which is the order of |x| for finite values,
// with infinities above them and NaN above those. A threshold is such an integer. Vectors have fewer than 2^32
// elements and any alignment. No allocation.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace laconic::kernels {

inline constexpr std::uint32_t kSignBit = 0x80000000U;
inline constexpr std::uint32_t kInfinityBits = 0x7f800000U;

inline std::uint32_t magnitude_bits(float value) { return std::bit_cast<std::uint32_t>(value) & ~kSignBit; }

// Collects, in order of index, `first_index` + j and x_j of every element with magnitude_bits(x_j) >= threshold.
// Returns how many there are; as soon as there are more than `indices` holds it stops and returns indices.size() + 1
// (the outputs are then of no use). `values` is at least as long as `indices`.
std::size_t collect_at_least(std::span<const float> x, std::uint32_t threshold, std::uint32_t first_index,
                             std::span<std::uint32_t> indices, std::span<float> values);

// The k-th largest magnitude, 1 <= k <= x.size(): `above` elements are strictly above `threshold` (above < k), and at
// least k are at or above it.
struct KthMagnitude {
  std::uint32_t threshold = 0;
  std::size_t above = 0;
};
KthMagnitude kth_magnitude(std::span<const float> x, std::size_t k);

// Keeps of the pairs (indices_j, values_j) those strictly above `threshold` and the first `ties` of those equal to it,
// moved to the front in order. Returns how many.
std::size_t keep_above(std::uint32_t threshold, std::size_t ties, std::span<std::uint32_t> indices,
                       std::span<float> values);

// y[indices_i] += weight * values_i; the product is rounded, then the sum. Every index is below y.size() and none
// occurs twice.
void scatter_add(std::span<const std::uint32_t> indices, std::span<const float> values, float weight,
                 std::span<float> y);

}  // namespace laconic::kernels
