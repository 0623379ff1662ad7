// The code of a list of small non-negative integers, close to the entropy of their distribution whatever that is:
// levels of a quantiser, exponents of floats.
//
//   symbols := low origin packed plane*     of n >= 1 integers
//   low     := u8                           low 5 bits: how many low bits of every rest are kept apart;
//                                           bit 7: descending
//   origin  := varint                       ascending: integer = origin + rest; descending: integer = origin - rest
//   packed  := the low bits of the rests, packed
//   plane   := set                          plane t, of the rests whose upper part is t or more: which of them are more
//
// The upper part is what is left when the low bits are shifted out. The planes end with the first empty set; the set of
// plane t is over as many indices as the set before it had members (the first: n). Together they spell the upper parts
// in unary, each digit coded with the density that it has, so that their length follows the chain rule of the entropy.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compress/packed.h"

namespace laconic::compress {

// Planes a list may have.
inline constexpr std::uint32_t kMaxPlanes = 255;

// Appends the code of `symbols`, each below 2^31.
void append_symbols(std::span<const std::uint32_t> symbols, ByteWriter& out);

// Reads symbols.size() integers from `lowest` to `highest` < 2^31. Throws DecodeError for bytes that are no such list.
void read_symbols(ByteReader& in, std::uint32_t lowest, std::uint32_t highest, std::span<std::uint32_t> symbols);

// n times the entropy of the empirical distribution of the symbols, in bits.
double symbols_entropy_bits(std::span<const std::uint32_t> symbols);

}  // namespace laconic::compress
