#include "base/byte_stream.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/random.h"

namespace laconic {
namespace {

std::vector<std::byte> bytes(std::initializer_list<int> values) {
  std::vector<std::byte> result;
  for (const int value : values) result.push_back(static_cast<std::byte>(value));
  return result;
}

TEST(ByteWriter, IsLittleEndian) {
  ByteWriter writer;
  writer.u8(0x01);
  writer.u32(0x02030405);
  writer.u64(0x060708090a0b0c0dULL);
  writer.f32(1.0F);
  EXPECT_EQ(writer.take(), bytes({0x01, 0x05, 0x04, 0x03, 0x02, 0x0d, 0x0c, 0x0b, 0x0a, 0x09, 0x08, 0x07, 0x06, 0x00,
                                  0x00, 0x80, 0x3f}));
}

TEST(ByteWriter, VarintsAreSevenBitsAByteLowFirst) {
  const auto varint = [](std::uint64_t value) {
    ByteWriter writer;
    writer.varint(value);
    return writer.take();
  };
  EXPECT_EQ(varint(0), bytes({0}));
  EXPECT_EQ(varint(127), bytes({0x7f}));
  EXPECT_EQ(varint(128), bytes({0x80, 0x01}));
  EXPECT_EQ(varint(300), bytes({0xac, 0x02}));
  EXPECT_EQ(varint(std::numeric_limits<std::uint64_t>::max()),
            bytes({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}));
}

TEST(ByteStream, WhatIsWrittenIsReadBack) {
  const std::vector<float> values = {0.0F,
                                     -0.0F,
                                     1.5F,
                                     std::numeric_limits<float>::denorm_min(),
                                     std::numeric_limits<float>::infinity(),
                                     std::bit_cast<float>(0x7fc01234U)};
  std::vector<std::uint64_t> integers = {0, 1};
  for (int bit = 1; bit < 64; ++bit) {
    integers.push_back((1ULL << bit) - 1);
    integers.push_back(1ULL << bit);
  }
  integers.push_back(std::numeric_limits<std::uint64_t>::max());
  ByteWriter writer;
  for (const std::uint64_t value : integers) writer.varint(value);
  for (const std::uint64_t value : integers) writer.u64(value);
  writer.floats(values);
  writer.floats({});
  writer.text("");
  writer.text(std::string("with \0 inside", 13));
  writer.f64(-0.1);
  const std::vector<std::byte> written = writer.take();

  ByteReader reader(written, "test");
  for (const std::uint64_t value : integers) EXPECT_EQ(reader.varint(), value);
  for (const std::uint64_t value : integers) EXPECT_EQ(reader.u64(), value);
  std::vector<float> found(values.size());
  reader.floats(found);
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(std::bit_cast<std::uint32_t>(found[i]), std::bit_cast<std::uint32_t>(values[i]));
  }
  reader.floats({});
  EXPECT_EQ(reader.text(0), "");
  EXPECT_EQ(reader.text(13), std::string("with \0 inside", 13));
  EXPECT_EQ(reader.f64(), -0.1);
  EXPECT_EQ(reader.remaining(), 0U);
  reader.expect_end();
}

TEST(ByteReader, RefusesVarintsThatAreTooLongOrNotTheShortest) {
  for (const auto& encoding :
       {bytes({0x80, 0x00}), bytes({0xff, 0x00}), bytes({0x80, 0x80, 0x00}),
        bytes({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02}),
        bytes({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x81, 0x00}), bytes({0x80}), bytes({})}) {
    ByteReader reader(encoding, "test");
    EXPECT_THROW(reader.varint(), DecodeError) << encoding.size() << " bytes";
  }
}

TEST(ByteReader, EveryShorterInputEndsInAnErrorNotInARead) {
  ByteWriter writer;
  writer.u8(1);
  writer.u32(2);
  writer.u64(3);
  writer.f32(4.0F);
  writer.f64(5.0);
  writer.varint(600);
  writer.text("seven");
  writer.floats(std::vector<float>{8.0F, 9.0F});
  const std::vector<std::byte> whole = writer.take();
  const auto read_all = [](ByteReader& reader) {
    reader.u8();
    reader.u32();
    reader.u64();
    reader.f32();
    reader.f64();
    reader.varint();
    reader.text(5);
    std::vector<float> values(2);
    reader.floats(values);
    reader.expect_end();
  };
  for (std::size_t size = 0; size < whole.size(); ++size) {
    // A buffer of exactly that size, so that an address sanitizer sees a read beyond it.
    const std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    ByteReader reader(cut, "test");
    EXPECT_THROW(read_all(reader), DecodeError) << size;
  }
  ByteReader reader(whole, "test");
  EXPECT_NO_THROW(read_all(reader));
}

TEST(ByteReader, RefusesTextsBeyondTheirLimitAndTrailingBytes) {
  ByteWriter writer;
  writer.text("eight by");
  const std::vector<std::byte> written = writer.take();
  ByteReader too_small(written, "test");
  EXPECT_THROW(too_small.text(7), DecodeError);
  ByteReader reader(written, "test");
  EXPECT_THROW(reader.expect_end(), DecodeError);
  // A length that is not there must not be allocated either.
  ByteWriter lying;
  lying.varint(1ULL << 60);
  const std::vector<std::byte> lie = lying.take();
  ByteReader overlong(lie, "test");
  EXPECT_THROW(overlong.text(std::numeric_limits<std::size_t>::max()), DecodeError);
}

TEST(ByteReader, ErrorsNameWhatAndWhere) {
  const std::vector<std::byte> three = bytes({1, 2, 3});
  ByteReader reader(three, "frame of worker 3");
  reader.u8();
  try {
    reader.u32();
    FAIL() << "read past the end";
  } catch (const DecodeError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("frame of worker 3"), std::string::npos) << text;
    EXPECT_NE(text.find("at byte 1 of 3"), std::string::npos) << text;
  }
  EXPECT_EQ(reader.offset(), 1U) << "a failed read moves nothing";
}

TEST(ByteReader, RandomBytesNeverDoMoreThanThrow) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    RandomStream stream(seed, "byte_stream_test");
    std::vector<std::byte> input(stream.below(40));
    for (std::byte& value : input) value = static_cast<std::byte>(stream.below(256));
    ByteReader reader(input, "noise");
    std::size_t before = 0;
    try {
      for (;;) {
        switch (stream.below(4)) {
          case 0:
            reader.varint();
            break;
          case 1:
            reader.text(16);
            break;
          case 2:
            reader.u32();
            break;
          default:
            reader.raw(stream.below(5) + 1);
            break;
        }
        ASSERT_GT(reader.offset(), before);
        before = reader.offset();
      }
    } catch (const DecodeError&) {
      ASSERT_LE(reader.offset(), input.size());
    }
  }
}

}  // namespace
}  // namespace laconic
