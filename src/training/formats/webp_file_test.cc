#include "training/formats/webp_file.h"

#include <webp/encode.h>

#include "training/formats/image_file.h"
#include "training/formats/test_support.h"

namespace laconic {
namespace {

using Pixels = std::vector<std::uint8_t>;

std::string from_hex(std::string_view digits) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

// Pillow 9.4 wrote these, Image.save("WEBP", lossless=True), of the pixels red, green / blue, white: as they are; with
// alpha 255, 128 / 0, 255; with Exif that says orientation 6; and two of them as an animation.
const std::string kFour = from_hex(
    "524946462c000000574542505650384c1f0000002f014000001f201048de1f3a8df9171014fc1fddfc47640fe0060c11fd0f0100");
const std::string kAlpha = from_hex(
    "5249464630000000574542505650384c230000002f014000101f30ff028222ff47db7f0141d175cb05d925414ddb062c7e938e88fec70100");
const std::string kTurned = from_hex(
    "524946466000000057454250565038580a000000080000000100000100005650384c1f0000002f014000001f201048de1f3a8df9171014fc1f"
    "ddfc47640fe0060c11fd0f0100455849461a0000004d4d002a00000008000101120003000000010006000000000000");
const std::string kAnimated = from_hex(
    "52494646a400000057454250565038580a00000002000000010000010000414e494d06000000000000000000414e4d46380000000000000000"
    "00010000010000000000025650384c1f0000002f014000001f201048de1f3a8df9171014fc1fddfc47640fe0060c11fd0f0100414e4d463800"
    "0000000000000000010000010000000000005650384c1f0000002f014000001f201048de1f3a8df9171014fc1fddfc47640fe0060c11fd8f00"
    "00");

Pixels pixels_of(const std::string& bytes, bool grey = false) {
  const TemporaryFolder folder;
  return read_image(folder.write("image.webp", bytes), grey).pixels;
}

std::string refusal(const std::string& bytes) {
  const TemporaryFolder folder;
  const std::string path = folder.write("image.webp", bytes);
  const std::string error = usage_error([&] { read_image(path, false); });
  EXPECT_EQ(error.find(path + ": is "), 0U) << error;
  return error;
}

TEST(WebP, WithoutLossesHasThePixelsThatWentIn) {
  EXPECT_EQ(pixels_of(kFour), (Pixels{255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255}));
  EXPECT_EQ(pixels_of(kFour, true), (Pixels{76, 150, 29, 255})) << "grey by the rule of all formats";
  EXPECT_EQ(pixels_of(kAlpha), (Pixels{255, 0, 0, 255, 0, 128, 0, 255, 0, 0, 0, 255})) << "see-through lies on black";
}

TEST(WebP, IsTurnedBackAsItsExifSays) {
  EXPECT_EQ(pixels_of(kTurned), (Pixels{0, 255, 255, 0, 0, 0, 255, 255, 255, 0, 255, 0}));
  std::string as_in_jpeg = kTurned;
  as_in_jpeg.insert(as_in_jpeg.find("EXIF") + 8, std::string("Exif\0\0", 6));
  as_in_jpeg[as_in_jpeg.find("EXIF") + 4] = static_cast<char>(0x1a + 6);
  as_in_jpeg[4] = static_cast<char>(0x60 + 6);
  EXPECT_EQ(pixels_of(as_in_jpeg), pixels_of(kTurned));
  EXPECT_EQ(orientation_of_webp({}), Orientation::kUpright);
  for (std::size_t size = 0; size < 90; ++size) {
    EXPECT_EQ(orientation_of_webp({reinterpret_cast<const std::uint8_t*>(kTurned.data()), size}),
              Orientation::kUpright);
  }
}

TEST(WebP, WithLossesIsReadToo) {
  Pixels pixels;
  for (int i = 0; i < 16 * 16; ++i) pixels.insert(pixels.end(), {200, 100, 50});
  std::uint8_t* encoded = nullptr;
  const std::size_t size = WebPEncodeRGB(pixels.data(), 16, 16, 48, 90.0F, &encoded);
  const std::string whole(reinterpret_cast<const char*>(encoded), size);
  WebPFree(encoded);
  const Pixels read = pixels_of(whole);
  ASSERT_EQ(read.size(), 3U * 256);
  for (std::size_t i = 0; i < 256; ++i) {
    ASSERT_NEAR(read[i], 200, 4);
    ASSERT_NEAR(read[256 + i], 100, 4);
    ASSERT_NEAR(read[512 + i], 50, 4);
  }
  EXPECT_NE(refusal(whole.substr(0, whole.size() / 2)).find("is no sound WebP file"), std::string::npos);
}

TEST(WebP, ThatMovesIsRefusedByName) {
  EXPECT_NE(refusal(kAnimated).find("is an animated WebP file, which has several pictures; save one of them"),
            std::string::npos);
}

TEST(WebP, ThatIsDamagedIsRefused) {
  for (std::size_t size = 12; size < kFour.size() - 2; ++size) refusal(kFour.substr(0, size));
  std::string large = kFour;  // claims 16,384 pixels a side
  large[21] = large[22] = large[23] = static_cast<char>(0xff);
  large[24] = static_cast<char>(0x0f);
  const TemporaryFolder folder;
  EXPECT_NE(usage_error([&] { read_image(folder.write("large.webp", large), false); }).find("a side may have 4096"),
            std::string::npos);
}

}  // namespace
}  // namespace laconic
