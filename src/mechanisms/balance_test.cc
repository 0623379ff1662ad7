#include "mechanisms/balance.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "compress/test_support.h"

namespace laconic {
namespace {

constexpr std::size_t kSize = 37;
const std::vector<double> kWeights = {3.0, 0.5, 17.0, 1.0, 8.0};

std::vector<float> model_of(int node) { return gaussian_vector(kSize, 100 + static_cast<std::uint64_t>(node)); }
const std::vector<float>& reference() {
  static const std::vector<float> vector = gaussian_vector(kSize, 7);
  return vector;
}

Balance balance_of(const std::vector<int>& nodes) {
  Balance balance(reference(), kWeights);
  for (const int node : nodes) balance.add({node}, SharedVector(model_of(node)));
  return balance;
}

// sum B_i f_i / sum B_i, element by element in long double.
std::vector<double> mean_by_hand(const std::vector<int>& nodes) {
  std::vector<double> mean(kSize);
  for (std::size_t j = 0; j < kSize; ++j) {
    long double sum = 0.0L;
    long double weights = 0.0L;
    for (const int node : nodes) {
      const long double weight = kWeights[static_cast<std::size_t>(node)];
      sum += weight * static_cast<long double>(model_of(node)[j]);
      weights += weight;
    }
    mean[j] = static_cast<double>(sum / weights);
  }
  return mean;
}

TEST(Balance, MeanAndItsDistanceAreThoseOfTheWeightedModelsOfTheMembers) {
  for (const std::vector<int>& nodes : std::vector<std::vector<int>>{{2}, {0, 1}, {4, 1, 3}, {0, 1, 2, 3, 4}}) {
    const Balance balance = balance_of(nodes);
    const std::vector<double> expected = mean_by_hand(nodes);
    const std::vector<float> mean = balance.mean();
    double distance = 0.0;
    double weight = 0.0;
    for (const int node : nodes) weight += kWeights[static_cast<std::size_t>(node)];
    for (std::size_t j = 0; j < kSize; ++j) {
      EXPECT_FLOAT_EQ(mean[j], static_cast<float>(expected[j]));
      distance += std::pow(expected[j] - static_cast<double>(reference()[j]), 2);
    }
    EXPECT_NEAR(balance.distance(), distance, 1e-12 * distance);
    EXPECT_EQ(balance.weight(), weight);
    EXPECT_EQ(balance.size(), nodes.size());
  }
}

TEST(Balance, MeanHasTheSameBitsInWhateverOrderModelsCome) {
  std::vector<int> order = {0, 1, 2, 3, 4};
  const std::vector<float> mean = balance_of(order).mean();
  while (std::next_permutation(order.begin(), order.end())) ASSERT_EQ(balance_of(order).mean(), mean);
}

TEST(Balance, FarthestIsTheLargestDistanceOfAMemberFromTheReference) {
  double largest = 0.0;
  for (const int node : {1, 3, 4}) largest = std::max(largest, squared_error(model_of(node), reference()));
  EXPECT_NEAR(balance_of({1, 3, 4}).farthest(), largest, 1e-12 * largest);
}

TEST(Balance, OneMemberIsItsOwnMeanAndAtTheReferenceNothingIsApart) {
  EXPECT_EQ(balance_of({1}).mean(), model_of(1)) << "0.5 f / 0.5";
  for (const std::vector<float>& vector : {reference(), std::vector<float>(kSize, 0.0F)}) {
    Balance balance(vector, kWeights);
    for (const int node : {0, 3, 4}) balance.add({node}, SharedVector(vector));
    EXPECT_NEAR(balance.distance(), 0.0, 1e-28);
    EXPECT_EQ(balance.farthest(), 0.0);
    EXPECT_EQ(balance.mean(), vector);
  }
}

TEST(Balance, LargestModelsDoNotOverflow) {
  const std::vector<float> zero(2, 0.0F);
  const float largest = std::numeric_limits<float>::max();
  const std::vector<double> heavy = {1e9, 1e9, 1e9};
  Balance balance(zero, heavy);
  for (int node = 0; node < 3; ++node) balance.add({node}, SharedVector({largest, node == 0 ? -largest : largest}));
  const std::vector<float> mean = balance.mean();
  EXPECT_EQ(mean[0], largest);
  EXPECT_FLOAT_EQ(mean[1], largest / 3.0F);
  EXPECT_TRUE(std::isfinite(balance.distance()));
  EXPECT_NEAR(balance.farthest(), 2.0 * std::pow(static_cast<double>(largest), 2), 1e63);
}

TEST(Balance, MembersAndOthersAreAllNodesOnceAndTheOrderOfTheOthersIsTheStreams) {
  const Balance balance = balance_of({3, 1});
  EXPECT_EQ(balance.members(), (std::vector<Rank>{{1}, {3}}));
  EXPECT_TRUE(balance.has({3}));
  EXPECT_FALSE(balance.has({0}));
  std::map<std::vector<Rank>, int> orders;
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    RandomStream random(seed, "others");
    RandomStream again(seed, "others");
    std::vector<Rank> others = balance.others(random);
    EXPECT_EQ(balance.others(again), others);
    ++orders[others];
    std::sort(others.begin(), others.end());
    ASSERT_EQ(others, (std::vector<Rank>{{0}, {2}, {4}}));
  }
  ASSERT_EQ(orders.size(), 6U) << "every order of three";
  for (const auto& [order, count] : orders) EXPECT_NEAR(count, 100, 45);  // five standard deviations
  RandomStream random(1, "others");
  EXPECT_TRUE(balance_of({0, 1, 2, 3, 4}).others(random).empty());
}

TEST(Balance, ANodeTwiceAModelOfAnotherSizeAndAMeanOfNobodyAreTheCallersBugs) {
  Balance balance = balance_of({1});
  EXPECT_THROW(balance.add({1}, SharedVector(model_of(1))), CheckFailed);
  EXPECT_THROW(balance.add({2}, SharedVector(std::vector<float>(kSize + 1))), CheckFailed);
  EXPECT_EQ(balance.mean(), model_of(1)) << "neither left a trace";
  const Balance empty = balance_of({});
  EXPECT_THROW(empty.mean(), CheckFailed);
  EXPECT_THROW(empty.distance(), CheckFailed);
  EXPECT_THROW(empty.farthest(), CheckFailed);
}

// From one violator on, until all are in: one each, ld K, about log_3 K, and one addition.
TEST(Augment, ReachesAllNodesInAsManyAdditionsAsThePolicySays) {
  const auto additions = [](Augmentation policy, std::size_t nodes) {
    std::size_t count = 0;
    for (std::size_t members = 1; members < nodes; ++count) {
      const std::size_t more = augment(policy, members, nodes);
      EXPECT_TRUE(more >= 1 && more <= nodes - members) << more << " to " << members << " of " << nodes;
      members += more;
    }
    return count;
  };
  for (std::size_t nodes = 2; nodes < 200; ++nodes) {
    EXPECT_EQ(additions(Augmentation::kRandom, nodes), nodes - 1);
    EXPECT_EQ(additions(Augmentation::kAll, nodes), 1U);
    std::size_t doublings = 0;
    for (std::size_t members = 1; members < nodes; members *= 2) ++doublings;
    EXPECT_EQ(additions(Augmentation::kDoubling, nodes), doublings) << nodes;
    std::size_t triplings = 0;  // as the published code has it: at half of the nodes the rest follow at once
    for (std::size_t members = 1; members < nodes; members = 2 * members >= nodes ? nodes : 3 * members) ++triplings;
    EXPECT_EQ(additions(Augmentation::kTripling, nodes), triplings) << nodes;
  }
  EXPECT_THROW(augment(Augmentation::kRandom, 0, 3), CheckFailed);
  EXPECT_THROW(augment(Augmentation::kRandom, 3, 3), CheckFailed);
}

TEST(Augment, EveryWordOfTheOptionIsAPolicyOfItsOwn) {
  const std::vector<OptionSpec> specs = {augmentation_option()};
  std::vector<Augmentation> policies;
  for (const std::string_view word : specs.front().choices) {
    policies.push_back(read_augmentation(Options("strategy", specs, {{"augment", {std::string(word), "test"}}})));
  }
  EXPECT_EQ(policies,
            (std::vector{Augmentation::kRandom, Augmentation::kDoubling, Augmentation::kTripling, Augmentation::kAll}));
  EXPECT_EQ(read_augmentation(Options("strategy", specs, {})), Augmentation::kDoubling);
}

}  // namespace
}  // namespace laconic
