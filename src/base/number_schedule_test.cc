#include "base/number_schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace laconic {
namespace {

NumberSchedule over_steps(double first, double last, std::uint64_t steps) {
  return {.first = first, .last = last, .over = {.numerator = steps}};
}

TEST(NumberSchedule, GoesFromItsFirstNumberToItsLastByEqualFactors) {
  const NumberSchedule schedule = over_steps(0.2, 0.0125, 8);
  EXPECT_EQ(schedule.at(0), 0.2);
  for (std::uint64_t t = 0; t < 8; ++t) {
    EXPECT_NEAR(schedule.at(t), 0.2 * std::exp2(-0.5 * static_cast<double>(t)), 1e-15) << t;
  }
  for (const std::uint64_t t : {std::uint64_t{8}, std::uint64_t{9}, ~std::uint64_t{0}}) {
    EXPECT_EQ(schedule.at(t), 0.0125) << t;
  }
  EXPECT_NEAR(over_steps(0.01, 0.09, 2).at(1), 0.03, 1e-15) << "upwards too";
}

TEST(NumberSchedule, WithAnEndAtOrBelowZeroItGoesByEqualDifferences) {
  for (const auto& [first, last] : {std::pair{1.0, 0.0}, {0.0, 2.0}, {-1.0, 1.0}, {-4.0, -2.0}}) {
    const NumberSchedule schedule = over_steps(first, last, 5);
    for (std::uint64_t t = 0; t <= 7; ++t) {
      const double share = std::min(1.0, static_cast<double>(t) / 5.0);
      EXPECT_NEAR(schedule.at(t), first * (1 - share) + last * share, 1e-15) << first << " to " << last << ", " << t;
    }
  }
}

TEST(NumberSchedule, StaysBetweenItsEndsInEveryStep) {
  for (const auto& [first, last] : {std::pair{0.2, 0.01}, {0.7, 0.1}, {1.0, 1e-9}, {0.3, 0.3}, {1e-3, 1.0}}) {
    const NumberSchedule schedule = over_steps(first, last, 997);
    double before = first;
    for (std::uint64_t t = 0; t < 1000; ++t) {
      const double now = schedule.at(t);
      EXPECT_GE(now, std::min(first, last)) << t;
      EXPECT_LE(now, std::max(first, last)) << t;
      EXPECT_TRUE(first <= last ? now >= before : now <= before) << t;
      before = now;
    }
  }
}

TEST(NumberSchedule, IsReadFromWhatAJobFileHasAndWrittenSoThatItIsTheSameAgain) {
  struct Case {
    std::string text;
    double first, last;
    TrainingLength over;
    std::string written;
  };
  const std::vector<Case> cases = {
      {"0.2 -> 0.01 over 2 epochs", 0.2, 0.01, {.in_epochs = true, .numerator = 2}, "0.2 -> 0.01 over 2 epochs"},
      {"0.2->1e-2 over 0.5 epoch", 0.2, 0.01, {true, 1, 2}, "0.2 -> 0.01 over 0.5 epochs"},
      {"  1  ->  0.3  over  100  steps ", 1.0, 0.3, {.numerator = 100}, "1 -> 0.3 over 100 steps"},
      {"20% -> 1.5 % over 2 epochs", 0.2, 0.015, {.in_epochs = true, .numerator = 2}, "0.2 -> 0.015 over 2 epochs"},
      {"0 -> 0 over 1 step", 0.0, 0.0, {.numerator = 1}, "0 -> 0 over 1 steps"},
      {"0.1 -> 0.30000000000000004 over 0.333333 epochs",
       0.1,
       0.30000000000000004,
       {true, 333333, 1000000},
       "0.1 -> 0.30000000000000004 over 0.333333 epochs"},
  };
  for (const Case& each : cases) {
    for (const std::string& text : {each.text, each.written}) {
      const std::optional<NumberSchedule> schedule = parse_number_schedule(text);
      ASSERT_TRUE(schedule) << text;
      EXPECT_EQ(schedule->first, each.first) << text;
      EXPECT_EQ(schedule->last, each.last) << text;
      EXPECT_EQ(schedule->over.in_epochs, each.over.in_epochs) << text;
      EXPECT_EQ(schedule->over.numerator, each.over.numerator) << text;
      EXPECT_EQ(schedule->over.denominator, each.over.denominator) << text;
      EXPECT_EQ(schedule->text(), each.written);
    }
  }
}

TEST(NumberSchedule, TextWithoutAnArrowIsNone) {
  for (const char* text : {"", "0.2", "auto", "0.2 over 2 epochs", "- >", "0.2 > 0.1", "-0.5"}) {
    EXPECT_FALSE(looks_scheduled(text)) << text;
    EXPECT_FALSE(parse_number_schedule(text)) << text;
  }
}

TEST(NumberSchedule, TextThatSaysHalfOfItIsRefusedWithAnExample) {
  std::vector<std::string> texts = {"->",
                                    "0.2 -> 0.01",
                                    "0.2 -> 0.01 over",
                                    "0.2 -> 0.01 over ",
                                    "0.2 -> 0.01 over 2",
                                    "0.2 -> 0.01 over epochs",
                                    "0.2 -> 0.01 over 0 epochs",
                                    "0.2 -> 0.01 over 1e-9 epochs",
                                    "0.2 -> 0.01 over -2 steps",
                                    "0.2 -> 0.01 over 2.5 steps",
                                    "0.2 -> 0.01 over nan epochs",
                                    "0.2 -> 0.01 over 1e300 epochs",
                                    "0.2 -> 0.01 over 2 epochs over 3 epochs",
                                    "0.2 -> 0.1 -> 0.01 over 2 epochs",
                                    "-> 0.01 over 2 epochs",
                                    "0.2 -> over 2 epochs",
                                    "0.2 -> nan over 2 epochs",
                                    "inf -> 0.1 over 2 epochs",
                                    "1e999 -> 0.1 over 2 epochs",
                                    "0.2x -> 0.1 over 2 epochs",
                                    "0,2 -> 0,1 over 2 epochs",
                                    "0.2 -> 0.01 after 2 epochs",
                                    std::string("0.2\0 -> 0.1 over 2 epochs", 25),
                                    "\xff\n\x1b[31m -> 0.1 over 2 epochs"};
  for (const std::string& text : texts) {
    try {
      parse_number_schedule(text);
      FAIL() << "'" << text << "' was taken";
    } catch (const UsageError& error) {
      const std::string message = error.what();
      EXPECT_NE(message.find("write it as in \"0.2 -> 0.01 over 2 epochs\""), std::string::npos) << message;
      EXPECT_EQ(message.find_first_of("\n\x1b"), std::string::npos) << "what a terminal must not get";
    }
  }
}

TEST(NumberSchedule, InEpochsItHasNoNumberAtAStep) {
  const NumberSchedule schedule{.first = 1, .last = 2, .over = {.in_epochs = true}};
  EXPECT_THROW(schedule.at(0), CheckFailed);
}

}  // namespace
}  // namespace laconic
