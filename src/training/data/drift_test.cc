#include "training/data/drift.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "training/data/test_support.h"

namespace laconic {
namespace {

constexpr ImageShape kSquare{.channels = 2, .height = 3, .width = 3};
using Kind = DriftOptions::Kind;

Dataset images(std::uint32_t classes = 10, const ImageShape& shape = kSquare) {
  return random_dataset(1, 1, shape, classes);
}

std::string refusal(const std::map<std::string, std::string>& values) {
  std::map<std::string, GivenOption> given;
  for (const auto& [key, text] : values) given[key] = {.text = text, .where = "job.toml:7"};
  return usage_error([&] { read_drift(Options("drift", drift_options(), given)); });
}

TEST(Drift, ComesAtTheVeryStep) {
  const Drift drift({.kind = Kind::kLabels, .at = {3, 7}}, images(), 10, 1);
  EXPECT_TRUE(drift.at({0}).labels.empty());
  EXPECT_TRUE(drift.at({2}).labels.empty());
  const auto labels_of = [&](std::uint64_t step) {
    const auto labels = drift.at({step}).labels;
    return std::vector<int>(labels.begin(), labels.end());
  };
  EXPECT_EQ(labels_of(3).size(), 10U);
  EXPECT_EQ(labels_of(3), labels_of(6));
  EXPECT_NE(labels_of(6), labels_of(7));
  EXPECT_EQ(labels_of(7), labels_of(9));
}

TEST(Drift, OfLabelsPermutesThemAndMovesEachOne) {
  for (const std::uint32_t classes : {2U, 10U, 62U}) {
    const Drift drift({.kind = Kind::kLabels, .at = {1, 2, 3, 4, 5}}, images(classes), 10, 4);
    std::vector<std::uint8_t> before(classes);
    for (std::uint32_t label = 0; label < classes; ++label) before[label] = static_cast<std::uint8_t>(label);
    const std::vector<std::uint8_t> all = before;
    for (std::uint64_t step = 1; step <= 5; ++step) {
      const auto now = drift.at({step}).labels;
      ASSERT_TRUE(std::is_permutation(now.begin(), now.end(), all.begin(), all.end()));
      for (std::uint32_t label = 0; label < classes; ++label) EXPECT_NE(now[label], before[label]);
      before.assign(now.begin(), now.end());
    }
  }
}

TEST(Drift, OfImagesTurnsThemCounterclockwiseAndFourTimesIsOnce) {
  const Drift drift({.kind = Kind::kRotation, .at = {1, 2, 3, 4}}, images(), 10, 1);
  EXPECT_EQ(drift.at({0}).quarter_turns, 0);
  EXPECT_EQ(drift.at({1}).quarter_turns, 1);
  EXPECT_EQ(drift.at({3}).quarter_turns, 3);
  EXPECT_EQ(drift.at({4}).quarter_turns, 0);
  // Two channels of 3x3.
  const std::vector<std::uint8_t> image = {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19};
  std::vector<std::uint8_t> turned(image.size());
  rotate_image(image.data(), kSquare, 1, turned.data());
  EXPECT_EQ(turned, (std::vector<std::uint8_t>{3, 6, 9, 2, 5, 8, 1, 4, 7, 13, 16, 19, 12, 15, 18, 11, 14, 17}));
  rotate_image(image.data(), kSquare, 2, turned.data());
  EXPECT_EQ(turned, (std::vector<std::uint8_t>{9, 8, 7, 6, 5, 4, 3, 2, 1, 19, 18, 17, 16, 15, 14, 13, 12, 11}));
  rotate_image(image.data(), kSquare, 4, turned.data());
  EXPECT_EQ(turned, image);
}

TEST(Drift, WithAProbabilityComesThatOftenAndNeverBeforeTheFirstStep) {
  constexpr std::uint64_t kSteps = 200'000;
  for (const double probability : {0.001, 0.1}) {
    const Drift drift({.kind = Kind::kRotation, .probability = probability}, images(), kSteps, 2);
    const double expected = probability * kSteps;
    EXPECT_NEAR(static_cast<double>(drift.steps().size()), expected, 5.0 * std::sqrt(expected));
    EXPECT_TRUE(std::is_sorted(drift.steps().begin(), drift.steps().end(), std::less_equal<>()));
    EXPECT_GE(drift.steps().front(), 1U);
    EXPECT_LT(drift.steps().back(), kSteps);
    // The gaps have no memory: one is beyond n steps when no drift comes in n.
    std::uint64_t before = 0;
    double beyond = 0.0;
    for (const std::uint64_t step : drift.steps()) {
      if (static_cast<double>(step - before) > 1.0 / probability) beyond += 1.0;
      before = step;
    }
    EXPECT_NEAR(beyond / expected, std::pow(1.0 - probability, 1.0 / probability), 5.0 * 0.5 / std::sqrt(expected));
    EXPECT_EQ(Drift({.kind = Kind::kRotation, .probability = probability}, images(), kSteps, 2).steps(), drift.steps());
    EXPECT_NE(Drift({.kind = Kind::kRotation, .probability = probability}, images(), kSteps, 3).steps(), drift.steps());
  }
  const Drift always({.kind = Kind::kRotation, .probability = 1.0}, images(), 4, 1);
  EXPECT_EQ(always.steps(), (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST(Drift, OptionsThatMakeNoSenseAreRefusedWithTheirPlace) {
  EXPECT_EQ(refusal({{"at", "5"}}),
            "job.toml:7: drift.at: nothing drifts without a kind; set drift.kind, such as \"labels\"");
  EXPECT_EQ(refusal({{"kind", "labels"}}),
            "job.toml:7: drift.kind: a drift comes at some time; set drift.at, such as [1000, 2000], or "
            "drift.probability");
  EXPECT_EQ(refusal({{"kind", "labels"}, {"at", "5"}, {"probability", "0.1"}}),
            "job.toml:7: drift.probability: drift.at is given too; keep one of the two");
  EXPECT_EQ(refusal({{"kind", "labels"}, {"at", "5, 5"}}),
            "job.toml:7: drift.at: step 5 does not come after step 5; list steps in the order of time, such as [1000, "
            "2000]");
  EXPECT_NE(refusal({{"kind", "labels"}, {"at", "0"}}).find("before the first step"), std::string::npos);
  for (const char* text : {"5,", ",5", "five", "5 6", "-5", "1e3", "99999999999999999999"}) {
    EXPECT_NE(refusal({{"kind", "labels"}, {"at", text}}).find("is not a list of whole numbers"), std::string::npos)
        << text;
  }
  EXPECT_EQ(read_drift(Options("drift", drift_options(),
                               {{"kind", {.text = "rotation", .where = ""}}, {"at", {.text = " 4 ,8", .where = ""}}}))
                .at,
            (std::vector<std::uint64_t>{4, 8}));
}

TEST(Drift, WhatTheDataOrTheRunCannotMeetIsRefused) {
  const auto why = [](const DriftOptions& options, const Dataset& data) {
    return usage_error([&] { Drift(options, data, 100, 1); });
  };
  EXPECT_EQ(why({.kind = Kind::kRedraw, .at = {1}}, images()),
            "drift.kind: nothing of random can be drawn anew, only data.dataset = \"graphical_model\"; take labels or "
            "rotation");
  EXPECT_EQ(why({.kind = Kind::kRotation, .at = {1}}, images(10, {.channels = 1, .height = 3, .width = 4})),
            "drift.kind: images of random have 3x4 pixels, and only square ones turn; take labels");
  EXPECT_EQ(why({.kind = Kind::kLabels, .at = {1, 100}}, images()),
            "drift.at: no step follows on step 100 in a run of 100; remove it, or run longer");
  Dataset text;
  text.name = "words";
  text.input = Input::kText;
  EXPECT_EQ(why({.kind = Kind::kLabels, .at = {1}}, text),
            "drift.kind: words is text, which has neither labels nor images; remove [drift]");
}

}  // namespace
}  // namespace laconic
