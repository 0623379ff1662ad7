// The simulator itself: time, waits, ends and failures of whole runs.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/error.h"
#include "run.h"

namespace laconic::tests {
namespace {

// Worker 0 waits for a frame that worker 1 never sends.
class WaitsForNobody final : public Strategy {
 public:
  Task<void> round(Worker& self) override {
    co_await self.local_step();
    const Rank peer{1};
    const Round round{5};
    if (self.rank().value == 0) co_await self.comm().receive(peer, Tag::kRing, round);
  }
};

StrategyFactory waits_for_nobody(const StrategyFactory&) {
  return [] { return std::make_unique<WaitsForNobody>(); };
}

TEST(Simulation, AWaitThatNobodyCanEndIsAnErrorAtOnceThatSaysWhoWaitsForWhom) {
  Scenario s{.problem = {.workers = 3}, .strategy = "local", .steps = 1, .wrap = waits_for_nobody};
  const Result result = run(s);
  EXPECT_EQ(result.outcome.end, Outcome::End::kFailed);
  EXPECT_EQ(
      error_of<PeerLost>(result),
      "every node waits for another; worker 0 waits for the chunk on the ring (round 5) from worker 1 since second "
      "0.010 of the run");
}

TEST(Simulation, AWaitEndsAtItsDeadlineWhileOthersGoOn) {
  // The others have a minute of steps left, so time goes on past worker 0's deadline.
  Scenario s{.problem = {.workers = 3}, .strategy = "local", .steps = 6000, .evaluate_every = 6000};
  s.wrap = waits_for_nobody;
  s.deadline = {2.0};
  const Result result = run(s);
  EXPECT_EQ(result.outcome.end, Outcome::End::kFailed);
  EXPECT_EQ(error_of<PeerLost>(result),
            "worker 0 got no chunk on the ring (round 5) from worker 1 within 2 s, waiting since second 0.010 of the "
            "run; see "
            "whether that "
            "node still runs, or raise network.deadline (2 s)");
}

TEST(Simulation, FedAvgGoesOnWithoutAModelThatDidNotArrive) {
  Scenario s{
      .problem = {.workers = 3}, .strategy = "fedavg", .options = {{"period", "2"}}, .steps = 8, .evaluate_every = 8};
  s.damage = [](std::uint64_t number, std::span<const std::byte> wire) {
    return std::vector<std::byte>(wire.begin(), wire.end() - (number == 1 ? 1 : 0));
  };
  const Result result = run(s);
  EXPECT_EQ(result.outcome.end, Outcome::End::kSteps);
  EXPECT_EQ(result.outcome.ledger.refused(), 1U);
  EXPECT_EQ(result.outcome.syncs, 4U);
  EXPECT_GT(result.measurements.back().time, s.deadline - Seconds{s.deadline.value / 2.0});
}

TEST(Simulation, TheCoordinatorNamesTheWorkerThatIsMissingBeforeOthersGiveUpOnTheCoordinator) {
  Scenario s{.problem = {.workers = 3}, .strategy = "synchronous", .steps = 8, .evaluate_every = 8};
  s.step_cost = {{0.01}, {0.01}, {100.0}};
  s.deadline = {20.0};
  EXPECT_EQ(error_of<PeerLost>(run(s)).substr(0, 66),
            "the coordinator got no part of a mean (round 0) from worker 2 with");
}

TEST(Simulation, OnTheTreeTheWorkerNextToTheMissingOneNamesIt) {
  for (const int missing : {2, 5, 6, 7}) {
    Scenario s{.problem = {.workers = 8}, .strategy = "synchronous", .steps = 8, .collective = Collective::kRing};
    s.evaluate_every = 8;
    s.step_cost.assign(8, Seconds{0.01});
    s.step_cost[static_cast<std::size_t>(missing)] = {100.0};
    s.deadline = {20.0};
    const std::string text = error_of<PeerLost>(run(s));
    EXPECT_NE(text.find("got no part from below in the tree (round 0) from worker " + std::to_string(missing) + " "),
              std::string::npos)
        << text;
  }
}

TEST(Simulation, AModelThatIsNotFiniteAfterTheLastStepEndsTheRunAsFailed) {
  Scenario s{.problem = {.workers = 2, .learning_rate = 1e30}, .strategy = "local", .steps = 2, .evaluate_every = 2};
  const Result result = run(s);
  EXPECT_EQ(result.outcome.end, Outcome::End::kFailed);
  EXPECT_NE(error_of<RunError>(result).find("the model of worker 0 is not finite after step 2"), std::string::npos);
  EXPECT_EQ(result.outcome.model, s.problem.start());  // the last good state
  EXPECT_EQ(result.outcome.model_step, Step{0});
  EXPECT_EQ(result.measurements.size(), 1U);
}

TEST(Simulation, ALossThatIsNotFiniteNamesTheWorkerAndTheStepAndKeepsTheNewestGoodModel) {
  Scenario s{.problem = {.workers = 4},
             .strategy = "periodic",
             .options = {{"period", "5"}},
             .steps = 40,
             .evaluate_every = 10};
  s.diverge = {{2, Step{25}}};
  const Result result = run(s);
  EXPECT_EQ(result.outcome.end, Outcome::End::kFailed);
  EXPECT_EQ(error_of<RunError>(result),
            "training diverged: the loss of worker 2 is not finite in step 26; lower optimizer.learning_rate, or "
            "a rate of the strategy's own, or synchronise more often");
  ASSERT_EQ(result.measurements.size(), 2U);
  EXPECT_GE(result.outcome.model_step, Step{25}) << "the loss alone is not finite";
  EXPECT_EQ(result.outcome.model.size(), s.problem.dimension);
}

TEST(Simulation, UntilEndsTheRunAtTheMeasurementThatMeetsIt) {
  Scenario s{.problem = {.workers = 4, .spread = 0.0}, .strategy = "synchronous", .steps = 1000};
  s.evaluate_every = 7;
  s.own_models = OwnModels::kAtEnd;
  s.until = [](const Measurement& measurement) { return measurement.test.accuracy > 0.9; };
  const Result result = run(s);
  EXPECT_EQ(result.outcome.end, Outcome::End::kUntil);
  ASSERT_FALSE(result.measurements.empty());
  for (std::size_t i = 0; i < result.measurements.size(); ++i) {
    const bool last = i + 1 == result.measurements.size();
    EXPECT_EQ(result.measurements[i].test.accuracy > 0.9, last);
    EXPECT_EQ(result.measurements[i].workers.has_value(), last);
  }
  EXPECT_EQ(result.measurements.back().step.value % 7, 0U);
  EXPECT_LT(result.measurements.back().step.value, 1000U);
}

TEST(Simulation, AnInterruptionEndsTheRunWithWhatThereIs) {
  Scenario s{.problem = {.workers = 4}, .strategy = "fda", .options = {{"threshold", "1"}}, .steps = 100000};
  bool enough = false;
  s.observer.on_measurement = [&](const Measurement& measurement) { enough = measurement.step.value >= 12; };
  s.observer.interrupted = [&] { return enough; };
  const Result result = run(s);
  EXPECT_EQ(result.outcome.end, Outcome::End::kInterrupted);
  EXPECT_EQ(result.outcome.model_step, Step{12});
}

TEST(Simulation, AnInterruptionLeavesTheNewestModelWhateverConstantsItHas) {
  Scenario s{.problem = {.workers = 4}, .strategy = "synchronous", .steps = 100000, .evaluate_every = 50000};
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  s.problem.constants = {0.0F, -kInfinity, kInfinity, std::numeric_limits<float>::quiet_NaN(), 3.0F};
  int asked = 0;
  s.observer.interrupted = [&] { return ++asked > 1000; };
  const Result result = run(s);
  EXPECT_EQ(result.outcome.end, Outcome::End::kInterrupted);
  EXPECT_GT(result.outcome.model_step.value, 10U);
  ASSERT_EQ(result.outcome.buffers.size(), 5U);
  EXPECT_EQ(result.outcome.buffers[1], -kInfinity);
  EXPECT_EQ(result.outcome.buffers[2], kInfinity);
  EXPECT_TRUE(std::isnan(result.outcome.buffers[3]));
  EXPECT_EQ(result.outcome.buffers[4], 3.0F);
}

TEST(Simulation, StepsTakeTheirCostAndFramesTheirTransfer) {
  // Synchronous on a star, d = 16: 64 bytes and a header of 7 up, the same down, at 1 Gbit/s and 1 ms a way. The
  // coordinator's interface takes the four frames one after another, both ways.
  Scenario s{.problem = {.workers = 4}, .strategy = "synchronous", .steps = 1};
  const Result result = run(s);
  const double frame_time = 8.0 * (64 + 7) / 1e9;
  EXPECT_NEAR(result.measurements.at(0).time.value, 0.01 + 2 * 0.001 + 10 * frame_time, 1e-12);
}

TEST(Simulation, ASlowWorkerHoldsUpOnlyThoseThatWaitForIt) {
  Scenario s{.problem = {.workers = 3}, .strategy = "local", .steps = 10, .evaluate_every = 10};
  s.step_cost = {{0.01}, {0.01}, {0.05}};
  const Result local = run(s);
  EXPECT_NEAR(local.measurements.at(0).time.value, 0.5, 1e-9);
  EXPECT_EQ(local.outcome.ledger.total().frames, 0U);
}

TEST(Simulation, ConsensusDistanceIsTheVarianceOfTheModels) {
  Scenario s{.problem = {.workers = 4, .dimension = 30}, .strategy = "local", .steps = 9, .evaluate_every = 9};
  const Result result = run(s);
  double expected = 0.0;
  for (std::size_t j = 0; j < 30; ++j) {
    double mean = 0.0;
    for (const auto& params : result.params) mean += params[j] / 4.0;
    for (const auto& params : result.params) expected += (params[j] - mean) * (params[j] - mean) / 4.0;
  }
  EXPECT_GT(expected, 1.0);
  EXPECT_NEAR(result.measurements.at(0).consensus_distance, expected, 1e-9);
}

}  // namespace
}  // namespace laconic::tests
