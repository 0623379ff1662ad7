// Counts of classes against counting by hand, and the area under the ROC curve against all pairs.
#include "training/confusion_count.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/random.h"

namespace laconic {
namespace {

TEST(ConfusionCount, HasEachSampleInTheRowOfItsClassAndTheColumnOfItsPrediction) {
  ConfusionCount count(3);
  const std::vector<std::int64_t> first = {0, 1, 1};
  const std::vector<std::int64_t> second = {2, 1, 0, 2};
  const std::vector<std::int64_t> of_first = {0, 1, 2};
  const std::vector<std::int64_t> of_second = {2, 2, -1, 3};  // two that are no class
  count.add(first, of_first, {});
  count.add(second, of_second, {});
  const Confusion confusion = count.confusion();
  EXPECT_EQ(confusion.samples, (std::vector<std::uint64_t>{2, 3, 2}));
  EXPECT_EQ(confusion.counts, (std::vector<std::uint64_t>{1, 0, 0, 0, 1, 2, 0, 0, 1}));
  EXPECT_EQ(confusion.count(1, 2), 2U);
  EXPECT_FALSE(confusion.auc) << "of three classes there is none";
}

// Over all pairs of a negative and a positive.
double share_of_right_pairs(const std::vector<double>& negatives, const std::vector<double>& positives) {
  double right = 0.0;
  for (const double negative : negatives) {
    for (const double positive : positives) right += positive > negative ? 1.0 : positive == negative ? 0.5 : 0.0;
  }
  return right / (static_cast<double>(negatives.size()) * static_cast<double>(positives.size()));
}

TEST(AreaUnderRoc, IsTheShareOfPairsInTheRightOrderWithEqualOnesAsHalf) {
  RandomStream random(3, "scores");
  for (const std::uint64_t levels : {2U, 5U, 1000U}) {  // many ties, few
    for (const std::size_t size : {1U, 2U, 60U}) {
      std::vector<double> negatives;
      std::vector<double> positives;
      for (std::size_t i = 0; i < size; ++i) negatives.push_back(static_cast<double>(random.below(levels)));
      for (std::size_t i = 0; i < size + 7; ++i)
        positives.push_back(static_cast<double>(random.below(levels)) + 0.5 * static_cast<double>(random.below(2)));
      const std::optional<double> area = area_under_roc(negatives, positives);
      ASSERT_TRUE(area);
      EXPECT_NEAR(*area, share_of_right_pairs(negatives, positives), 1e-12) << levels << " levels, " << size;
    }
  }
}

TEST(AreaUnderRoc, OfScoresThatAreAllAlikeIsAHalfAndOfSeparateOnesZeroOrOne) {
  const std::vector<double> low = {-1.0, -1.0, 0.0};
  const std::vector<double> high = {1.0, 2.0};
  const std::vector<double> same = {1.0, 1.0, 1.0};
  EXPECT_EQ(area_under_roc(low, high), 1.0);
  EXPECT_EQ(area_under_roc(high, low), 0.0);
  EXPECT_EQ(area_under_roc(same, same), 0.5);
}

TEST(AreaUnderRoc, IsUnknownOfOneClassAloneAndOfScoresThatAreNoNumbers) {
  const std::vector<double> some = {1.0, 2.0};
  const std::vector<double> broken = {1.0, std::numeric_limits<double>::quiet_NaN()};
  EXPECT_FALSE(area_under_roc(some, {}));
  EXPECT_FALSE(area_under_roc({}, some));
  EXPECT_FALSE(area_under_roc(some, broken));
}

TEST(ConfusionCount, OfTwoClassesRanksByMargins) {
  ConfusionCount count(2);
  const std::vector<std::int64_t> labels = {0, 1, 1, 0};
  const std::vector<std::int64_t> predicted = {0, 1, 0, 0};
  const std::vector<double> margins = {-2.0, 3.0, -1.0, -1.0};
  count.add(labels, predicted, margins);
  // Pairs: (-2, 3) right, (-2, -1) right, (-1, 3) right, (-1, -1) equal.
  EXPECT_EQ(count.confusion().auc, 3.5 / 4.0);
}

}  // namespace
}  // namespace laconic
