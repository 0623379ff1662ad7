// Conversion of float32 vectors to few bits a coordinate and back, at memory speed. Highway SIMD with runtime dispatch;
// every result has the same bits on every instruction set. Any size, 0 included, any alignment. No allocation.
//
// Bytes are written and read little-endian. Inputs and outputs do not overlap. Products and sums are separate
// roundings, never fused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace laconic::kernels {

// sum_j |x_j| and sum_j x_j^2 in one pass, as exact as the sums of vector_ops.h. Finite exactly when every x_j is.
struct Mass {
  double absolute = 0.0;
  double squared = 0.0;
};
Mass mass(std::span<const float> x);

// Sign bits: bit i of the stream is bit i mod 8 of byte i / 8. Element j sets bit first_bit + j when x_j is negative
// (-0 included) and clears it otherwise; other bits are left as they are. `bits` has at least
// ceil((first_bit + n) / 8) bytes. Returns sum_j |x_j|, from the same pass.
double pack_signs(std::span<const float> x, std::size_t first_bit, std::span<std::byte> bits);
// y_j += bit first_bit + j ? -amount : amount
void add_signs(std::span<const std::byte> bits, std::size_t first_bit, float amount, std::span<float> y);

// bfloat16, round to nearest even; what would round to infinity becomes the largest finite value of its sign. 2 n
// bytes. Returns whether every x_j is finite; if not, `out` is of no use.
bool to_bfloat16(std::span<const float> x, std::span<std::byte> out);
// Whether every one of the bytes.size() / 2 values is finite.
bool bfloat16_finite(std::span<const std::byte> bytes);
// y_j += weight * value_j; bytes.size() = 2 y.size().
void add_bfloat16(std::span<const std::byte> bytes, float weight, std::span<float> y);

// IEEE binary16, the same three; denormals of binary16 are kept, what is beyond +-65504 becomes +-65504.
bool to_float16(std::span<const float> x, std::span<std::byte> out);
bool float16_finite(std::span<const std::byte> bytes);
void add_float16(std::span<const std::byte> bytes, float weight, std::span<float> y);

// Random bits for coordinate j: a hash of the key and j alone, so that they do not depend on the order or the width in
// which coordinates are visited. Both halves of a key are to be drawn at random, anew for every vector: keys that share
// `first` and differ in few bits of `second` give noise that is correlated.
struct NoiseKey {
  std::uint32_t first = 0;
  std::uint32_t second = 0;
};
constexpr std::uint32_t noise(NoiseKey key, std::uint32_t j) {
  std::uint32_t bits = j + key.first;
  bits = (bits ^ (bits >> 16)) * 0x7feb352dU;
  bits = (bits ^ (bits >> 15) ^ key.second) * 0x846ca68bU;
  return bits ^ (bits >> 16);
}

// Stochastic rounding to levels (QSGD, Alistarh et al. 2017): with t = |x_j| * inverse_step in float (at most 65535,
// the caller's bound) and f = t - floor(t), level_j = floor(t) + (noise(key, first_index + j) >> 1 < f * 2^31), whose
// expectation is t to 2^-31. Writes, in order, `first_index` + j and the symbol 2 * level_j + (1 when x_j is negative)
// of every element with level_j > 0. The outputs have at least x.size() elements. Returns how many were written.
std::size_t quantise_levels(std::span<const float> x, float inverse_step, NoiseKey key, std::uint32_t first_index,
                            std::span<std::uint32_t> indices, std::span<std::uint32_t> symbols);

// Stochastic rounding of |x_j| to one of the two powers of two around it, unbiased (natural compression, Horvath et al.
// 2019): the 23 low bits of noise(key, first_index + j) are added to the mantissa's bits and a carry goes into the
// exponent. An exponent that would pass 254 stays there. Writes `first_index` + j and the symbol 2 * e + (1 when x_j is
// negative) of every element whose biased exponent e is above 0 after that: the value is 2^(e - 127). x_j is finite.
// The outputs have at least x.size() elements. Returns how many were written.
std::size_t round_to_powers(std::span<const float> x, NoiseKey key, std::uint32_t first_index,
                            std::span<std::uint32_t> indices, std::span<std::uint32_t> symbols);

}  // namespace laconic::kernels
