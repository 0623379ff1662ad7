#include "training/data/augmentation.h"

#include <array>
#include <map>

#include "training/data/test_support.h"

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

}  // namespace
}  // namespace laconic
