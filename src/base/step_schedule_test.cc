#include "base/step_schedule.h"

#include <gtest/gtest.h>

#include <set>

namespace laconic {
namespace {

TEST(StepSchedule, DueAreTheSmallestStepsThatReachAMultiple) {
  constexpr std::uint64_t kSteps = 200;
  for (std::uint64_t numerator = 1; numerator <= 40; ++numerator) {
    for (std::uint64_t denominator = 1; denominator <= 12; ++denominator) {
      std::set<std::uint64_t> expected;  // the smallest s with s * denominator >= i * numerator
      std::uint64_t s = 0;
      for (std::uint64_t i = 1; s <= kSteps; ++i) {
        while (s * denominator < i * numerator) ++s;
        expected.insert(s);
      }
      const StepSchedule schedule{.numerator = numerator, .denominator = denominator};
      std::uint64_t count = 0;
      for (std::uint64_t step = 0; step <= kSteps; ++step) {
        if (expected.contains(step)) ++count;
        ASSERT_EQ(schedule.due({step}), expected.contains(step)) << numerator << "/" << denominator << ", " << step;
        ASSERT_EQ(schedule.count({step}), count) << numerator << "/" << denominator << ", " << step;
      }
    }
  }
}

TEST(StepSchedule, WithoutOneNoStepIsDue) {
  for (std::uint64_t step = 0; step < 5; ++step) EXPECT_FALSE(StepSchedule{}.due({step}));
  EXPECT_EQ(StepSchedule{}.count({1000}), 0U);
}

TEST(StepSchedule, StepZeroIsNeverDue) { EXPECT_FALSE((StepSchedule{.numerator = 1}.due({0}))); }

}  // namespace
}  // namespace laconic
