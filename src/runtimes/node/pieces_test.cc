#include "runtimes/node/pieces.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "base/byte_stream.h"
#include "base/error.h"
#include "base/random.h"

namespace laconic::node {
namespace {

constexpr std::size_t kPieceSize = std::size_t{512} << 10;
constexpr std::uint64_t kMaxSize = 8 * kPieceSize;

std::vector<std::byte> copy_of(std::span<const std::byte> bytes) { return {bytes.begin(), bytes.end()}; }

// A frame of exactly `size` bytes on the wire, of bytes that `seed` gives.
Frame frame_of(std::size_t size, std::uint64_t seed) {
  RandomStream stream(seed, "pieces");
  std::size_t payload = size;
  for (;;) {
    const Frame frame({.traffic = Traffic::kModel, .tag = Tag::kGossip, .round = {seed}}, payload,
                      [&](std::span<std::byte> out) {
                        for (std::byte& byte : out) byte = static_cast<std::byte>(stream.below(256));
                      });
    if (frame.wire().size() == size) return frame;
    payload -= frame.wire().size() - size;
  }
}

std::vector<std::byte> opening_of(std::uint64_t size) {
  ByteWriter out;
  out.u64(size);
  return out.take();
}

std::string refusal_of(Assembly& assembly, Part part, std::span<const std::byte> message) {
  try {
    assembly.take(part, message);
  } catch (const DecodeError& error) {
    return error.what();
  }
  return "";
}

TEST(Pieces, FramesOfEveryKindOfSizeComeTogetherBitForBit) {
  for (const std::size_t size : {std::size_t{20}, kPieceSize - 1, kPieceSize, kPieceSize + 1, 2 * kPieceSize,
                                 2 * kPieceSize + 1, 5 * kPieceSize - 1}) {
    const Frame frame = frame_of(size, size);
    Outbox outbox(kPieceSize);
    outbox.push(0, frame);
    Assembly assembly(kPieceSize, kMaxSize);
    std::size_t messages = 0;
    std::vector<std::byte> received;
    while (!outbox.empty()) {
      const Outgoing message = outbox.pop();
      ++messages;
      ASSERT_LE(message.bytes().size(), kPieceSize);
      ASSERT_EQ(message.is_last(), outbox.empty());
      ASSERT_TRUE(received.empty());
      if (const auto wire = assembly.take(message.part(), message.bytes())) received = copy_of(*wire);
    }
    EXPECT_EQ(received, copy_of(frame.wire())) << size;
    EXPECT_EQ(messages, size <= kPieceSize ? 1 : 1 + (size + kPieceSize - 1) / kPieceSize) << size;
    EXPECT_EQ(assembly.held(), 0U) << size;
  }
}

TEST(Pieces, MessagesPointIntoTheFramesOwnBytes) {
  const Frame frame = frame_of(3 * kPieceSize, 1);
  Outbox outbox(kPieceSize);
  outbox.push(1, frame);
  std::size_t offset = 0;
  while (!outbox.empty()) {
    const Outgoing message = outbox.pop();
    if (message.part() == Part::kOpening) continue;
    EXPECT_EQ(message.bytes().data(), frame.wire().data() + offset);
    offset += message.bytes().size();
  }
  EXPECT_EQ(offset, frame.wire().size());
}

TEST(Pieces, LanesTakeTurnsAndEachKeepsItsOrder) {
  Outbox outbox(kPieceSize);
  std::map<std::size_t, std::vector<std::vector<std::byte>>> sent;
  std::uint64_t seed = 0;
  const auto push = [&](std::size_t lane, std::size_t size) {
    const Frame frame = frame_of(size, ++seed);
    sent[lane].push_back(copy_of(frame.wire()));
    outbox.push(lane, frame);
  };
  push(0, 4 * kPieceSize);
  push(0, 30);
  push(1, 40);
  push(2, 2 * kPieceSize);
  push(2, 50);
  std::vector<Assembly> assemblies(kLanes, Assembly(kPieceSize, kMaxSize));
  std::map<std::size_t, std::vector<std::vector<std::byte>>> received;
  std::size_t messages_until_lane_1 = 0;
  while (!outbox.empty()) {
    const Outgoing message = outbox.pop();
    if (received[1].empty()) ++messages_until_lane_1;
    if (const auto wire = assemblies[message.lane()].take(message.part(), message.bytes())) {
      received[message.lane()].push_back(copy_of(*wire));
    }
  }
  EXPECT_EQ(received, sent);
  EXPECT_LE(messages_until_lane_1, kLanes);
}

TEST(Pieces, AFrameStaysWholeWhenItsSenderLetsGoOfIt) {
  Outbox outbox(kPieceSize);
  std::vector<std::byte> wire;
  {
    const Frame frame = frame_of(100, 3);
    wire = copy_of(frame.wire());
    outbox.push(3, frame);
  }
  EXPECT_EQ(copy_of(outbox.pop().bytes()), wire);
}

TEST(Pieces, AFrameThatWasNeverEncodedIsTheCallersBug) {
  Outbox outbox(kPieceSize);
  EXPECT_THROW(outbox.push(0, Frame()), CheckFailed);
  EXPECT_THROW(outbox.pop(), CheckFailed);
}

TEST(Assembly, RefusesSizesThatNoSenderOpensWith) {
  for (const std::uint64_t size :
       {std::uint64_t{0}, std::uint64_t{kPieceSize}, kMaxSize + 1, std::uint64_t{1} << 40, ~std::uint64_t{0}}) {
    Assembly assembly(kPieceSize, kMaxSize);
    EXPECT_NE(refusal_of(assembly, Part::kOpening, opening_of(size)), "") << size;
    EXPECT_EQ(assembly.held(), 0U);
  }
  for (const std::size_t bytes : {0U, 7U, 9U}) {
    Assembly assembly(kPieceSize, kMaxSize);
    EXPECT_NE(refusal_of(assembly, Part::kOpening, std::vector<std::byte>(bytes)), "") << bytes;
  }
}

TEST(Assembly, RefusesPiecesThatDoNotFit) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kPieceSize - 1, kPieceSize + 1}) {
    Assembly assembly(kPieceSize, kMaxSize);
    assembly.take(Part::kOpening, opening_of(3 * kPieceSize));
    EXPECT_NE(refusal_of(assembly, Part::kPiece, std::vector<std::byte>(size)), "") << size;
  }
  Assembly assembly(kPieceSize, kMaxSize);
  EXPECT_NE(refusal_of(assembly, Part::kPiece, std::vector<std::byte>(kPieceSize)), "");
}

TEST(Assembly, RefusesWholeFramesAboveTheLimit) {
  Assembly small(kPieceSize, 100);
  EXPECT_NE(refusal_of(small, Part::kWhole, std::vector<std::byte>(101)), "");
  EXPECT_EQ(refusal_of(small, Part::kWhole, std::vector<std::byte>(100)), "");
  Assembly large(kPieceSize, kMaxSize);
  EXPECT_NE(refusal_of(large, Part::kWhole, std::vector<std::byte>(kPieceSize + 1)), "");
}

TEST(Assembly, RefusesAFrameOnceAndTakesTheNext) {
  const std::vector<std::byte> piece(kPieceSize);
  Assembly assembly(kPieceSize, kMaxSize);
  EXPECT_NE(refusal_of(assembly, Part::kOpening, opening_of(kMaxSize + 1)), "");
  for (int i = 0; i < 9; ++i) EXPECT_EQ(refusal_of(assembly, Part::kPiece, piece), "");
  EXPECT_TRUE(assembly.take(Part::kWhole, std::vector<std::byte>(10)));

  EXPECT_FALSE(assembly.take(Part::kOpening, opening_of(2 * kPieceSize)));
  EXPECT_FALSE(assembly.take(Part::kPiece, piece));
  EXPECT_NE(refusal_of(assembly, Part::kOpening, opening_of(2 * kPieceSize)), "");  // begins inside the other
  EXPECT_EQ(assembly.held(), 0U);
  EXPECT_FALSE(assembly.take(Part::kPiece, piece));
  EXPECT_FALSE(assembly.take(Part::kPiece, piece));

  EXPECT_FALSE(assembly.take(Part::kOpening, opening_of(2 * kPieceSize)));
  EXPECT_FALSE(assembly.take(Part::kPiece, piece));
  const auto wire = assembly.take(Part::kPiece, piece);
  ASSERT_TRUE(wire);
  EXPECT_EQ(wire->size(), 2 * kPieceSize);
}

TEST(Assembly, HoldsNoMoreThanTwiceWhatCame) {
  const std::vector<std::byte> piece(kPieceSize);
  Assembly assembly(kPieceSize, std::uint64_t{1} << 40);
  assembly.take(Part::kOpening, opening_of(std::uint64_t{1} << 40));
  EXPECT_EQ(assembly.held(), 0U);
  for (std::size_t pieces = 1; pieces <= 10; ++pieces) {
    assembly.take(Part::kPiece, piece);
    EXPECT_LE(assembly.held(), 2 * pieces * kPieceSize);
  }
}

}  // namespace
}  // namespace laconic::node
