#include "kernels/select.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "kernels/every_target.h"

namespace laconic::kernels {
namespace {

// Around the vector widths (1 to 16 floats) and the tiles: 64 vectors, and 1024 for kth_magnitude.
constexpr std::size_t kSizes[] = {0,  1,  2,  3,  5,   7,   8,   9,    15,   16,   17,
                                  31, 33, 47, 64, 100, 255, 257, 1023, 1024, 1025, 4099};
constexpr std::size_t kOffsets[] = {0, 1, 3, 7};  // floats beyond an allocation's start
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kLargest = std::numeric_limits<float>::max();
constexpr float kDenormal = std::numeric_limits<float>::denorm_min();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

enum class Kind { kNormal, kConstant, kZero, kHeavyTailed, kFewValues, kSpecial };
constexpr Kind kKinds[] = {Kind::kNormal,      Kind::kConstant,  Kind::kZero,
                           Kind::kHeavyTailed, Kind::kFewValues, Kind::kSpecial};

std::vector<float> values(std::size_t size, Kind kind) {
  constexpr float kSpecials[] = {0.0F,      -0.0F,      kDenormal, -kDenormal, kLargest, -kLargest,
                                 kInfinity, -kInfinity, kNan,      -kNan,      1.0F,     -1.0F};
  RandomStream stream(7, "select_test", {size, static_cast<std::uint64_t>(kind)});
  std::vector<float> result(size);
  for (float& value : result) {
    const double gaussian = stream.gaussian();
    switch (kind) {
      case Kind::kNormal:
        value = static_cast<float>(gaussian);
        break;
      case Kind::kConstant:
        value = gaussian < 0 ? -0.7F : 0.7F;
        break;
      case Kind::kZero:
        value = gaussian < 0 ? -0.0F : 0.0F;
        break;
      case Kind::kHeavyTailed:
        value = static_cast<float>(std::exp(20.0 * gaussian));
        break;
      case Kind::kFewValues:
        value = static_cast<float>(std::round(2.0 * gaussian));
        break;
      case Kind::kSpecial:
        value = kSpecials[stream.below(std::size(kSpecials))];
        break;
    }
  }
  return result;
}

template <typename Body>
void for_all(const Body& body) {
  on_every_target([&] {
    for (const Kind kind : kKinds) {
      for (const std::size_t size : kSizes) {
        for (const std::size_t offset : kOffsets) {
          SCOPED_TRACE("kind " + std::to_string(static_cast<int>(kind)) + " size " + std::to_string(size) + " offset " +
                       std::to_string(offset));
          const std::vector<float> x = values(size + offset, kind);
          body(std::span(x).subspan(offset));
          if (testing::Test::HasFailure()) return;
        }
      }
    }
  });
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](float left, float right) {
    return std::bit_cast<std::uint32_t>(left) == std::bit_cast<std::uint32_t>(right);
  });
}

struct Pairs {
  std::vector<std::uint32_t> indices;
  std::vector<float> values;
};

Pairs pairs_at_least(std::span<const float> x, std::uint32_t threshold, std::uint32_t first_index) {
  Pairs result;
  for (std::size_t j = 0; j < x.size(); ++j) {
    if (magnitude_bits(x[j]) < threshold) continue;
    result.indices.push_back(first_index + static_cast<std::uint32_t>(j));
    result.values.push_back(x[j]);
  }
  return result;
}

constexpr std::uint32_t kUntouched = 0xdeadbeef;

// collect_at_least with room for `capacity`; checks that nothing beyond it is written.
std::size_t collect(std::span<const float> x, std::uint32_t threshold, std::uint32_t first_index, std::size_t capacity,
                    Pairs& found) {
  found.indices.assign(capacity + 1, kUntouched);
  found.values.assign(capacity + 1, 9.0F);
  const std::size_t count = collect_at_least(x, threshold, first_index, std::span(found.indices).first(capacity),
                                             std::span(found.values).first(capacity));
  EXPECT_EQ(found.indices[capacity], kUntouched);
  EXPECT_EQ(found.values[capacity], 9.0F);
  if (count <= capacity) {
    found.indices.resize(count);
    found.values.resize(count);
  }
  return count;
}

TEST(CollectAtLeast, EqualsThePlainLoop) {
  for_all([](std::span<const float> x) {
    std::vector<std::uint32_t> thresholds = {0,
                                             1,
                                             magnitude_bits(1.0F),
                                             magnitude_bits(2.3F),
                                             magnitude_bits(kLargest),
                                             kInfinityBits,
                                             kInfinityBits + 1,
                                             kSignBit - 1,
                                             kSignBit,
                                             std::numeric_limits<std::uint32_t>::max()};
    if (!x.empty()) thresholds.push_back(magnitude_bits(x[x.size() / 2]));
    for (const std::uint32_t threshold : thresholds) {
      const Pairs expected = pairs_at_least(x, threshold, 1000);
      Pairs found;
      ASSERT_EQ(collect(x, threshold, 1000, x.size(), found), expected.indices.size()) << threshold;
      ASSERT_EQ(found.indices, expected.indices) << threshold;
      ASSERT_TRUE(same_bits(found.values, expected.values)) << threshold;
    }
  });
}

TEST(CollectAtLeast, StopsWhereverTheRoomEnds) {
  on_every_target([] {
    for (const std::size_t size : {1UL, 16UL, 33UL, 131UL, 1111UL}) {
      const std::vector<float> x = values(size, Kind::kNormal);
      for (const float threshold : {0.0F, 0.5F, 1.5F}) {
        const Pairs expected = pairs_at_least(x, magnitude_bits(threshold), 0);
        for (std::size_t capacity = 0; capacity <= size; ++capacity) {
          Pairs found;
          const std::size_t count = collect(x, magnitude_bits(threshold), 0, capacity, found);
          ASSERT_EQ(count, std::min(expected.indices.size(), capacity + 1)) << size << " " << capacity;
          if (count > capacity) continue;
          ASSERT_EQ(found.indices, expected.indices) << size << " " << capacity;
          ASSERT_TRUE(same_bits(found.values, expected.values)) << size << " " << capacity;
        }
      }
    }
  });
}

TEST(CollectAtLeast, FindsOneHitAnywhereWithRoomForOne) {
  on_every_target([] {
    std::vector<float> x(1111, -0.5F);
    for (std::size_t place = 0; place < x.size(); ++place) {
      x[place] = -1.0F;
      Pairs found;
      ASSERT_EQ(collect(x, magnitude_bits(1.0F), 7, 1, found), 1U);
      EXPECT_EQ(found.indices[0], place + 7);
      EXPECT_EQ(found.values[0], -1.0F);
      x[place] = -0.5F;
    }
  });
}

TEST(KthMagnitude, EqualsTheSortedOne) {
  for_all([](std::span<const float> x) {
    std::vector<std::uint32_t> sorted;
    for (const float value : x) sorted.push_back(magnitude_bits(value));
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    const std::size_t step = x.size() < 50 ? 1 : x.size() / 13;
    for (std::size_t k = 1; k <= x.size(); k += step) {
      const KthMagnitude found = kth_magnitude(x, k);
      ASSERT_EQ(found.threshold, sorted[k - 1]) << k;
      const auto above = std::find(sorted.begin(), sorted.end(), sorted[k - 1]) - sorted.begin();
      ASSERT_EQ(found.above, static_cast<std::size_t>(above)) << k;
    }
  });
}

TEST(KthMagnitude, OfAMillionEqualsTheSortedOne) {
  for (const Kind kind : kKinds) {
    const std::vector<float> x = values(1000003, kind);
    std::vector<std::uint32_t> magnitudes;
    for (const float value : x) magnitudes.push_back(magnitude_bits(value));
    for (const std::size_t k : {std::size_t{1}, std::size_t{10000}, std::size_t{500000}, x.size()}) {
      std::nth_element(magnitudes.begin(), magnitudes.begin() + static_cast<std::ptrdiff_t>(k - 1), magnitudes.end(),
                       std::greater<>());
      const std::uint32_t expected = magnitudes[k - 1];
      const KthMagnitude found = kth_magnitude(x, k);
      EXPECT_EQ(found.threshold, expected) << static_cast<int>(kind) << " " << k;
      EXPECT_EQ(found.above,
                static_cast<std::size_t>(std::count_if(magnitudes.begin(), magnitudes.end(),
                                                       [&](std::uint32_t bits) { return bits > expected; })))
          << static_cast<int>(kind) << " " << k;
    }
  }
}

TEST(KeepAbove, EqualsThePlainLoop) {
  for_all([](std::span<const float> x) {
    for (const float bound : {0.0F, 0.7F, 1.0F, 2.0F, kInfinity}) {
      for (const std::size_t ties : {0UL, 1UL, 2UL, 17UL, 200UL, 100000UL}) {
        const std::uint32_t threshold = magnitude_bits(bound);
        Pairs expected;
        std::size_t left = ties;
        Pairs found;
        for (std::size_t j = 0; j < x.size(); ++j) {
          const auto index = static_cast<std::uint32_t>(3 * j + 5);
          found.indices.push_back(index);
          found.values.push_back(x[j]);
          const bool tie = magnitude_bits(x[j]) == threshold && left > 0;
          if (tie) --left;
          if (!tie && magnitude_bits(x[j]) <= threshold) continue;
          expected.indices.push_back(index);
          expected.values.push_back(x[j]);
        }
        const std::size_t count = keep_above(threshold, ties, found.indices, found.values);
        ASSERT_EQ(count, expected.indices.size()) << bound << " " << ties;
        found.indices.resize(count);
        found.values.resize(count);
        ASSERT_EQ(found.indices, expected.indices) << bound << " " << ties;
        ASSERT_TRUE(same_bits(found.values, expected.values)) << bound << " " << ties;
      }
    }
  });
}

TEST(Selection, ComposesToTheFirstKOfAStableSort) {
  for_all([](std::span<const float> x) {
    for (const std::size_t k : {std::size_t{1}, x.size() / 3, x.size()}) {
      if (k == 0 || k > x.size()) continue;
      std::vector<std::uint32_t> order(x.size());
      std::iota(order.begin(), order.end(), 0U);
      std::stable_sort(order.begin(), order.end(),
                       [&](std::uint32_t a, std::uint32_t b) { return magnitude_bits(x[a]) > magnitude_bits(x[b]); });
      order.resize(k);
      std::sort(order.begin(), order.end());
      const KthMagnitude kth = kth_magnitude(x, k);
      Pairs found;
      collect(x, kth.threshold, 0, x.size(), found);
      found.indices.resize(keep_above(kth.threshold, k - kth.above, found.indices, found.values));
      ASSERT_EQ(found.indices, order) << k;
    }
  });
}

TEST(ScatterAdd, RoundsTheProductThenTheSumAtEachIndex) {
  for (const std::size_t size : kSizes) {
    const std::vector<float> x = values(size, Kind::kNormal);
    const std::vector<float> before = values(3 * size + 1, Kind::kNormal);
    std::vector<std::uint32_t> indices(size);
    for (std::size_t i = 0; i < size; ++i) indices[i] = static_cast<std::uint32_t>(3 * i + i % 2);
    std::vector<float> expected = before;
    for (std::size_t i = 0; i < size; ++i) {
      volatile float product = -0.3F * x[i];  // volatile: never fused with the sum
      expected[indices[i]] += product;
    }
    std::vector<float> y = before;
    scatter_add(indices, x, -0.3F, y);
    EXPECT_TRUE(same_bits(y, expected)) << size;
    y = before;
    std::reverse(indices.begin(), indices.end());
    std::vector<float> reversed(x.rbegin(), x.rend());
    scatter_add(indices, reversed, -0.3F, y);
    EXPECT_TRUE(same_bits(y, expected)) << size;
  }
}

TEST(Selection, RefusesWhatMakesNoSense) {
  std::vector<float> x(3);
  std::vector<std::uint32_t> indices(4);
  EXPECT_THROW(collect_at_least(x, 1, 0, indices, x), CheckFailed);
  EXPECT_THROW(kth_magnitude(x, 0), CheckFailed);
  EXPECT_THROW(kth_magnitude(x, 4), CheckFailed);
  EXPECT_THROW(keep_above(1, 0, indices, x), CheckFailed);
  indices.resize(3);
  EXPECT_THROW(keep_above(kSignBit, 0, indices, x), CheckFailed);
  indices.resize(2);
  EXPECT_THROW(scatter_add(indices, x, 1.0F, x), CheckFailed);
}

}  // namespace
}  // namespace laconic::kernels
