#include "training/formats/bmp_file.h"

#include "training/formats/image_file.h"
#include "training/formats/test_support.h"

namespace laconic {
namespace {

using Pixels = std::vector<std::uint8_t>;

std::string little_endian(std::uint32_t value, int size) {
  std::string bytes;
  for (int i = 0; i < size; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xff);
  return bytes;
}

// A file by hand from the format's description.
struct Bmp {
  std::int32_t width = 1;
  std::int32_t height = 1;
  std::uint32_t bits = 24;
  std::uint32_t kind = 0;
  std::uint32_t length = 40;  // of the information
  std::string masks = {};     // and what else the information has behind its first 40 bytes
  std::string palette = {};   // four bytes a colour
  std::string pixels = {};
  std::uint32_t colours = 0;

  std::string text() const {
    std::string information = little_endian(length, 4) + little_endian(static_cast<std::uint32_t>(width), 4) +
                              little_endian(static_cast<std::uint32_t>(height), 4) + little_endian(1, 2) +
                              little_endian(bits, 2) + little_endian(kind, 4) + std::string(12, '\0') +
                              little_endian(colours, 4) + std::string(4, '\0') + masks;
    information.resize(std::max<std::size_t>(information.size(), length));
    information += palette;
    const auto start = static_cast<std::uint32_t>(14 + information.size());
    return "BM" + std::string(8, '\0') + little_endian(start, 4) + information + pixels;
  }
};

Pixels pixels_of(const Bmp& bmp, bool grey = false) {
  const TemporaryFolder folder;
  return read_image(folder.write("image.bmp", bmp.text()), grey).pixels;
}

std::string refusal(const std::string& bytes) {
  const TemporaryFolder folder;
  const std::string path = folder.write("image.bmp", bytes);
  const std::string error = usage_error([&] { read_image(path, false); });
  EXPECT_EQ(error.find(path + ": is "), 0U) << error;
  EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  return error;
}

const std::string kTwoColours("\x01\x02\x03\0\x0a\x14\x1e\0", 8);  // blue, green, red and a byte that says nothing

TEST(Bmp, OfTwentyFourBitsIsRowsFromTheBottomOfBlueGreenAndRed) {
  const std::string rows("\x01\x02\x03\x04\x05\x06\0\0\x07\x08\x09\x0a\x0b\x0c\0\0", 16);
  EXPECT_EQ(pixels_of({.width = 2, .height = 2, .pixels = rows}), (Pixels{9, 12, 3, 6, 8, 11, 2, 5, 7, 10, 1, 4}));
  EXPECT_EQ(pixels_of({.width = 2, .height = -2, .pixels = rows}), (Pixels{3, 6, 9, 12, 2, 5, 8, 11, 1, 4, 7, 10}))
      << "a negative height is of rows from the top";
  EXPECT_EQ(pixels_of({.pixels = std::string("\x32\x64\xc8\0", 4)}, true), (Pixels{124}));
}

TEST(Bmp, OfFewBitsNamesTheColoursOfItsPalette) {
  EXPECT_EQ(pixels_of({.width = 3, .bits = 1, .palette = kTwoColours, .pixels = std::string("\xa0\0\0\0", 4)}),
            (Pixels{30, 3, 30, 20, 2, 20, 10, 1, 10}));
  EXPECT_EQ(
      pixels_of(
          {.width = 3, .bits = 4, .palette = kTwoColours, .pixels = std::string("\x10\x10\0\0", 4), .colours = 2}),
      (Pixels{30, 3, 30, 20, 2, 20, 10, 1, 10}));
  EXPECT_EQ(
      pixels_of({.width = 2, .bits = 8, .palette = kTwoColours, .pixels = std::string("\1\0\0\0", 4), .colours = 2}),
      (Pixels{30, 3, 20, 2, 10, 1}));
}

TEST(Bmp, OfThirtyTwoBitsHasAlphaWhereAMaskSaysSo) {
  const std::string pixel("\x0a\x14\x1e\x80", 4);
  EXPECT_EQ(pixels_of({.bits = 32, .pixels = pixel}), (Pixels{30, 20, 10}))
      << "without masks the fourth byte is nothing";
  const std::string masks("\0\0\xff\0\0\xff\0\0\xff\0\0\0", 12);
  EXPECT_EQ(pixels_of({.bits = 32, .kind = 3, .masks = masks, .pixels = pixel}), (Pixels{30, 20, 10}));
  const std::string with_alpha = masks + std::string("\0\0\0\xff", 4);
  EXPECT_EQ(pixels_of({.bits = 32, .kind = 3, .length = 56, .masks = with_alpha, .pixels = pixel}), (Pixels{15, 10, 5}))
      << "see-through lies on black";
  const std::string other_way("\xff\0\0\0\0\xff\0\0\0\0\xff\0", 12);
  EXPECT_EQ(pixels_of({.bits = 32, .kind = 3, .masks = other_way, .pixels = pixel}), (Pixels{10, 20, 30}));
}

TEST(Bmp, OfOs2HasAShorterHeader) {
  const std::string file = "BM" + std::string(8, '\0') + little_endian(14 + 12 + 6, 4) + little_endian(12, 4) +
                           little_endian(2, 2) + little_endian(1, 2) + little_endian(1, 2) + little_endian(1, 2) +
                           "\x01\x02\x03\x0a\x14\x1e" + std::string("\x40\0\0\0", 4);
  const TemporaryFolder folder;
  EXPECT_EQ(read_image(folder.write("os2.bmp", file), false).pixels, (Pixels{3, 30, 2, 20, 1, 10}));
}

TEST(Bmp, OfOtherKindsIsNamed) {
  EXPECT_NE(refusal(Bmp{.bits = 8, .kind = 1}.text()).find("is a compressed BMP file"), std::string::npos);
  EXPECT_NE(refusal(Bmp{.bits = 4, .kind = 2}.text()).find("is a compressed BMP file"), std::string::npos);
  EXPECT_NE(refusal(Bmp{.bits = 24, .kind = 4}.text()).find("is a compressed BMP file"), std::string::npos);
  EXPECT_NE(refusal(Bmp{.bits = 16}.text()).find("of 16 bits a pixel, and 1, 4, 8, 24 and 32 are read"),
            std::string::npos);
  EXPECT_NE(refusal(Bmp{.bits = 16, .kind = 3}.text()).find("of 16 bits a pixel with masks"), std::string::npos);
  EXPECT_NE(refusal(Bmp{.bits = 32, .kind = 3, .masks = std::string(12, '\1'), .pixels = "1234"}.text())
                .find("colours are no whole bytes"),
            std::string::npos);
}

TEST(Bmp, ThatIsDamagedIsRefused) {
  const std::string whole = Bmp{.width = 3,
                                .height = 2,
                                .bits = 4,
                                .palette = kTwoColours,
                                .pixels = std::string("\x10\x10\0\0\x10\x10\0\0", 8),
                                .colours = 2}
                                .text();
  for (std::size_t size = 2; size < whole.size(); ++size) refusal(whole.substr(0, size));
  const auto with = [&](std::size_t at, const std::string& bytes) {
    std::string file = whole;
    return refusal(file.replace(at, bytes.size(), bytes));
  };
  EXPECT_NE(with(62, "\x20").find("a pixel has a colour that its palette lacks"), std::string::npos);
  EXPECT_NE(with(46, "\x11").find("more colours than pixels can name"), std::string::npos);
  EXPECT_NE(with(10, "\x20").find("its pixels start within its header"), std::string::npos);
  EXPECT_NE(with(14, "\x27").find("its header is of a length not known"), std::string::npos);
  const TemporaryFolder folder;
  for (const std::string& sides :
       {std::string("\0\0\0\0", 4), std::string("\xff\xff\xff\x7f", 4), std::string("\0\0\0\x80", 4)}) {
    for (const std::size_t at : {18, 22}) {
      std::string file = whole;
      const std::string path = folder.write("sides.bmp", file.replace(at, 4, sides));
      EXPECT_NE(usage_error([&] { read_image(path, false); }).find("pixels; a side may have 4096"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace laconic
