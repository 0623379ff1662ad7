#include "training/batch.h"

#include <torch/torch.h>

#include <array>

#include "training/data/augmentation.h"
#include "training/data/test_support.h"

namespace laconic {
namespace {

constexpr ImageShape kShape{.channels = 3, .height = 5, .width = 4};

TEST(Batch, ChannelsAreNormalisedByTheirMeanAndDeviation) {
  Dataset data = random_dataset(6, 2, kShape, 4);
  data.normalisation = {{.mean = 0.5F, .deviation = 0.25F}, {.mean = 0.1F, .deviation = 2.0F}, {}};
  const std::array<std::uint32_t, 2> chosen = {5, 2};
  const Batch batch = make_batch(data, data.train, chosen, nullptr);
  EXPECT_EQ(batch.inputs.sizes().vec(), (std::vector<std::int64_t>{2, 3, 5, 4}));
  for (std::int64_t i = 0; i < 2; ++i) {
    EXPECT_EQ(batch.targets[i].item<std::int64_t>(), data.train.labels[chosen[static_cast<std::size_t>(i)]]);
    for (std::int64_t j = 0; j < 60; ++j) {
      const double value = data.train.pixels[chosen[static_cast<std::size_t>(i)] * 60 + static_cast<std::size_t>(j)];
      const ChannelScale& scale = data.normalisation[static_cast<std::size_t>(j / 20)];
      EXPECT_NEAR(batch.inputs[i].view({-1})[j].item<double>(), (value / 255.0 - scale.mean) / scale.deviation, 1e-5);
    }
  }
}

TEST(Batch, ValuesAreTakenAsTheyAre) {
  Dataset data;
  data.shape = {.channels = 1, .height = 1, .width = 2};
  data.classes = 3;
  data.train.values = {1.5F, -2.0F, 300.0F, 4.0F, 0.0F, -6.25F};
  data.train.labels = {2, 0, 1};
  const std::array<std::uint32_t, 2> chosen = {2, 0};
  const Batch batch = make_batch(data, data.train, chosen, nullptr);
  EXPECT_EQ(batch.inputs.sizes().vec(), (std::vector<std::int64_t>{2, 1, 1, 2}));
  EXPECT_TRUE(at::equal(batch.inputs.flatten(), torch::tensor({0.0F, -6.25F, 1.5F, -2.0F})));
  EXPECT_TRUE(at::equal(batch.targets, torch::tensor({1, 2}, torch::kLong)));
  const std::array<std::uint16_t, 3> labels = {1, 2, 0};
  const Batch moved = make_batch(data, data.train, chosen, nullptr, {.labels = labels});
  EXPECT_TRUE(at::equal(moved.targets, torch::tensor({2, 0}, torch::kLong)));
}

TEST(Batch, ImagesAreAugmentedOnlyWhereTheDataWantItAndAStreamIsGiven) {
  Dataset data = random_dataset(40, 2, kShape, 4);
  std::array<std::uint32_t, 40> all{};
  for (std::uint32_t i = 0; i < 40; ++i) all[i] = i;
  const auto batch_of = [&](bool augmented, bool with_stream) {
    data.augmentation = augmented ? Augmentation::kCropMirror : Augmentation::kNone;
    RandomStream stream(1, "test augmentation");
    return make_batch(data, data.train, all, with_stream ? &stream : nullptr).inputs;
  };
  const at::Tensor plain = batch_of(false, false);
  EXPECT_TRUE(at::equal(plain, batch_of(true, false)));
  EXPECT_TRUE(at::equal(plain, batch_of(false, true)));
  const at::Tensor augmented = batch_of(true, true);
  EXPECT_TRUE(at::equal(augmented, batch_of(true, true)));
  // Sample after sample the crops of the stream.
  RandomStream stream(1, "test augmentation");
  std::array<std::uint8_t, 3 * 5 * 4> expected{};
  for (std::int64_t i = 0; i < 40; ++i) {
    crop_image(data.train.pixels.data() + static_cast<std::size_t>(i) * kShape.size(), kShape, random_crop(stream),
               expected.data());
    for (std::int64_t j = 0; j < 60; ++j) {
      ASSERT_EQ(augmented[i].view({-1})[j].item<float>(),
                static_cast<float>(expected[static_cast<std::size_t>(j)]) / 255.0F);
    }
  }
}

TEST(Batch, OfTextHasTheNextTokensAsTargets) {
  Dataset data;
  data.input = Input::kText;
  data.classes = 9;
  data.train.tokens_each = 4;
  data.train.tokens = {1, 2, 3, 4, 4, 5, 6, 7, 7, 8, 0, 1};
  EXPECT_EQ(data.train.count(), 3U);
  EXPECT_EQ(data.train.predictions_each(), 3U);
  const std::array<std::uint32_t, 2> chosen = {2, 0};
  const Batch batch = make_batch(data, data.train, chosen, nullptr);
  EXPECT_TRUE(at::equal(batch.inputs, torch::tensor(std::vector<std::int64_t>{7, 8, 0, 1, 2, 3}).reshape({2, 3})));
  EXPECT_TRUE(at::equal(batch.targets, torch::tensor(std::vector<std::int64_t>{8, 0, 1, 2, 3, 4})));
}

}  // namespace
}  // namespace laconic
