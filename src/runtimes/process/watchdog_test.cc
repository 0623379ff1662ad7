// The watchdog ends who should have ended, and leaves alone who is only slow. Deadlines are bounds from below: what has
// to come about is awaited for as long as it takes, within reason.
#include "runtimes/process/watchdog.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <optional>
#include <string>
#include <thread>

namespace laconic::process {
namespace {

using namespace std::chrono_literals;

constexpr auto kReason = 20s;   // for what takes a moment
constexpr auto kQuiet = 300ms;  // in which nothing has to happen

class WatchdogTest : public testing::Test {
 protected:
  Watchdog::Options options(Seconds grace, Seconds patience) {
    return {.interrupted = [this] { return asked_to_end_.load(); },
            .asked = [this] { ++times_asked_; },
            .grace = grace,
            .patience = patience,
            .describe = [] { return std::string("; worker 2 is late"); },
            .end =
                [this](const std::string& why) {
                  ++ends_;
                  why_.set_value({why, std::chrono::steady_clock::now()});
                },
            .library = "the MPI library"};
  }
  struct End {
    std::string why;
    std::chrono::steady_clock::time_point when;
  };
  std::optional<End> end_within(std::chrono::milliseconds span) {
    if (future_.wait_for(span) != std::future_status::ready) return std::nullopt;
    return future_.get();
  }

  std::atomic<bool> asked_to_end_ = false;
  std::atomic<int> times_asked_ = 0;
  std::atomic<int> ends_ = 0;
  std::promise<End> why_;
  std::future<End> future_ = why_.get_future();
};

TEST_F(WatchdogTest, ACallThatDoesNotComeBackIsEndedAfterThePatienceAndSaysSo) {
  const auto start = std::chrono::steady_clock::now();
  Watchdog watchdog(options({0.1}, {0.2}));
  std::optional<Watchdog::Inside> inside(std::in_place, &watchdog);
  const std::optional<End> end = end_within(kReason);
  ASSERT_TRUE(end);
  EXPECT_GE(end->when - start, 200ms);
  EXPECT_NE(end->why.find("the MPI library has not come back from a call for "), std::string::npos) << end->why;
  EXPECT_NE(end->why.find("; worker 2 is late"), std::string::npos) << end->why;
  EXPECT_EQ(times_asked_, 0);
  inside.reset();
}

TEST_F(WatchdogTest, AskedToEndACallGetsTheGraceAndNotThePatience) {
  Watchdog watchdog(options({0.1}, {600.0}));
  std::optional<Watchdog::Inside> inside(std::in_place, &watchdog);
  asked_to_end_ = true;
  EXPECT_TRUE(end_within(kReason));
  EXPECT_EQ(times_asked_, 1);
  inside.reset();
}

TEST_F(WatchdogTest, AskedToEndAComputationIsNotWaitedForEither) {
  Watchdog watchdog(options({0.1}, {600.0}));
  asked_to_end_ = true;
  const std::optional<End> end = end_within(kReason);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->why, "it was asked to end in the middle of a computation");
}

TEST_F(WatchdogTest, ManyCallsThatComeBackAreNoneThatDoesNot) {
  Watchdog watchdog(options({0.5}, {1.0}));
  const auto start = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - start < 1200ms) {
    const Watchdog::Inside inside(&watchdog);
  }
  EXPECT_EQ(ends_, 0);
}

TEST_F(WatchdogTest, NobodyAskedALongComputationIsLeftAlone) {
  const Watchdog watchdog(options({0.01}, {0.01}));
  EXPECT_FALSE(end_within(kQuiet));
}

TEST_F(WatchdogTest, WhoEndsInTimeIsNotEnded) {
  {
    const Watchdog watchdog(options({600.0}, {600.0}));
    asked_to_end_ = true;
    const auto start = std::chrono::steady_clock::now();
    while (times_asked_ == 0 && std::chrono::steady_clock::now() - start < kReason) std::this_thread::yield();
  }
  EXPECT_EQ(times_asked_, 1);
  EXPECT_EQ(ends_, 0);
}

}  // namespace
}  // namespace laconic::process
