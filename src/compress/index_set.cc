#include "compress/index_set.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <numeric>
#include <string>

#include "base/error.h"

namespace laconic::compress {
namespace {

constexpr unsigned kMaxParameter = 31;

std::uint64_t high_parts(std::span<const std::uint32_t> gaps, unsigned parameter) {
  std::uint64_t sum = 0;
  for (const std::uint32_t gap : gaps) sum += gap >> parameter;
  return sum;
}

// The parameter with the shortest code among those near log2 of the mean gap, and the bits of its unary part.
struct Choice {
  unsigned parameter = 0;
  std::uint64_t unary_bits = 0;
};
Choice choose_parameter(std::span<const std::uint32_t> gaps, std::uint64_t sum) {
  const auto highest = static_cast<unsigned>(std::bit_width(sum / gaps.size()));
  Choice best;
  std::uint64_t best_bits = 0;
  for (unsigned parameter = highest < 2 ? 0 : highest - 2; parameter <= std::min(highest, kMaxParameter); ++parameter) {
    const std::uint64_t unary_bits = high_parts(gaps, parameter) + gaps.size();
    const std::uint64_t bits = unary_bits + gaps.size() * parameter;
    if (best_bits == 0 || bits < best_bits) {
      best = {parameter, unary_bits};
      best_bits = bits;
    }
  }
  return best;
}

void append_unary(std::span<const std::uint32_t> gaps, const Choice& choice, ByteWriter& out) {
  const std::span<std::byte> bits = out.extend((choice.unary_bits + 7) / 8);
  std::uint64_t position = 0;
  for (const std::uint32_t gap : gaps) {
    position += gap >> choice.parameter;
    bits[position / 8] |= static_cast<std::byte>(1U << (position % 8));
    ++position;
  }
}

void append_blocks(std::span<const std::uint32_t> indices, ByteWriter& out) {
  std::array<std::uint32_t, kSetBlock> buffer;
  std::uint32_t next = 0;  // the first index that is still to be listed about
  for (std::size_t begin = 0; begin < indices.size(); begin += kSetBlock) {
    const std::span<const std::uint32_t> block = indices.subspan(begin, std::min(kSetBlock, indices.size() - begin));
    const std::uint32_t first = next;
    buffer[0] = block[0] - first;
    for (std::size_t i = 1; i < block.size(); ++i) buffer[i] = block[i] - block[i - 1] - 1;
    next = block.back() + 1;
    const std::span<const std::uint32_t> gaps(buffer.data(), block.size());
    const Choice choice = choose_parameter(gaps, next - first - block.size());
    out.u8(static_cast<std::uint8_t>(choice.parameter));
    append_packed(gaps, choice.parameter, out);
    append_unary(gaps, choice, out);
  }
}

// The indices below `universe` that are not in `indices`.
std::vector<std::uint32_t> complement(std::span<const std::uint32_t> indices, std::uint64_t universe) {
  std::vector<std::uint32_t> others(universe - indices.size());
  auto to = others.begin();
  std::uint32_t next = 0;
  const auto fill_up_to = [&](std::uint32_t end) {
    std::iota(to, to + (end - next), next);
    to += end - next;
  };
  for (const std::uint32_t index : indices) {
    fill_up_to(index);
    next = index + 1;
  }
  fill_up_to(static_cast<std::uint32_t>(universe));
  return others;
}

std::uint64_t load_word(std::span<const std::byte> bytes, std::size_t at) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes.data() + at, std::min(sizeof word, bytes.size() - at));
  return word;
}

// Reads a block of indices.size() indices, the first at or above `next`. Returns the index behind the last.
std::uint64_t read_block(ByteReader& in, std::uint64_t next, std::uint64_t universe, std::span<std::uint32_t> indices) {
  const unsigned parameter = in.u8();
  if (parameter > kMaxParameter) in.fail("parameter " + std::to_string(parameter) + " of a block of indices");
  std::array<std::uint32_t, kSetBlock> low;
  read_packed(in, parameter, std::span(low).first(indices.size()));
  const std::span<const std::byte> bytes = in.rest();
  const std::uint64_t most = universe >> parameter;  // what all high parts may add up to
  std::uint64_t low_sum = next;                      // of low parts, so far
  std::uint64_t position = 0;                        // of the 1 bit that ends an index, in the unary part
  std::size_t count = 0;
  for (std::size_t at = 0; count < indices.size(); at += sizeof(std::uint64_t)) {
    if (at >= bytes.size()) in.fail("ends within a block of indices");
    // Before the i-th 1 bit (from 0) there are position - i bits 0: the high parts of the gaps up to it.
    std::uint64_t word = load_word(bytes, at);
    for (; word != 0 && count < indices.size(); word &= word - 1, ++count) {
      position = at * 8 + static_cast<unsigned>(std::countr_zero(word));
      low_sum += low[count];
      indices[count] = static_cast<std::uint32_t>(((position - count) << parameter) + low_sum + count);
    }
    if (count > 0 && position - (count - 1) > most)
      in.fail("an index beyond the " + std::to_string(universe) + " there are");
  }
  const std::uint64_t last = ((position - (count - 1)) << parameter) + low_sum + (count - 1);
  if (last >= universe) in.fail("an index beyond the " + std::to_string(universe) + " there are");
  const std::size_t used_bits = position + 1;
  const std::size_t size = (used_bits + 7) / 8;
  if (used_bits % 8 != 0 && (std::to_integer<unsigned>(bytes[size - 1]) >> (used_bits % 8)) != 0)
    in.fail("nonzero padding bits after a block of indices");
  in.raw(size);
  return last + 1;
}

}  // namespace

void append_shorter_list(std::span<const std::uint32_t> shorter, std::uint64_t count, std::uint64_t universe,
                         ByteWriter& out) {
  LACONIC_CHECK(
      count <= universe && universe < (std::uint64_t{1} << 32) && shorter.size() == std::min(count, universe - count),
      shorter.size() << " indices for a set of " << count << " of " << universe);
  out.varint(count);
  if (shorter.empty()) return;
  LACONIC_CHECK(shorter.back() < universe, "index " << shorter.back() << " of " << universe);
  append_blocks(shorter, out);
}

void append_set(std::span<const std::uint32_t> members, std::uint64_t universe, ByteWriter& out) {
  LACONIC_CHECK(members.size() <= universe, members.size() << " indices of " << universe);
  if (members.size() <= universe / 2) {
    append_shorter_list(members, members.size(), universe, out);
  } else {
    append_shorter_list(complement(members, universe), members.size(), universe, out);
  }
}

std::uint64_t read_shorter_list(ByteReader& in, std::uint64_t universe, std::vector<std::uint32_t>& shorter) {
  const std::uint64_t count = in.varint();
  if (count > universe) in.fail("a set of " + std::to_string(count) + " indices of " + std::to_string(universe));
  const std::uint64_t size = std::min(count, universe - count);
  // Every index of a block takes one bit at least.
  if (size / 8 > in.remaining()) in.fail("ends early: a set of " + std::to_string(count) + " indices");
  shorter.resize(size);
  std::uint64_t next = 0;
  for (std::size_t begin = 0; begin < size; begin += kSetBlock) {
    next = read_block(in, next, universe, std::span(shorter).subspan(begin, std::min(kSetBlock, size - begin)));
  }
  return count;
}

void read_set(ByteReader& in, std::uint64_t universe, std::vector<std::uint32_t>& members) {
  const std::uint64_t count = read_shorter_list(in, universe, members);
  if (members.size() != count) members = complement(members, universe);
}

double set_entropy_bits(std::uint64_t universe, std::uint64_t count) {
  const auto n = static_cast<double>(universe);
  const auto k = static_cast<double>(count);
  return (std::lgamma(n + 1.0) - std::lgamma(k + 1.0) - std::lgamma(n - k + 1.0)) / std::log(2.0);
}

}  // namespace laconic::compress
