#include "base/training_length.h"

#include <gtest/gtest.h>

namespace laconic {
namespace {

TEST(TrainingLength, CarriesTheFractionOfAnEpochOver) {
  // 54,000 samples, 256 a step: 210.9375 steps an epoch.
  const TrainingLength epoch{.in_epochs = true, .numerator = 1, .denominator = 1};
  const auto steps = epoch.in_steps(54000, 256);
  EXPECT_EQ(steps.numerator * 256, steps.denominator * 54000);
  EXPECT_EQ(steps.rounded_up(), 211u);
  const TrainingLength sixteen{.in_epochs = true, .numerator = 16, .denominator = 1};
  EXPECT_EQ(sixteen.in_steps(54000, 256).rounded_up(), 3375u) << "not 16 * 211";
  EXPECT_EQ(sixteen.in_steps(54000, 256).denominator, 1u);
  const TrainingLength half{.in_epochs = true, .numerator = 1, .denominator = 2};
  EXPECT_EQ(half.in_steps(54000, 256).rounded_up(), 106u);
  const TrainingLength plain{.in_epochs = false, .numerator = 100, .denominator = 1};
  EXPECT_EQ(plain.in_steps(54000, 256).rounded_up(), 100u);
}

}  // namespace
}  // namespace laconic
