#include "faults/tiny_learner.h"

#include <gtest/gtest.h>

#include <cmath>

namespace laconic::faults {
namespace {

TEST(TinyLearner, TheSameStepsFromTheSameModelGiveTheSameBits) {
  const TinyProblem problem{.dimension = 12, .seed = 4};
  TinyLearner one(problem, 2);
  TinyLearner other(problem, 2);
  for (Step step; step < Step{10}; ++step.value) one.local_step(step);
  // It has no state but its model: the second half alone, from where the first one had come to.
  TinyLearner half(problem, 2);
  for (Step step; step < Step{5}; ++step.value) other.local_step(step);
  std::copy(other.params().begin(), other.params().end(), half.params().begin());
  for (Step step{5}; step < Step{10}; ++step.value) half.local_step(step);
  EXPECT_TRUE(std::ranges::equal(one.params(), half.params()));
}

TEST(TinyLearner, AllBeginAlikeAndComeApart) {
  const TinyProblem problem{.dimension = 12, .seed = 4};
  TinyLearner one(problem, 0);
  TinyLearner other(problem, 1);
  EXPECT_TRUE(std::ranges::equal(one.params(), other.params()));
  EXPECT_TRUE(std::ranges::equal(one.params(), start_of(problem)));
  one.local_step({0});
  other.local_step({0});
  EXPECT_FALSE(std::ranges::equal(one.params(), other.params()));
}

TEST(TinyLearner, StepsLowerTheLossAndScaleWithTheProblem) {
  TinyLearner one({.dimension = 12, .seed = 4, .scale = 1.0}, 0);
  TinyLearner scaled({.dimension = 12, .seed = 4, .scale = 8.0}, 0);
  const double first = one.local_step({0}).loss;
  scaled.local_step({0});
  for (Step step{1}; step < Step{40}; ++step.value) {
    one.local_step(step);
    scaled.local_step(step);
  }
  EXPECT_LT(one.compute_gradient({40}).loss, 0.1 * first);
  for (std::size_t j = 0; j < one.params().size(); ++j) {
    EXPECT_NEAR(scaled.params()[j], 8.0F * one.params()[j], 1e-4) << j;
  }
}

}  // namespace
}  // namespace laconic::faults
