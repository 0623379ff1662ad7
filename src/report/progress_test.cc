#include "report/progress.h"

#include <gtest/gtest.h>

#include "report/format.h"

namespace laconic {
namespace {

ProgressState example() {
  return {.job = "fda",
          .step = 1200,
          .steps = 2400,
          .loss = 0.4123,
          .score = "accuracy 87.10%",
          .wire = {12'300'000},
          .syncs = 18,
          .elapsed = {83.0}};
}

TEST(LiveLine, ShowsWhereTheRunIs) {
  EXPECT_EQ(live_line(example(), 100),
            "fda  step 1,200/2,400  loss 0.412  accuracy 87.10%  sent 12.3 MB  syncs 18  ETA 1:23");
}

TEST(LiveLine, FitsEveryWidthAndKeepsTheStepLongest) {
  for (std::size_t width = 1; width < 100; ++width) EXPECT_LE(display_width(live_line(example(), width)), width);
  EXPECT_EQ(live_line(example(), 16), "step 1,200/2,400");
  EXPECT_EQ(live_line(example(), 33), "step 1,200/2,400  accuracy 87.10%");
}

TEST(LiveLine, LeavesOutWhatIsNotKnownYet) {
  ProgressState state;
  state.job = "fda";
  state.steps = 10;
  EXPECT_EQ(live_line(state, 100), "fda  step 0/10  sent 0 B  syncs 0");
}

TEST(MeasurementText, IsOneLineWithTheFiguresOfTheMeasurement) {
  Measurement measurement;
  measurement.step = {211};
  measurement.time = {6.6};
  measurement.train_loss = 0.888;
  measurement.test = {.loss = 0.626, .accuracy = 0.7645, .samples = 10000};
  measurement.syncs = 3;
  EXPECT_EQ(measurement_text(measurement, 2110, 1.0),
            "step 211/2,110  epoch 1.00  train loss 0.888  test loss 0.626  accuracy 76.45%  sent 0 B  syncs 3  time "
            "6.60 s");
}

}  // namespace
}  // namespace laconic
