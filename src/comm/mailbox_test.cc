#include "comm/mailbox.h"

#include <gtest/gtest.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include "base/error.h"

namespace laconic {
namespace {

constexpr int kWorldSize = 4;

Arrival arrival(int from, Tag tag, std::uint64_t round, float value) {
  const FrameHeader header{.traffic = Traffic::kModel, .tag = tag, .round = {round}};
  return {.from = {from}, .frame = Frame(header, std::span<const float>(&value, 1))};
}

Pattern from_node(Rank from, Tag tag, std::uint64_t round) { return {.from = from, .tags = tag, .round = {round}}; }
Pattern from_one(int from, Tag tag, std::uint64_t round) { return from_node({from}, tag, round); }

// What the receives of a test got: the values in order, -1 for one whose patience ended.
class Mailboxes : public testing::Test {
 protected:
  void receive(const Pattern& pattern, Seconds patience = {10.0}) {
    asio::co_spawn(io_.get_executor(), record(pattern, patience), asio::detached);
    io_.poll();
    io_.restart();
  }
  void deliver(Arrival what) {
    mailbox_.deliver(std::move(what));
    io_.poll();
    io_.restart();
  }
  Task<void> record(Pattern pattern, Seconds patience) {
    const auto got = co_await mailbox_.receive(pattern, now_, patience);
    got_.push_back(got ? got->frame.floats(1).values()[0] : -1.0F);
  }

  asio::io_context io_{1};
  WaitList waits_;
  Mailbox mailbox_{{2}, kWorldSize, waits_};
  Seconds now_{1.5};
  std::vector<float> got_;
};

TEST_F(Mailboxes, AFrameThatCameBeforeIsTakenWithoutWaiting) {
  deliver(arrival(0, Tag::kRing, 3, 7.0F));
  receive(from_one(0, Tag::kRing, 3));
  EXPECT_EQ(got_, std::vector<float>{7.0F});
  EXPECT_EQ(mailbox_.kept(), 0U);
}

TEST_F(Mailboxes, AReceiveGetsOnlyItsSenderTagAndRound) {
  receive(from_one(0, Tag::kRing, 3));
  deliver(arrival(1, Tag::kRing, 3, 1.0F));
  deliver(arrival(0, Tag::kTreeUp, 3, 2.0F));
  deliver(arrival(0, Tag::kRing, 4, 3.0F));
  EXPECT_TRUE(got_.empty());
  EXPECT_EQ(mailbox_.kept(), 3U);
  deliver(arrival(0, Tag::kRing, 3, 4.0F));
  EXPECT_EQ(got_, std::vector<float>{4.0F});
}

TEST_F(Mailboxes, FramesOfOneSenderAreTakenInTheirOrder) {
  deliver(arrival(0, Tag::kRing, 3, 1.0F));
  deliver(arrival(0, Tag::kRing, 3, 2.0F));
  receive(from_one(0, Tag::kRing, 3));
  receive(from_one(0, Tag::kRing, 3));
  EXPECT_EQ(got_, (std::vector<float>{1.0F, 2.0F}));
}

TEST_F(Mailboxes, AReceiveFromAnyoneTakesTheOldestArrivalOfItsTags) {
  deliver(arrival(3, Tag::kTreeUp, 3, 1.0F));
  deliver(arrival(1, Tag::kGather, 3, 2.0F));
  deliver(arrival(0, Tag::kRing, 3, 3.0F));
  receive({.from = std::nullopt, .tags = {Tag::kRing, Tag::kGather}, .round = {3}});
  EXPECT_EQ(got_, std::vector<float>{2.0F});
}

TEST_F(Mailboxes, AWaitEndsWithNothingAtItsDeadlineAndNotBefore) {
  receive(from_one(0, Tag::kRing, 3), {10.0});
  EXPECT_EQ(waits_.next_deadline(), Seconds{11.5});
  waits_.expire({11.4});
  EXPECT_TRUE(got_.empty());
  waits_.expire({11.5});
  EXPECT_EQ(got_, std::vector<float>{-1.0F});
  EXPECT_EQ(waits_.next_deadline(), kIdle);
}

TEST(MomentText, SaysAMomentAsASecondOfTheRun) {
  EXPECT_EQ(moment_text({0.01}), "second 0.010 of the run");
  EXPECT_EQ(moment_text({12.34}), "second 12.3 of the run");
  EXPECT_EQ(moment_text({95.04 * 60}), "second 5702 of the run");
}

TEST_F(Mailboxes, WaitsAreDescribedByWhoForWhatFromWhomSinceWhen) {
  receive(from_node(kCoordinator, Tag::kReduced, 17));
  receive({.from = std::nullopt, .tags = Tag::kGather, .round = {2}}, kIdle);
  EXPECT_EQ(
      waits_.describe(false),
      std::vector<std::string>{
          "worker 2 waits for the result of a reduction (round 17) from the coordinator since second 1.5 of the run"});
  EXPECT_EQ(waits_.describe(true).size(), 2U);
}

TEST_F(Mailboxes, ClearingUnwindsWaitsAndDropsFrames) {
  receive(from_one(0, Tag::kRing, 3));
  deliver(arrival(1, Tag::kRing, 9, 1.0F));
  mailbox_.clear();
  io_.poll();
  EXPECT_EQ(mailbox_.kept(), 0U);
  EXPECT_EQ(waits_.next_deadline(), kIdle);
  EXPECT_TRUE(got_.empty());
}

std::vector<std::byte> saved(Mailbox& mailbox) {
  Archive save;
  mailbox.archive(save);
  return save.take();
}

TEST_F(Mailboxes, ALoadedMailboxGivesTheSameFramesInTheSameOrder) {
  deliver(arrival(3, Tag::kTreeUp, 3, 1.0F));
  deliver(arrival(1, Tag::kGather, 3, 2.0F));
  deliver(arrival(3, Tag::kTreeUp, 3, 3.0F));
  deliver(arrival(kCoordinator.value, Tag::kReduced, 8, 4.0F));
  const std::vector<std::byte> bytes = saved(mailbox_);
  mailbox_.clear();
  Archive load(bytes);
  mailbox_.archive(load);
  load.expect_end();
  EXPECT_EQ(mailbox_.kept(), 4U);
  EXPECT_EQ(saved(mailbox_), bytes);
  deliver(arrival(0, Tag::kGather, 3, 5.0F));  // after those that were kept
  for (int i = 0; i < 4; ++i) receive({.from = std::nullopt, .tags = {Tag::kTreeUp, Tag::kGather}, .round = {3}});
  receive(from_one(kCoordinator.value, Tag::kReduced, 8));
  EXPECT_EQ(got_, (std::vector<float>{1.0F, 2.0F, 3.0F, 5.0F, 4.0F}));
}

TEST_F(Mailboxes, DamagedStateIsRefused) {
  deliver(arrival(3, Tag::kTreeUp, 3, 1.0F));
  deliver(arrival(1, Tag::kGather, 3, 2.0F));
  const std::vector<std::byte> whole = saved(mailbox_);
  const auto load_from = [&](std::span<const std::byte> bytes) {
    Mailbox other({2}, kWorldSize, waits_);
    Archive load(bytes);
    other.archive(load);
    load.expect_end();
  };
  EXPECT_NO_THROW(load_from(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THROW(load_from(std::span(whole).first(size)), DecodeError) << size << " of " << whole.size();
  }
  // The frame's own checksum sees what its name and size do not: the last byte is in its payload.
  std::vector<std::byte> flipped = whole;
  flipped.back() ^= std::byte{1};
  EXPECT_THROW(load_from(flipped), DecodeError);
}

TEST_F(Mailboxes, StateWithAFrameFromNobodyOrWithMoreFramesThanBytesIsRefused) {
  const auto state_with = [](std::uint64_t count, std::uint64_t from) {
    Archive save;
    std::uint64_t order = 0;
    save.value("mailbox.next", order);
    save.value("mailbox.kept", count);
    save.value("mailbox.order", order);
    save.value("mailbox.from", from);
    const Frame frame = arrival(0, Tag::kRing, 3, 1.0F).frame;
    std::vector<std::byte> wire(frame.wire().begin(), frame.wire().end());
    save.bytes("mailbox.frame", wire, wire.size());
    return save.take();
  };
  const auto load_from = [&](const std::vector<std::byte>& bytes) {
    Mailbox other({2}, kWorldSize, waits_);
    Archive load(bytes);
    other.archive(load);
    return other.kept();
  };
  EXPECT_EQ(load_from(state_with(1, kWorldSize)), 1U);
  EXPECT_THROW(load_from(state_with(1, kWorldSize + 1)), DecodeError);
  EXPECT_THROW(load_from(state_with(1, ~std::uint64_t{0})), DecodeError);
  EXPECT_THROW(load_from(state_with(~std::uint64_t{0}, 1)), DecodeError);
}

}  // namespace
}  // namespace laconic
