// The link between real processes: every process of the job runs every test, and each checks what it sees.
//
// A process that fails leaves at once with exit code 1, without the library's common end; its launcher ends the others.
// All waits end, and an alarm ends a process that would outlive the test's time.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "base/byte_stream.h"
#include "base/error.h"
#include "links/mpi/handles.h"
#include "links/mpi/link.h"
#include "runtimes/node/waiting.h"

namespace laconic::mpi {
namespace {

constexpr Seconds kPatience{20.0};
constexpr unsigned kAlarmAfterSeconds = 100;
constexpr std::uint64_t kMaxPayload = 20'000'000;
constexpr Tag kLastTag = Tag::kAnswer;  // of the frames that end a test

Environment* environment = nullptr;

// Byte `i` of the frame number `round` from a node to another: any function that mixes these well.
std::byte byte_of(int from, std::uint64_t round, std::size_t i) {
  const std::uint64_t mixed =
      (i + 1) * 0x9e3779b97f4a7c15 + (round + 1) * 0xc2b2ae3d27d4eb4f + static_cast<unsigned>(from);
  return static_cast<std::byte>(mixed >> 56U);
}

Frame frame_of(int from, std::uint64_t round, std::size_t size, Tag tag = Tag::kGossip) {
  return {FrameHeader{.traffic = Traffic::kModel, .tag = tag, .round = {round}}, size, [&](std::span<std::byte> out) {
            for (std::size_t i = 0; i < size; ++i) out[i] = byte_of(from, round, i);
          }};
}

bool is_frame_of(const Frame& frame, int from, std::size_t size) {
  const auto payload = frame.payload();
  if (payload.size() != size) return false;
  for (std::size_t i = 0; i < size; ++i) {
    if (payload[i] != byte_of(from, frame.header().round.value, i)) return false;
  }
  return true;
}

// A link, and all that came over it.
class LinkTest : public testing::Test {
 protected:
  using Pair = std::pair<int, int>;

  // Ends the test together with the other processes: when this returns, whatever was sent to this one has come, and
  // nothing of the next test has.
  void TearDown() override {
    for (int to = 0; to < size_; ++to) {
      if (to != rank_) link_.send({rank_}, {to}, frame_of(rank_, 0, 0, kLastTag));
    }
    EXPECT_TRUE(wait_for([&] { return last_frames_ == size_ - 1; }))
        << "only " << last_frames_ << " others came to the end";
    EXPECT_TRUE(node::flush(link_, clock_, kPatience, handlers_));
    EXPECT_TRUE(failures_.empty());
    if (!HasFailure()) MPI_Barrier(environment->handles().comm);
  }

  template <class Condition>
  bool wait_for(Condition condition) {
    const Seconds end = clock_.now() + kPatience;
    while (!condition() && clock_.now() < end) node::wait_for_link(link_, clock_, link_.progress(handlers_), end);
    return condition();
  }

  // The nodes of a process.
  std::vector<int> nodes_of(int process) const {
    return process == 0 ? std::vector<int>{0, kCoordinator.value} : std::vector<int>{process};
  }

  // A message that no link sends.
  void send_raw(int to, int tag, std::span<const std::byte> bytes) {
    MPI_Request request = MPI_REQUEST_NULL;
    ASSERT_EQ(MPI_Isend(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, to, tag, environment->handles().comm,
                        &request),
              MPI_SUCCESS);
    int is_done = 0;
    EXPECT_TRUE(wait_for([&] {
      if (is_done == 0) MPI_Test(&request, &is_done, MPI_STATUS_IGNORE);
      return is_done != 0;
    }));
  }

  const int rank_ = environment->rank();
  const int size_ = environment->size();
  const testing::ScopedTrace trace_{__FILE__, __LINE__, "in process " + std::to_string(rank_)};
  SteadyClock clock_;
  MpiLink link_{*environment, clock_, kMaxPayload};
  std::map<Pair, std::vector<Frame>> frames_;
  std::vector<Pair> order_;
  std::map<Pair, std::vector<std::string>> refused_;
  std::map<int, std::vector<std::string>> ends_;
  std::vector<std::string> failures_;
  int last_frames_ = 0;
  node::LinkHandlers handlers_{.frame =
                                   [this](Rank from, Rank to, const Frame& frame) {
                                     if (frame.header().tag == kLastTag) {
                                       ++last_frames_;
                                       return;
                                     }
                                     frames_[{from.value, to.value}].push_back(frame);
                                     order_.emplace_back(from.value, to.value);
                                   },
                               .refused =
                                   [this](Rank from, Rank to, const std::string& problem) {
                                     refused_[{from.value, to.value}].push_back(problem);
                                   },
                               .end = [this](int process, const std::string& text) { ends_[process].push_back(text); },
                               .failed = [this](int, const std::string& problem) { failures_.push_back(problem); }};
};

TEST(Environment, KnowsWhatTheLauncherSaid) {
  const auto launch = find_launch(environment_variable);
  ASSERT_TRUE(launch);
  ASSERT_TRUE(launch->size);
  ASSERT_GE(*launch->size, 4) << "start these tests with mpirun -n 4";
  EXPECT_EQ(environment->size(), *launch->size);
  EXPECT_EQ(environment->rank(), launch->rank);
  EXPECT_FALSE(environment->host().empty());
  EXPECT_NE(environment->library().find("MPI"), std::string::npos) << environment->library();
  EXPECT_EQ(environment->library().find_first_of("\n\t"), std::string::npos);
}

TEST_F(LinkTest, FramesOfAllSizesBetweenAllNodesArriveWholeAndInOrder) {
  const std::vector<std::size_t> sizes = {0, 1,         100, 4'000,      70'000, kPieceSize - 20, kPieceSize, 600'000,
                                          0, 2'700'000, 3,   20'000'000, 8};
  std::map<int, node::Carried> expected;
  for (const int from : nodes_of(rank_)) {
    for (std::size_t round = 0; round < sizes.size(); ++round) {
      const Frame frame = frame_of(from, round, sizes[round]);
      for (int process = 0; process < size_; ++process) {
        if (process == rank_) continue;
        for (const int to : nodes_of(process)) {
          link_.send({from}, {to}, frame);
          ++expected[process].frames;
          expected[process].bytes += frame.wire().size() + (frame.wire().size() > kPieceSize ? 8 : 0);
        }
      }
    }
  }
  EXPECT_FALSE(link_.idle());
  std::size_t senders = static_cast<std::size_t>(size_ - 1) + (rank_ == 0 ? 0 : 1);
  const std::size_t count = sizes.size() * senders * nodes_of(rank_).size();
  EXPECT_TRUE(wait_for([&] { return order_.size() == count && link_.idle(); })) << order_.size() << " of " << count;
  for (int process = 0; process < size_; ++process) {
    if (process == rank_) continue;
    EXPECT_EQ(link_.carried(process).frames, expected[process].frames);
    EXPECT_EQ(link_.carried(process).bytes, expected[process].bytes);
    for (const int from : nodes_of(process)) {
      for (const int to : nodes_of(rank_)) {
        const std::vector<Frame>& came = frames_[{from, to}];
        ASSERT_EQ(came.size(), sizes.size()) << from << " to " << to;
        for (std::size_t round = 0; round < came.size(); ++round) {
          ASSERT_EQ(came[round].header().round.value, round) << from << " to " << to;
          ASSERT_TRUE(is_frame_of(came[round], from, sizes[round])) << from << " to " << to << ", round " << round;
        }
      }
    }
  }
  EXPECT_TRUE(refused_.empty());
}

TEST_F(LinkTest, ASmallFrameOfAnotherNodePassesALongOne) {
  if (rank_ == 0) {
    link_.send({0}, {1}, frame_of(0, 0, kMaxPayload));
    link_.send({kCoordinator.value}, {1}, frame_of(kCoordinator.value, 1, 100));
  }
  if (rank_ == 1) {
    ASSERT_TRUE(wait_for([&] { return order_.size() == 2; }));
    EXPECT_EQ(order_, (std::vector<Pair>{{kCoordinator.value, 1}, {0, 1}}));
    const auto only = [&](int from) { return frames_[{from, 1}].at(0); };
    EXPECT_TRUE(is_frame_of(only(0), 0, kMaxPayload));
    EXPECT_TRUE(is_frame_of(only(kCoordinator.value), kCoordinator.value, 100));
  }
}

// Process 1 makes no call until process 0 has exchanged frames with process 2, which it says in a file, as no message
// could.
TEST_F(LinkTest, AProcessThatDoesNotReadHoldsUpNobodyElse) {
  const std::filesystem::path sign =
      std::filesystem::temp_directory_path() / ("laconic_mpi_link_test." + std::to_string(getppid()));
  if (rank_ == 0) {
    for (std::uint64_t round = 0; round < 3; ++round) link_.send({0}, {1}, frame_of(0, round, kMaxPayload));
    ASSERT_TRUE(wait_for([&] { return !frames_[{2, 0}].empty(); }));
    EXPECT_FALSE(link_.idle()) << "60 MB left though nobody read them";
    std::ofstream(sign) << "read on";
  } else if (rank_ == 1) {
    const Seconds end = clock_.now() + kPatience;
    while (!std::filesystem::exists(sign) && clock_.now() < end) std::this_thread::yield();
    EXPECT_TRUE(std::filesystem::exists(sign)) << "process 0 was held up";
    EXPECT_TRUE(wait_for([&] { return frames_[{0, 1}].size() == 3; }));
    std::filesystem::remove(sign);
  } else if (rank_ == 2) {
    link_.send({2}, {0}, frame_of(2, 0, 100));
  }
}

TEST_F(LinkTest, AHandlerMaySendTheAnswer) {
  constexpr std::size_t kTimes = 100;
  const auto keep = handlers_.frame;
  handlers_.frame = [this, keep](Rank from, Rank to, const Frame& frame) {
    keep(from, to, frame);
    if (frame.header().tag == Tag::kGossip && frame.header().round.value + 1 < kTimes) {
      link_.send(to, from, frame_of(to.value, frame.header().round.value + 1, 100));
    }
  };
  if (rank_ == 0) link_.send({0}, {1}, frame_of(0, 0, 100));
  if (rank_ <= 1) {
    EXPECT_TRUE(wait_for([&] { return order_.size() == kTimes / 2; })) << order_.size();
  }
}

TEST_F(LinkTest, WhatIsNoFrameIsRefusedOneByOneAndNothingElseSuffers) {
  constexpr int kOpeningTag = 4;
  constexpr int kPieceTag = 8;
  if (rank_ == 1) {
    const std::vector<std::byte> zeros(kPieceSize + 1);
    const auto first = [&](std::size_t size) { return std::span(zeros).first(size); };
    ByteWriter claim;
    claim.u64(~std::uint64_t{0});
    send_raw(2, 0, first(0));
    send_raw(2, 0, first(50));
    send_raw(2, 0, first(kPieceSize + 1));
    send_raw(2, kPieceTag, first(10));
    send_raw(2, kPieceTag, first(kPieceSize));  // of the same frame
    send_raw(2, kOpeningTag, claim.bytes());
    send_raw(2, kPieceTag, first(kPieceSize));
    send_raw(2, 1, frame_of(1, 0, 10).wire());  // as the coordinator, which does not live there
    send_raw(2, 2, frame_of(1, 0, 10).wire());  // to the coordinator
    send_raw(2, 30'000, frame_of(1, 0, 1).wire());
    link_.send({1}, {2}, frame_of(1, 1, kMaxPayload + 1));
    link_.send({1}, {2}, frame_of(1, 2, 1000));
  }
  if (rank_ == 2) {
    ASSERT_TRUE(wait_for([&] { return !order_.empty(); }));
    EXPECT_TRUE(is_frame_of(frames_[{1, 2}].at(0), 1, 1000));
    EXPECT_EQ((refused_[{1, 2}].size()), 9U) << testing::PrintToString(refused_);
  }
  EXPECT_EQ(refused_.empty(), rank_ != 2);
}

TEST_F(LinkTest, AnEndReachesEveryoneWithoutControlCharacters) {
  if (rank_ == 2)
    link_.broadcast_end("lost\x1b[2J worker\n1\xc2\x9b\xc3\xa9" + std::string(2 * node::kMaxEndSize, 'x'));
  if (rank_ == 2) return;
  ASSERT_TRUE(wait_for([&] { return !ends_.empty(); }));
  const std::string start = "lost?[2J worker?1??\xc3\xa9";
  EXPECT_EQ(ends_[2].at(0), start + std::string(node::kMaxEndSize - start.size(), 'x'));
}

TEST_F(LinkTest, AnEndPassesWhatIsQueued) {
  if (rank_ == 0) {
    for (std::uint64_t round = 0; round < 4; ++round) link_.send({0}, {1}, frame_of(0, round, kMaxPayload));
    link_.broadcast_end("enough");
  }
  if (rank_ == 1) {
    ASSERT_TRUE(wait_for([&] { return !ends_.empty(); }));
    EXPECT_TRUE(frames_.empty());
    EXPECT_TRUE(wait_for([&] { return frames_[{0, 1}].size() == 4; }));
  }
}

TEST_F(LinkTest, EveryoneHearsFromProcessZeroAndItFromEveryone) {
  for (int process = 0; process < size_; ++process) EXPECT_EQ(link_.last_heard(process).value, 0.0);
  // Process 0 is silent until it has heard everyone, and nobody sends a frame before hearing it: only signs of life can
  // be what was heard.
  if (rank_ == 0) {
    EXPECT_TRUE(wait_for([&] {
      for (int process = 1; process < size_; ++process) {
        if (link_.last_heard(process).value == 0.0) return false;
      }
      return true;
    }));
    EXPECT_TRUE(order_.empty());
  }
  EXPECT_TRUE(wait_for([&] {
    link_.beat();
    return rank_ == 0 ? order_.size() == static_cast<std::size_t>(size_ - 1) : link_.last_heard(0).value > 0.0;
  }));
  EXPECT_EQ(link_.carried(rank_ == 0 ? 1 : 0).bytes, 0U);
  if (rank_ != 0) {
    EXPECT_TRUE(order_.empty());
    link_.send({rank_}, {0}, frame_of(rank_, 0, 0));
  }
}

TEST_F(LinkTest, WhatACallerMayNotDoFailsAtOnce) {
  const int other = (rank_ + 1) % size_;
  EXPECT_THROW(link_.send({other}, {rank_}, frame_of(0, 0, 0)), CheckFailed);
  EXPECT_THROW(link_.send({rank_}, {rank_}, frame_of(0, 0, 0)), CheckFailed);
  EXPECT_THROW(link_.send({rank_}, {size_ + 1}, frame_of(0, 0, 0)), CheckFailed);
  EXPECT_THROW(link_.send({rank_}, {-1}, frame_of(0, 0, 0)), CheckFailed);
  EXPECT_THROW(link_.progress({}), CheckFailed);
  EXPECT_TRUE(link_.idle());
}

}  // namespace
}  // namespace laconic::mpi

int main(int argc, char** argv) {
  using namespace laconic;
  alarm(mpi::kAlarmAfterSeconds);
  testing::InitGoogleTest(&argc, argv);
  testing::GTEST_FLAG(fail_fast) = true;  // the processes no longer are at the same test after a failure
  mpi::Environment environment(mpi::find_launch(mpi::environment_variable));
  mpi::environment = &environment;
  // One account of the tests is enough; failures come from all.
  if (environment.rank() != 0) testing::GTEST_FLAG(brief) = true;
  if (RUN_ALL_TESTS() != 0) return 1;
  environment.finalize(mpi::kPatience, [] { std::_Exit(0); });
  return 0;
}
