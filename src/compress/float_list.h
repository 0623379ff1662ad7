// The code of a list of floats: exponents by their entropy, the rest as it is. What a sparsifier keeps lies within a
// few binades, so that an exponent costs about 1 bit instead of 8.
//
//   list    := chunk*              of 16,384 values, the last of the rest
//   chunk   := 0 raw | 1 symbols tail
//   raw     := the values, width / 8 bytes each
//   symbols := the exponent of every value, in the code of symbols.h
//   tail    := of every value the sign bit above the mantissa, packed
//
// A chunk is coded (1) only where that is shorter.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "compress/packed.h"

namespace laconic::compress {

// A binary floating-point format of up to 32 bits: a sign bit, exponent_bits, mantissa_bits from the highest down.
struct FloatShape {
  unsigned exponent_bits = 8;
  unsigned mantissa_bits = 23;
  constexpr unsigned width() const { return 1 + exponent_bits + mantissa_bits; }
};

// Appends the list of values given by their encodings in the low bits of `words`. width() is 16 or 32.
void append_float_list(std::span<const std::uint32_t> words, FloatShape shape, ByteWriter& out);

// Reads `count` encodings, a chunk after the other: visit(begin, words), where `words` (in `scratch`) are those from
// the begin-th on. Throws DecodeError for bytes that are no such list.
void read_float_list(ByteReader& in, FloatShape shape, std::size_t count, std::vector<std::uint32_t>& scratch,
                     const std::function<void(std::size_t, std::span<const std::uint32_t>)>& visit);

// Bits of the exponents by their entropy, and of the rest in full.
double float_list_entropy_bits(std::span<const std::uint32_t> words, FloatShape shape);

}  // namespace laconic::compress
