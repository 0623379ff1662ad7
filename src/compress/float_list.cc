#include "compress/float_list.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "compress/symbols.h"

namespace laconic::compress {
namespace {

constexpr std::size_t kChunk = 16384;
constexpr std::uint8_t kRaw = 0;
constexpr std::uint8_t kCoded = 1;

// A value's encoding taken apart.
std::uint32_t exponent_of(std::uint32_t word, FloatShape shape) {
  return (word >> shape.mantissa_bits) & ((1U << shape.exponent_bits) - 1);
}
std::uint32_t tail_of(std::uint32_t word, FloatShape shape) {
  const std::uint32_t sign = word >> (shape.width() - 1);
  return (word & ((1U << shape.mantissa_bits) - 1)) | sign << shape.mantissa_bits;
}
std::uint32_t join(std::uint32_t exponent, std::uint32_t tail, FloatShape shape) {
  const std::uint32_t sign = tail >> shape.mantissa_bits;
  const std::uint32_t mantissa = tail & ((1U << shape.mantissa_bits) - 1);
  return sign << (shape.width() - 1) | exponent << shape.mantissa_bits | mantissa;
}

void append_raw(std::span<const std::uint32_t> words, FloatShape shape, ByteWriter& out) {
  const std::size_t bytes = shape.width() / 8;
  std::byte* to = out.extend(words.size() * bytes).data();
  for (const std::uint32_t word : words) {
    std::memcpy(to, &word, bytes);
    to += bytes;
  }
}

void append_chunk(std::span<const std::uint32_t> words, FloatShape shape, ByteWriter& out) {
  std::vector<std::uint32_t> parts(words.size());
  std::transform(words.begin(), words.end(), parts.begin(), [&](auto word) { return exponent_of(word, shape); });
  const std::size_t start = out.size();
  out.u8(kCoded);
  append_symbols(parts, out);
  const std::size_t raw_size = 1 + words.size() * shape.width() / 8;
  if (out.size() - start + packed_size(words.size(), shape.mantissa_bits + 1) >= raw_size) {
    out.truncate(start);
    out.u8(kRaw);
    append_raw(words, shape, out);
    return;
  }
  std::transform(words.begin(), words.end(), parts.begin(), [&](auto word) { return tail_of(word, shape); });
  append_packed(parts, shape.mantissa_bits + 1, out);
}

void read_chunk(ByteReader& in, FloatShape shape, std::span<std::uint32_t> words) {
  const std::uint8_t form = in.u8();
  if (form == kRaw) {
    const std::size_t bytes = shape.width() / 8;
    const std::span<const std::byte> raw = in.raw(words.size() * bytes);
    for (std::size_t i = 0; i < words.size(); ++i) {
      words[i] = 0;
      std::memcpy(&words[i], raw.data() + i * bytes, bytes);
    }
    return;
  }
  if (form != kCoded) in.fail("form " + std::to_string(form) + " of a list of floats");
  read_symbols(in, 0, (1U << shape.exponent_bits) - 1, words);
  // Pieces of a multiple of 8 values end with a byte.
  std::array<std::uint32_t, 2048> tails;
  for (std::size_t begin = 0; begin < words.size(); begin += tails.size()) {
    const std::span<std::uint32_t> piece = words.subspan(begin, std::min(tails.size(), words.size() - begin));
    read_packed(in, shape.mantissa_bits + 1, std::span(tails).first(piece.size()));
    for (std::size_t i = 0; i < piece.size(); ++i) piece[i] = join(piece[i], tails[i], shape);
  }
}

}  // namespace

void append_float_list(std::span<const std::uint32_t> words, FloatShape shape, ByteWriter& out) {
  for (std::size_t begin = 0; begin < words.size(); begin += kChunk) {
    append_chunk(words.subspan(begin, std::min(kChunk, words.size() - begin)), shape, out);
  }
}

void read_float_list(ByteReader& in, FloatShape shape, std::size_t count, std::vector<std::uint32_t>& scratch,
                     const std::function<void(std::size_t, std::span<const std::uint32_t>)>& visit) {
  scratch.resize(std::min(kChunk, count));
  for (std::size_t begin = 0; begin < count; begin += kChunk) {
    const std::span<std::uint32_t> words = std::span(scratch).first(std::min(kChunk, count - begin));
    read_chunk(in, shape, words);
    visit(begin, words);
  }
}

double float_list_entropy_bits(std::span<const std::uint32_t> words, FloatShape shape) {
  std::vector<std::uint32_t> exponents(words.size());
  std::transform(words.begin(), words.end(), exponents.begin(), [&](auto word) { return exponent_of(word, shape); });
  return symbols_entropy_bits(exponents) + static_cast<double>(words.size() * (shape.mantissa_bits + 1));
}

}  // namespace laconic::compress
