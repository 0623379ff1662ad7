#include "compress/packed.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <utility>

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

namespace {

constexpr std::size_t kWord = sizeof(std::uint64_t);

std::uint64_t load(const std::byte* from) {
  std::uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

// Eight integers of a fixed width fill whole bytes: each is cut out of one load with constants.
template <unsigned kWidth>
void unpack_eights(const std::byte* from, std::size_t eights, std::uint32_t* to) {
  constexpr std::uint64_t kMask = (std::uint64_t{1} << kWidth) - 1;
  for (std::size_t i = 0; i < eights; ++i, from += kWidth, to += 8) {
    [&]<std::size_t... kAt>(std::index_sequence<kAt...>) {
      ((to[kAt] = static_cast<std::uint32_t>((load(from + kAt * kWidth / 8) >> (kAt * kWidth % 8)) & kMask)), ...);
    }
    (std::make_index_sequence<8>());
  }
}

using Unpack = void (*)(const std::byte*, std::size_t, std::uint32_t*);
template <std::size_t... kWidths>
constexpr std::array<Unpack, sizeof...(kWidths)> unpack_table(std::index_sequence<kWidths...>) {
  return {unpack_eights<static_cast<unsigned>(kWidths)>...};
}
constexpr auto kUnpack = unpack_table(std::make_index_sequence<kMaxPackedWidth + 1>());

}  // namespace

void read_packed(ByteReader& in, unsigned width, std::span<std::uint32_t> values) {
  LACONIC_CHECK(width <= kMaxPackedWidth, width << " bits");
  if (width == 0) {
    std::fill(values.begin(), values.end(), 0U);
    return;
  }
  const std::span<const std::byte> bytes = in.raw(packed_size(values.size(), width));
  // The loads of the last eights would reach behind the end.
  const std::size_t beyond = 7 * width / 8 + kWord;
  const std::size_t eights =
      bytes.size() < beyond ? 0 : std::min(values.size() / 8, (bytes.size() - beyond) / width + 1);
  kUnpack[width](bytes.data(), eights, values.data());
  const std::uint64_t mask = (std::uint64_t{1} << width) - 1;
  std::size_t bit = eights * 8 * width;
  for (std::size_t i = eights * 8; i < values.size(); ++i, bit += width) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + bit / 8, std::min(kWord, bytes.size() - bit / 8));
    values[i] = static_cast<std::uint32_t>((word >> (bit % 8)) & mask);
  }
  if (bit % 8 != 0 && (std::to_integer<unsigned>(bytes.back()) >> (bit % 8)) != 0)
    in.fail("nonzero padding bits after " + std::to_string(values.size()) + " packed integers");
}

}  // namespace laconic::compress
