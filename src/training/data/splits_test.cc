#include "training/data/splits.h"

#include <algorithm>

#include "training/data/test_support.h"

namespace laconic {
namespace {

TEST(HoldOutValidation, MovesEachSampleToOneSplitAndDependsOnTheSeedAlone) {
  const Dataset whole = random_dataset(200, 5, {.channels = 1, .height = 2, .width = 3}, 4);
  Dataset data = whole;
  for (std::uint32_t i = 0; i < 200; ++i) data.train.users.push_back(i);  // marks the samples
  Dataset same = data;
  Dataset other = data;
  hold_out_validation(data, 0.25, 7);
  hold_out_validation(same, 0.25, 7);
  hold_out_validation(other, 0.25, 8);
  EXPECT_EQ(data.train.count(), 150U);
  EXPECT_EQ(data.validation.count(), 50U);
  EXPECT_EQ(data.test.count(), 5U);
  std::vector<std::uint32_t> all = data.train.users;
  EXPECT_TRUE(std::ranges::is_sorted(all));
  all.insert(all.end(), data.validation.users.begin(), data.validation.users.end());
  std::ranges::sort(all);
  for (std::uint32_t i = 0; i < 200; ++i) ASSERT_EQ(all[i], i);
  for (std::size_t i = 0; i < 50; ++i) {
    const std::uint32_t from = data.validation.users[i];
    EXPECT_EQ(data.validation.labels[i], whole.train.labels[from]);
    EXPECT_TRUE(std::equal(data.validation.pixels.begin() + static_cast<std::ptrdiff_t>(i * 6),
                           data.validation.pixels.begin() + static_cast<std::ptrdiff_t>(i * 6 + 6),
                           whole.train.pixels.begin() + static_cast<std::ptrdiff_t>(from * 6)));
  }
  EXPECT_EQ(data.validation.users, same.validation.users);
  EXPECT_NE(data.validation.users, other.validation.users);
}

TEST(HoldOutValidation, RefusesAFractionThatLeavesASplitEmpty) {
  Dataset data = random_dataset(10, 5, {.channels = 1, .height = 2, .width = 3}, 4);
  EXPECT_THROW(hold_out_validation(data, 0.01, 1), UsageError);
  EXPECT_THROW(hold_out_validation(data, 0.99, 1), UsageError);
  EXPECT_THROW(hold_out_validation(data, 1.0, 1), UsageError);
  EXPECT_THROW(hold_out_validation(data, -0.1, 1), UsageError);
  EXPECT_EQ(data.train.count(), 10U);
  hold_out_validation(data, 0.0, 1);
  EXPECT_EQ(data.train.count(), 10U);
}

TEST(KeepSamples, KeepsTheMarkedOnesInOrderWithAllThatTheyHave) {
  Samples samples;
  samples.pixels = {0, 1, 10, 11, 20, 21, 30, 31};
  samples.labels = {0, 1, 2, 3};
  samples.users = {5, 6, 7, 8};
  keep_samples(samples, {false, true, false, true}, 2);
  EXPECT_EQ(samples.pixels, (std::vector<std::uint8_t>{10, 11, 30, 31}));
  EXPECT_EQ(samples.labels, (std::vector<std::uint16_t>{1, 3}));
  EXPECT_EQ(samples.users, (std::vector<std::uint32_t>{6, 8}));
  EXPECT_EQ(samples.pixels.capacity(), 4U);

  Samples text;
  text.tokens_each = 3;
  text.tokens = {1, 2, 3, 3, 4, 5, 5, 6, 7};
  keep_samples(text, {true, false, true}, 0);
  EXPECT_EQ(text.tokens, (std::vector<std::uint32_t>{1, 2, 3, 5, 6, 7}));
  EXPECT_THROW(keep_samples(text, {true}, 0), CheckFailed);
}

TEST(OutlineWithout, HasTheCountLabelsAndUsersOfTheUnmarked) {
  Samples samples = random_samples(4, {.channels = 1, .height = 2, .width = 3}, 4, 1);
  samples.labels = {0, 1, 2, 3};
  samples.users = {5, 6, 7, 8};
  const Samples outline = outline_without(samples, {false, true, false, false});
  EXPECT_EQ(outline.labels, (std::vector<std::uint16_t>{0, 2, 3}));
  EXPECT_EQ(outline.users, (std::vector<std::uint32_t>{5, 7, 8}));
  EXPECT_EQ(outline.count(), 3U);
  EXPECT_TRUE(outline.pixels.empty());

  Samples text;
  text.tokens_each = 3;
  text.tokens = {1, 2, 3, 3, 4, 5, 5, 6, 7};
  EXPECT_EQ(outline_without(text, {true, false, false}).count(), 2U);
  EXPECT_TRUE(outline_without(text, {true, false, false}).labels.empty());
}

TEST(AppendSamples, PutsThemBehindTheOthers) {
  Samples samples;
  Samples more;
  more.pixels = {1, 2};
  more.labels = {3};
  append_samples(Samples(more), samples);
  more.pixels = {4, 5};
  more.labels = {6};
  append_samples(std::move(more), samples);
  EXPECT_EQ(samples.pixels, (std::vector<std::uint8_t>{1, 2, 4, 5}));
  EXPECT_EQ(samples.labels, (std::vector<std::uint16_t>{3, 6}));
  Samples text;
  text.tokens_each = 1;
  text.tokens = {1};
  EXPECT_THROW(append_samples(std::move(text), samples), CheckFailed);
}

}  // namespace
}  // namespace laconic
