// Reductions over those who are present: whose part is mixed, and who is sent away by name.
#include <gtest/gtest.h>

#include <map>

#include "base/byte_stream.h"
#include "comm/comm.h"
#include "comm/test_network.h"
#include "comm/test_present.h"

namespace laconic {
namespace {

constexpr int kWorkers = 4;
constexpr std::uint32_t kHistory = 77;

Frame part_of(std::vector<float> values, Step step, std::uint32_t history, Tag tag = Tag::kReduceMean) {
  ByteWriter out;
  out.floats(values);
  const FrameHeader header{Traffic::kModel, tag, Round{0}};
  out.raw(encode_standing({.step = step, .history = history}, header));
  return Frame(header, out.bytes());
}

// What the coordinator answers the parts of workers 0, 1, ...; an empty frame is a part that never comes.
class Reduction {
 public:
  explicit Reduction(const std::vector<Frame>& parts, std::size_t least = 1) {
    book.least = least;
    Comm comm(network_.node(kWorkers), processor_, {.deadline = {10.0}});
    comm.set_attendance(&book);
    network_.start(serve_collectives(comm));
    for (std::size_t rank = 0; rank < parts.size(); ++rank) {
      if (!parts[rank].wire().empty()) network_.node(static_cast<int>(rank)).send(kCoordinator, parts[rank]);
    }
    network_.deliver();
    for (int rank = 0; rank < kWorkers; ++rank) {
      network_.start(listen(rank));
    }
    network_.run(pass());
  }

  Book book{kWorkers, kHistory};
  std::map<int, Frame> answers;

 private:
  Task<void> listen(int rank) {
    const Pattern pattern{.from = kCoordinator, .tags = Tag::kReduced, .round = {0}, .may_be_late = true};
    const Seconds patience{100.0};
    if (auto arrival = co_await network_.node(rank).receive(pattern, patience)) answers[rank] = arrival->frame;
  }
  Task<void> pass() {
    const Seconds span{200.0};
    co_await network_.node(0).sleep(span);
  }

  InPlaceProcessor processor_;
  TestNetwork network_{kWorkers};
};

std::vector<float> mean_in(const Frame& answer, std::size_t count) {
  const SharedVector values = answer.floats(count, answer.payload().size() - count * sizeof(float));
  return {values.values().begin(), values.values().end()};
}

TEST(ReductionsOfThosePresent, AreTheMeanOfAllWhereAllAgree) {
  std::vector<Frame> parts;
  for (int rank = 0; rank < kWorkers; ++rank) parts.push_back(part_of({1.0F * rank, 2.0F}, {5}, kHistory));
  const Reduction reduction(parts);
  EXPECT_TRUE(reduction.book.dismissed.empty());
  ASSERT_EQ(reduction.answers.size(), 4U);
  EXPECT_EQ(mean_in(reduction.answers.at(0), 2), (std::vector<float>{1.5F, 2.0F}));
  EXPECT_EQ(reduction.book.committed, (std::vector<std::pair<Step, bool>>{{{5}, true}}));
}

// Whoever it is, the first to speak too.
TEST(ReductionsOfThosePresent, AWorkerThatLiesAboutItsStepOrItsHistoryIsSentAwayAndNothingOfItIsMixed) {
  for (int liar = 0; liar < kWorkers; ++liar) {
    for (const Frame& lie : {part_of({1e6F, 1e6F}, {6}, kHistory), part_of({1e6F, 1e6F}, {5}, kHistory + 1),
                             part_of({1e6F}, {5}, kHistory), part_of({1e6F, 1e6F, 1e6F}, {5}, kHistory),
                             part_of({1e6F, 1e6F}, {5}, kHistory, Tag::kReduceSum)}) {
      std::vector<Frame> parts(kWorkers, part_of({1.0F, 2.0F}, {5}, kHistory));
      parts[static_cast<std::size_t>(liar)] = lie;
      const Reduction reduction(parts);
      ASSERT_EQ(reduction.book.dismissed.size(), 1U);
      EXPECT_EQ(reduction.book.dismissed.begin()->first, Rank{liar});
      EXPECT_FALSE(reduction.book.dismissed.begin()->second.empty());
      EXPECT_EQ(reduction.answers.size(), 3U);
      for (const auto& [rank, answer] : reduction.answers) {
        EXPECT_NE(rank, liar);
        EXPECT_EQ(mean_in(answer, 2), (std::vector<float>{1.0F, 2.0F}));
      }
    }
  }
}

TEST(ReductionsOfThosePresent, APartThatIsNoneIsSentAway) {
  std::vector<Frame> parts(kWorkers, part_of({1.0F, 2.0F}, {5}, kHistory));
  parts[0] = Frame(FrameHeader{Traffic::kModel, Tag::kReduceMean, Round{0}}, std::span<const std::byte>());
  parts[2] = Frame(FrameHeader{Traffic::kModel, Tag::kReduceMean, Round{0}}, std::vector<std::byte>(11));
  const Reduction reduction(parts);
  EXPECT_EQ(reduction.book.dismissed.size(), 2U);
  EXPECT_EQ(reduction.answers.size(), 2U);
  EXPECT_TRUE(reduction.answers.contains(1) && reduction.answers.contains(3));
}

TEST(ReductionsOfThosePresent, AVoteThatIsNeitherIsSentAwayAndTheOthersCount) {
  const auto vote = [](unsigned value) {
    ByteWriter out;
    out.u8(static_cast<std::uint8_t>(value));
    const FrameHeader header{Traffic::kControl, Tag::kReduceAny, Round{0}};
    out.raw(encode_standing({.step = {5}, .history = kHistory}, header));
    return Frame(header, out.bytes());
  };
  const Reduction reduction({vote(0), vote(2), vote(1), vote(0)});
  ASSERT_EQ(reduction.book.dismissed.size(), 1U);
  EXPECT_EQ(reduction.book.dismissed.begin()->first, Rank{1});
  EXPECT_EQ(reduction.answers.at(0).payload()[0], std::byte{1});
}

TEST(ReductionsOfThosePresent, WhoIsLateIsSentAwayAndIsInNoResult) {
  const Reduction reduction(
      {part_of({3.0F}, {5}, kHistory), Frame(), part_of({5.0F}, {5}, kHistory), part_of({7.0F}, {5}, kHistory)});
  ASSERT_EQ(reduction.book.dismissed.size(), 1U);
  EXPECT_EQ(reduction.book.dismissed.begin()->first, Rank{1});
  EXPECT_EQ(mean_in(reduction.answers.at(3), 1), std::vector<float>{5.0F});
  const View view = decode_view(reduction.answers.at(3), sizeof(float), {}, kWorkers);
  EXPECT_EQ(view.members, (std::vector<Rank>{{0}, {2}, {3}}));
}

TEST(ReductionsOfThosePresent, AmongAsManyThoseWithTheLowestRankCount) {
  const Reduction reduction({part_of({1.0F}, {5}, kHistory), part_of({2.0F}, {6}, kHistory),
                             part_of({3.0F}, {5}, kHistory), part_of({4.0F}, {6}, kHistory)});
  EXPECT_EQ(reduction.book.dismissed.size(), 2U);
  EXPECT_EQ(mean_in(reduction.answers.at(0), 1), std::vector<float>{2.0F});
}

TEST(ReductionsOfThosePresent, OfTooFewHaveNoResult) {
  const Reduction reduction({part_of({1.0F}, {5}, kHistory), Frame(), Frame(), part_of({1.0F}, {5}, kHistory)}, 3);
  EXPECT_EQ(reduction.book.given_up, 1);
  EXPECT_TRUE(reduction.answers.empty());
  EXPECT_TRUE(reduction.book.committed.empty());
}

}  // namespace
}  // namespace laconic
