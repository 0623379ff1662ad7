// A network that loses frames and brings them twice.
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/vector_ops.h"
#include "run.h"

namespace laconic::tests {
namespace {

// Sends its model to the workers beside it and goes on with the average of its own and what has come; waits for nobody.
class Chatter final : public Strategy {
 public:
  Task<void> round(Worker& self) override {
    co_await self.local_step();
    Comm& comm = self.comm();
    const int workers = self.world_size();
    const Frame model(kHeader, std::span<const float>(self.params()));
    comm.send({(self.rank().value + 1) % workers}, model);
    comm.send({(self.rank().value + workers - 1) % workers}, model);
    const Seconds until_all_arrived{1.0};  // copies too
    co_await comm.sleep(until_all_arrived);
    const Pattern any{.from = std::nullopt, .tags = kHeader.tag, .round = kHeader.round, .may_be_late = true};
    const Seconds no_wait;
    for (;;) {
      const auto arrival = co_await comm.transport().receive(any, no_wait);
      if (!arrival) break;
      const SharedVector other = arrival->frame.floats(self.params().size());
      kernels::scale(0.5F, self.params());
      kernels::axpy(0.5F, other, self.params());
    }
  }

 private:
  static constexpr FrameHeader kHeader{.traffic = Traffic::kModel, .tag = Tag::kGossip, .round = {0}};
};

Scenario chatter(double loss, double duplication) {
  return {.problem = {.workers = 6, .dimension = 8},
          .strategy = "local",
          .steps = 300,
          .evaluate_every = 300,
          .loss = loss,
          .duplication = duplication,
          .wrap = [](const StrategyFactory&) { return [] { return std::make_unique<Chatter>(); }; }};
}

Tally received(const Ledger& ledger) {
  Tally result;
  for (const Rank node : ledger.nodes()) result += ledger.received(node);
  return result;
}

TEST(NetworkFaults, WhatIsReceivedIsWhatIsSentWithoutWhatIsLostAndWithWhatIsDoubled) {
  constexpr double kLoss = 0.2;
  constexpr double kDuplication = 0.1;
  const Result perfect = run(chatter(0.0, 0.0));
  const Result result = run(chatter(kLoss, kDuplication));
  ASSERT_EQ(result.outcome.end, Outcome::End::kSteps);
  const Ledger& ledger = result.outcome.ledger;
  const Tally sent = ledger.total();
  EXPECT_EQ(sent, perfect.outcome.ledger.total());
  const std::uint64_t frames = sent.frames - ledger.lost() + ledger.doubled();
  const std::uint64_t frame_size = sent.framed.value / sent.frames;
  EXPECT_EQ(received(ledger), (Tally{frames, {frames * 8 * sizeof(float)}, {frames * frame_size}}));
  EXPECT_EQ(perfect.outcome.ledger.lost() + perfect.outcome.ledger.doubled(), 0U);
  EXPECT_EQ(received(perfect.outcome.ledger), sent);

  const auto trials = static_cast<double>(sent.frames);
  const auto lost = static_cast<double>(ledger.lost());
  const auto doubled = static_cast<double>(ledger.doubled());
  EXPECT_NEAR(lost, trials * kLoss, 5.0 * std::sqrt(trials * kLoss * (1.0 - kLoss)));
  EXPECT_NEAR(doubled, (trials - lost) * kDuplication, 5.0 * std::sqrt(trials * kDuplication * (1.0 - kDuplication)));
}

TEST(NetworkFaults, TheSameSeedLosesTheSameFramesWhateverTheComputeThreads) {
  Scenario s = chatter(0.3, 0.2);
  const Result one = run(s);
  s.compute_threads = 4;
  const Result four = run(s);
  EXPECT_EQ(one.outcome.trace_hash, four.outcome.trace_hash);
  EXPECT_EQ(one.params, four.params);
  for (int k = 0; k < s.problem.workers; ++k) {
    EXPECT_GT(one.outcome.ledger.lost({k}), 0U);
    EXPECT_EQ(one.outcome.ledger.lost({k}), four.outcome.ledger.lost({k}));
    EXPECT_EQ(one.outcome.ledger.doubled({k}), four.outcome.ledger.doubled({k}));
  }
  EXPECT_NE(one.params, run(chatter(0.0, 0.0)).params);
}

TEST(NetworkFaults, ThatStrikeNoFrameLeaveTheTraceAsItIsWithoutThem) {
  for (const char* strategy : {"synchronous", "fedavg", "d_psgd", "choco"}) {
    Scenario s{.problem = {}, .strategy = strategy};
    const Result without = run(s);
    s.loss = s.duplication = 1e-300;
    const Result with = run(s);
    EXPECT_GT(without.outcome.ledger.total().frames, 0U) << strategy;
    EXPECT_EQ(with.outcome.trace_hash, without.outcome.trace_hash) << strategy;
    EXPECT_EQ(with.params, without.params) << strategy;
  }
}

struct Received {
  float value;
  Seconds time;
};

// In its only round worker 1 sends worker 0 the values 1 and 2, and worker 0 takes four frames.
class TwoFrames final : public Strategy {
 public:
  explicit TwoFrames(std::vector<Received>& received) : received_(received) {}

  Task<void> round(Worker& self) override {
    co_await self.local_step();
    const FrameHeader header{.traffic = Traffic::kModel, .tag = Tag::kGossip, .round = {3}};
    if (self.rank().value == 1) {
      for (const float value : {1.0F, 2.0F}) self.comm().send({0}, Frame(header, std::span<const float>(&value, 1)));
      co_return;
    }
    const Rank sender{1};
    for (int i = 0; i < 4; ++i) {
      const Frame frame = co_await self.comm().receive(sender, header.tag, header.round);
      received_.push_back({frame.floats(1).values()[0], self.comm().now()});
    }
  }

 private:
  std::vector<Received>& received_;
};

TEST(NetworkFaults, ACopyReachesTheMailboxAfterTheFirstAndAfterWhatItsSenderHadSentByThen) {
  std::vector<Received> received;
  const Result result =
      run({.problem = {.workers = 2},
           .strategy = "local",
           .steps = 1,
           .duplication = 1.0 - 1e-12,
           .wrap = [&](const StrategyFactory&) { return [&] { return std::make_unique<TwoFrames>(received); }; }});
  ASSERT_EQ(result.outcome.end, Outcome::End::kSteps);
  ASSERT_EQ(received.size(), 4U);
  // Steps of 10 ms, 1 ms of latency, frames of `transfer` at either end.
  const double transfer = 8.0 * static_cast<double>(result.outcome.ledger.total().framed.value) / 2.0 / 1e9;
  const float values[] = {1.0F, 2.0F, 1.0F, 2.0F};
  const double times[] = {0.011 + 2 * transfer, 0.011 + 3 * transfer, 0.012 + 3 * transfer, 0.012 + 4 * transfer};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(received[i].value, values[i]) << i;
    EXPECT_NEAR(received[i].time.value, times[i], 1e-12) << i;
  }
  EXPECT_EQ(result.outcome.ledger.doubled({1}), 2U);
  EXPECT_EQ(result.outcome.ledger.sent({1}).frames, 2U);
  EXPECT_EQ(result.outcome.ledger.received({0}).frames, 4U);
}

}  // namespace
}  // namespace laconic::tests
