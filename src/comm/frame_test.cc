#include "comm/frame.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "base/error.h"
#include "base/random.h"

namespace laconic {
namespace {

constexpr std::uint64_t kAnySize = 1 << 20;

std::vector<std::byte> copy_of(std::span<const std::byte> bytes) { return {bytes.begin(), bytes.end()}; }

// The worked example of docs/wire_format.md: FDA's linear state (||u||^2, <xi, u>) = (1.5, -0.25) of round 300.
Frame example() {
  const std::vector<float> state = {1.5F, -0.25F};
  return {FrameHeader{.traffic = Traffic::kState, .tag = Tag::kReduceMean, .round = {300}},
          std::span<const float>(state)};
}

std::string hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte byte : bytes) {
    std::array<char, 4> digits{};
    std::snprintf(digits.data(), digits.size(), "%02x ", static_cast<unsigned>(byte));
    text += digits.data();
  }
  return text;
}

TEST(Frame, IsTheWorkedExampleByteForByte) {
  std::ifstream golden("tests/golden/frame_state.bin", std::ios::binary);
  ASSERT_TRUE(golden) << "tests/golden/frame_state.bin is missing; run from the project's root";
  const std::string expected((std::istreambuf_iterator<char>(golden)), std::istreambuf_iterator<char>());
  EXPECT_EQ(hex(example().wire()), hex(std::as_bytes(std::span(expected))));
  std::ifstream page("docs/wire_format.md");
  ASSERT_TRUE(page);
  const std::string text((std::istreambuf_iterator<char>(page)), std::istreambuf_iterator<char>());
  std::string line = hex(example().wire());
  line.pop_back();
  EXPECT_NE(text.find(line), std::string::npos) << "docs/wire_format.md lacks: " << line;
}

TEST(Frame, DecodesToWhatWasEncoded) {
  RandomStream stream(1, "frame");
  for (const std::size_t size : {0U, 1U, 127U, 128U, 5000U}) {
    std::vector<std::byte> payload(size);
    for (std::byte& byte : payload) byte = static_cast<std::byte>(stream.below(256));
    for (const std::uint64_t round : {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128}, kMaxRound}) {
      for (std::size_t tag = 0; tag < kTags; ++tag) {
        const FrameHeader header{.traffic = Traffic::kModel, .tag = static_cast<Tag>(tag), .round = {round}};
        const Frame frame(header, std::span<const std::byte>(payload));
        const Frame decoded = Frame::decode(frame.wire(), kAnySize);
        ASSERT_EQ(decoded.header().round, header.round);
        ASSERT_EQ(decoded.header().tag, header.tag);
        ASSERT_EQ(decoded.header().traffic, header.traffic);
        ASSERT_EQ(copy_of(decoded.payload()), payload);
        ASSERT_LE(frame.wire_size().value, frame.payload_size().value + kMaxHeaderSize);
      }
    }
  }
}

TEST(Frame, FilledInPlaceIsTheFrameOfACopiedPayload) {
  RandomStream stream(1, "frame filled in place");
  for (const std::size_t size : {0U, 1U, 127U, 128U, 5000U}) {
    std::vector<std::byte> payload(size);
    for (std::byte& byte : payload) byte = static_cast<std::byte>(stream.below(256));
    const FrameHeader header{.traffic = Traffic::kGradient, .tag = Tag::kGather, .round = {300}};
    const Frame copied(header, std::span<const std::byte>(payload));
    const std::byte* place = nullptr;
    const Frame filled(header, size, [&](std::span<std::byte> out) {
      ASSERT_EQ(out.size(), size);
      place = out.data();
      std::copy(payload.begin(), payload.end(), out.begin());
    });
    EXPECT_EQ(copy_of(filled.wire()), copy_of(copied.wire()));
    EXPECT_EQ(filled.checksum(), copied.checksum());
    EXPECT_EQ(filled.payload().data(), place);
  }
}

TEST(Frame, WhatItsFillingThrowsComesOut) {
  const FrameHeader header{.traffic = Traffic::kModel, .tag = Tag::kGather, .round = {1}};
  EXPECT_THROW(Frame(header, 8, [](std::span<std::byte>) { throw RunError("not finite"); }), RunError);
}

TEST(Frame, RefusesEveryFlippedBit) {
  const Frame frame = example();
  for (std::size_t bit = 0; bit < 8 * frame.wire().size(); ++bit) {
    std::vector<std::byte> wire = copy_of(frame.wire());
    wire[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    EXPECT_THROW(Frame::decode(wire, kAnySize), DecodeError) << "bit " << bit;
  }
}

TEST(Frame, RefusesEveryTruncationAndATrailingByte) {
  const Frame frame = example();
  for (std::size_t size = 0; size < frame.wire().size(); ++size) {
    EXPECT_THROW(Frame::decode(frame.wire().first(size), kAnySize), DecodeError) << "size " << size;
  }
  std::vector<std::byte> wire = copy_of(frame.wire());
  wire.push_back(std::byte{0});
  EXPECT_THROW(Frame::decode(wire, kAnySize), DecodeError);
}

TEST(Frame, RefusesAPayloadAboveTheLimitBeforeReadingIt) {
  const Frame frame = example();
  EXPECT_NO_THROW(frame.verify(8));
  EXPECT_THROW(frame.verify(7), DecodeError);
}

TEST(Frame, FloatsAreAViewOfThePayloadAndOnlyOfTheRightCount) {
  const Frame frame = example();
  const SharedVector floats = frame.floats(2);
  EXPECT_EQ(static_cast<const void*>(floats.values().data()), static_cast<const void*>(frame.payload().data()));
  EXPECT_EQ(floats.values()[0], 1.5F);
  EXPECT_EQ(floats.values()[1], -0.25F);
  EXPECT_THROW(frame.floats(1), DecodeError);
  EXPECT_THROW(frame.floats(3), DecodeError);
}

TEST(Frame, FloatsOutliveTheFrame) {
  SharedVector floats;
  {
    const Frame frame = example();
    floats = frame.floats(2);
  }
  EXPECT_EQ(floats.values()[0], 1.5F);
}

}  // namespace
}  // namespace laconic
