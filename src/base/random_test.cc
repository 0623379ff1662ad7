#include "base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <vector>

#include "base/error.h"

namespace laconic {
namespace {

std::vector<std::uint64_t> draws(RandomStream stream, int count) {
  std::vector<std::uint64_t> result;
  for (int i = 0; i < count; ++i) result.push_back(stream());
  return result;
}

TEST(RandomStream, SameNameSameDraws) {
  EXPECT_EQ(draws(RandomStream(1, "batch", {2, 3}), 100), draws(RandomStream(1, "batch", {2, 3}), 100));
}

TEST(RandomStream, EveryPartOfTheNameMatters) {
  const std::vector<RandomStream> streams = {
      RandomStream(1, "batch", {2, 3}), RandomStream(2, "batch", {2, 3}), RandomStream(1, "batcn", {2, 3}),
      RandomStream(1, "batch", {3, 2}), RandomStream(1, "batch", {2}),    RandomStream(1, "batch", {2, 3, 0}),
      RandomStream(1, "batch"),         RandomStream(1, "batch", {0}),    RandomStream(1, ""),
      RandomStream(0, "batch"),
  };
  std::set<std::vector<std::uint64_t>> distinct;
  for (const RandomStream& stream : streams) distinct.insert(draws(stream, 2));
  EXPECT_EQ(distinct.size(), streams.size());
}

TEST(RandomStream, NeighbouringNamesAreUncorrelated) {
  // The correlation of 20000 uniform pairs has a standard deviation of 1/sqrt(20000) = 0.0071.
  RandomStream a(1, "x", {7});
  RandomStream b(1, "x", {8});
  double sum = 0.0;
  for (int i = 0; i < 20000; ++i) sum += (a.uniform() - 0.5) * (b.uniform() - 0.5) * 12.0;
  EXPECT_NEAR(sum / 20000, 0.0, 6 * 0.0071);
}

TEST(RandomStream, IsXoshiro256StarStarSeededBySplitmix64) {
  // The two generators written from their definitions; the name is folded word by word through splitmix64.
  const auto splitmix = [](std::uint64_t& state) {
    state += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  };
  const auto fold = [&](std::uint64_t name, std::uint64_t word) {
    std::uint64_t state = name ^ (word * 0xff51afd7ed558ccdULL);
    splitmix(state);
    return splitmix(state);
  };
  std::uint64_t name = fold(0x6c61636f6e6963ULL, 5);
  name = fold(name, 'a');
  name = fold(name, 1);
  name = fold(name, 9);
  std::uint64_t s[4];
  for (std::uint64_t& word : s) word = splitmix(name);
  const auto rotate = [](std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); };
  RandomStream stream(5, "a", {9});
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t expected = rotate(s[1] * 5, 7) * 9;
    const std::uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 45);
    ASSERT_EQ(stream(), expected) << i;
  }
}

TEST(RandomStream, BelowIsUniformAndBounded) {
  RandomStream stream(3, "below");
  constexpr int kBound = 7;
  constexpr int kDraws = 70000;
  std::vector<int> counts(kBound, 0);
  for (int i = 0; i < kDraws; ++i) ++counts.at(stream.below(kBound));
  // 10000 expected in each, standard deviation 93.
  for (const int count : counts) EXPECT_NEAR(count, 10000, 6 * 93);
  EXPECT_EQ(stream.below(1), 0U);
  for (int i = 0; i < 1000; ++i) EXPECT_LT(stream.below((1ULL << 63) + 1), (1ULL << 63) + 1);
  EXPECT_THROW(stream.below(0), CheckFailed);
}

TEST(RandomStream, BelowHasNoBiasAtALargeBound) {
  // With a bound of 3/4 of the range plain reduction would give the lower third twice as often as the others.
  RandomStream stream(4, "below");
  constexpr std::uint64_t kBound = 3ULL << 62;
  constexpr int kDraws = 30000;
  int lower_third = 0;
  for (int i = 0; i < kDraws; ++i) lower_third += stream.below(kBound) < (1ULL << 62) ? 1 : 0;
  EXPECT_NEAR(lower_third, kDraws / 3, 6 * 82);  // standard deviation sqrt(30000 * 2/9) = 82
}

struct Moments {
  double mean;
  double variance;
  double third;
  double fourth;
};
template <typename Draw>
Moments moments(int count, const Draw& draw) {
  std::vector<double> values;
  for (int i = 0; i < count; ++i) values.push_back(draw());
  Moments result{0.0, 0.0, 0.0, 0.0};
  for (const double value : values) result.mean += value / count;
  for (const double value : values) {
    const double distance = value - result.mean;
    result.variance += distance * distance / count;
    result.third += distance * distance * distance / count;
    result.fourth += distance * distance * distance * distance / count;
  }
  return result;
}

constexpr int kCount = 200000;
const double kRoot = std::sqrt(static_cast<double>(kCount));

TEST(RandomStream, UniformHasItsMomentsAndRange) {
  RandomStream stream(5, "uniform");
  const Moments found = moments(kCount, [&] {
    const double value = stream.uniform();
    EXPECT_GE(value, 0.0);
    EXPECT_LT(value, 1.0);
    return value;
  });
  EXPECT_NEAR(found.mean, 0.5, 6 * std::sqrt(1.0 / 12.0) / kRoot);
  EXPECT_NEAR(found.variance, 1.0 / 12.0, 6 * std::sqrt(1.0 / 180.0) / kRoot);
}

TEST(RandomStream, GaussianHasItsMoments) {
  RandomStream stream(6, "gaussian");
  const Moments found = moments(kCount, [&] { return stream.gaussian(); });
  // Standard deviations of the four estimates: 1, sqrt 2, sqrt 15 and sqrt 96 over sqrt n.
  EXPECT_NEAR(found.mean, 0.0, 6 / kRoot);
  EXPECT_NEAR(found.variance, 1.0, 6 * std::sqrt(2.0) / kRoot);
  EXPECT_NEAR(found.third, 0.0, 6 * std::sqrt(15.0) / kRoot);
  EXPECT_NEAR(found.fourth, 3.0, 6 * std::sqrt(96.0) / kRoot);
}

TEST(RandomStream, GammaHasMeanAndVarianceOfItsShape) {
  for (const double shape : {0.1, 0.5, 1.0, 2.5, 40.0}) {
    RandomStream stream(7, "gamma");
    const Moments found = moments(kCount, [&] {
      const double value = stream.gamma(shape);
      EXPECT_GE(value, 0.0);
      return value;
    });
    // The variance of the sample variance is (mu4 - sigma^4)/n with mu4 = 3 shape^2 + 6 shape.
    EXPECT_NEAR(found.mean, shape, 6 * std::sqrt(shape) / kRoot) << shape;
    EXPECT_NEAR(found.variance, shape, 6 * std::sqrt(2 * shape * shape + 6 * shape) / kRoot) << shape;
  }
  RandomStream stream(7, "gamma");
  EXPECT_THROW(stream.gamma(0.0), CheckFailed);
  EXPECT_THROW(stream.gamma(std::nan("")), CheckFailed);
}

TEST(RandomPermutation, EveryOrderIsEquallyLikely) {
  std::map<std::vector<std::uint32_t>, int> counts;
  RandomStream stream(8, "permutation");
  constexpr int kDraws = 24000;
  for (int i = 0; i < kDraws; ++i) ++counts[random_permutation(stream, 4)];
  ASSERT_EQ(counts.size(), 24U);
  for (const auto& [order, count] : counts) EXPECT_NEAR(count, 1000, 6 * 31);
  EXPECT_TRUE(random_permutation(stream, 0).empty());
}

TEST(RandomSubset, EverySubsetIsEquallyLikely) {
  // 2 of 5 takes the permuting way, 1 of 9 the drawing way.
  RandomStream stream(9, "subset");
  std::map<std::set<std::uint32_t>, int> counts;
  for (int i = 0; i < 10000; ++i) {
    const std::vector<std::uint32_t> subset = random_subset(stream, 2, 5);
    ++counts[std::set<std::uint32_t>(subset.begin(), subset.end())];
  }
  ASSERT_EQ(counts.size(), 10U);
  for (const auto& [subset, count] : counts) EXPECT_NEAR(count, 1000, 6 * 30) << subset.size();
  std::vector<int> single(9, 0);
  for (int i = 0; i < 9000; ++i) ++single.at(random_subset(stream, 1, 9).at(0));
  for (const int count : single) EXPECT_NEAR(count, 1000, 6 * 30);
}

TEST(RandomSubset, IsOfDistinctValuesBelowTheBound) {
  RandomStream stream(10, "subset");
  for (const std::uint32_t bound : {1U, 2U, 10U, 1000U}) {
    for (std::uint32_t count = 0; count <= bound; count += 1 + bound / 13) {
      const std::vector<std::uint32_t> subset = random_subset(stream, count, bound);
      EXPECT_EQ(std::set<std::uint32_t>(subset.begin(), subset.end()).size(), count);
      for (const std::uint32_t value : subset) EXPECT_LT(value, bound);
    }
  }
  EXPECT_THROW(random_subset(stream, 3, 2), CheckFailed);
}

}  // namespace
}  // namespace laconic
