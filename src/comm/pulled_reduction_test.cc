// Means and sums of vectors that the coordinator pulls piece by piece, against sums of whole vectors in the order of
// ranks; who is lost or lies meanwhile; what the coordinator holds.
#include "comm/pulled_reduction.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>

#include "base/byte_stream.h"
#include "base/error.h"
#include "base/random.h"
#include "comm/comm.h"
#include "comm/pulled_parts.h"
#include "comm/test_network.h"
#include "comm/test_present.h"

namespace laconic {
namespace {

constexpr int kWorkers = 5;
constexpr std::uint32_t kHistory = 77;
constexpr std::size_t kPiece = 8;
const std::vector<double> kWeights = {3.0, 0.1, 7.0, 2.5, 1.0 / 3.0};

using Vectors = std::vector<std::vector<float>>;

Vectors draw_vectors(std::size_t count) {
  RandomStream stream(5, "vectors", {count});
  Vectors vectors(kWorkers, std::vector<float>(count));
  for (std::vector<float>& vector : vectors) {
    for (float& value : vector) value = static_cast<float>(1000.0 * stream.gaussian());
  }
  return vectors;
}

std::vector<Rank> all_but(std::vector<int> others) {
  std::vector<Rank> rest;
  for (int rank = 0; rank < kWorkers; ++rank) {
    if (std::ranges::find(others, rank) == others.end()) rest.push_back({rank});
  }
  return rest;
}

enum class Kind { kMean, kWeightedMean, kSum };

std::vector<float> expected(const Vectors& vectors, const std::vector<Rank>& members, Kind kind = Kind::kMean) {
  std::vector<float> result(vectors.front().size());
  for (std::size_t j = 0; j < result.size(); ++j) {
    double sum = 0.0;
    double divisor = 0.0;
    for (const Rank rank : members) {
      const auto k = static_cast<std::size_t>(rank.value);
      const double weight = kind == Kind::kWeightedMean ? kWeights[k] : 1.0;
      sum += weight * static_cast<double>(vectors[k][j]);
      divisor += weight;
    }
    result[j] = static_cast<float>(kind == Kind::kSum ? sum : sum / divisor);
  }
  return result;
}

// One reduction of all workers. What is on the network is delivered in order, unless a test meddles.
class Pulling {
 public:
  explicit Pulling(Vectors of, Kind kind = Kind::kMean) : vectors(std::move(of)), kind_(kind) {
    network.hold();
    Comm& coordinator = comms_.emplace_back(network.node(kWorkers), processor_, options_);
    coordinator.set_attendance(&book);
  }

  void start() {
    network.start(serve_collectives(comms_.front(), weights_));
    const View first{.number = 1, .members = all_but({})};
    for (int rank = 0; rank < kWorkers; ++rank) {
      Comm& comm = comms_.emplace_back(network.node(rank), processor_, options_);
      const Standing standing{.step = {9}, .history = kHistory};
      comm.set_membership(&hearers.emplace_back(standing, first));
      network.start(reduce(rank, comm));
    }
  }
  // Until nothing is on its way. `meddle` may change a frame, and says whether it arrives.
  void deliver(const std::function<bool(TestNetwork::Parcel&)>& meddle = {}) {
    while (!network.flight().empty()) {
      TestNetwork::Parcel& next = network.flight().front();
      payload[next.frame.header().tag] += next.frame.payload_size().value;
      if (meddle && !meddle(next)) {
        network.flight().pop_front();
      } else {
        network.deliver_one();
      }
    }
  }
  void let_pass(Seconds span) { network.run(pass(span)); }

  // The same result, over these members, at all of them and nobody else.
  void expect_result_over(const std::vector<Rank>& members) {
    EXPECT_EQ(results.size(), members.size());
    for (const Rank rank : members) {
      ASSERT_TRUE(results.contains(rank.value)) << rank.value;
      EXPECT_EQ(results.at(rank.value), expected(vectors, members, kind_)) << rank.value;
      EXPECT_EQ(hearers.at(static_cast<std::size_t>(rank.value)).view().members, members);
    }
    for (int rank = 0; rank < kWorkers; ++rank) {
      EXPECT_NE(book.dismissed.contains({rank}), std::ranges::find(members, Rank{rank}) != members.end()) << rank;
    }
    EXPECT_EQ(book.committed, (std::vector<std::pair<Step, bool>>{{{9}, true}}));
  }

  Vectors vectors;
  TestNetwork network{kWorkers};
  Book book{kWorkers, kHistory};
  std::deque<Hearer> hearers;
  std::map<int, std::vector<float>> results;
  std::map<Tag, std::uint64_t> payload;  // bytes by tag

 private:
  Task<void> reduce(int rank, Comm& comm) {
    const std::span<const float> own = vectors[static_cast<std::size_t>(rank)];
    SharedVector result;
    if (kind_ == Kind::kSum) {
      result = co_await comm.all_reduce_sum(own, Traffic::kModel);
    } else if (kind_ == Kind::kMean) {
      result = co_await comm.all_reduce_mean(own, Traffic::kModel);
    } else {
      result = co_await comm.all_reduce_mean(own, *weights_, Traffic::kModel);
    }
    results[rank].assign(result.values().begin(), result.values().end());
  }
  Task<void> pass(Seconds span) { co_await network.node(0).sleep(span); }

  Kind kind_;
  InPlaceProcessor processor_;
  CommOptions options_{.deadline = {10.0}, .piece = kPiece};
  SharedWeights weights_ = std::make_shared<MeanWeights>(kWeights);
  std::deque<Comm> comms_;
};

bool is_piece_of(const TestNetwork::Parcel& parcel, int rank) {
  return parcel.from == Rank{rank} && parcel.frame.header().tag == Tag::kPulled;
}

TEST(PulledReductions, HaveTheBitsOfASumInDoubleInTheOrderOfRanksRoundedOnce) {
  for (const Kind kind : {Kind::kMean, Kind::kWeightedMean, Kind::kSum}) {
    for (const std::size_t count : {kPiece + 1, 2 * kPiece - 1, 2 * kPiece, 7 * kPiece + 3}) {
      Pulling pulling(draw_vectors(count), kind);
      pulling.start();
      pulling.deliver();
      pulling.expect_result_over(all_but({}));
      EXPECT_GT(pulling.payload[Tag::kPulled], 0U);
    }
  }
}

TEST(PulledReductions, CostWhatTheHeaderOfCommSays) {
  constexpr std::size_t kCount = 7 * kPiece + 3;
  Pulling pulling(draw_vectors(kCount));
  pulling.start();
  pulling.deliver();
  constexpr std::uint64_t kPieces = 8;
  EXPECT_EQ(pulling.payload[Tag::kAnnouncedPart], kWorkers * 18U);
  EXPECT_EQ(pulling.payload[Tag::kPull], kWorkers * kPieces * 12U);
  EXPECT_EQ(pulling.payload[Tag::kPulled], kWorkers * (4U * kCount + kPieces * 8U));
  EXPECT_EQ(pulling.payload[Tag::kReduced], kWorkers * 4U * kCount);
}

TEST(PulledReductions, AreNotThereForVectorsOfOnePiece) {
  Pulling pulling(draw_vectors(kPiece));
  pulling.start();
  pulling.deliver();
  pulling.expect_result_over(all_but({}));
  EXPECT_EQ(pulling.payload[Tag::kReduceMean], kWorkers * (4U * kPiece + kFullStanding));
  EXPECT_EQ(pulling.payload.size(), 2U) << "parts and results";
}

// The others are fast, and worker 0, whose pieces are added first, comes last.
TEST(PulledReductions, HoldAFewPiecesOfEachMemberAndNoWholePart) {
  constexpr std::size_t kPieces = 64;
  Pulling pulling(draw_vectors(kPieces * kPiece));
  pulling.start();
  std::deque<TestNetwork::Parcel>& flight = pulling.network.flight();
  while (!flight.empty()) {
    const auto next = std::ranges::find_if_not(flight, [](const auto& parcel) { return is_piece_of(parcel, 0); });
    if (next != flight.end()) std::rotate(flight.begin(), next, next + 1);
    pulling.network.deliver_one();
  }
  pulling.expect_result_over(all_but({}));
  const std::uint64_t piece = 4 * kPiece + kPlaceSize + kMaxHeaderSize;
  EXPECT_LE(pulling.network.most_kept(kWorkers), kWorkers * kPiecesAhead * piece);
  EXPECT_GE(pulling.network.most_kept(kWorkers), (kWorkers - 1) * kPiecesAhead * 4 * kPiece)
      << "the order is the worst";
  EXPECT_LT(pulling.network.most_kept(kWorkers), 4 * kPieces * kPiece) << "one whole part";
}

TEST(PulledReductions, WhoIsLostInTheMiddleIsInNoElementOfTheResult) {
  constexpr int kPieces = 6;
  for (const int lost : {0, 2, 4}) {
    for (int given = 0; given < kPieces; ++given) {
      Pulling pulling(draw_vectors(kPieces * kPiece - 1));
      pulling.start();
      int came = 0;
      pulling.deliver([&](const TestNetwork::Parcel& parcel) {
        if (!is_piece_of(parcel, lost)) return true;
        return came++ < given;
      });
      EXPECT_TRUE(pulling.results.empty());
      pulling.book.lost.insert({lost});
      pulling.network.give_up(kWorkers, {lost});
      pulling.deliver();
      pulling.expect_result_over(all_but({lost}));
    }
  }
}

// Also one whose pieces are not awaited yet when it is lost.
TEST(PulledReductions, NobodyWaitsForSomeoneWhoWasLostWhileAnotherWasWaitedFor) {
  Pulling pulling(draw_vectors(6 * kPiece));
  pulling.start();
  std::deque<TestNetwork::Parcel> kept;
  pulling.deliver([&](const TestNetwork::Parcel& parcel) {
    if (is_piece_of(parcel, 0)) kept.push_back(parcel);
    return !is_piece_of(parcel, 0) && !is_piece_of(parcel, 3);
  });
  pulling.book.lost.insert({3});
  pulling.network.give_up(kWorkers, {3});
  pulling.network.flight() = kept;
  pulling.deliver();
  EXPECT_TRUE(pulling.book.dismissed.contains({3}));
  pulling.expect_result_over(all_but({3}));
}

TEST(PulledReductions, WhoGivesAPieceThatIsNoneIsSentAwayAndTheOthersBeginAgain) {
  constexpr std::size_t kCount = 6 * kPiece - 1;
  const Vectors vectors = draw_vectors(kCount);
  const FrameHeader header{Traffic::kModel, Tag::kPulled, Round{0}};
  const std::vector<float> longer(2 * kCount);
  const std::vector<std::byte> ragged(4 * kPiece + kPlaceSize + 1);
  const std::vector<std::byte> place_only(kPlaceSize);
  const std::vector<Frame> lies = {
      encode_pulled(header, longer, {.first = 0, .count = kPiece - 1}),
      encode_pulled(header, longer, {.first = 0, .count = kPiece + 1}),
      encode_pulled(header, longer, {.first = 1, .count = kPiece}),
      encode_pulled(header, longer, {.first = 5 * kPiece, .count = kPiece}),
      encode_pulled(header, longer, {.first = 6 * kPiece, .count = kPiece}),
      Frame(header, std::span<const std::byte>(ragged)),
      Frame(header, std::span<const std::byte>(place_only)),
      Frame(header, std::span<const std::byte>()),
  };
  for (const Frame& lie : lies) {
    for (const int liar : {0, 3}) {
      for (const int turn : {0, 4}) {
        Pulling pulling(vectors);
        pulling.start();
        int came = 0;
        pulling.deliver([&](TestNetwork::Parcel& parcel) {
          if (is_piece_of(parcel, liar) && came++ == turn) parcel.frame = lie;
          return true;
        });
        pulling.expect_result_over(all_but({liar}));
        EXPECT_FALSE(pulling.book.dismissed[{liar}].empty());
      }
    }
  }
}

TEST(PulledReductions, WhoIsLateWithAPieceIsSentAwayAtHalfTheDeadline) {
  Pulling pulling(draw_vectors(6 * kPiece));
  pulling.start();
  pulling.deliver([](const TestNetwork::Parcel& parcel) { return !is_piece_of(parcel, 1); });
  pulling.let_pass({4.9});
  EXPECT_TRUE(pulling.book.dismissed.empty());
  pulling.let_pass({0.2});
  pulling.deliver();
  pulling.expect_result_over(all_but({1}));
}

TEST(PulledReductions, OfTooFewHaveNoResult) {
  Pulling pulling(draw_vectors(6 * kPiece));
  pulling.book.least = kWorkers;
  pulling.start();
  pulling.deliver([](TestNetwork::Parcel& parcel) {
    if (is_piece_of(parcel, 2)) parcel.frame = Frame(parcel.frame.header(), std::span<const std::byte>());
    return true;
  });
  EXPECT_EQ(pulling.book.given_up, 1);
  EXPECT_TRUE(pulling.results.empty());
  EXPECT_TRUE(pulling.book.committed.empty());
}

// As of a coordinator that died since it asked.
TEST(PulledReductions, AnAnswerThatWasNotAskedForByThisCoordinatorChangesNothing) {
  for (const std::size_t piece : {0U, 3U, 5U}) {
    const Vectors vectors = draw_vectors(6 * kPiece);
    Pulling pulling(vectors);
    pulling.start();
    const FrameHeader header{Traffic::kModel, Tag::kPulled, Round{0}};
    const Frame answer = encode_pulled(header, vectors[2], {.first = piece * kPiece, .count = kPiece});
    pulling.network.flight().push_front({.from = {2}, .to = kCoordinator, .frame = answer});
    pulling.deliver();
    pulling.expect_result_over(all_but({}));
  }
}

TEST(PulledReductions, WhoAnnouncesSomethingElseIsSentAwayBeforeAnythingIsPulled) {
  constexpr std::size_t kCount = 3 * kPiece;
  const auto announcement = [](Tag of, std::size_t count, Step step, std::uint32_t history, Traffic traffic) {
    const FrameHeader header{.traffic = traffic, .tag = of, .round = {0}};
    return encode_announcement(header, count, encode_standing({.step = step, .history = history}, header));
  };
  ByteWriter whole;
  whole.floats(std::vector<float>(kCount));
  whole.raw(encode_standing({.step = {9}, .history = kHistory}, {Traffic::kModel, Tag::kReduceMean, Round{0}}));
  const std::vector<Frame> others = {
      announcement(Tag::kReduceMean, kCount + 1, {9}, kHistory, Traffic::kModel),
      announcement(Tag::kReduceSum, kCount, {9}, kHistory, Traffic::kModel),
      announcement(Tag::kReduceAny, kCount, {9}, kHistory, Traffic::kModel),
      announcement(Tag::kReduceMean, kCount, {8}, kHistory, Traffic::kModel),
      announcement(Tag::kReduceMean, kCount, {9}, kHistory + 1, Traffic::kModel),
      announcement(Tag::kReduceMean, kCount, {9}, kHistory, Traffic::kState),
      announcement(Tag::kReduceMean, SIZE_MAX, {9}, kHistory, Traffic::kModel),
      announcement(Tag::kReduceMean, 0, {9}, kHistory, Traffic::kModel),
      Frame(FrameHeader{Traffic::kModel, Tag::kReduceMean, Round{0}}, whole.bytes()),
  };
  for (const Frame& other : others) {
    for (const int liar : {0, 4}) {
      Pulling pulling(draw_vectors(kCount));
      pulling.start();
      pulling.deliver([&](TestNetwork::Parcel& parcel) {
        if (parcel.from == Rank{liar} && parcel.frame.header().tag == Tag::kAnnouncedPart) parcel.frame = other;
        EXPECT_FALSE(parcel.to == Rank{liar} && parcel.frame.header().tag == Tag::kPull);
        return true;
      });
      pulling.expect_result_over(all_but({liar}));
    }
  }
}

TEST(PulledReductions, AMemberRefusesARequestForWhatItsVectorHasNot) {
  for (const PieceRange& range :
       {PieceRange{.first = 0, .count = 3 * kPiece + 1}, PieceRange{.first = 0, .count = 0},
        PieceRange{.first = 3 * kPiece, .count = 1}, PieceRange{.first = SIZE_MAX, .count = 2}}) {
    Pulling pulling(draw_vectors(3 * kPiece));
    pulling.start();
    pulling.deliver([&](TestNetwork::Parcel& parcel) {
      if (parcel.to == Rank{1} && parcel.frame.header().tag == Tag::kPull) parcel.frame = encode_pull({0}, range);
      return true;
    });
    EXPECT_THROW(pulling.let_pass({1.0}), DecodeError);
  }
}

}  // namespace
}  // namespace laconic
