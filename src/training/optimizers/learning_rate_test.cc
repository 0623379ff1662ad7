#include "training/optimizers/learning_rate.h"

#include <cmath>
#include <map>
#include <numbers>

#include "training/data/test_support.h"
#include "training/optimizers/optimizers.h"

namespace laconic {
namespace {

Options options_of(const std::map<std::string, std::string>& values) {
  std::map<std::string, GivenOption> given;
  for (const auto& [key, text] : values) given[key] = {.text = text, .where = "job.toml:3"};
  return Options("optimizer", find_optimizer("sgd").options, given);
}

// 1,000 samples, 100 of them a step: an epoch is 10 steps.
LearningRate rate_of(const std::map<std::string, std::string>& values, std::uint64_t steps = 100) {
  return make_learning_rate(options_of(values), {.samples = 1000, .samples_per_step = 100, .steps = steps});
}

void expect_table(const LearningRate& rate, const std::map<std::uint64_t, double>& table) {
  for (const auto& [step, expected] : table) EXPECT_NEAR(rate.at(step), expected, 1e-12) << "step " << step;
}

TEST(LearningRate, IsConstantByDefault) {
  expect_table(rate_of({{"learning_rate", "0.5"}}), {{0, 0.5}, {1, 0.5}, {99, 0.5}, {1000000, 0.5}});
}

TEST(LearningRate, RisesInALineOverTheWarmup) {
  expect_table(rate_of({{"learning_rate", "0.5"}, {"warmup", "5 steps"}}),
               {{0, 0.1}, {1, 0.2}, {2, 0.3}, {3, 0.4}, {4, 0.5}, {5, 0.5}, {50, 0.5}});
  expect_table(rate_of({{"learning_rate", "1"}, {"warmup", "2 epochs"}}), {{0, 0.05}, {9, 0.5}, {19, 1.0}, {20, 1.0}});
}

TEST(LearningRate, IsMultipliedAtEachMilestone) {
  const std::map<std::string, std::string> values = {
      {"learning_rate", "2"}, {"schedule", "milestones"}, {"milestones", "3 epochs, 45 steps"}, {"decay", "0.1"}};
  expect_table(rate_of(values), {{0, 2.0}, {29, 2.0}, {30, 0.2}, {44, 0.2}, {45, 0.02}, {99, 0.02}});
  auto with_warmup = values;
  with_warmup["warmup"] = "40 steps";
  expect_table(rate_of(with_warmup), {{0, 0.05}, {29, 1.5}, {30, 0.155}, {39, 0.2}, {44, 0.2}, {45, 0.02}});
}

TEST(LearningRate, FallsToZeroAlongHalfACosineAfterTheWarmup) {
  const LearningRate rate = rate_of({{"learning_rate", "1"}, {"schedule", "cosine"}, {"warmup", "20 steps"}}, 100);
  expect_table(rate, {{0, 0.05}, {19, 1.0}, {20, 1.0}, {60, 0.5}, {100, 0.0}, {500, 0.0}});
  EXPECT_NEAR(rate.at(40), 0.5 + std::sqrt(0.125), 1e-12);  // an eighth of the circle
  for (std::uint64_t step = 20; step < 100; ++step) EXPECT_GT(rate.at(step), rate.at(step + 1)) << step;
}

TEST(LearningRate, WhatCannotBeMetIsRefusedWithItsPlace) {
  const auto expect_refused = [](const std::map<std::string, std::string>& values, const std::string& expected) {
    const std::string text = usage_error([&] { rate_of(values); });
    EXPECT_NE(text.find("job.toml:3: optimizer."), std::string::npos) << text;
    EXPECT_NE(text.find(expected), std::string::npos) << text;
  };
  expect_refused({{"warmup", "5"}}, "optimizer.warmup: '5' is not a number of epochs or steps");
  expect_refused({{"schedule", "milestones"}, {"milestones", "3 epochs, x"}}, "optimizer.milestones: 'x' is not");
  expect_refused({{"schedule", "milestones"}, {"milestones", "3 epochs, 30 steps"}},
                 "step 30 does not come after step 30");
  expect_refused({{"schedule", "cosine"}, {"warmup", "10 epochs"}}, "leave nothing of the run's 100");
  // Options without a meaning beside the others.
  expect_refused({{"milestones", "3 epochs"}}, "optimizer.milestones: has no meaning with");
  expect_refused({{"schedule", "cosine"}, {"decay", "0.5"}}, "optimizer.decay: has no meaning with");
  EXPECT_NE(usage_error([] {
              check_schedule(options_of({{"schedule", "milestones"}}));
            }).find("needs some, such as"),
            std::string::npos);
}

}  // namespace
}  // namespace laconic
