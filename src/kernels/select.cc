#include "kernels/select.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>

#include "base/error.h"

// The vectors of scalable instruction sets cannot be held in arrays; their processors run the NEON code.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/select.cc"
#include <hwy/foreach_target.h>  // compiles the part up to HWY_AFTER_NAMESPACE once a target
//
#include <hwy/highway.h>

#include "kernels/kept-inl.h"
#include "kernels/partial_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace laconic::kernels::HWY_NAMESPACE {

// Magnitudes are below 2^31: signed integers, which every instruction set compares, order them.
constexpr std::int32_t kMagnitudeBits = 0x7fffffff;
using Indices = hn::RebindToUnsigned<Floats>;
using Values = hn::VFromD<Floats>;

HWY_INLINE hn::VFromD<Words> magnitudes(Values x) {
  return hn::And(hn::BitCast(Words(), x), hn::Set(Words(), kMagnitudeBits));
}

// Writes the pairs that are kept to the front of the outputs, and something behind them: both have room for a vector.
// Returns how many they are.
HWY_INLINE std::size_t write_pairs(Kept kept, hn::VFromD<Indices> index, Values value, std::uint32_t* indices,
                                   float* values) {
  hn::StoreU(kept.front(index), Indices(), indices);
  hn::StoreU(kept.front(value), Floats(), values);
  return kept.count();
}

std::size_t collect_at_least(const float* HWY_RESTRICT x, std::size_t size, std::uint32_t threshold,
                             std::uint32_t first_index, std::uint32_t* HWY_RESTRICT indices, float* HWY_RESTRICT values,
                             std::size_t capacity) {
  constexpr std::size_t kFloats = hn::MaxLanes(Floats());
  constexpr std::size_t kTile = 64 * kFloats;
  const auto below = hn::Set(Words(), static_cast<std::int32_t>(threshold) - 1);
  const auto lanes = hn::Iota(Indices(), first_index);
  std::size_t count = 0;
  std::size_t j = 0;
  // A tile at a time: first a list of the vectors with a hit, made without a branch, then these vectors again. Hits are
  // so few that most vectors have none, and not so few that a processor could tell which.
  while (j + kTile <= size) {
    std::uint32_t hit[kTile / kFloats];
    std::size_t hits = 0;
    for (std::size_t at = 0; at < kTile; at += kLanes) {
      fetch_ahead(x + j + at);
      for (std::size_t i = 0; i < kLanes; i += kFloats) {
        const auto above = hn::Gt(magnitudes(hn::LoadU(Floats(), x + j + at + i)), below);
        hit[hits] = static_cast<std::uint32_t>(at + i);
        hits += hn::AllFalse(Words(), above) ? 0 : 1;
      }
    }
    std::size_t i = 0;
    for (; i < hits && count + kFloats <= capacity; ++i) {
      const std::size_t at = j + hit[i];
      const Values value = hn::LoadU(Floats(), x + at);
      const auto index = hn::Add(lanes, hn::Set(Indices(), static_cast<std::uint32_t>(at)));
      count += write_pairs(Kept(hn::Gt(magnitudes(value), below)), index, value, indices + count, values + count);
    }
    if (i < hits) {
      j += hit[i];
      break;
    }
    j += kTile;
  }
  // No room for a vector any more, or no tile left.
  while (j < size) {
    const std::size_t end = std::min(size, j + kFloats);
    if (end == j + kFloats && hn::AllFalse(Words(), hn::Gt(magnitudes(hn::LoadU(Floats(), x + j)), below))) {
      j = end;
      continue;
    }
    for (; j < end; ++j) {
      if (magnitude_bits(x[j]) < threshold) continue;
      if (count == capacity) return capacity + 1;
      indices[count] = first_index + static_cast<std::uint32_t>(j);
      values[count] = x[j];
      ++count;
    }
  }
  return count;
}

constexpr std::size_t kMaxDigits = 2048;
constexpr std::size_t kTables = 4;  // neighbours count in different tables: equal ones need not wait for each other

// Adds to the tables how often each digit (the bits of `digit_mask` after a shift) occurs among the magnitudes that
// have the bits `prefix` at `prefix_mask`. The digits are first gathered, a tile at a time, so that no branch depends
// on them.
void count_digits(const float* HWY_RESTRICT x, std::size_t size, std::int32_t prefix_mask, std::int32_t prefix,
                  int shift, std::int32_t digit_mask, std::uint32_t (*HWY_RESTRICT tables)[kMaxDigits]) {
  constexpr std::size_t kTile = 1024;
  const Words d;
  const std::size_t width = hn::Lanes(d);
  const auto fixed = hn::Set(d, prefix_mask);
  const auto wanted = hn::Set(d, prefix);
  const auto digit_bits = hn::Set(d, digit_mask);
  HWY_ALIGN std::int32_t digits[kTile + kLanes];
  for (std::size_t begin = 0; begin < size; begin += kTile) {
    const std::size_t end = std::min(size, begin + kTile);
    std::size_t count = 0;
    std::size_t j = begin;
    for (; j + width <= end; j += width) {
      const auto bits = hn::BitCast(d, hn::LoadU(Floats(), x + j));
      const Kept same(hn::Eq(hn::And(bits, fixed), wanted));
      hn::StoreU(same.front(hn::And(hn::ShiftRightSame(bits, shift), digit_bits)), d, digits + count);
      count += same.count();
    }
    for (; j < end; ++j) {
      const auto bits = static_cast<std::int32_t>(magnitude_bits(x[j]));
      if ((bits & prefix_mask) == prefix) digits[count++] = (bits >> shift) & digit_mask;
    }
    std::size_t i = 0;
    for (; i + kTables <= count; i += kTables) {
      for (std::size_t table = 0; table < kTables; ++table) ++tables[table][digits[i + table]];
    }
    for (; i < count; ++i) ++tables[0][digits[i]];
  }
}

std::size_t keep_above(std::uint32_t threshold, std::size_t ties, std::uint32_t* indices, float* values,
                       std::size_t size) {
  const std::size_t width = hn::Lanes(Floats());
  const auto bound = hn::Set(Words(), static_cast<std::int32_t>(threshold));
  std::size_t count = 0;
  std::size_t j = 0;
  // Moving down in place: what a whole vector overwrites has been read, as count <= j.
  while (j < size) {
    const std::size_t end = std::min(size, j + width);
    if (end == j + width) {
      const auto index = hn::LoadU(Indices(), indices + j);
      const Values value = hn::LoadU(Floats(), values + j);
      const auto magnitude = magnitudes(value);
      auto kept = hn::Gt(magnitude, bound);
      const auto equal = hn::Eq(magnitude, bound);
      const std::size_t equals = hn::CountTrue(Words(), equal);
      const bool all = equals <= ties;
      if (all || ties == 0) {
        if (all) {
          kept = hn::Or(kept, equal);
          ties -= equals;
        }
        count += write_pairs(Kept(kept), index, value, indices + count, values + count);
        j = end;
        continue;
      }
    }
    for (; j < end; ++j) {
      const std::uint32_t magnitude = magnitude_bits(values[j]);
      const bool tie = magnitude == threshold && ties > 0;
      if (tie) --ties;
      if (!tie && magnitude <= threshold) continue;
      indices[count] = indices[j];
      values[count] = values[j];
      ++count;
    }
  }
  return count;
}

}  // namespace laconic::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace laconic::kernels {

HWY_EXPORT(collect_at_least);
HWY_EXPORT(count_digits);
HWY_EXPORT(keep_above);

std::size_t collect_at_least(std::span<const float> x, std::uint32_t threshold, std::uint32_t first_index,
                             std::span<std::uint32_t> indices, std::span<float> values) {
  LACONIC_CHECK(values.size() >= indices.size(),
                "room for " << indices.size() << " indices and " << values.size() << " values");
  if (threshold >= kSignBit) return 0;
  return HWY_DYNAMIC_DISPATCH(collect_at_least)(x.data(), x.size(), threshold, first_index, indices.data(),
                                                values.data(), indices.size());
}

namespace {

using Tables = std::uint32_t[HWY_NAMESPACE::kTables][HWY_NAMESPACE::kMaxDigits];

std::size_t counted(const Tables& tables, std::size_t digit) {
  std::size_t count = 0;
  for (const auto& table : tables) count += table[digit];
  return count;
}

// The largest digit at or above which the tables count `wanted` at least, out of the first `values` digits, and how
// many they count above it.
struct Reached {
  std::uint32_t digit = 0;
  std::size_t above = 0;
};
Reached digit_that_reaches(const Tables& tables, std::uint32_t values, std::size_t wanted) {
  // Whole blocks first: most of the high digits are not there at all.
  constexpr std::uint32_t kBlock = 16;
  Reached reached{.digit = values, .above = 0};
  while (reached.digit > kBlock) {
    std::uint32_t block = 0;
    for (const auto& table : tables) {
      for (std::uint32_t i = 0; i < kBlock; ++i) block += table[reached.digit - kBlock + i];
    }
    if (reached.above + block >= wanted) break;
    reached.above += block;
    reached.digit -= kBlock;
  }
  while (--reached.digit > 0) {
    const std::size_t count = counted(tables, reached.digit);
    if (reached.above + count >= wanted) break;
    reached.above += count;
  }
  return reached;
}

// So few candidates are sorted out faster than their further digits are counted.
constexpr std::size_t kFew = 256;

// kth_magnitude where at most kFew elements are at or above `bound`.
KthMagnitude kth_of_few(std::span<const float> x, std::size_t k, std::uint32_t bound) {
  std::array<std::uint32_t, kFew> indices;
  std::array<float, kFew> values;
  const std::size_t count = collect_at_least(x, bound, 0, indices, values);
  std::array<std::uint32_t, kFew> magnitudes;
  std::transform(values.begin(), values.begin() + count, magnitudes.begin(), magnitude_bits);
  const auto end = magnitudes.begin() + count;
  const auto kth = magnitudes.begin() + (k - 1);
  std::nth_element(magnitudes.begin(), kth, end, std::greater<>());
  const std::uint32_t threshold = *kth;
  const auto above = std::count_if(magnitudes.begin(), end, [&](std::uint32_t bits) { return bits > threshold; });
  return {.threshold = threshold, .above = static_cast<std::size_t>(above)};
}

}  // namespace

KthMagnitude kth_magnitude(std::span<const float> x, std::size_t k) {
  LACONIC_CHECK(k >= 1 && k <= x.size(), "number " << k << " of " << x.size() << " magnitudes");
  // A radix search, from the high bits down: the k-th largest has the largest digit that at least k magnitudes with the
  // same higher bits reach.
  struct Digit {
    int shift;
    std::uint32_t values;
  };
  constexpr Digit kDigits[] = {{20, 2048}, {10, 1024}, {0, 1024}};
  Tables tables;
  KthMagnitude found;
  std::uint32_t known = 0;  // the bits of the threshold that are settled
  for (const Digit& digit : kDigits) {
    for (auto& table : tables) std::memset(table, 0, digit.values * sizeof(table[0]));
    HWY_DYNAMIC_DISPATCH(count_digits)
    (x.data(), x.size(), static_cast<std::int32_t>(known), static_cast<std::int32_t>(found.threshold), digit.shift,
     static_cast<std::int32_t>(digit.values - 1), tables);
    const Reached reached = digit_that_reaches(tables, digit.values, k - found.above);
    found.above += reached.above;
    found.threshold |= reached.digit << digit.shift;
    known |= (digit.values - 1) << digit.shift;
    if (found.above + counted(tables, reached.digit) <= kFew) return kth_of_few(x, k, found.threshold);
  }
  return found;
}

std::size_t keep_above(std::uint32_t threshold, std::size_t ties, std::span<std::uint32_t> indices,
                       std::span<float> values) {
  LACONIC_CHECK(indices.size() == values.size(), indices.size() << " indices and " << values.size() << " values");
  LACONIC_CHECK(threshold < kSignBit, "threshold " << threshold << " is no magnitude");
  return HWY_DYNAMIC_DISPATCH(keep_above)(threshold, ties, indices.data(), values.data(), indices.size());
}

void scatter_add(std::span<const std::uint32_t> indices, std::span<const float> values, float weight,
                 std::span<float> y) {
  LACONIC_CHECK(indices.size() == values.size(), indices.size() << " indices and " << values.size() << " values");
  // The elements lie far apart, mostly a cache line or more: each is asked for well before its turn.
  constexpr std::size_t kAhead = 128;
  const std::size_t size = indices.size();
  const std::size_t fetched = size - std::min(size, kAhead);
  float* const target = y.data();
  std::size_t i = 0;
  for (; i < fetched; ++i) {
    hwy::Prefetch(target + indices[i + kAhead]);
    target[indices[i]] += weight * values[i];
  }
  for (; i < size; ++i) target[indices[i]] += weight * values[i];
}

}  // namespace laconic::kernels
#endif  // HWY_ONCE
