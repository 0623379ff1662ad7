#include "training/formats/resize.h"

#include <algorithm>
#include <numeric>

#include "base/random.h"
#include "training/formats/test_support.h"

namespace laconic {
namespace {

using Pixels = std::vector<std::uint8_t>;

// (7 x^2 + 13 y + 5 x y) mod 256 at column x of row y.
ImageBytes picture(std::int64_t width, std::int64_t height) {
  ImageBytes image{.shape = {.channels = 1, .height = height, .width = width}, .pixels = {}};
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      image.pixels.push_back(static_cast<std::uint8_t>(x * x * 7 + y * 13 + x * y * 5));
    }
  }
  return image;
}

Pixels fitted_picture(std::int64_t width, std::int64_t height, const ImageSize& size, Fit fit) {
  return fitted(picture(width, height), size, fit).pixels;
}

// The numbers are of Pillow 9.4: picture(w, h).resize((W, H), Image.BILINEAR), of torchvision's Resize and CenterCrop on
// it, and of ImageOps.pad(picture(w, h), (W, H), Image.BILINEAR). tests/python/images.py compares many more.
TEST(Resize, GivesPillowsBytes) {
  EXPECT_EQ(fitted_picture(7, 5, {3, 3}, Fit::kStretch), (Pixels{16, 82, 166, 44, 123, 151, 71, 155, 126}));
  EXPECT_EQ(fitted_picture(5, 3, {7, 4}, Fit::kStretch),
            (Pixels{0,  4,  13, 28, 53, 84,  112, 8,  14, 25, 42, 70,  103, 133,
                    18, 26, 40, 60, 90, 125, 157, 26, 36, 52, 74, 106, 144, 178}));
  EXPECT_EQ(fitted_picture(9, 2, {4, 5}, Fit::kStretch),
            (Pixels{9, 63, 173, 159, 11, 66, 170, 159, 18, 77, 158, 158, 24, 87, 146, 157, 26, 90, 143, 157}));
}

TEST(Resize, CutsTheMiddleOutOfWhatCoversTheSize) {
  EXPECT_EQ(fitted_picture(11, 5, {4, 4}, Fit::kCrop),
            (Pixels{70, 143, 190, 137, 102, 184, 126, 141, 134, 167, 117, 166, 167, 167, 118, 100}));
  EXPECT_EQ(fitted_picture(5, 11, {4, 3}, Fit::kCrop), (Pixels{44, 75, 124, 193, 64, 103, 161, 165, 82, 129, 190, 85}));
}

TEST(Resize, PutsBlackAroundWhatLiesWithinTheSize) {
  EXPECT_EQ(fitted_picture(11, 5, {4, 4}, Fit::kPad),
            (Pixels{0, 0, 0, 0, 34, 123, 149, 149, 72, 149, 130, 134, 0, 0, 0, 0}));
  EXPECT_EQ(fitted_picture(5, 11, {6, 4}, Fit::kPad),
            (Pixels{0, 0, 33, 100, 0, 0, 0, 0, 78, 151, 0, 0, 0, 0, 121, 122, 0, 0, 0, 0, 143, 114, 0, 0}));
}

TEST(Resize, LeavesAnImageOfTheSizeAsItIs) {
  for (const Fit fit : {Fit::kCrop, Fit::kPad, Fit::kStretch}) {
    EXPECT_EQ(fitted_picture(7, 5, {7, 5}, fit), picture(7, 5).pixels);
  }
}

TEST(Resize, OfAPartIsThatOfThePartCutOutBefore) {
  const ImageBytes image = picture(11, 9);
  ImageBytes part{.shape = {.channels = 1, .height = 6, .width = 7}, .pixels = {}};
  for (std::int64_t y = 1; y < 7; ++y) {
    for (std::int64_t x = 2; x < 9; ++x) part.pixels.push_back(image.pixels[static_cast<std::size_t>(y * 11 + x)]);
  }
  EXPECT_EQ(resized(image.pixels, image.shape, {.start = 1, .from = 6, .to = 4, .first = 0, .count = 4},
                    {.start = 2, .from = 7, .to = 5, .first = 0, .count = 5})
                .pixels,
            fitted(part, {.width = 5, .height = 4}, Fit::kStretch).pixels);
}

TEST(Resize, OfAWindowIsThatWindowOfTheWhole) {
  const ImageBytes image = picture(11, 9);
  const Pixels whole = fitted_picture(11, 9, {20, 17}, Fit::kStretch);
  const ImageBytes window =
      resized(image.pixels, image.shape, {.start = 0, .from = 9, .to = 17, .first = 5, .count = 3},
              {.start = 0, .from = 11, .to = 20, .first = 9, .count = 4});
  for (std::size_t y = 0; y < 3; ++y) {
    for (std::size_t x = 0; x < 4; ++x) EXPECT_EQ(window.pixels[4 * y + x], whole[20 * (5 + y) + 9 + x]);
  }
}

// A thread of 1 x 4096 pixels would be some 17 million pixels on its way to covering a square of 64.
TEST(Resize, ComputesNoMoreThanIsKept) {
  const ImageBytes thread{.shape = {.channels = 1, .height = 4096, .width = 1}, .pixels = Pixels(4096, 7)};
  EXPECT_EQ(fitted(thread, {.width = 4096, .height = 4}, Fit::kCrop).pixels, Pixels(4 * 4096, 7));
  EXPECT_EQ(fitted(thread, {.width = 3, .height = 3}, Fit::kPad).pixels, (Pixels{0, 7, 0, 0, 7, 0, 0, 7, 0}));
}

TEST(Resize, OfOneColourIsThatColourInEveryChannel) {
  RandomStream stream(1, "test sizes");
  for (int i = 0; i < 200; ++i) {
    const auto side = [&] { return static_cast<std::int64_t>(1 + stream.below(40)); };
    ImageBytes image{.shape = {.channels = 3, .height = side(), .width = side()}, .pixels = {}};
    const std::size_t area = image.shape.size() / 3;
    for (const std::uint8_t value : {0, 128, 255}) image.pixels.insert(image.pixels.end(), area, value);
    const ImageSize size{.width = side(), .height = side()};
    const ImageBytes result = fitted(image, size, i % 2 == 0 ? Fit::kCrop : Fit::kStretch);
    ASSERT_EQ(result.shape, (ImageShape{.channels = 3, .height = size.height, .width = size.width}));
    for (std::size_t at = 0; at < result.pixels.size(); ++at) {
      ASSERT_EQ(result.pixels[at], (Pixels{0, 128, 255})[at / (result.pixels.size() / 3)]);
    }
  }
}

TEST(ImageSizes, AreWidthAndHeightOrASquare) {
  EXPECT_EQ(parse_image_size("224x192").width, 224);
  EXPECT_EQ(parse_image_size("224x192").height, 192);
  EXPECT_EQ(parse_image_size("32").width, 32);
  EXPECT_EQ(parse_image_size("32").height, 32);
  for (const char* text :
       {"", "x", "0", "0x3", "3x", "x3", "-1x3", "3x3x3", "5000", "3 x 3", "99999999999999999999", "a"}) {
    EXPECT_NE(usage_error([&] { parse_image_size(text); }).find("is no size of images"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace laconic
