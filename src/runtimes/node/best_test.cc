#include "runtimes/node/best.h"

#include <gtest/gtest.h>

#include <limits>

namespace laconic {
namespace {

Measurement measured(std::uint64_t step, double accuracy, double loss) {
  Measurement measurement;
  measurement.step = {step};
  measurement.test = {.loss = loss, .accuracy = accuracy, .samples = 10};
  return measurement;
}

TEST(Best, IsOfTheHighestAccuracyAndThenOfTheSmallestLoss) {
  BestMeasurement best(Criterion::kAccuracy);
  EXPECT_TRUE(best.add(measured(1, 0.5, 1.0)));
  EXPECT_FALSE(best.add(measured(2, 0.4, 0.1)));
  EXPECT_TRUE(best.add(measured(3, 0.5, 0.9))) << "alike, with a smaller loss";
  EXPECT_FALSE(best.add(measured(4, 0.5, 0.9))) << "the earlier of two alike";
  EXPECT_EQ(best.best()->step, Step{3});
  EXPECT_EQ(best.since(), 1U);
}

TEST(Best, OfTheLossLooksAtNothingElse) {
  BestMeasurement best(Criterion::kLoss);
  best.add(measured(1, 0.5, 1.0));
  EXPECT_TRUE(best.add(measured(2, 0.1, 0.5)));
  EXPECT_FALSE(best.add(measured(3, 0.9, 0.6)));
  EXPECT_FALSE(best.add(measured(4, 0.9, std::numeric_limits<double>::quiet_NaN())));
  EXPECT_EQ(best.best()->step, Step{2});
  EXPECT_EQ(best.since(), 2U);
}

TEST(Best, IsByValidationWhereSomeIsHeldOut) {
  BestMeasurement best(Criterion::kAccuracy);
  Measurement first = measured(1, 0.9, 0.1);
  first.validation = {.loss = 1.0, .accuracy = 0.5, .samples = 5};
  Measurement second = measured(2, 0.1, 0.9);
  second.validation = {.loss = 1.0, .accuracy = 0.6, .samples = 5};
  best.add(first);
  EXPECT_TRUE(best.add(second));
  EXPECT_TRUE(best.best()->by_validation);
  EXPECT_EQ(best.best()->score, 0.6);
  BestMeasurement none(Criterion::kAccuracy);
  EXPECT_FALSE(none.add(Measurement{})) << "nothing was held out";
  EXPECT_FALSE(none.best());
}

TEST(Best, GoesOnFromWhatWasSaved) {
  BestMeasurement best(Criterion::kLoss);
  best.add(measured(1, 0.5, 1.0));
  best.add(measured(2, 0.5, 2.0));
  Archive saved;
  best.archive(saved);
  const std::vector<std::byte> bytes = saved.take();
  BestMeasurement again(Criterion::kLoss);
  Archive loaded(bytes);
  again.archive(loaded);
  EXPECT_EQ(again.since(), 1U);
  EXPECT_EQ(again.best()->step, Step{1});
  EXPECT_FALSE(again.add(measured(3, 0.9, 1.5)));
}

}  // namespace
}  // namespace laconic
