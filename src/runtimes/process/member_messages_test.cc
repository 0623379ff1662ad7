#include "runtimes/process/member_messages.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace laconic::process {
namespace {

constexpr std::uint64_t kMaxState = 5 << 20;

std::vector<std::byte> bytes_of(std::initializer_list<unsigned> values) {
  std::vector<std::byte> bytes;
  for (const unsigned value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

std::vector<std::byte> payload_of(const MemberMessage& message) {
  const Frame frame = encode(message, 10);
  return {frame.payload().begin(), frame.payload().end()};
}

MemberMessage decoded(std::span<const std::byte> payload) {
  // What is decoded sees the frame's bytes, which the test has no use for.
  return decode_member_message(Frame(FrameHeader{Traffic::kControl, Tag::kMembership, {}}, payload), 10, kMaxState);
}

TEST(MemberMessages, AreLaidOutAsTheirPageSays) {
  const std::vector<std::byte> state = bytes_of({7, 8, 9});
  EXPECT_EQ(payload_of(Join{.start = 0x04030201, .step = {5}, .history = 6}), bytes_of({0, 1, 2, 3, 4, 5, 6, 0, 0, 0}));
  EXPECT_EQ(payload_of(Ask{.version = 2, .piece = 3}), bytes_of({1, 2, 0, 0, 0, 3, 0, 0, 0}));
  EXPECT_EQ(payload_of(Ready{.version = 258}), bytes_of({2, 2, 1, 0, 0}));
  EXPECT_EQ(payload_of(Done{.step = {300}}), bytes_of({3, 0xac, 2}));
  EXPECT_EQ(payload_of(Offer{.version = 1, .size = 3, .checksums = {5}}), bytes_of({4, 1, 0, 0, 0, 3, 5, 0, 0, 0}));
  EXPECT_EQ(payload_of(StatePiece{.version = 1, .piece = 0, .bytes = state}),
            bytes_of({5, 1, 0, 0, 0, 0, 0, 0, 0, 7, 8, 9}));
  const Enter enter{.view = {.number = 6, .members = {{0}, {9}}},
                    .round = {11},
                    .step = {12},
                    .history = 13,
                    .version = 14,
                    .has_state = true,
                    .state = state};
  EXPECT_EQ(payload_of(enter), bytes_of({6, 6, 0, 0, 0, 1, 2, 11, 12, 13, 0, 0, 0, 14, 0, 0, 0, 1, 7, 8, 9}));
  EXPECT_EQ(payload_of(Out{.reason = "a"}), bytes_of({7, 'a'}));
  EXPECT_EQ(payload_of(Refused{.reason = "b"}), bytes_of({8, 'b'}));
  EXPECT_EQ(payload_of(End{}), bytes_of({9}));
  EXPECT_EQ(payload_of(Here{.view = 1, .round = {2}, .step = {3}, .history = 4}),
            bytes_of({10, 1, 0, 0, 0, 2, 3, 4, 0, 0, 0}));
  EXPECT_EQ(payload_of(Repeat{}), bytes_of({11}));
  EXPECT_EQ(payload_of(Heard{.result = state}), bytes_of({12, 7, 8, 9}));
  EXPECT_EQ(payload_of(Give{}), bytes_of({13}));
  EXPECT_EQ(payload_of(Given{.step = {1}, .history = 2, .state = state}), bytes_of({14, 1, 2, 0, 0, 0, 7, 8, 9}));
}

TEST(MemberMessages, ComeOutAsTheyWentIn) {
  const std::vector<std::byte> state = bytes_of({7, 8, 9});
  const Frame frame = encode(Enter{.view = {.number = 6, .members = {{0}, {9}}},
                                   .round = {11},
                                   .step = {12},
                                   .history = 13,
                                   .version = 14,
                                   .has_state = true,
                                   .state = state},
                             10);
  EXPECT_EQ(frame.header().traffic, Traffic::kModel);
  const MemberMessage message = decode_member_message(frame, 10, kMaxState);
  const auto* enter = std::get_if<Enter>(&message);
  ASSERT_NE(enter, nullptr);
  EXPECT_EQ(enter->view, (View{.number = 6, .members = {{0}, {9}}}));
  EXPECT_EQ(enter->round, Round{11});
  EXPECT_EQ(enter->step, Step{12});
  EXPECT_EQ(enter->history, 13U);
  EXPECT_EQ(enter->version, 14U);
  EXPECT_TRUE(std::ranges::equal(enter->state, state));
}

TEST(MemberMessages, RefuseEveryCutAndWhatNobodySays) {
  for (const MemberMessage& message :
       {MemberMessage(Join{}), MemberMessage(Ask{}), MemberMessage(Ready{}), MemberMessage(Done{}),
        MemberMessage(Offer{.version = 1, .size = 3, .checksums = {5}}), MemberMessage(Enter{}), MemberMessage(Here{}),
        MemberMessage(Give{}), MemberMessage(Where{}), MemberMessage(At{.step = {7}})}) {
    const std::vector<std::byte> sound = payload_of(message);
    EXPECT_NO_THROW(decoded(sound));
    for (std::size_t size = 0; size < sound.size(); ++size) {
      EXPECT_THROW(decoded(std::span(sound).first(size)), DecodeError) << message.index() << " cut to " << size;
    }
    std::vector<std::byte> longer = sound;
    longer.push_back({});
    EXPECT_THROW(decoded(longer), DecodeError) << message.index();
  }
  EXPECT_THROW(decoded(bytes_of({17})), DecodeError);
  EXPECT_THROW(decoded(bytes_of({14, 1, 2, 0, 0})), DecodeError);  // before its state
  // A slot that the job does not have, a state longer than any, pieces that are not as many.
  EXPECT_THROW(decoded(bytes_of({6, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})), DecodeError);
  EXPECT_THROW(decoded(payload_of(Offer{.version = 1, .size = kMaxState + 1, .checksums = {}})), DecodeError);
  EXPECT_THROW(decoded(payload_of(Offer{.version = 1, .size = 3, .checksums = {5, 6}})), DecodeError);
  EXPECT_THROW(decoded(payload_of(Done{.step = {std::uint64_t{1} << 40}})), DecodeError);
  EXPECT_THROW(decoded(payload_of(At{.step = {std::uint64_t{1} << 40}})), DecodeError);
}

TEST(MemberMessages, AReasonSteersNoTerminal) {
  const MemberMessage message = decoded(payload_of(Out{.reason = "gone\x1b[2J"}));
  EXPECT_EQ(std::get<Out>(message).reason, "gone?[2J");
}

}  // namespace
}  // namespace laconic::process
