#include "training/data/graphical_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "training/data/splits.h"
#include "training/data/test_support.h"

namespace laconic {
namespace {

constexpr GraphicalModelSize kSize{.inputs = 24, .hidden = 4};
constexpr std::size_t kSamples = 40'000;
// A share of kSamples coins is off by more than this once in some 1e6: five standard deviations.
const double kTolerance = 5.0 * 0.5 / std::sqrt(static_cast<double>(kSamples));

Samples draw(const GraphicalModel& model, std::size_t count = kSamples) {
  RandomStream stream(3, "test stream");
  return model.draw(stream, count);
}

TEST(GraphicalModel, LabelsAreEvenAndEachInputAgreesWithThemAsOftenAsItsTwoFlipsSay) {
  const GraphicalModel model(kSize, 7, 0);
  const Samples samples = draw(model);
  ASSERT_EQ(samples.count(), kSamples);
  ASSERT_EQ(samples.pixels.size(), kSamples * kSize.inputs);
  const auto ones = std::count(samples.labels.begin(), samples.labels.end(), 1);
  EXPECT_NEAR(static_cast<double>(ones) / kSamples, 0.5, kTolerance);
  for (std::size_t i = 0; i < kSize.inputs; ++i) {
    std::size_t agree = 0;
    for (std::size_t s = 0; s < kSamples; ++s) {
      const std::uint8_t pixel = samples.pixels[s * kSize.inputs + i];
      ASSERT_TRUE(pixel == 0 || pixel == 255);
      if ((pixel == 255) == (samples.labels[s] == 1)) ++agree;
    }
    const double p = model.hidden_flips()[model.wires()[i]];
    const double q = model.input_flips()[i];
    EXPECT_NEAR(static_cast<double>(agree) / kSamples, (1 - p) * (1 - q) + p * q, kTolerance) << "input " << i;
  }
}

TEST(GraphicalModel, InputsOfOneHiddenBitGoTogetherAndThoseOfTwoOnlyByTheLabel) {
  const GraphicalModel model(kSize, 7, 0);
  const Samples samples = draw(model);
  // Signs, +1 where an input agrees with the label: independent unless a hidden bit is shared, whose sign s has mean
  // 1 - 2p and square 1.
  const auto sign = [&](std::size_t s, std::size_t i) {
    return (samples.pixels[s * kSize.inputs + i] == 255) == (samples.labels[s] == 1) ? 1.0 : -1.0;
  };
  int shared = 0;
  for (std::size_t i = 0; i < kSize.inputs; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      double product = 0.0;
      for (std::size_t s = 0; s < kSamples; ++s) product += sign(s, i) * sign(s, j) / kSamples;
      const bool same = model.wires()[i] == model.wires()[j];
      shared += same ? 1 : 0;
      const double hidden =
          same ? 1.0
               : (1 - 2 * model.hidden_flips()[model.wires()[i]]) * (1 - 2 * model.hidden_flips()[model.wires()[j]]);
      const double expected = hidden * (1 - 2 * model.input_flips()[i]) * (1 - 2 * model.input_flips()[j]);
      EXPECT_NEAR(product, expected, 2 * kTolerance) << "inputs " << i << " and " << j;
    }
  }
  EXPECT_GT(shared, 0);
}

TEST(GraphicalModel, AnotherNumberIsAnotherModelAndTheSameTheSame) {
  const GraphicalModel first(kSize, 7, 0);
  const GraphicalModel again(kSize, 7, 0);
  const GraphicalModel second(kSize, 7, 1);
  EXPECT_EQ(first.hidden_flips(), again.hidden_flips());
  EXPECT_EQ(first.wires(), again.wires());
  EXPECT_EQ(draw(first, 10).pixels, draw(again, 10).pixels);
  EXPECT_NE(first.hidden_flips(), second.hidden_flips());
  EXPECT_NE(first.input_flips(), second.input_flips());
  EXPECT_NE(first.wires(), second.wires());
  for (const double flip : first.input_flips()) EXPECT_TRUE(flip >= 0.0 && flip < 1.0);
}

TEST(GraphicalModel, IsADataSetWithoutFilesAndWithoutEnd) {
  const DatasetRow& row = find_dataset("graphical_model");
  const Options options("data", row.options, {{"inputs", {.text = "30", .where = "test"}}});
  Dataset data = load_dataset(row, "", options);
  EXPECT_EQ(data.shape, (ImageShape{.channels = 1, .height = 1, .width = 30}));
  EXPECT_EQ(data.train.count(), 50'000U);
  EXPECT_EQ(data.train.memory(), 0U);
  EXPECT_EQ(usage_error([&] { load_dataset(row, "/tmp", options); }),
            "data.dir: graphical_model has no files; remove it");
  EXPECT_EQ(usage_error([&] { hold_out_validation(data, 0.1, 1); }),
            "data.validation: graphical_model is a stream without end, of which every sample is new; remove the "
            "fraction");
}

}  // namespace
}  // namespace laconic
