#include "training/data/image_folder.h"

#include <png.h>
#include <turbojpeg.h>
#include <zlib.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>

#include "training/data/test_support.h"
#include "training/formats/exif.h"
#include "training/formats/image_file.h"

namespace laconic {
namespace {

// A PNG file of `sides` x `sides` pixels, interleaved.
void write_png(const std::string& path, std::uint32_t width, std::uint32_t height,
               const std::vector<std::uint8_t>& pixels, std::uint32_t format) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  png_image image;
  std::memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  image.width = width;
  image.height = height;
  image.format = format;
  ASSERT_NE(png_image_write_to_file(&image, path.c_str(), 0, pixels.data(), 0, nullptr), 0) << image.message;
}

// 2 x 2 pixels: red, green, blue, white.
const std::vector<std::uint8_t> kFour = {255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255};

void write_grey(const std::string& path, std::uint8_t value) {
  write_png(path, 2, 2, std::vector<std::uint8_t>(4, value), PNG_FORMAT_GRAY);
}

// Two classes of two images each for training, one of them for testing.
void write_data(const TemporaryFolder& folder) {
  write_grey(folder.path("train/dog/b.png"), 20);
  write_grey(folder.path("train/dog/a.PNG"), 10);
  write_grey(folder.path("train/cat/x.png"), 30);
  write_grey(folder.path("train/cat/y.png"), 40);
  write_grey(folder.path("test/dog/t.png"), 50);
  folder.write("train/cat/notes.txt", "no image");
}

const DatasetRow& row() { return find_dataset("image_folder"); }
Options options(const std::map<std::string, std::string>& given = {}) {
  std::map<std::string, GivenOption> texts;
  for (const auto& [key, text] : given) texts[key] = {.text = text, .where = "test"};
  return Options("data", row().options, texts);
}

// A chunk of a PNG file.
std::string chunk(const std::string& kind, const std::string& content) {
  const auto big_endian = [](std::uint32_t number) {
    std::string bytes;
    for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(number >> shift & 0xff);
    return bytes;
  };
  const std::string whole = kind + content;
  const auto checksum = crc32(0, reinterpret_cast<const Bytef*>(whole.data()), static_cast<uInt>(whole.size()));
  return big_endian(static_cast<std::uint32_t>(content.size())) + whole +
         big_endian(static_cast<std::uint32_t>(checksum));
}

// A file of 1 x `height` pixels from the format's description; `rows` are what stands behind the filter of each.
std::string png_by_hand(char bits, char colour_type, const std::vector<std::string>& rows,
                        const std::string& chunks_before = {}) {
  std::string plain;
  for (const std::string& row : rows) plain += '\0' + row;
  std::string packed(compressBound(static_cast<uLong>(plain.size())), '\0');
  uLongf size = packed.size();
  EXPECT_EQ(compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(plain.data()),
                     static_cast<uLong>(plain.size())),
            Z_OK);
  packed.resize(size);
  const std::string header{0, 0, 0, 1, 0, 0, 0, static_cast<char>(rows.size()), bits, colour_type, 0, 0, 0};
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", header) + chunks_before + chunk("IDAT", packed) + chunk("IEND", "");
}

// Exif that says how an image was stored, in either order of bytes.
std::string exif(char orientation, bool big_endian) {
  return big_endian ? std::string("MM\0*\0\0\0\10\0\1\1\22\0\3\0\0\0\1\0", 19) + orientation + std::string(2, '\0')
                    : std::string("II*\0\10\0\0\0\1\0\22\1\3\0\1\0\0\0", 18) + orientation + std::string(3, '\0');
}

std::vector<std::uint8_t> pixels_of(const TemporaryFolder& folder, const std::string& png, bool grey) {
  return read_image(folder.write("image.png", png), grey).pixels;
}

using Pixels = std::vector<std::uint8_t>;

// The values that Pillow's convert("RGB") and convert("L") give for the same files.
TEST(ImageFiles, HaveTheirColoursByOneRuleWhateverTheirForm) {
  const TemporaryFolder folder;
  const std::string blue("\0\0\xff", 3);
  EXPECT_EQ(pixels_of(folder, png_by_hand(8, 2, {blue, "\xc8\x64\x32"}), true), (Pixels{29, 124}));
  EXPECT_EQ(
      pixels_of(folder, png_by_hand(8, 3, {std::string(1, '\1')}, chunk("PLTE", std::string(3, '\0') + blue)), true),
      (Pixels{29}));
  EXPECT_EQ(
      pixels_of(folder, png_by_hand(8, 3, {std::string(1, '\1')}, chunk("PLTE", std::string(3, '\0') + blue)), false),
      (Pixels{0, 0, 255}));
  // Values are taken as they are, whatever light the file says that they mean.
  EXPECT_EQ(pixels_of(folder, png_by_hand(8, 2, {blue}, chunk("gAMA", std::string("\0\1\x86\xa0", 4))), true),
            (Pixels{29}));
  EXPECT_EQ(pixels_of(folder, png_by_hand(8, 0, {"\x40"}, chunk("gAMA", std::string("\0\1\x86\xa0", 4))), false),
            (Pixels{64, 64, 64}));
  // 16 bits: v 255 / 65535, rounded.
  EXPECT_EQ(pixels_of(folder,
                      png_by_hand(16, 0,
                                  {std::string("\x40\0", 2), "\xff\xff", std::string("\0\x80", 2),
                                   std::string("\0\x81", 2), "\x80\x80"}),
                      true),
            (Pixels{64, 255, 0, 1, 128}));
  EXPECT_EQ(pixels_of(folder, png_by_hand(16, 2, {std::string("\x40\0\0\0\xff\xff", 6)}), false), (Pixels{64, 0, 255}));
  // Fewer than 8 bits.
  EXPECT_EQ(pixels_of(folder, png_by_hand(1, 0, {"\x80", std::string(1, '\0')}), true), (Pixels{255, 0}));
  EXPECT_EQ(pixels_of(folder, png_by_hand(4, 0, {"\x70"}), true), (Pixels{119}));
  // See-through on black.
  EXPECT_EQ(pixels_of(folder, png_by_hand(8, 4, {"\xc8\x80", std::string("\xc8\0", 2), "\xc8\xff"}), true),
            (Pixels{100, 0, 200}));
  EXPECT_EQ(pixels_of(folder, png_by_hand(8, 6, {std::string("\0\0\xff\x80", 4)}), false), (Pixels{0, 0, 128}));
}

// Seven passes over the image, each of some of its pixels (Adam7), written row by row with libpng's older functions.
TEST(ImageFiles, OfInterlacedPngAreThoseOfTheSamePlainOne) {
  const TemporaryFolder folder;
  constexpr std::uint32_t kWidth = 13;
  constexpr std::uint32_t kHeight = 11;
  std::vector<std::uint8_t> pixels;
  for (std::uint32_t i = 0; i < kWidth * kHeight * 3; ++i) pixels.push_back(static_cast<std::uint8_t>(i * 37));
  const auto written = [&](const std::string& name, int interlacing) {
    std::FILE* file = std::fopen(folder.path(name).c_str(), "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
    png_infop info = png_create_info_struct(png);
    png_init_io(png, file);
    png_set_IHDR(png, info, kWidth, kHeight, 8, PNG_COLOR_TYPE_RGB, interlacing, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    std::vector<png_bytep> rows;
    for (std::uint32_t row = 0; row < kHeight; ++row) rows.push_back(pixels.data() + row * kWidth * 3);
    png_write_image(png, rows.data());
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    std::fclose(file);
    return folder.path(name);
  };
  const ImageBytes plain = read_image(written("plain.png", PNG_INTERLACE_NONE), false);
  const ImageBytes interlaced = read_image(written("interlaced.png", PNG_INTERLACE_ADAM7), false);
  EXPECT_EQ(plain.pixels[1], pixels[3]);
  EXPECT_EQ(interlaced.pixels, plain.pixels);
  EXPECT_NE(read_whole(folder.path("plain.png")), read_whole(folder.path("interlaced.png")));
}

TEST(ImageFiles, OfPhotographsThatAreTurnedAreTurnedBack) {
  const TemporaryFolder folder;
  // Stored are two rows of one pixel: 1 above 2.
  const auto turned = [&](char orientation, bool big_endian) {
    const std::string file = png_by_hand(8, 0, {"\1", "\2"}, chunk("eXIf", exif(orientation, big_endian)));
    return read_image(folder.write("turned.png", file), true);
  };
  for (const bool big_endian : {true, false}) {
    for (const char orientation : {1, 2, 0, 9}) {  // the last two are none
      EXPECT_EQ(turned(orientation, big_endian).pixels, (Pixels{1, 2})) << int{orientation};
      EXPECT_EQ(turned(orientation, big_endian).shape.height, 2);
    }
    for (const char orientation : {3, 4}) EXPECT_EQ(turned(orientation, big_endian).pixels, (Pixels{2, 1}));
    for (const char orientation : {5, 8}) {
      EXPECT_EQ(turned(orientation, big_endian).pixels, (Pixels{1, 2})) << int{orientation};
      EXPECT_EQ(turned(orientation, big_endian).shape, (ImageShape{.channels = 1, .height = 1, .width = 2}));
    }
    for (const char orientation : {6, 7}) EXPECT_EQ(turned(orientation, big_endian).pixels, (Pixels{2, 1}));
  }
  EXPECT_EQ(orientation_of_exif({}), Orientation::kUpright);
  const std::string whole = exif(6, true);
  for (std::size_t size = 0; size < 20; ++size) {
    EXPECT_EQ(orientation_of_exif({reinterpret_cast<const std::uint8_t*>(whole.data()), size}), Orientation::kUpright);
  }
}

TEST(ImageFiles, OfPngComeInPlanes) {
  const TemporaryFolder folder;
  write_png(folder.path("four.png"), 2, 2, kFour, PNG_FORMAT_RGB);
  const ImageBytes image = read_image(folder.path("four.png"), false);
  EXPECT_EQ(image.shape, (ImageShape{.channels = 3, .height = 2, .width = 2}));
  EXPECT_EQ(image.pixels, (std::vector<std::uint8_t>{255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255}));
}

// A file typed in from the format's description: one pixel, red, without help of libpng's writer.
TEST(ImageFiles, OfPngAreWhatAFileByHandSays) {
  const std::uint8_t bytes[] = {0x89, 'P',  'N',  'G',  '\r', '\n', 0x1a, '\n',  // signature
                                0,    0,    0,    13,   'I',  'H',  'D',  'R',  0,   0,   0,   1,
                                0,    0,    0,    1,    8,    2,    0,    0,    0,  // 1 x 1, 8 bits, RGB
                                0x90, 0x77, 0x53, 0xde, 0,    0,    0,    12,   'I', 'D', 'A', 'T',
                                0x78, 0x9c, 0x63, 0xf8, 0xcf, 0xc0, 0,    0,    3,   1,   1,   0,  // filter 0, red
                                0xc9, 0xfe, 0x92, 0xef, 0,    0,    0,    0,    'I', 'E', 'N', 'D',
                                0xae, 0x42, 0x60, 0x82};
  const TemporaryFolder folder;
  const std::string path = folder.write("red.png", {reinterpret_cast<const char*>(bytes), sizeof bytes});
  EXPECT_EQ(read_image(path, false).pixels, (std::vector<std::uint8_t>{255, 0, 0}));
}

TEST(ImageFiles, OfJpegComeInPlanesToo) {
  // One colour, which JPEG keeps to a step or two.
  std::vector<std::uint8_t> pixels;
  for (int i = 0; i < 8 * 16; ++i) pixels.insert(pixels.end(), {200, 100, 50});
  const TemporaryFolder folder;
  unsigned char* jpeg = nullptr;
  unsigned long size = 0;
  const tjhandle encoder = tjInitCompress();
  ASSERT_EQ(tjCompress2(encoder, pixels.data(), 16, 0, 8, TJPF_RGB, &jpeg, &size, TJSAMP_444, 95, 0), 0);
  const std::string whole(reinterpret_cast<const char*>(jpeg), size);
  tjFree(jpeg);
  tjDestroy(encoder);
  const std::string path = folder.write("one.jpg", whole);
  const ImageBytes image = read_image(path, false);
  EXPECT_EQ(image.shape, (ImageShape{.channels = 3, .height = 8, .width = 16}));
  for (std::size_t i = 0; i < 128; ++i) {
    ASSERT_NEAR(image.pixels[i], 200, 3);
    ASSERT_NEAR(image.pixels[128 + i], 100, 3);
    ASSERT_NEAR(image.pixels[256 + i], 50, 3);
  }
  EXPECT_EQ(read_image(path, true).shape.channels, 1);
  EXPECT_NEAR(read_image(path, true).pixels[0], 124, 2) << "the same grey as of a PNG file";
  // Behind the start of the file: that it was turned to the left.
  const std::string segment = std::string("Exif\0\0", 6) + exif(6, false);
  const std::string marked = whole.substr(0, 2) + "\xff\xe1" + std::string(1, '\0') +
                             static_cast<char>(segment.size() + 2) + segment + whole.substr(2);
  EXPECT_EQ(read_image(folder.write("turned.jpg", marked), false).shape,
            (ImageShape{.channels = 3, .height = 16, .width = 8}));
  folder.write("cut.jpg", whole.substr(0, whole.size() / 2));
  EXPECT_NE(usage_error([&] { read_image(folder.path("cut.jpg"), false); }).find("no sound JPEG"), std::string::npos);
}

TEST(ImageFiles, AreRefusedWithTheirNameAndTheReason) {
  const TemporaryFolder folder;
  const auto refusal = [&](const std::string& name, const std::string& bytes) {
    const std::string path = folder.write(name, bytes);
    const std::string error = usage_error([&] { read_image(path, false); });
    EXPECT_EQ(error.find(path + ": "), 0U) << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
    return error;
  };
  EXPECT_NE(refusal("empty.png", "").find("is empty"), std::string::npos);
  EXPECT_NE(refusal("text.png", "hello").find("is no PNG, JPEG, WebP or BMP file"), std::string::npos);
  write_png(folder.path("four.png"), 2, 2, kFour, PNG_FORMAT_RGB);
  const std::string whole = read_whole(folder.path("four.png"));
  for (std::size_t size = 9; size < whole.size() - 12; size += 7) refusal("cut.png", whole.substr(0, size));
  std::string huge = whole;
  huge[16] = 0x7f;  // the width
  refusal("huge.png", huge);
  EXPECT_NE(usage_error([&] { read_image(folder.path("none.png"), false); }).find("cannot be opened"),
            std::string::npos);
}

TEST(ImageFolders, HaveTheirClassesByNameAndTheirImagesInOrder) {
  const TemporaryFolder folder;
  write_data(folder);
  const Dataset data = load_dataset(row(), folder.path(), options({{"colours", "grey"}}));
  EXPECT_EQ(data.classes, 2U);
  EXPECT_EQ(data.shape, (ImageShape{.channels = 1, .height = 2, .width = 2}));
  EXPECT_EQ(data.train.labels, (std::vector<std::uint16_t>{0, 0, 1, 1}));
  EXPECT_EQ(data.train.pixels,
            (std::vector<std::uint8_t>{30, 30, 30, 30, 40, 40, 40, 40, 10, 10, 10, 10, 20, 20, 20, 20}));
  EXPECT_EQ(data.test.labels, (std::vector<std::uint16_t>{1}));
  EXPECT_EQ(data.test.pixels, (std::vector<std::uint8_t>{50, 50, 50, 50}));
}

TEST(ImageFolders, GiveAWorkerItsImagesAlone) {
  const TemporaryFolder folder;
  write_data(folder);
  folder.write("train/dog/b.png", "damaged, and nobody's who does not keep it");
  Dataset data = open_dataset(row(), folder.path(), options({{"colours", "grey"}}), Splits::kTraining);
  read_chosen(row(), folder.path(), options({{"colours", "grey"}}), {false, true, true, false}, data);
  EXPECT_EQ(data.train.labels, (std::vector<std::uint16_t>{0, 1}));
  EXPECT_EQ(data.train.pixels, (std::vector<std::uint8_t>{40, 40, 40, 40, 10, 10, 10, 10}));
}

TEST(ImageFolders, TakeTheClassesThatTheJobLists) {
  const TemporaryFolder folder;
  write_data(folder);
  const Dataset data = load_dataset(row(), folder.path(), options({{"classes", "dog, bird,cat"}}));
  EXPECT_EQ(data.classes, 3U);
  EXPECT_EQ(data.train.labels, (std::vector<std::uint16_t>{0, 0, 2, 2}));
  EXPECT_EQ(data.test.labels, (std::vector<std::uint16_t>{0}));
  EXPECT_NE(data.vocabulary, load_dataset(row(), folder.path(), options()).vocabulary);
}

TEST(ImageFolders, AreReadWithTheirOwnFoldersAndSayWhatIsLeftOut) {
  const TemporaryFolder folder;
  write_data(folder);
  write_grey(folder.path("train/cat/2025/may/a.png"), 60);
  folder.write("train/cat/2025/b.tiff", "another format");
  folder.write("train/dog/c.tiff", "another format");
  folder.write("train/dog/.DS_Store", "nobody's");
  folder.write("test/dog/README", "no image");
  const Dataset data = load_dataset(row(), folder.path(), options({{"colours", "grey"}}));
  EXPECT_EQ(data.train.labels, (std::vector<std::uint16_t>{0, 0, 0, 1, 1}));
  EXPECT_EQ(data.train.pixels[0], 60) << "in the order of their paths";
  EXPECT_EQ(data.notes, (std::vector<std::string>{
                            "left out of train, as they are no PNG, JPEG, WebP or BMP: 2 '.tiff', 1 '.txt'",
                            "left out of test, as they are no PNG, JPEG, WebP or BMP: 1 'without an ending'"}));
  EXPECT_EQ(data.class_names, (std::vector<std::string>{"cat", "dog"}));
}

TEST(ImageFolders, SayWhatLiesBesideTheClassesAndTheSplits) {
  const TemporaryFolder folder;
  write_data(folder);
  write_grey(folder.path("train/loose.png"), 1);
  write_grey(folder.path("train/.hidden.png"), 1);
  write_grey(folder.path("val/dog/a.png"), 1);
  write_grey(folder.path(".git/a.png"), 1);
  const std::string jfif = folder.path("test/dog/u.jfif");
  write_grey(jfif, 1);  // what an image is its bytes say
  const Dataset data = load_dataset(row(), folder.path(), options());
  EXPECT_EQ(data.train.count(), 4U);
  EXPECT_EQ(data.test.count(), 2U);
  EXPECT_EQ(data.notes, (std::vector<std::string>{"left out of train, as they are in no class's folder: 1 images",
                                                  "left out of train, as they are no PNG, JPEG, WebP or BMP: 1 '.txt'",
                                                  "not read, as they are neither train nor test: 'val'"}));
}

TEST(ImageFolders, LeaveNothingOutInSilence) {
  const auto refusal = [](const std::function<void(const TemporaryFolder&)>& spoil, const std::string& classes = "") {
    const TemporaryFolder folder;
    write_data(folder);
    spoil(folder);
    return usage_error([&] { open_dataset(row(), folder.path(), options({{"classes", classes}})); });
  };
  EXPECT_NE(refusal([](const TemporaryFolder& folder) {
              std::filesystem::create_symlink("nowhere.png", folder.path("train/cat/z.png"));
            }).find("train/cat/z.png: is called an image and is no file, but a link to none"),
            std::string::npos);
  EXPECT_NE(refusal([](const TemporaryFolder& folder) {
              std::filesystem::create_directories(folder.path("train/dog/z.jpg"));
            }).find("train/dog/z.jpg: is called an image and is no file; mend it"),
            std::string::npos);
  EXPECT_NE(refusal([](const TemporaryFolder& folder) {
              std::filesystem::create_directories(folder.path("train/emu"));
            }).find("train/emu: holds no .png, .jpg, .jpeg, .webp or .bmp"),
            std::string::npos);
  EXPECT_NE(refusal([](const TemporaryFolder& folder) {
              std::filesystem::remove_all(folder.path("train/cat"));
            }).find("train: has one class, 'dog'"),
            std::string::npos);
}

TEST(ImageFolders, AreRefusedWithThePlaceAndTheReason) {
  const auto refusal = [](auto spoil, const std::map<std::string, std::string>& given = {}) {
    const TemporaryFolder folder;
    write_data(folder);
    spoil(folder);
    return usage_error([&] { load_dataset(row(), folder.path(), options(given)); });
  };
  const auto remove = [](const char* name) {
    return [name](const TemporaryFolder& folder) { std::filesystem::remove_all(folder.path(name)); };
  };
  EXPECT_NE(refusal(remove("train")).find("/train: cannot be read"), std::string::npos);
  EXPECT_NE(refusal(remove("test")).find("/test: cannot be read"), std::string::npos);
  EXPECT_NE(refusal(remove("test/dog")).find("/test: holds no image"), std::string::npos);
  EXPECT_NE(refusal([](const TemporaryFolder& folder) {
              write_grey(folder.path("test/bird/b.png"), 1);
            }).find("/test/bird: is none of the classes"),
            std::string::npos);
  EXPECT_NE(refusal([](const TemporaryFolder& folder) {
              write_png(folder.path("train/dog/c.png"), 3, 1, std::vector<std::uint8_t>(3, 1), PNG_FORMAT_GRAY);
            })
                .find("/train/dog/c.png: is 3 x 1 pixels, and the first image of training 2 x 2; set data.size, such "
                      "as \"2x2\""),
            std::string::npos);
  EXPECT_NE(refusal([](const TemporaryFolder& folder) {
              folder.write("train/cat/x.png", "nonsense");
            }).find("/train/cat/x.png: is no PNG"),
            std::string::npos);
  EXPECT_NE(refusal([](const TemporaryFolder&) {}, {{"classes", "cat"}}).find("/train/dog: is none of"),
            std::string::npos);
  for (const char* classes : {"cat,,dog", "cat,../dog", "cat,cat"}) {
    EXPECT_NE(refusal([](const TemporaryFolder&) {}, {{"classes", classes}}).find("data.classes: "), std::string::npos);
  }
}

TEST(ImageFolders, OfAllFormatsBecomeOneDataSet) {
  const TemporaryFolder folder;
  write_data(folder);
  // Two pixels of grey 9 and 8, from the bottom 7 and 6: BMP of 24 bits, by hand.
  std::string bmp("BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\2\0\0\0\2\0\0\0\1\0\x18\0", 30);
  bmp += std::string(24, '\0') + std::string("\7\7\7\6\6\6\0\0\t\t\t\b\b\b\0\0", 16);
  folder.write("train/cat/z.BMP", bmp);
  const Dataset data = load_dataset(row(), folder.path(), options({{"colours", "grey"}}));
  EXPECT_EQ(data.train.labels, (std::vector<std::uint16_t>{0, 0, 0, 1, 1}));
  EXPECT_EQ((Pixels(data.train.pixels.begin() + 8, data.train.pixels.begin() + 12)), (Pixels{9, 8, 7, 6}));
  EXPECT_EQ(data.notes,
            (std::vector<std::string>{"left out of train, as they are no PNG, JPEG, WebP or BMP: 1 '.txt'"}));
}

TEST(ImageFolders, OfMixedSizesAreBroughtToOne) {
  const TemporaryFolder folder;
  write_data(folder);
  write_png(folder.path("train/dog/c.png"), 4, 1, {0, 100, 200, 40}, PNG_FORMAT_GRAY);
  write_png(folder.path("test/dog/u.png"), 2, 4, {8, 8, 20, 20, 40, 40, 8, 8}, PNG_FORMAT_GRAY);
  const auto load = [&](const std::string& size, const std::string& fit) {
    return load_dataset(row(), folder.path(), options({{"colours", "grey"}, {"size", size}, {"fit", fit}}));
  };
  // As torchvision: 4 x 1 becomes 8 x 2, of which the middle 2 x 2 stay.
  const Dataset cropped = load("2", "crop");
  EXPECT_EQ(cropped.shape, (ImageShape{.channels = 1, .height = 2, .width = 2}));
  EXPECT_EQ((Pixels(cropped.train.pixels.begin(), cropped.train.pixels.begin() + 4)), (Pixels{30, 30, 30, 30}));
  EXPECT_EQ((Pixels(cropped.train.pixels.end() - 4, cropped.train.pixels.end())), (Pixels{125, 175, 125, 175}));
  EXPECT_EQ((Pixels(cropped.test.pixels.end() - 4, cropped.test.pixels.end())), (Pixels{20, 20, 40, 40}));
  const Dataset wide = load("4x1", "pad");
  EXPECT_EQ(wide.shape, (ImageShape{.channels = 1, .height = 1, .width = 4})) << "width x height";
  EXPECT_EQ((Pixels(wide.train.pixels.end() - 4, wide.train.pixels.end())), (Pixels{0, 100, 200, 40}));
  EXPECT_EQ((Pixels(wide.train.pixels.begin(), wide.train.pixels.begin() + 4)), (Pixels{0, 0, 30, 0}))
      << "halves go to the even side";
  EXPECT_EQ(load("3x5", "stretch").shape, (ImageShape{.channels = 1, .height = 5, .width = 3}));
  EXPECT_NE(usage_error([&] { load("3by5", "crop"); }).find("data.size: '3by5' is no size of images"),
            std::string::npos);
  EXPECT_NE(usage_error([&] {
              options({{"fit", "pad"}});
            })
                .find("data.fit: has no meaning with data.size = \"\"; "
                      "remove it, or give data.size"),
            std::string::npos);
}

TEST(ImageFolders, AreAugmentedAsTheJobSays) {
  const TemporaryFolder folder;
  write_data(folder);
  const auto augmentation = [&](const std::map<std::string, std::string>& keys) {
    return load_dataset(row(), folder.path(), options(keys)).augmentation;
  };
  EXPECT_EQ(augmentation({}), Augmentation::kNone);
  EXPECT_EQ(augmentation({{"augment", "crop_mirror"}}), Augmentation::kCropMirror);
  EXPECT_EQ(augmentation({{"augment", "mirror"}}), Augmentation::kMirror);
  EXPECT_NE(usage_error([&] { options({{"augment", "flip"}}); }).find("none, mirror, crop_mirror"), std::string::npos);
}

}  // namespace
}  // namespace laconic
