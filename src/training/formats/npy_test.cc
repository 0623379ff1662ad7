#include "training/formats/npy.h"

#include <algorithm>
#include <cmath>

#include "training/formats/test_archive.h"
#include "training/formats/test_support.h"

namespace laconic {
namespace {

std::vector<bool> all(const NpyHeader& header) { return std::vector<bool>(header.shape[0], true); }

NpyHeader header_of(const std::string& path) {
  InputFile file(path);
  return read_npy_header(file);
}

std::vector<std::uint8_t> bytes_in(const std::string& path) {
  InputFile file(path);
  const NpyHeader header = read_npy_header(file);
  return read_npy_bytes(file, header, all(header));
}

std::vector<float> floats_in(const std::string& path) {
  InputFile file(path);
  const NpyHeader header = read_npy_header(file);
  return read_npy_floats(file, header, all(header));
}

std::vector<std::uint16_t> labels_in(const std::string& path) {
  InputFile file(path);
  return read_npy_labels(file, read_npy_header(file));
}

class Npy : public ::testing::Test {
 protected:
  std::string write(const std::string& content) { return folder_.write("array.npy", content); }
  void expect_refused(const std::string& content, const std::string& problem) {
    const std::string path = write(content);
    const std::string text = usage_error([&] { floats_in(path); });
    EXPECT_EQ(text.find(path + ": "), 0U) << text;
    EXPECT_NE(text.find(problem), std::string::npos) << problem << " in: " << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  }
  void expect_header_refused(const std::string& header, const std::string& problem) {
    expect_refused(npy_of_header(header, std::string(24, '\0')), problem);
  }

  TemporaryFolder folder_;
};

TEST_F(Npy, ReadsTheWorkedExampleOfTheHeader) {
  // numpy.save of numpy.array([7, 0, 2], 'uint8'), as NumPy 1.24 wrote it.
  const std::string path =
      write(std::string("\x93NUMPY\x01\x00v\x00", 10) + "{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }" +
            std::string(60, ' ') + "\n" + std::string("\x07\x00\x02", 3));
  const NpyHeader header = header_of(path);
  EXPECT_EQ(header.type, "|u1");
  EXPECT_TRUE(header.is_bytes());
  EXPECT_EQ(header.shape, (std::vector<std::size_t>{3}));
  EXPECT_EQ(bytes_in(path), (std::vector<std::uint8_t>{7, 0, 2}));
  EXPECT_EQ(labels_in(path), (std::vector<std::uint16_t>{7, 0, 2}));
  EXPECT_EQ(floats_in(path), (std::vector<float>{7, 0, 2}));
}

// Elements of every type with their bytes in either order become the same numbers.
template <typename Number>
void expect_numbers(const TemporaryFolder& folder, const std::string& type, const std::vector<Number>& numbers,
                    const std::vector<float>& expected) {
  const std::string shape = "(" + std::to_string(numbers.size()) + ",)";
  const std::string little = bytes_of_numbers(numbers);
  std::string big = little;
  for (std::size_t i = 0; i < big.size(); i += sizeof(Number)) {
    std::reverse(big.begin() + static_cast<std::ptrdiff_t>(i),
                 big.begin() + static_cast<std::ptrdiff_t>(i + sizeof(Number)));
  }
  for (const int version : {1, 2, 3}) {
    EXPECT_EQ(floats_in(folder.write("little", npy("<" + type, shape, little, version))), expected) << type;
    EXPECT_EQ(floats_in(folder.write("big", npy(">" + type, shape, big, version))), expected) << type;
  }
}

TEST_F(Npy, ReadsEveryTypeInEitherOrderOfBytesAndEveryVersion) {
  expect_numbers<std::uint8_t>(folder_, "u1", {0, 200, 255}, {0, 200, 255});
  expect_numbers<std::int8_t>(folder_, "i1", {-128, 127}, {-128, 127});
  expect_numbers<std::uint16_t>(folder_, "u2", {1, 65535}, {1, 65535});
  expect_numbers<std::int16_t>(folder_, "i2", {-32768, 258}, {-32768, 258});
  expect_numbers<std::uint32_t>(folder_, "u4", {4294967295U, 3}, {4294967296.0F, 3});
  expect_numbers<std::int32_t>(folder_, "i4", {-2147483647 - 1, 16909060}, {-2147483648.0F, 16909060});
  expect_numbers<std::uint64_t>(folder_, "u8", {18446744073709551615ULL, 5}, {18446744073709551616.0F, 5});
  expect_numbers<std::int64_t>(folder_, "i8", {-9007199254740993LL, 7}, {-9007199254740992.0F, 7});
  expect_numbers<float>(folder_, "f4", {0.1F, -3.4e38F, 1e-45F}, {0.1F, -3.4e38F, 1e-45F});
  expect_numbers<double>(folder_, "f8", {0.1, -1e30, 1e-300}, {0.1F, -1e30F, 0.0F});
  // binary16: 1, -2, the largest, the smallest normal and subnormal numbers, 1/3 (Wikipedia's table).
  expect_numbers<std::uint16_t>(folder_, "f2", {0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x3555, 0x8000},
                                {1.0F, -2.0F, 65504.0F, 0x1p-14F, 0x1p-24F, 0.333251953125F, 0.0F});
  EXPECT_EQ(floats_in(write(npy("|b1", "(3,)", std::string("\0\1\2", 3)))), (std::vector<float>{0, 1, 1}));
}

TEST_F(Npy, TakesTheMarkedSamplesAloneAndChecksTheLengthOfAll) {
  std::vector<float> numbers(5 * 700'000);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<float>(i) / 3;
  std::vector<std::uint8_t> pixels(numbers.size());
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i / 1000);
  const std::string shape = "(5, 700, 1000)";
  const std::string floats = folder_.write("floats", npy("<f4", shape, bytes_of_numbers(numbers)));
  const std::string bytes = folder_.write_compressed("bytes.gz", npy("|u1", shape, bytes_of_numbers(pixels)));
  for (const std::vector<bool>& keep :
       {std::vector<bool>{false, true, true, false, true}, std::vector<bool>{true, false, false, false, false},
        std::vector<bool>(5, false)}) {
    std::vector<float> expected;
    std::vector<std::uint8_t> expected_bytes;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      if (!keep[i / 700'000]) continue;
      expected.push_back(numbers[i]);
      expected_bytes.push_back(pixels[i]);
    }
    InputFile file(floats);
    const NpyHeader header = read_npy_header(file);
    const std::vector<float> read = read_npy_floats(file, header, keep);
    EXPECT_TRUE(read == expected);
    EXPECT_EQ(read.capacity(), read.size());
    InputFile byte_file(bytes);
    EXPECT_TRUE(read_npy_bytes(byte_file, read_npy_header(byte_file), keep) == expected_bytes);
  }
  const auto read_none = [&](const std::string& elements) {
    InputFile file(write(npy("<f4", "(2, 3)", elements)));
    const NpyHeader header = read_npy_header(file);
    read_npy_floats(file, header, {false, false});
  };
  EXPECT_NE(usage_error([&] { read_none(std::string(23, '\0')); }).find("ends after 23 of 24 bytes"),
            std::string::npos);
  EXPECT_NE(usage_error([&] { read_none(std::string(25, '\0')); }).find("continues after the 24 bytes"),
            std::string::npos);
}

// Element (i, j, k) is 100 i + 10 j + k, so that each says where it belongs.
TEST_F(Npy, ArraysInFortransOrderAreReadWithTheLastIndexFastest) {
  const std::vector<std::size_t> shape = {3, 2, 4};
  std::vector<std::int16_t> first_index_fastest;
  for (int k = 0; k < 4; ++k) {
    for (int j = 0; j < 2; ++j) {
      for (int i = 0; i < 3; ++i) first_index_fastest.push_back(static_cast<std::int16_t>(100 * i + 10 * j + k));
    }
  }
  const auto header = [](const char* type, const char* sizes) {
    return "{'descr': '" + std::string(type) + "', 'fortran_order': True, 'shape': " + sizes + ", }";
  };
  const std::string file = write(npy_of_header(header("<i2", "(3, 2, 4)"), bytes_of_numbers(first_index_fastest)));
  InputFile stream(file);
  EXPECT_EQ(read_npy_floats(stream, read_npy_header(stream), {true, false, true}),
            (std::vector<float>{0, 1, 2, 3, 10, 11, 12, 13, 200, 201, 202, 203, 210, 211, 212, 213}));
  EXPECT_EQ(bytes_in(write(npy_of_header(header("|u1", "(2, 3)"), "adbecf"))),
            (std::vector<std::uint8_t>{'a', 'b', 'c', 'd', 'e', 'f'}));
  for (const char* elements : {"adbec", "adbecfg"}) {
    EXPECT_THROW(bytes_in(write(npy_of_header(header("|u1", "(2, 3)"), elements))), UsageError) << elements;
  }
}

TEST_F(Npy, LabelsAreIntegersFrom0To65535) {
  const auto labels = [&]<typename Number>(const std::string& type, const std::vector<Number>& numbers) {
    return labels_in(write(npy(type, "(" + std::to_string(numbers.size()) + ",)", bytes_of_numbers(numbers))));
  };
  const std::vector<std::uint16_t> expected{3, 0, 255};
  EXPECT_EQ(labels("<i8", std::vector<std::int64_t>{3, 0, 255}), expected);
  EXPECT_EQ(labels("<u4", std::vector<std::uint32_t>{3, 0, 255}), expected);
  EXPECT_EQ(labels("<u4", std::vector<std::uint32_t>{256, 65535}), (std::vector<std::uint16_t>{256, 65535}));
  EXPECT_EQ(labels("<i2", std::vector<std::int16_t>{3, 0, 255}), expected);
  EXPECT_EQ(labels("|b1", std::vector<std::uint8_t>{1, 0}), (std::vector<std::uint16_t>{1, 0}));
  EXPECT_NE(usage_error([&] {
              labels("<i8", std::vector<std::int64_t>{3, -1});
            }).find("label -1 of sample 1"),
            std::string::npos);
  EXPECT_NE(usage_error([&] {
              labels("<u8", std::vector<std::uint64_t>{1ULL << 63});
            }).find("label 9223372036854775808 of sample 0"),
            std::string::npos);
  EXPECT_NE(usage_error([&] { labels("<i4", std::vector<std::int32_t>{65536}); }).find("not in 0 to 65535"),
            std::string::npos);
  EXPECT_NE(usage_error([&] { labels("<f4", std::vector<float>{1}); }).find("type '<f4', but class numbers"),
            std::string::npos);
}

TEST_F(Npy, HeadersMayBeWrittenAnyWayThatPythonReads) {
  const std::string elements(24, '\7');
  for (const char* text : {"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3, 4), }",
                           "{\"shape\":(2,3,4),\"descr\":\"|u1\",\"fortran_order\":False}",
                           "{ 'fortran_order' : False , 'descr' : '|u1' , 'shape' : ( 2L , 3L , 4L , ) }"}) {
    EXPECT_EQ(header_of(write(npy_of_header(text, elements))).shape, (std::vector<std::size_t>{2, 3, 4})) << text;
  }
  EXPECT_EQ(header_of(write(npy("|u1", "()", "\7"))).shape, (std::vector<std::size_t>{}));
  EXPECT_EQ(bytes_in(write(npy_of_header("{'descr': '|u1', 'fortran_order': True, 'shape': (3,), }", "abc"))).size(),
            3U)
      << "one dimension has one order";
}

TEST_F(Npy, RefusesWhatIsNoArrayOfNumbersByItsReason) {
  expect_refused("", "this is no array as numpy.save writes it");
  expect_refused("PK\3\4 an archive", "this is no array as numpy.save writes it");
  std::string strange = npy("|u1", "(3,)", "abc");
  strange[6] = 4;
  expect_refused(strange, "version 4.0");
  expect_refused(std::string("\x93NUMPY\x02\x00\xff\xff\xff\xff", 12), "the header has 4294967295 bytes");
  expect_refused(npy("|u1", "(3,)", "abc").substr(0, 50), "byte 50: the file ends within its header");
  expect_header_refused("{'descr': '|O', 'fortran_order': False, 'shape': (3,), }", "Python objects");
  expect_header_refused("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,), }", "records");
  for (const char* type : {"<c8", "<f16", "<M8[ns]", "<f1", "<i3", "|f4", "=f4", "f4", "", "|b2", "<x4"}) {
    expect_header_refused("{'descr': '" + std::string(type) + "', 'fortran_order': False, 'shape': (3,), }",
                          "type '" + std::string(type) + "', which is not supported");
  }
  for (const char* type : {"<U3", "|S4"}) {
    expect_header_refused("{'descr': '" + std::string(type) + "', 'fortran_order': False, 'shape': (3,), }",
                          "the elements are text ('" + std::string(type) + "'); number the classes");
  }
  const auto shape = [&](const std::string& text, const std::string& problem) {
    expect_header_refused("{'descr': '<f4', 'fortran_order': False, 'shape': " + text + ", }", problem);
  };
  shape("(3)", "a number instead of a shape");
  shape("3", "no '(' here");
  shape("(-1,)", "no size of a dimension");
  shape("(2 3)", "no ','");
  shape("(2, 0)", "dimension 1 is empty");
  shape("(99999999999999999999,)", "no size of a dimension");
  shape("(4294967296, 4)", "claims more than");
  shape("(8589934592, 8589934592, 8589934592)", "claims more than");
  shape(
      "(" +
          [] {
            std::string ones;
            for (int i = 0; i < 33; ++i) ones += "1,";
            return ones;
          }() +
          ")",
      "too many");
  expect_header_refused("{'descr': '<f4', 'fortran_order': False, }", "lacks one of");
  expect_header_refused("{'descr': '<f4', 'descr': '<f4', }", "comes twice");
  expect_header_refused("{'fortran_order': False, 'fortran_order': False}", "comes twice");
  expect_header_refused("{'colour': 3}", "says 'colour'");
  expect_header_refused("{'descr': '<f4', 'fortran_order': 0}", "neither True nor False");
  expect_header_refused("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), } + 1", "follows the header");
  expect_header_refused("{'descr", "within quotes");
}

TEST_F(Npy, RefusesNumbersThatNoModelCanLearnFrom) {
  const auto refusal = [&](const std::string& type, const std::string& elements, const std::string& shape) {
    return usage_error([&] { floats_in(write(npy(type, shape, elements))); });
  };
  const std::string nan = refusal("<f4", bytes_of_numbers<float>({0, 0, 0, std::nanf("")}), "(2, 2)");
  EXPECT_NE(nan.find("sample 1 has nan, which is not finite"), std::string::npos) << nan;
  const std::string infinite = refusal("<f2", std::string("\x00\xfc", 2), "(1,)");
  EXPECT_NE(infinite.find("sample 0 has -inf, which is not finite"), std::string::npos) << infinite;
  const std::string large = refusal("<f8", bytes_of_numbers<double>({1e39}), "(1, 1)");
  EXPECT_NE(large.find("sample 0 has 1e+39, outside the range of float"), std::string::npos) << large;
}

TEST_F(Npy, MemoryGrowsWithWhatIsThereAndNotWithTheClaim) {
  // 8 GiB announced, three bytes there.
  const std::string path = write(npy("|u1", "(1, 8589934592)", "abc"));
  const std::string text = usage_error([&] { bytes_in(path); });
  EXPECT_NE(text.find("ends after 3 of 8589934592 bytes"), std::string::npos) << text;
}

TEST_F(Npy, NamesAreTextOrIntegers) {
  const auto names_in = [&](const std::string& content) {
    InputFile file(write(content));
    const NpyHeader header = read_npy_header(file, true);
    return read_npy_names(file, header);
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(names_in(npy("<i4", "(3,)", bytes_of_numbers(std::vector<std::int32_t>{7, -2, 7}))),
            (Names{"7", "-2", "7"}));
  EXPECT_EQ(names_in(npy("|S3", "(3,)", std::string("abc\0\0\0a\0\0", 9))), (Names{"abc", "", "a"}));
  // Characters of 4 bytes: A, e with an accent, the euro, a grinning face.
  const std::vector<std::uint32_t> characters = {'A', 0xe9, 0x20ac, 0, 0x1f600, 0, 0, 0};
  const Names words = {"A\xc3\xa9\xe2\x82\xac", "\xf0\x9f\x98\x80"};
  EXPECT_EQ(names_in(npy("<U4", "(2,)", bytes_of_numbers(characters))), words);
  std::string reversed = bytes_of_numbers(characters);
  for (std::size_t at = 0; at < reversed.size(); at += 4)
    std::reverse(reversed.begin() + static_cast<long>(at), reversed.begin() + static_cast<long>(at) + 4);
  EXPECT_EQ(names_in(npy(">U4", "(2, 1)", reversed)), words);
  const auto refusal = [&](const std::string& content) { return usage_error([&] { names_in(content); }); };
  EXPECT_NE(refusal(npy("<f8", "(1,)", std::string(8, '\0'))).find("text or whole numbers"), std::string::npos);
  EXPECT_NE(refusal(npy("<U1", "(1,)", "\xff\xff\xff\x7f")).find("sample 0 has text that is no Unicode"),
            std::string::npos);
  EXPECT_NE(refusal(npy("<U1", "(1,)", std::string("\0\xd8\0\0", 4))).find("no Unicode"), std::string::npos);
  EXPECT_NE(refusal(npy("<U2000", "(1,)", "")).find("the elements are text ('<U2000')"), std::string::npos);
  EXPECT_NE(refusal(npy("<U0", "(1,)", "")).find("the elements are text ('<U0')"), std::string::npos);
  EXPECT_NE(refusal(npy("|S2", "(2,)", "abc")).find("the file ends after 3 of 4 bytes"), std::string::npos);
  expect_refused(npy("<U1", "(1,)", "A\0\0\0"), "the elements are text ('<U1'); number the classes");
}

}  // namespace
}  // namespace laconic
