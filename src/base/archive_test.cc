#include "base/archive.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "base/error.h"

namespace laconic {
namespace {

struct State {
  std::uint64_t steps = 0;
  double threshold = 0.0;
  bool warm = false;
  std::vector<float> velocity = std::vector<float>(3);
  std::vector<float> history;
  std::string reason;
  std::vector<std::byte> message;

  void archive(Archive& archive) {
    archive.value("steps", steps);
    archive.value("threshold", threshold);
    archive.value("warm", warm);
    archive.floats("velocity", velocity);
    archive.vector("history", history, 4);
    archive.text("reason", reason, 8);
    archive.bytes("message", message, 3);
  }
  friend bool operator==(const State&, const State&) = default;
};

State example() {
  return {.steps = 1ULL << 63,
          .threshold = 0.1,
          .warm = true,
          .velocity = {1, -2, 3},
          .history = {4, 5},
          .reason = std::string("a\0\n\xff", 4),
          .message = {std::byte{7}, std::byte{0}}};
}

std::vector<std::byte> saved(State state) {
  Archive archive;
  EXPECT_FALSE(archive.loading());
  state.archive(archive);
  return archive.take();
}

TEST(Archive, WhatIsSavedIsLoaded) {
  const std::vector<std::byte> bytes = saved(example());
  Archive archive(bytes);
  EXPECT_TRUE(archive.loading());
  State found;
  found.archive(archive);
  archive.expect_end();
  EXPECT_EQ(found, example());
}

TEST(Archive, RefusesAnotherNameAndSaysWhich) {
  const std::vector<std::byte> bytes = saved(example());
  Archive archive(bytes);
  std::uint64_t value = 7;
  try {
    archive.value("rounds", value);
    FAIL() << "loaded under another name";
  } catch (const DecodeError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("steps"), std::string::npos) << text;
    EXPECT_NE(text.find("rounds"), std::string::npos) << text;
  }
  EXPECT_EQ(value, 7U) << "unchanged on failure";
}

TEST(Archive, RefusesAnotherType) {
  const std::vector<std::byte> bytes = saved(example());
  Archive archive(bytes);
  double value = 0.0;
  EXPECT_THROW(archive.value("steps", value), DecodeError);
}

TEST(Archive, RefusesAnotherSize) {
  Archive writer;
  std::vector<float> three(3);
  writer.floats("fixed", three);
  const std::vector<std::byte> bytes = writer.take();
  Archive archive(bytes);
  std::vector<float> four(4);
  EXPECT_THROW(archive.floats("fixed", four), DecodeError);
}

TEST(Archive, RefusesAVectorBeyondItsLimitOrItsBytes) {
  std::vector<float> five(5);
  Archive writer;
  writer.vector("history", five, 10);
  const std::vector<std::byte> bytes = writer.take();
  std::vector<float> found;
  Archive limited(bytes);
  EXPECT_THROW(limited.vector("history", found, 4), DecodeError);
  EXPECT_TRUE(found.empty());

  ByteWriter lying;
  lying.text("history");
  lying.u8('v');
  lying.varint(std::uint64_t{1} << 61);  // times four overflows
  const std::vector<std::byte> lie = lying.take();
  Archive overlong(lie);
  EXPECT_THROW(overlong.vector("history", found, std::numeric_limits<std::size_t>::max()), DecodeError);
}

TEST(Archive, RefusesATextOrBytesBeyondTheirLimitOrWhatIsThere) {
  std::string text = "nine char";
  std::vector<std::byte> message(4);
  Archive writer;
  writer.text("reason", text, 8);
  writer.bytes("message", message, 3);
  const std::vector<std::byte> bytes = writer.take();
  std::string found = "kept";
  Archive limited(bytes);
  EXPECT_THROW(limited.text("reason", found, 8), DecodeError);
  EXPECT_EQ(found, "kept") << "unchanged on failure";
  Archive wide(bytes);
  wide.text("reason", found, 9);
  EXPECT_EQ(found, text);
  EXPECT_THROW(wide.bytes("message", message, 3), DecodeError);

  for (const char type : {'t', 'B'}) {
    ByteWriter lying;
    lying.text("reason");
    lying.u8(static_cast<std::uint8_t>(type));
    lying.varint(std::numeric_limits<std::uint64_t>::max());
    const std::vector<std::byte> lie = lying.take();
    Archive overlong(lie);
    constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();
    if (type == 't') {
      EXPECT_THROW(overlong.text("reason", found, kNoLimit), DecodeError);
    } else {
      EXPECT_THROW(overlong.bytes("reason", message, kNoLimit), DecodeError);
    }
  }
}

TEST(Archive, RefusesATruthValueThatIsNeither) {
  ByteWriter writer;
  writer.text("warm");
  writer.u8('b');
  writer.u8(2);
  const std::vector<std::byte> bytes = writer.take();
  Archive archive(bytes);
  bool value = false;
  EXPECT_THROW(archive.value("warm", value), DecodeError);
}

TEST(Archive, EveryCutIsRefused) {
  const std::vector<std::byte> whole = saved(example());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    Archive archive(cut);
    State found;
    EXPECT_THROW(found.archive(archive), DecodeError) << size;
  }
  std::vector<std::byte> longer = whole;
  longer.push_back(std::byte{0});
  Archive archive(longer);
  State found;
  found.archive(archive);
  EXPECT_THROW(archive.expect_end(), DecodeError);
}

}  // namespace
}  // namespace laconic
