#include "runtimes/process/state_transfer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "base/random.h"

namespace laconic::process {
namespace {

std::vector<std::byte> bytes_of(std::size_t size, std::uint64_t seed) {
  RandomStream stream(seed, "state transfer test");
  std::vector<std::byte> bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(stream.below(256));
  return bytes;
}

StatePiece piece_of(const StateSnapshot& snapshot, std::uint32_t number) {
  return {.version = snapshot.version(), .piece = number, .bytes = snapshot.piece(number)};
}

TEST(StateTransfer, ComesWholeInPiecesOfOneMebibyte) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kStatePiece, kStatePiece + 1, 7 * kStatePiece - 3}) {
    const StateSnapshot snapshot(3, bytes_of(size, size));
    StateReceiver receiver;
    receiver.begin(snapshot.offer());
    std::size_t pieces = 0;
    while (const auto next = receiver.next_to_ask()) {
      receiver.take(piece_of(snapshot, *next));
      ++pieces;
    }
    EXPECT_EQ(pieces, (size + kStatePiece - 1) / kStatePiece);
    EXPECT_TRUE(receiver.is_whole());
    EXPECT_TRUE(std::ranges::equal(receiver.bytes(), snapshot.bytes())) << size;
  }
}

TEST(StateTransfer, AsksForAFewPiecesAtATime) {
  const StateSnapshot snapshot(3, bytes_of(20 * kStatePiece, 1));
  StateReceiver receiver;
  receiver.begin(snapshot.offer());
  std::vector<std::uint32_t> asked;
  while (const auto next = receiver.next_to_ask()) asked.push_back(*next);
  EXPECT_EQ(asked, (std::vector<std::uint32_t>{0, 1, 2, 3}));
  receiver.take(piece_of(snapshot, 2));
  EXPECT_EQ(receiver.next_to_ask(), 4U);
  EXPECT_FALSE(receiver.next_to_ask());
}

TEST(StateTransfer, APieceThatIsNotTheOneOfferedIsRefusedAndAskedForAgain) {
  const StateSnapshot snapshot(3, bytes_of(3 * kStatePiece, 1));
  StateReceiver receiver;
  receiver.begin(snapshot.offer());
  while (receiver.next_to_ask()) {
  }
  std::vector<std::byte> wrong(snapshot.piece(1).begin(), snapshot.piece(1).end());
  wrong[12'345] ^= std::byte{1};
  EXPECT_THROW(receiver.take({.version = 3, .piece = 1, .bytes = wrong}), DecodeError);
  EXPECT_THROW(receiver.take({.version = 3, .piece = 0, .bytes = snapshot.piece(0).first(100)}), DecodeError);
  EXPECT_THROW(receiver.take({.version = 3, .piece = 2, .bytes = snapshot.piece(1)}), DecodeError);
  EXPECT_FALSE(receiver.is_whole());
  std::size_t again = 0;
  while (const auto next = receiver.next_to_ask()) {
    receiver.take(piece_of(snapshot, *next));
    ++again;
  }
  EXPECT_EQ(again, 3U);
  EXPECT_TRUE(std::ranges::equal(receiver.bytes(), snapshot.bytes()));
}

TEST(StateTransfer, WhatCameIsKeptOverABreak) {
  const StateSnapshot snapshot(3, bytes_of(6 * kStatePiece, 1));
  StateReceiver receiver;
  receiver.begin(snapshot.offer());
  for (int i = 0; i < 3; ++i) receiver.take(piece_of(snapshot, *receiver.next_to_ask()));
  while (receiver.next_to_ask()) {
  }
  receiver.ask_again();
  receiver.begin(snapshot.offer());
  std::vector<std::uint32_t> asked;
  while (const auto next = receiver.next_to_ask()) {
    asked.push_back(*next);
    receiver.take(piece_of(snapshot, *next));
  }
  EXPECT_EQ(asked, (std::vector<std::uint32_t>{3, 4, 5}));
  EXPECT_TRUE(std::ranges::equal(receiver.bytes(), snapshot.bytes()));
}

TEST(StateTransfer, OfANewerVersionOnlyThePiecesThatDifferAreAskedFor) {
  std::vector<std::byte> bytes = bytes_of(4 * kStatePiece, 1);
  const StateSnapshot older(3, bytes);
  bytes[2 * kStatePiece + 5] ^= std::byte{0x40};
  const StateSnapshot newer(4, bytes);
  StateReceiver receiver;
  receiver.begin(older.offer());
  while (const auto next = receiver.next_to_ask()) receiver.take(piece_of(older, *next));
  receiver.begin(newer.offer());
  EXPECT_FALSE(receiver.is_whole());
  // One of the older version, late, is passed over.
  receiver.take(piece_of(older, 2));
  EXPECT_EQ(receiver.next_to_ask(), 2U);
  receiver.take(piece_of(newer, 2));
  EXPECT_TRUE(receiver.is_whole());
  EXPECT_TRUE(std::ranges::equal(receiver.bytes(), newer.bytes()));
}

}  // namespace
}  // namespace laconic::process
