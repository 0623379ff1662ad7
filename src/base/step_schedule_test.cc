#include "base/step_schedule.h"

#include <gtest/gtest.h>

#include <vector>

namespace laconic {
namespace {

std::vector<std::uint64_t> due_up_to(const StepSchedule& schedule, std::uint64_t last) {
  std::vector<std::uint64_t> due;
  for (std::uint64_t step = 0; step <= last; ++step) {
    if (schedule.due({step})) due.push_back(step);
  }
  return due;
}

TEST(StepSchedule, FallsOnTheEndsOfEpochsWithTheFractionCarriedOver) {
  const StepSchedule schedule{.numerator = 125, .denominator = 2};  // 62.5 steps an epoch
  EXPECT_EQ(due_up_to(schedule, 260), (std::vector<std::uint64_t>{63, 125, 188, 250}));
}

TEST(StepSchedule, EveryStepIsDueWhenAnIntervalIsShorterThanAStep) {
  const StepSchedule schedule{.numerator = 1, .denominator = 3};
  EXPECT_EQ(due_up_to(schedule, 4), (std::vector<std::uint64_t>{1, 2, 3, 4}));
}

TEST(StepSchedule, WithoutAnIntervalNothingIsDue) { EXPECT_TRUE(due_up_to({}, 100).empty()); }

}  // namespace
}  // namespace laconic
