#include "compress/symbols.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include "base/error.h"
#include "compress/index_set.h"

namespace laconic::compress {
namespace {

constexpr unsigned kDescending = 0x80;
constexpr unsigned kLowMask = 0x1f;

// Bits of a set of `count` indices of `universe`, roughly.
std::uint64_t rough_set_bits(std::uint64_t universe, std::uint64_t count) {
  const std::uint64_t listed = std::min(count, universe - count);
  constexpr std::uint64_t kFixed = 16;
  if (listed == 0) return kFixed;
  const std::uint64_t mean = (universe - listed) / listed;
  const auto parameter = static_cast<unsigned>(std::max(static_cast<int>(std::bit_width(mean)) - 1, 0));
  return kFixed + listed * (parameter + 1) + ((universe - listed) >> parameter);
}

// How many low bits to keep apart for the shortest code, by the rough length of the planes.
unsigned choose_low(std::span<const std::uint32_t> symbols, std::uint32_t largest) {
  // The smallest number with at most kMaxPlanes planes; the histogram is taken there and halved from there on.
  const auto smallest = static_cast<unsigned>(std::max(static_cast<int>(std::bit_width(largest)) - 8, 0));
  std::array<std::uint64_t, kMaxPlanes + 1> histogram{};
  for (const std::uint32_t symbol : symbols) ++histogram[symbol >> smallest];
  unsigned best = smallest;
  std::uint64_t best_bits = 0;
  std::uint32_t top = largest >> smallest;
  for (unsigned low = smallest;; ++low) {
    std::uint64_t bits = std::uint64_t{low} * symbols.size();
    std::uint64_t left = symbols.size();
    for (std::uint32_t rest = 0; rest <= top; ++rest) {
      bits += rough_set_bits(left, left - histogram[rest]);
      left -= histogram[rest];
    }
    if (best_bits == 0 || bits < best_bits) {
      best = low;
      best_bits = bits;
    }
    if (top == 0) return best;
    for (std::uint32_t rest = 0; rest <= top; ++rest) {
      const std::uint64_t count = histogram[rest];
      histogram[rest] = 0;
      histogram[rest / 2] += count;
    }
    top /= 2;
  }
}

// Takes the elements at `places` (ascending, changed) out of `values`.
void drop(std::vector<std::uint32_t>& places, std::vector<std::uint32_t>& values) {
  const std::size_t size = values.size();
  const bool few = places.size() < size / 16;
  places.push_back(static_cast<std::uint32_t>(size));
  std::size_t kept = 0;
  if (few) {
    std::size_t next = 0;
    for (const std::uint32_t place : places) {
      std::copy(values.begin() + static_cast<std::ptrdiff_t>(next), values.begin() + place,
                values.begin() + static_cast<std::ptrdiff_t>(kept));
      kept += place - next;
      next = place + std::size_t{1};
    }
  } else {
    // One element after the other without a branch: where every third or so goes, none could be foreseen.
    std::size_t dropped = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const bool goes = places[dropped] == i;
      values[kept] = values[i];
      kept += goes ? 0 : 1;
      dropped += goes ? 1 : 0;
    }
  }
  values.resize(kept);
}

}  // namespace

void append_symbols(std::span<const std::uint32_t> symbols, ByteWriter& out) {
  LACONIC_CHECK(!symbols.empty(), "no symbols");
  const auto [smallest, largest] = std::minmax_element(symbols.begin(), symbols.end());
  LACONIC_CHECK(*largest >> 31 == 0, "symbol " << *largest);
  // From the end that most of them are near: that makes the fewest digits.
  const std::uint64_t sum = std::accumulate(symbols.begin(), symbols.end(), std::uint64_t{0});
  const bool descending = 2 * sum > (std::uint64_t{*smallest} + *largest) * symbols.size();
  const std::uint32_t origin = descending ? *largest : *smallest;
  std::vector<std::uint32_t> rests(symbols.size());
  for (std::size_t i = 0; i < rests.size(); ++i) rests[i] = descending ? origin - symbols[i] : symbols[i] - origin;

  const unsigned low = choose_low(rests, *largest - *smallest);
  out.u8(static_cast<std::uint8_t>(low | (descending ? kDescending : 0)));
  out.varint(origin);
  append_packed(rests, low, out);
  if (low > 0) std::transform(rests.begin(), rests.end(), rests.begin(), [low](auto rest) { return rest >> low; });
  std::vector<std::uint32_t> shorter(symbols.size());
  std::size_t left = rests.size();
  for (std::uint32_t plane = 0;; ++plane) {
    const auto count =
        static_cast<std::size_t>(std::count_if(rests.begin(), rests.begin() + static_cast<std::ptrdiff_t>(left),
                                               [plane](std::uint32_t rest) { return rest > plane; }));
    const bool lists_members = count <= left / 2;
    std::size_t kept = 0;
    std::size_t listed = 0;
    for (std::size_t i = 0; i < left; ++i) {
      const std::uint32_t rest = rests[i];
      const bool more = rest > plane;
      rests[kept] = rest;
      kept += more ? 1 : 0;
      shorter[listed] = static_cast<std::uint32_t>(i);
      listed += more == lists_members ? 1 : 0;
    }
    append_shorter_list(std::span(shorter).first(listed), count, left, out);
    if (count == 0) return;
    left = count;
  }
}

void read_symbols(ByteReader& in, std::uint32_t lowest, std::uint32_t highest, std::span<std::uint32_t> symbols) {
  LACONIC_CHECK(!symbols.empty() && lowest <= highest, symbols.size() << " symbols up to " << highest);
  const unsigned head = in.u8();
  const bool descending = (head & kDescending) != 0;
  const unsigned low = head & kLowMask;
  if ((head & ~(kDescending | kLowMask)) != 0) in.fail("head " + std::to_string(head) + " of a list of integers");
  const std::uint64_t origin = in.varint();
  if (origin < lowest || origin > highest) in.fail("an integer that starts at " + std::to_string(origin));
  const std::uint64_t most = descending ? origin - lowest : highest - origin;  // a rest at most
  read_packed(in, low, symbols);
  std::vector<std::uint32_t> shorter;
  std::vector<std::uint32_t> left(symbols.size());  // places of the integers that reach the plane
  std::iota(left.begin(), left.end(), 0U);
  std::uint32_t owed = 0;  // planes that all of `left` have passed and that are not added to them yet
  const auto add = [&](std::span<const std::uint32_t> places, std::uint32_t planes) {
    for (const std::uint32_t place : places) symbols[place] += planes << low;
  };
  for (std::uint32_t plane = 0;; ++plane) {
    if (plane > kMaxPlanes || std::uint64_t{plane} << low > most) in.fail("an integer out of range");
    const std::uint64_t count = read_shorter_list(in, left.size(), shorter);
    if (count > left.size() / 2) {
      for (const std::uint32_t i : shorter) symbols[left[i]] += owed << low;
      if (!shorter.empty()) drop(shorter, left);
      ++owed;
      continue;
    }
    if (owed > 0) add(left, std::exchange(owed, 0));
    if (count == 0) break;
    for (std::size_t i = 0; i < shorter.size(); ++i) left[i] = left[shorter[i]];
    left.resize(shorter.size());
    add(left, 1);
  }
  for (std::uint32_t& symbol : symbols) {
    if (symbol > most) in.fail("an integer out of range");
    const auto start = static_cast<std::uint32_t>(origin);
    symbol = descending ? start - symbol : start + symbol;
  }
}

double symbols_entropy_bits(std::span<const std::uint32_t> symbols) {
  std::vector<std::uint32_t> sorted(symbols.begin(), symbols.end());
  std::sort(sorted.begin(), sorted.end());
  const auto n = static_cast<double>(sorted.size());
  double bits = 0.0;
  for (std::size_t begin = 0; begin < sorted.size();) {
    std::size_t end = begin;
    while (end < sorted.size() && sorted[end] == sorted[begin]) ++end;
    const auto count = static_cast<double>(end - begin);
    bits -= count * std::log2(count / n);
    begin = end;
  }
  return bits;
}

}  // namespace laconic::compress
