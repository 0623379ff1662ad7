// Sessions over streams that stall, break, go silent and damage bytes (links/session).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "base/error.h"
#include "base/random.h"
#include "fault_seeds.h"
#include "session_world.h"

namespace laconic::tests {
namespace {

using session::SessionOptions;

constexpr Seconds kDeadline{2.0};
// In which a loss is acted on: a fifth of the deadline, and a round trip.
constexpr Seconds kNoticed{kDeadline.value / 5.0 + 0.01};

Frame frame_of(std::size_t size, std::uint64_t number) {
  const FrameHeader header{Traffic::kModel, Tag::kGossip, {number}};
  return Frame(header, size, [&](std::span<std::byte> out) {
    RandomStream stream(number, "session test");
    for (std::byte& byte : out) byte = static_cast<std::byte>(stream.below(256));
  });
}

Rank node_of(RandomStream& stream, int process) {
  return process == 0 && stream.below(2) == 0 ? kCoordinator : Rank{process};
}

// What a seed has happen to a few sessions, and what must hold of them in the end: each frame came once, whole, and
// those of one lane in their order.
std::string objection_of(std::uint64_t seed, std::uint64_t* trace = nullptr, std::uint64_t* breaks = nullptr) {
  RandomStream stream(seed, "sessions");
  const int size = 2 + static_cast<int>(stream.below(3));
  const bool is_slow = stream.below(3) == 0;
  const BitsPerSecond rate{is_slow ? 4e6 : 0.0};
  SessionWorld world({.processes = size,
                      .interface = {.up = rate, .down = rate},
                      .latency = {0.0005 * static_cast<double>(1 + stream.below(40))},
                      .buffer = std::size_t{1} << (12 + stream.below(7))});
  world.start_all({.job = seed, .seed = seed, .deadline = kDeadline});
  const double length = 6.0;
  std::map<std::pair<std::int32_t, std::int32_t>, std::vector<Frame>> sent;
  const std::uint64_t frames = 10 + stream.below(60);
  for (std::uint64_t number = 0; number < frames; ++number) {
    const int from = static_cast<int>(stream.below(static_cast<std::uint64_t>(size)));
    const int to = (from + 1 + static_cast<int>(stream.below(static_cast<std::uint64_t>(size - 1)))) % size;
    const std::size_t bytes = stream.below(4) == 0 ? stream.below(300'000) : stream.below(3'000);
    const Frame frame = frame_of(bytes, number);
    const Rank sender = node_of(stream, from);
    const Rank receiver = node_of(stream, to);
    world.events().at({length * stream.uniform()}, [&world, &sent, from, sender, receiver, frame] {
      sent[{sender.value, receiver.value}].push_back(frame);
      world.link(from).send(sender, receiver, frame);
      world.touch(from);
    });
  }
  const std::uint64_t faults = stream.below(12);
  for (std::uint64_t fault = 0; fault < faults; ++fault) {
    const int one = static_cast<int>(stream.below(static_cast<std::uint64_t>(size)));
    const int other = (one + 1 + static_cast<int>(stream.below(static_cast<std::uint64_t>(size - 1)))) % size;
    const Seconds when{length * stream.uniform()};
    const std::uint64_t kind = stream.below(5);
    const Seconds span{2.0 * kDeadline.value * stream.uniform()};
    world.events().at(when, [&world, kind, one, other, span] {
      switch (kind) {
        case 0:
          return world.network().reset(one, other);
        case 1:
          return world.network().lose(one, other);
        case 2:
          world.network().part(one, other);
          return world.events().at(world.events().now() + span,
                                   [&world, one, other] { world.network().restore(one, other); });
        case 3:
          return world.network().damage_next(one, other);
        default:
          world.at(one).stands_still = true;
          world.events().at(world.events().now() + span, [&world, one] {
            world.at(one).stands_still = false;
            world.touch(one);
          });
      }
    });
  }
  // After the last fault all comes to rest.
  world.run_for({length + 2.0 * kDeadline.value});
  const bool is_idle = world.run_until({300.0}, [&] {
    for (int process = 0; process < size; ++process) {
      if (!world.link(process).idle()) return false;
    }
    return true;
  });
  if (trace != nullptr) *trace = world.trace_hash();
  std::map<std::pair<std::int32_t, std::int32_t>, std::vector<Frame>> came;
  for (int process = 0; process < size; ++process) {
    for (const auto& arrived : world.at(process).frames) {
      came[{arrived.from.value, arrived.to.value}].push_back(arrived.frame);
    }
    if (breaks != nullptr) *breaks += world.link(process).breaks();
    if (!world.at(process).failures.empty()) return "a process was given up: " + world.at(process).failures[0].second;
  }
  for (const auto& [lane, list] : sent) {
    const std::string name = std::to_string(lane.first) + " to " + std::to_string(lane.second);
    if (came[lane].size() != list.size()) {
      std::string objections;
      for (int process = 0; process < size; ++process) {
        for (const std::string& problem : world.at(process).objected) objections += "; " + problem;
      }
      return name + ": " + std::to_string(came[lane].size()) + " of " + std::to_string(list.size()) +
             " frames came at " + to_text(world.events().now()) + objections;
    }
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (!std::ranges::equal(came[lane][i].wire(), list[i].wire())) return name + ": another frame came";
    }
  }
  return is_idle ? "" : "something is not acknowledged";
}

TEST(Sessions, WhateverBreaksEachFrameComesOnceWholeAndInOrder) {
  std::uint64_t breaks = 0;
  for (const std::uint64_t seed : fault_seeds(1, 300)) {
    EXPECT_EQ(objection_of(seed, nullptr, &breaks), "")
        << "repeat with: LACONIC_SEED=" << seed << " processes_test --gtest_filter=Sessions.Whatever*";
  }
  if (std::getenv("LACONIC_SEED") == nullptr) {
    EXPECT_GT(breaks, 300U);
  }
}

TEST(Sessions, TheSameSeedGivesTheSameBytesAtTheSameTimes) {
  for (const std::uint64_t seed : fault_seeds(400, 10)) {
    std::uint64_t once = 0;
    std::uint64_t again = 0;
    objection_of(seed, &once);
    objection_of(seed, &again);
    EXPECT_EQ(once, again) << seed;
  }
}

// An uplink of 1 Mbit/s that is full with a model of 16 MB for two minutes.
TEST(Sessions, SignsOfLifeAndEndsDoNotWaitBehindAModel) {
  SessionWorld world(
      {.processes = 2, .interface = {.up = {1e6}, .down = {1e6}}, .latency = {0.01}, .buffer = 64 << 10});
  const Seconds deadline{60.0};
  world.start_all({.deadline = deadline});
  world.link(1).send({1}, {0}, frame_of(16'000'000, 1));
  double longest = 0.0;
  for (int second = 1; second <= 100; ++second) {
    world.run_for({1.0});
    longest = std::max(longest, (world.events().now() - world.link(0).last_heard(1)).value);
  }
  EXPECT_LT(longest, deadline.value / 5.0);
  ASSERT_TRUE(world.at(0).frames.empty());
  world.link(1).broadcast_end("fsomething else");
  world.touch(1);
  ASSERT_TRUE(world.run_until({130.0}, [&] { return !world.at(0).ends.empty(); }));
  EXPECT_EQ(world.at(0).ends[0], std::pair(1, std::string("fsomething else")));
  // What is in the buffers of the network before it: one of each stream, and a piece.
  EXPECT_LT(world.at(0).ends_came[0].value, 100.0 + 8.0 * (3 * 65'536) / 1e6 + 0.1);
  const bool left = world.run_until({200.0}, [&] { return world.link(1).idle(); });
  EXPECT_EQ(world.link(0).breaks() + world.link(1).breaks(), 0U);
  ASSERT_TRUE(left);
  EXPECT_EQ(world.at(0).frames.size(), 1U);
}

TEST(Sessions, AStreamThatGoesSilentIsReplacedWithinAFifthOfTheDeadline) {
  SessionWorld world({.processes = 2});
  world.start_all({.deadline = kDeadline});
  world.run_for({1.0});
  world.network().lose(0, 1);
  world.link(0).send({0}, {1}, frame_of(100, 1));
  world.link(1).send({1}, {0}, frame_of(100, 2));
  world.touch(0);
  world.touch(1);
  const bool came =
      world.run_until({5.0}, [&] { return world.at(0).frames.size() == 1 && world.at(1).frames.size() == 1; });
  ASSERT_TRUE(came);
  EXPECT_LT(world.events().now().value, 1.0 + kNoticed.value);
}

TEST(Sessions, APieceThatCameIsNotSentAgain) {
  SessionWorld world({.processes = 2, .interface = {.up = {8e6}, .down = {8e6}}});
  world.start_all({.deadline = {20.0}});
  world.link(1).send({1}, {0}, frame_of(4'000'000, 1));
  for (int breaks = 1; breaks <= 3; ++breaks) {
    world.run_for({1.0});
    world.network().reset(0, 1);
  }
  ASSERT_TRUE(world.run_until({30.0}, [&] { return world.link(1).idle(); }));
  EXPECT_EQ(world.at(0).frames.size(), 1U);
  // What three streams may have had on their way: their buffers, and what was not acknowledged yet.
  EXPECT_LT(world.network().carried(1, 0), 4'000'000U + 3 * (2 * 262'144 + 3 * 65'536) + 10'000);
  EXPECT_EQ(world.link(1).carried(0).bytes, world.at(0).frames[0].frame.wire().size() + 8);
}

TEST(Sessions, AReceiverThatStandsStillIsSentNoMoreThanItGranted) {
  SessionWorld world({.processes = 2, .buffer = std::size_t{64} << 20});
  world.start_all({.deadline = {1000.0}});
  world.run_for({1.0});
  world.at(0).stands_still = true;
  for (std::uint64_t number = 0; number < 20; ++number) world.link(1).send({1}, {0}, frame_of(1'000'000, number));
  world.touch(1);
  world.run_for({10.0});
  EXPECT_LE(world.network().carried(1, 0), session::kWindow + 10'000);
  world.at(0).stands_still = false;
  world.touch(0);
  ASSERT_TRUE(world.run_until({60.0}, [&] { return world.link(1).idle(); }));
  EXPECT_EQ(world.at(0).frames.size(), 20U);
}

TEST(Sessions, WhoIsStartedAgainIsAnotherIncarnationAndWhatWasForTheOneBeforeIsLost) {
  SessionWorld world({.processes = 2});
  std::vector<std::pair<int, std::uint64_t>> restarted;
  SessionOptions leader{.deadline = kDeadline};
  leader.restarted = [&](int process, std::uint64_t incarnation) { restarted.emplace_back(process, incarnation); };
  world.start(0, leader);
  world.start(1, {.incarnation = 0, .deadline = kDeadline});
  world.run_for({0.5});
  EXPECT_EQ(world.link(0).incarnation_of(1), 1U);
  world.kill(1);
  world.link(0).send({0}, {1}, frame_of(100, 1));
  world.touch(0);
  world.run_for({0.5});
  world.start(1, {.incarnation = 0, .deadline = kDeadline});
  world.run_for({0.5});
  EXPECT_EQ(world.link(0).incarnation_of(1), 2U);
  EXPECT_EQ(restarted, (std::vector<std::pair<int, std::uint64_t>>{{1, 2}}));
  world.link(0).send({0}, {1}, frame_of(100, 2));
  world.touch(0);
  ASSERT_TRUE(world.run_until({5.0}, [&] { return world.link(0).idle(); }));
  ASSERT_EQ(world.at(1).frames.size(), 1U);
  EXPECT_EQ(world.at(1).frames[0].frame.header().round, Round{2});
}

// Two processes that hold one identity, or one that slept through its successor's start.
TEST(Sessions, TheOlderOfTwoProcessesOfOneNumberIsToldSoByName) {
  SessionWorld world({.processes = 2});
  SessionOptions leader{.deadline = kDeadline};
  leader.restarted = [](int, std::uint64_t) {};
  world.start(0, leader);
  world.start(1, {.incarnation = 0, .deadline = kDeadline});
  world.run_for({0.5});
  SessionWorld::Process older = std::move(world.at(1));
  world.at(1) = {};
  world.start(1, {.incarnation = 0, .deadline = kDeadline});
  world.run_for({0.5});
  EXPECT_EQ(world.link(0).incarnation_of(1), 2U);
  std::swap(older, world.at(1));
  world.touch(1);
  world.run_for({1.0});
  ASSERT_EQ(world.at(1).failures.size(), 1U);
  EXPECT_EQ(world.at(1).failures[0],
            std::pair(0, std::string("process 1 of incarnation 1 is over: incarnation 2 has taken its place")));
  std::swap(older, world.at(1));
  world.touch(1);
  world.link(0).send({0}, {1}, frame_of(100, 2));
  world.touch(0);
  ASSERT_TRUE(world.run_until({5.0}, [&] { return world.link(0).idle(); }));
  EXPECT_TRUE(world.at(1).failures.empty());
  EXPECT_EQ(world.at(1).frames.size(), 1U);
}

TEST(Sessions, ARunThatTakesNobodyBackIsTold) {
  SessionWorld world({.processes = 2});
  world.start_all({.deadline = kDeadline});
  world.run_for({0.5});
  world.kill(1);
  world.start(1, {.incarnation = 2, .deadline = kDeadline});
  world.run_for({0.5});
  ASSERT_EQ(world.at(0).failures.size(), 1U);
  EXPECT_EQ(world.at(0).failures[0].first, 1);
  EXPECT_NE(world.at(0).failures[0].second.find("started again (incarnation 2 after 1)"), std::string::npos);
}

TEST(Sessions, AProcessOfAnotherJobIsRefusedByName) {
  SessionWorld world({.processes = 2});
  world.start(0, {.job = 1, .deadline = kDeadline});
  world.start(1, {.job = 2, .deadline = kDeadline});
  world.run_for({1.0});
  ASSERT_EQ(world.at(1).failures.size(), 1U);
  EXPECT_NE(world.at(1).failures[0].second.find("process 0 runs another job"), std::string::npos);
  EXPECT_TRUE(world.at(0).failures.empty());
}

TEST(Sessions, WhoMayNotJoinIsRefusedWithTheReason) {
  SessionWorld world({.processes = 2});
  SessionOptions leader{.deadline = kDeadline};
  leader.admit = [](int process, const std::string&, std::uint64_t, std::uint64_t) {
    return session::Admission{.refusal = {.code = session::Refusal::Code::kNobody,
                                          .text = "worker " + std::to_string(process) + " is not on the list"}};
  };
  world.start(0, leader);
  world.start(1, {.incarnation = 0, .deadline = kDeadline});
  world.run_for({1.0});
  ASSERT_EQ(world.at(1).failures.size(), 1U);
  EXPECT_EQ(world.at(1).failures[0].second, "worker 1 is not on the list");
}

// A stranger that says nothing, one that says nonsense, and one that repeats an old hello.
TEST(Sessions, StrangersTakeNothingFromASessionThatIsUp) {
  SessionWorld world({.processes = 3});
  world.start(0, {.deadline = kDeadline});
  world.start(1, {.deadline = kDeadline});
  world.run_for({0.5});
  std::vector<std::unique_ptr<node::ByteStream>> strangers;
  for (int i = 0; i < 200; ++i) strangers.push_back(world.network().streams(2).dial(0));
  world.run_for({0.05});
  const session::Hello old{.from = 1, .to = 0, .incarnation = 1, .known = 1, .attempt = 1};
  std::size_t told = 0;
  for (std::size_t i = 0; i < strangers.size(); ++i) {
    std::vector<std::byte> garbage(50, static_cast<std::byte>(i));
    if (i % 3 == 0) continue;
    if (i % 3 == 1) told += strangers[i]->write(garbage);
    if (i % 3 == 2) {
      std::vector<std::byte> wire;
      // A sound record around the old hello.
      struct Into final : public node::ByteStream {
        explicit Into(std::vector<std::byte>& bytes) : out(bytes) {}
        std::size_t write(std::span<const std::byte> more) override {
          out.insert(out.end(), more.begin(), more.end());
          return more.size();
        }
        std::size_t read(std::span<std::byte>) override { return 0; }
        bool is_open() const override { return true; }
        bool is_over() const override { return false; }
        std::string identity() const override { return {}; }
        std::vector<std::byte>& out;
      };
      session::RecordStream record(std::make_unique<Into>(wire), {});
      record.write(session::RecordKind::kHello, old.encode());
      record.flush();
      told += strangers[i]->write(wire);
    }
  }
  EXPECT_GT(told, 0U);
  world.link(1).send({1}, {0}, frame_of(100'000, 1));
  world.touch(1);
  world.run_for({1.0});
  EXPECT_EQ(world.at(0).frames.size(), 1U);
  EXPECT_EQ(world.link(0).breaks() + world.link(1).breaks(), 0U);
  const bool all_sent_away = std::ranges::all_of(strangers, [](const auto& stranger) { return !stranger->is_open(); });
  EXPECT_TRUE(all_sent_away);
}

TEST(Sessions, InAStarOnlyProcess0HasSessionsWithAll) {
  SessionWorld world({.processes = 4});
  world.start_all({.star = true, .deadline = kDeadline});
  world.run_for({0.5});
  for (int process = 1; process < 4; ++process) {
    EXPECT_EQ(world.link(process).incarnation_of(0), 1U);
    for (int other = 1; other < 4; ++other) EXPECT_EQ(world.link(process).incarnation_of(other), 0U);
  }
  EXPECT_EQ(world.network().opened(), 6U);
}

TEST(Sessions, WhoLeavesIsNotWaitedFor) {
  SessionWorld world({.processes = 2});
  world.start_all({.deadline = kDeadline});
  world.run_for({0.5});
  world.at(1).link.reset();
  world.run_for({0.1});
  world.link(0).send({0}, {1}, frame_of(100, 1));
  EXPECT_TRUE(world.link(0).idle());
}

}  // namespace
}  // namespace laconic::tests
