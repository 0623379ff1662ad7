// Unsigned integers of a fixed number of bits, one after the other without gaps: bit i of the stream is bit i mod 8 of
// byte i / 8, an integer's lowest bit comes first, and the last byte is filled with zeros.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/byte_stream.h"

namespace laconic::compress {

inline constexpr unsigned kMaxPackedWidth = 31;

constexpr std::size_t packed_size(std::size_t count, unsigned width) { return (count * width + 7) / 8; }

// Appends packed_size(values.size(), width) bytes: the low `width` bits of each value, width <= kMaxPackedWidth.
void append_packed(std::span<const std::uint32_t> values, unsigned width, ByteWriter& out);

// Reads values.size() integers. Throws DecodeError when the bytes end early or the last byte is not filled with zeros.
void read_packed(ByteReader& in, unsigned width, std::span<std::uint32_t> values);

}  // namespace laconic::compress
