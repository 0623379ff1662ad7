#include "training/data/sampling.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "base/error.h"

namespace laconic {
namespace {

// Samples 100, 101, ...
std::vector<std::uint32_t> shard_of(std::size_t size) {
  std::vector<std::uint32_t> shard(size);
  std::iota(shard.begin(), shard.end(), 100U);
  return shard;
}

std::vector<std::uint32_t> batch_of(Sampler& sampler, std::uint64_t step) {
  const auto view = sampler.draw(Step{step});
  return {view.begin(), view.end()};
}

TEST(FreshSampling, DrawsABatchWithoutRepeatsFromTheShard) {
  const auto shard = shard_of(40);
  Sampler sampler(Sampling::kFresh, shard, 16, 1, Rank{0});
  for (std::uint64_t step = 0; step < 50; ++step) {
    const auto batch = batch_of(sampler, step);
    const std::set<std::uint32_t> distinct(batch.begin(), batch.end());
    EXPECT_EQ(distinct.size(), 16U);
    EXPECT_GE(*distinct.begin(), 100U);
    EXPECT_LT(*distinct.rbegin(), 140U);
  }
}

TEST(FreshSampling, GivesEverySampleTheSameChance) {
  constexpr std::uint64_t kSteps = 4000;
  const auto shard = shard_of(20);
  Sampler sampler(Sampling::kFresh, shard, 4, 1, Rank{0});
  std::map<std::uint32_t, double> counts;
  for (std::uint64_t step = 0; step < kSteps; ++step) {
    for (const std::uint32_t sample : batch_of(sampler, step)) ++counts[sample];
  }
  // Each count is binomial(4000, 1/5): deviation 25.3; five of them.
  for (const auto& [sample, count] : counts) EXPECT_NEAR(count, 800.0, 5.0 * std::sqrt(4000 * 0.2 * 0.8)) << sample;
  EXPECT_EQ(counts.size(), 20U);
}

TEST(FreshSampling, GivesTheWholeOfAShardThatIsSmallerThanABatch) {
  const auto shard = shard_of(5);
  Sampler sampler(Sampling::kFresh, shard, 32, 1, Rank{0});
  auto batch = batch_of(sampler, 3);
  std::ranges::sort(batch);
  EXPECT_EQ(batch, shard);
}

TEST(EpochSampling, EachPassSeesEverySampleOnceAndEveryBatchIsFull) {
  constexpr std::size_t kSize = 10;
  const auto shard = shard_of(kSize);
  for (const std::uint32_t size : {1U, 3U, 10U, 23U}) {
    Sampler sampler(Sampling::kEpoch, shard, size, 1, Rank{0});
    std::vector<std::uint32_t> joined;
    for (std::uint64_t step = 0; joined.size() < 7 * kSize; ++step) {
      const auto batch = batch_of(sampler, step);
      ASSERT_EQ(batch.size(), size);
      joined.insert(joined.end(), batch.begin(), batch.end());
    }
    std::set<std::vector<std::uint32_t>> orders;
    for (std::size_t pass = 0; pass < 7; ++pass) {
      std::vector<std::uint32_t> order(joined.begin() + static_cast<std::ptrdiff_t>(pass * kSize),
                                       joined.begin() + static_cast<std::ptrdiff_t>((pass + 1) * kSize));
      orders.insert(order);
      std::ranges::sort(order);
      EXPECT_EQ(order, shard) << "pass " << pass << ", batch " << size;
    }
    EXPECT_GE(orders.size(), 6U);  // two equal ones of 10! would be a wonder
  }
}

TEST(Sampling, IsAFunctionOfSeedRankAndStepAlone) {
  const auto shard = shard_of(50);
  for (const Sampling sampling : {Sampling::kFresh, Sampling::kEpoch}) {
    Sampler forward(sampling, shard, 8, 1, Rank{2});
    std::vector<std::vector<std::uint32_t>> batches;
    for (std::uint64_t step = 0; step < 30; ++step) batches.push_back(batch_of(forward, step));
    Sampler backward(sampling, shard, 8, 1, Rank{2});
    for (std::uint64_t step = 30; step-- > 0;) EXPECT_EQ(batch_of(backward, step), batches[step]) << step;
    Sampler other_seed(sampling, shard, 8, 2, Rank{2});
    Sampler other_rank(sampling, shard, 8, 1, Rank{3});
    EXPECT_NE(batch_of(other_seed, 0), batches[0]);
    EXPECT_NE(batch_of(other_rank, 0), batches[0]);
  }
}

TEST(Sampling, IsParsedFromItsName) {
  EXPECT_EQ(parse_sampling("fresh"), Sampling::kFresh);
  EXPECT_EQ(parse_sampling("epoch"), Sampling::kEpoch);
  EXPECT_THROW(parse_sampling("random"), UsageError);
}

}  // namespace
}  // namespace laconic
