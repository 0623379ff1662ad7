#include "compress/packed.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace laconic::compress {

void append_packed(std::span<const std::uint32_t> values, unsigned width, ByteWriter& out) {
  LACONIC_CHECK(width <= kMaxPackedWidth, width << " bits");
  if (width == 0) return;
  const std::uint64_t mask = (std::uint64_t{1} << width) - 1;
  std::byte* to = out.extend(packed_size(values.size(), width)).data();
  std::uint64_t pending = 0;  // bits not written yet, the first of them lowest
  unsigned bits = 0;          // how many
  for (const std::uint32_t value : values) {
    pending |= (value & mask) << bits;
    bits += width;
    if (bits >= 32) {
      const auto word = static_cast<std::uint32_t>(pending);
      std::memcpy(to, &word, sizeof word);
      to += sizeof word;
      pending >>= 32;
      bits -= 32;
    }
  }
  for (; bits > 0; bits -= std::min(bits, 8U)) {
    *to++ = static_cast<std::byte>(pending & 0xff);
    pending >>= 8;
  }
}

void read_packed(ByteReader& in, unsigned width, std::span<std::uint32_t> values) {
  LACONIC_CHECK(width <= kMaxPackedWidth, width << " bits");
  if (width == 0) {
    std::fill(values.begin(), values.end(), 0U);
    return;
  }
  const std::span<const std::byte> bytes = in.raw(packed_size(values.size(), width));
  const std::uint64_t mask = (std::uint64_t{1} << width) - 1;
  // Integers that begin where a whole word can be read.
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  const std::size_t in_words =
      bytes.size() < kWord ? 0 : std::min(values.size(), ((bytes.size() - kWord) * 8 + 7) / width + 1);
  std::size_t bit = 0;
  std::size_t i = 0;
  for (; i < in_words; ++i, bit += width) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data() + bit / 8, kWord);
    values[i] = static_cast<std::uint32_t>((word >> (bit % 8)) & mask);
  }
  std::uint64_t word = 0;
  for (; i < values.size(); ++i, bit += width) {
    word = 0;
    std::memcpy(&word, bytes.data() + bit / 8, bytes.size() - bit / 8);
    values[i] = static_cast<std::uint32_t>((word >> (bit % 8)) & mask);
  }
  if (bit % 8 != 0 && (std::to_integer<unsigned>(bytes.back()) >> (bit % 8)) != 0)
    in.fail("bits that nobody wrote behind " + std::to_string(values.size()) + " packed integers");
}

}  // namespace laconic::compress
