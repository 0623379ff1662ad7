#include "comm/mean_weights.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "base/error.h"
#include "comm/comm.h"
#include "comm/test_network.h"

namespace laconic {
namespace {

TEST(MeanWeights, SharesAddUpToOneWithThatOfAllToHalfAnUlp) {
  for (const std::size_t workers : {1, 2, 3, 7, 100, 1000}) {
    std::vector<double> samples;
    for (std::size_t k = 0; k < workers; ++k) samples.push_back(static_cast<double>(1 + k * k % 977));
    const MeanWeights weights(samples);
    double sum = 0.0;
    double shares = 0.0;
    for (Rank rank{0}; rank.value < static_cast<int>(workers); ++rank.value) {
      sum += weights.of(rank);
      const double exact = static_cast<double>(workers) * weights.of(rank) / weights.sum();
      EXPECT_NEAR(weights.share(rank), exact, std::numeric_limits<float>::epsilon() * exact);
      shares += static_cast<double>(weights.share(rank)) * static_cast<double>(weights.all_shares());
    }
    EXPECT_EQ(weights.sum(), sum);
    // That of all is rounded once.
    EXPECT_NEAR(shares, 1.0, 0.5 * std::numeric_limits<float>::epsilon()) << workers;
  }
}

TEST(MeanWeights, AreAlikeWhereAllAreTheSame) {
  EXPECT_TRUE(MeanWeights({5.0}).alike());
  EXPECT_TRUE(MeanWeights({600.0, 600.0, 600.0}).alike());
  EXPECT_FALSE(MeanWeights({600.0, 600.0, 599.0}).alike());
  EXPECT_FALSE(MeanWeights({0.0, 1.0}).alike());
}

TEST(MeanWeights, RefusesWhatIsNoWeight) {
  for (const double wrong : {-1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    EXPECT_THROW(MeanWeights({1.0, wrong}), CheckFailed) << wrong;
  }
  EXPECT_THROW(MeanWeights({0.0, 0.0}), CheckFailed);
  EXPECT_THROW(MeanWeights(std::vector<double>()), CheckFailed);
}

TEST(Reductions, RefuseAPartOfAWeightedMeanWhereTheJobHasNoWeightsAndNameItsSender) {
  TestNetwork network(2);
  InPlaceProcessor processor;
  Comm coordinator(network.node(2), processor, {});
  const std::vector<float> values(3, 1.0F);
  const FrameHeader header{Traffic::kModel, Tag::kReduceWeightedMean, {0}};
  network.node(1).send(coordinator.self(), Frame(header, std::span<const float>(values)));
  try {
    network.run(serve_collectives(coordinator));
    FAIL() << "served";
  } catch (const DecodeError& error) {
    EXPECT_NE(std::string(error.what()).find("worker 1"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace laconic
