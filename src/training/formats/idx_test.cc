#include "training/formats/idx.h"

#include "base/random.h"
#include "training/formats/test_support.h"

namespace laconic {
namespace {

void expect_refused(const std::string& path, std::size_t rank, const std::string& at, const std::string& problem) {
  const std::string text = usage_error([&] { read_idx_bytes(path, rank); });
  EXPECT_NE(text.find(path + ": "), std::string::npos) << text;
  EXPECT_NE(text.find(at), std::string::npos) << text;
  EXPECT_NE(text.find(problem), std::string::npos) << text;
  EXPECT_EQ(text.find('\n'), std::string::npos) << text;
}

TEST(Idx, ReadsTheWorkedExampleOfTheHeader) {
  const TemporaryFolder folder;
  const std::string file = folder.write("labels", std::string("\0\0\x08\x01\0\0\0\x03\x07\0\x02", 11));
  const IdxBytes array = read_idx_bytes(file, 1);
  EXPECT_EQ(array.sizes, (std::vector<std::size_t>{3}));
  EXPECT_EQ(array.elements, (std::vector<std::uint8_t>{7, 0, 2}));
}

TEST(Idx, ReadsCompressedAndPlainFilesAlike) {
  const TemporaryFolder folder;
  std::string pixels;
  for (int i = 0; i < 3 * 40 * 50; ++i) pixels += static_cast<char>(i * 31);
  const std::string content = idx(0x08, {3, 40, 50}, pixels);
  const IdxBytes plain = read_idx_bytes(folder.write("plain", content), 3);
  const IdxBytes compressed = read_idx_bytes(folder.write_compressed("compressed", content), 3);
  EXPECT_EQ(plain.elements, compressed.elements);
  EXPECT_EQ(plain.sizes, (std::vector<std::size_t>{3, 40, 50}));
  EXPECT_EQ(std::string(plain.elements.begin(), plain.elements.end()), pixels);
}

TEST(Idx, ReadsTheMarkedRowsAloneAndChecksTheRest) {
  const TemporaryFolder folder;
  // Rows of more than a chunk, and runs of marked and unmarked ones.
  constexpr std::uint32_t kRow = 700'000;
  std::string pixels;
  for (std::uint32_t i = 0; i < 6 * kRow; ++i) pixels += static_cast<char>(i / 1000 * 31);
  const std::string content = idx(0x08, {6, kRow / 7, 7}, pixels);
  const std::vector<std::string> files = {folder.write("plain", content), folder.write_compressed("packed", content)};
  for (const std::vector<bool>& keep :
       {std::vector<bool>{true, true, true, true, true, true}, std::vector<bool>{false, true, true, false, false, true},
        std::vector<bool>{true, false, false, true, false, false}, std::vector<bool>(6, false)}) {
    std::string expected;
    for (std::size_t row = 0; row < 6; ++row) {
      if (keep[row]) expected += pixels.substr(row * kRow, kRow);
    }
    for (const std::string& file : files) {
      const IdxBytes rows = read_idx_rows(file, 3, keep);
      EXPECT_EQ(rows.sizes, (std::vector<std::size_t>{expected.size() / kRow, kRow / 7, 7}));
      EXPECT_TRUE(std::string(rows.elements.begin(), rows.elements.end()) == expected);
      EXPECT_EQ(rows.elements.capacity(), rows.elements.size());
    }
  }
  EXPECT_EQ(read_idx_sizes(files[1], 3), (std::vector<std::size_t>{6, kRow / 7, 7}));

  const auto refused = [&](const std::string& path) {
    return usage_error([&] { read_idx_rows(path, 3, {true, false, false}); });
  };
  EXPECT_NE(refused(files[0]).find("there are 6 entries, expected 3"), std::string::npos);
  EXPECT_NE(refused(folder.write("short", idx(0x08, {3, 2, 2}, "abcdefghijk"))).find("11 of 12 bytes"),
            std::string::npos);
  EXPECT_NE(refused(folder.write("long", idx(0x08, {3, 2, 2}, "abcdefghijklm"))).find("continues"), std::string::npos);
  expect_refused(folder.write("rank", idx(0x08, {1, 1}, "1")), 3, "byte 3", "2 dimensions, expected 3");
}

TEST(Idx, ReadsIntegersBigEndianAndRefusesNegativeOnes) {
  const TemporaryFolder folder;
  const std::string good = folder.write("good", idx(0x0c, {2}, std::string("\0\0\x01\x02\x7f\xff\xff\xff", 8)));
  EXPECT_EQ(read_idx_integers(good), (std::vector<std::uint32_t>{258, 0x7fffffff}));
  const std::string bad = folder.write("bad", idx(0x0c, {2}, std::string("\0\0\0\0\xff\xff\xff\xff", 8)));
  EXPECT_NE(usage_error([&] { read_idx_integers(bad); }).find("element 1 is negative"), std::string::npos);
}

TEST(Idx, LabelsAreWholeNumbersOfAnyTypeFrom0To65535) {
  const TemporaryFolder folder;
  const std::vector<std::uint16_t> expected{3, 0, 127};
  EXPECT_EQ(read_idx_labels(folder.write("u8", idx(0x08, {3}, std::string("\3\0\x7f", 3)))), expected);
  EXPECT_EQ(read_idx_labels(folder.write("i8", idx(0x09, {3}, std::string("\3\0\x7f", 3)))), expected);
  EXPECT_EQ(read_idx_labels(folder.write("i16", idx(0x0b, {3}, std::string("\0\3\0\0\0\x7f", 6)))), expected);
  EXPECT_EQ(read_idx_labels(folder.write("i32", idx(0x0c, {3}, std::string("\0\0\0\3\0\0\0\0\0\0\0\x7f", 12)))),
            expected);
  EXPECT_EQ(read_idx_labels(folder.write("f32", idx(0x0d, {3}, std::string("\x40\x40\0\0\0\0\0\0\x42\xfe\0\0", 12)))),
            expected);
  EXPECT_EQ(
      read_idx_labels(folder.write("f64", idx(0x0e, {2}, std::string("\x40\x08\0\0\0\0\0\0\x80\0\0\0\0\0\0\0", 16)))),
      (std::vector<std::uint16_t>{3, 0}));
  EXPECT_EQ(read_idx_labels(folder.write("column", idx(0x0b, {3, 1}, std::string("\0\3\0\0\0\x7f", 6)))), expected);
  EXPECT_EQ(read_idx_labels(folder.write("large", idx(0x0b, {1}, std::string("\0\xff", 2)))),
            (std::vector<std::uint16_t>{255}));
  EXPECT_EQ(read_idx_labels(folder.write("larger", idx(0x0c, {1}, std::string("\0\0\xff\xff", 4)))),
            (std::vector<std::uint16_t>{65535}));
  const auto refused = [&](const std::string& bytes) {
    return usage_error([&] { read_idx_labels(folder.write("bad", bytes)); });
  };
  EXPECT_NE(refused(idx(0x09, {2}, "\1\xff")).find("label -1 of sample 1 is not in 0 to 65535"), std::string::npos);
  EXPECT_NE(refused(idx(0x0c, {1}, std::string("\0\1\0\0", 4))).find("label 65536 of sample 0"), std::string::npos);
  EXPECT_NE(refused(idx(0x0c, {1}, "\xff\xff\xff\xfe")).find("label -2 of sample 0"), std::string::npos);
  EXPECT_NE(refused(idx(0x0d, {1}, std::string("\x3f\xc0\0\0", 4))).find("label 1.5 of sample 0 is not in 0 to 65535"),
            std::string::npos);
  EXPECT_NE(refused(idx(0x0d, {1}, std::string("\x7f\xc0\0\0", 4))).find("label nan of sample 0"), std::string::npos);
  EXPECT_NE(refused(idx(0x0e, {1}, std::string("\xbf\xf0\0\0\0\0\0\0", 8))).find("label -1 of sample 0"),
            std::string::npos);
  EXPECT_NE(refused(idx(0x0a, {1}, "1")).find("the elements are of no type of the format"), std::string::npos);
  EXPECT_NE(refused(idx(0x0b, {2}, "123")).find("ends after 3 of 4 bytes"), std::string::npos);
  EXPECT_NE(refused(idx(0x0c, {1, 8}, std::string(32, '\0')))
                .find("the labels are 1 x 8, and each sample has one; keep the column of the classes alone"),
            std::string::npos);
  EXPECT_NE(refused(idx(0x0c, {1, 1, 1}, "1234")).find("3 dimensions, expected 1"), std::string::npos);
}

TEST(Idx, RefusesWhatIsNotIdx) {
  const TemporaryFolder folder;
  expect_refused(folder.path("absent"), 1, "absent", "cannot be opened");
  expect_refused(folder.write("empty", ""), 1, "byte 0", "ends within its header");
  expect_refused(folder.write("text", "<html>not found</html>"), 1, "byte 0", "not an IDX file");
  expect_refused(folder.write("short", std::string("\0\0\x08\x03\0\0", 6)), 3, "byte 6", "ends within its header");
  expect_refused(folder.write("floats", idx(0x0d, {1}, "1234")), 1, "byte 2", "expected unsigned bytes");
  expect_refused(folder.write("rank", idx(0x08, {1, 1}, "1")), 1, "byte 3", "2 dimensions, expected 1");
  expect_refused(folder.write("none", idx(0x08, {0}, "")), 1, "byte 4", "is empty");
}

TEST(Idx, RefusesAFileThatIsShorterOrLongerThanItsHeaderSays) {
  const TemporaryFolder folder;
  expect_refused(folder.write("short", idx(0x08, {4}, "abc")), 1, "byte 11", "3 of 4 bytes");
  expect_refused(folder.write("long", idx(0x08, {4}, "abcde")), 1, "byte 12", "continues after the 4 bytes");
  // A bomb: a header of four labels, and zeros that compress a thousandfold.
  const std::string bomb = idx(0x08, {4}, std::string(std::size_t{1} << 24, '\0'));
  expect_refused(folder.write_compressed("bomb", bomb), 1, "byte 12", "continues after the 4 bytes");
}

TEST(Idx, AHeaderAloneTakesNoMemory) {
  const TemporaryFolder folder;
  expect_refused(folder.write("huge", idx(0x08, {0xffffffff, 0xffffffff, 0xffffffff}, "")), 3, "byte 8",
                 "claims more than");
  expect_refused(folder.write("large", idx(0x08, {0xfffffff0}, "abc")), 1, "byte 11", "3 of 4294967280 bytes");
}

TEST(Idx, RefusesDamagedCompression) {
  const TemporaryFolder folder;
  std::string noise;
  RandomStream stream(1, "noise");
  for (int i = 0; i < 5000; ++i) noise += static_cast<char>(stream.below(256));
  const std::string whole = read_whole(folder.write_compressed("whole", idx(0x08, {5000}, noise)));
  ASSERT_GT(whole.size(), 5000U);  // noise does not compress
  expect_refused(folder.write("truncated", whole.substr(0, 3000)), 1, "byte ", "breaks off");
  expect_refused(folder.write("no_checksum", whole.substr(0, whole.size() - 8)), 1, "byte ", "breaks off");
  std::string flipped = whole;
  flipped[2500] = static_cast<char>(flipped[2500] ^ 1);
  expect_refused(folder.write("flipped", flipped), 1, "byte ", "damaged");
}

TEST(Idx, EveryTruncationAndEveryDamagedHeaderByteIsRefused) {
  const TemporaryFolder folder;
  const std::string content = idx(0x08, {2, 3, 4}, std::string(24, 'x'));
  for (std::size_t size = 0; size < content.size(); ++size) {
    const std::string path = folder.write("cut", content.substr(0, size));
    EXPECT_THROW(read_idx_bytes(path, 3), UsageError) << size;
  }
  for (std::size_t at = 0; at < 16; ++at) {
    std::string damaged = content;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x41);
    EXPECT_THROW(read_idx_bytes(folder.write("damaged", damaged), 3), UsageError) << at;
  }
}

}  // namespace
}  // namespace laconic
