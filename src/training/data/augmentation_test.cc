#include "training/data/augmentation.h"

#include <array>
#include <map>

#include "training/data/test_support.h"
#include "training/formats/resize.h"

namespace laconic {
namespace {

constexpr ImageShape kShape{.channels = 2, .height = 3, .width = 4};
using Image = std::array<std::uint8_t, 2 * 3 * 4>;

Image numbered() {
  Image image{};
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = static_cast<std::uint8_t>(i + 1);
  return image;
}

Image cropped(const Crop& crop) {
  Image result{};
  crop_image(numbered().data(), kShape, crop, result.data());
  return result;
}

TEST(Crop, MovesTheImageAndFillsWithBlack) {
  EXPECT_EQ(cropped({}), numbered());
  EXPECT_EQ(cropped({.down = 1, .right = 2}), (Image{7,  8,  0, 0, 11, 12, 0, 0, 0, 0, 0, 0,  //
                                                     19, 20, 0, 0, 23, 24, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(cropped({.down = -2, .right = -1}), (Image{0, 0, 0, 0, 0, 0, 0, 0, 0, 1,  2,  3,  //
                                                       0, 0, 0, 0, 0, 0, 0, 0, 0, 13, 14, 15}));
  EXPECT_EQ(cropped({.down = 4, .right = 0}), Image{});
}

TEST(Crop, MirrorsAfterwards) {
  EXPECT_EQ(cropped({.mirrored = true}),
            (Image{4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9, 16, 15, 14, 13, 20, 19, 18, 17, 24, 23, 22, 21}));
  EXPECT_EQ(cropped({.right = 1, .mirrored = true}),
            (Image{0, 4, 3, 2, 0, 8, 7, 6, 0, 12, 11, 10, 0, 16, 15, 14, 0, 20, 19, 18, 0, 24, 23, 22}));
}

TEST(RandomCrop, IsUniformOverTheEightyOnePlacesAndTheMirror) {
  constexpr int kDraws = 81 * 2 * 200;
  RandomStream stream(1, "test crops");
  std::map<std::tuple<std::int64_t, std::int64_t, bool>, int> counts;
  for (int i = 0; i < kDraws; ++i) {
    const Crop crop = random_crop(stream);
    ASSERT_TRUE(crop.down >= -4 && crop.down <= 4 && crop.right >= -4 && crop.right <= 4);
    ++counts[{crop.down, crop.right, crop.mirrored}];
  }
  EXPECT_EQ(counts.size(), 162U);
  // Counts are near Poisson(200), whose deviation is 14.1. Five of them.
  for (const auto& [crop, count] : counts) EXPECT_NEAR(count, 200, 71);
}

constexpr ImageShape kLarge{.channels = 1, .height = 60, .width = 80};

TEST(RandomPart, HasTheAreasAndSidesOfTorchvisions) {
  RandomStream stream(1, "test parts");
  constexpr int kDraws = 20000;
  double areas = 0.0;
  double wide = 0.0;
  double left = 0.0;
  for (int i = 0; i < kDraws; ++i) {
    const Part part = random_part(kLarge, stream);
    ASSERT_TRUE(part.top >= 0 && part.left >= 0 && part.height >= 1 && part.width >= 1);
    ASSERT_TRUE(part.top + part.height <= kLarge.height && part.left + part.width <= kLarge.width);
    const double area = static_cast<double>(part.height * part.width) / (60.0 * 80.0);
    const double ratio = static_cast<double>(part.width) / static_cast<double>(part.height);
    // Sides are rounded to whole pixels, half a pixel of 17 at least.
    ASSERT_TRUE(area > 0.075 && area <= 1.0) << area;
    ASSERT_TRUE(ratio > 0.75 * 0.95 && ratio < 4.0 / 3.0 * 1.05) << ratio;
    areas += area / kDraws;
    wide += (ratio > 1.0 ? 1.0 : 0.0) / kDraws;
    if (part.left * 2 < kLarge.width - part.width) left += 1.0 / kDraws;
  }
  // What a million draws of torchvision's rule in NumPy gave: .4381, .5589 and .4900. Their deviations here are below .004.
  EXPECT_NEAR(areas, 0.4381, 0.012);
  EXPECT_NEAR(wide, 0.5589, 0.016);
  EXPECT_NEAR(left, 0.4900, 0.016);
}

TEST(RandomPart, IsTheMiddleOfWhatIsTooLong) {
  RandomStream stream(1, "test parts");
  // No part of a thousandth of the area or more has sides as equal as they must be: the largest in the middle is taken.
  for (int i = 0; i < 50; ++i) {
    const Part part = random_part({.channels = 1, .height = 1, .width = 1000}, stream);
    ASSERT_TRUE(part.top == 0 && part.height == 1 && part.left == 499 && part.width == 1) << part.left;
    const Part other = random_part({.channels = 1, .height = 300, .width = 3}, stream);
    ASSERT_TRUE(other.top == 148 && other.height == 4 && other.left == 0 && other.width == 3) << other.top;
  }
}

TEST(Augmentation, IsWhatItsWordSays) {
  const Image image = numbered();
  Image mirrored{};
  crop_image(image.data(), kShape, {.mirrored = true}, mirrored.data());
  int mirrors = 0;
  int others = 0;
  RandomStream stream(1, "test augmentation");
  for (int i = 0; i < 1000; ++i) {
    Image result{};
    augment_image(parse_augmentation("none"), image.data(), kShape, stream, result.data());
    ASSERT_EQ(result, image);
    augment_image(parse_augmentation("mirror"), image.data(), kShape, stream, result.data());
    ASSERT_TRUE(result == image || result == mirrored);
    mirrors += result == mirrored ? 1 : 0;
    augment_image(parse_augmentation("resized_crop_mirror"), image.data(), kShape, stream, result.data());
    others += result != image && result != mirrored ? 1 : 0;
    for (std::size_t at = 0; at < result.size(); ++at) {
      ASSERT_TRUE(at < 12 ? result[at] >= 1 && result[at] <= 12 : result[at] >= 13 && result[at] <= 24) << "no black";
    }
  }
  EXPECT_NEAR(mirrors, 500, 80);
  EXPECT_GT(others, 800);
}

TEST(Augmentation, OfOnePartIsThatPartResized) {
  const Image image = numbered();
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    RandomStream stream(seed, "test augmentation");
    Image result{};
    augment_image(Augmentation::kResizedCropMirror, image.data(), kShape, stream, result.data());
    RandomStream again(seed, "test augmentation");
    const Part part = random_part(kShape, again);
    const bool is_mirrored = again.below(2) == 1;
    // Cut out by hand, then resized as images of a folder are.
    ImageBytes cut{.shape = {.channels = 2, .height = part.height, .width = part.width}, .pixels = {}};
    for (std::int64_t channel = 0; channel < 2; ++channel) {
      for (std::int64_t y = 0; y < part.height; ++y) {
        for (std::int64_t x = 0; x < part.width; ++x) {
          cut.pixels.push_back(image[static_cast<std::size_t>((channel * 3 + part.top + y) * 4 + part.left + x)]);
        }
      }
    }
    const ImageBytes whole = fitted(cut, {.width = 4, .height = 3}, Fit::kStretch);
    Image wanted{};
    crop_image(whole.pixels.data(), kShape, {.mirrored = is_mirrored}, wanted.data());
    ASSERT_EQ(result, wanted) << "seed " << seed;
  }
}

}  // namespace
}  // namespace laconic
