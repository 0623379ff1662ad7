// Every row of the registry over processes in memory, against the simulator: what all exchange is in the order of rounds
// and ranks, so a strategy whose workers wait for each other ends with the simulator's models to the bit.
#include <gtest/gtest.h>

#include "in_memory.h"
#include "rows.h"

namespace laconic::tests {
namespace {

constexpr int kProcesses = 4;

class InMemory : public testing::TestWithParam<Row> {
 protected:
  static Scenario scenario() {
    return {.problem = {.workers = kProcesses, .dimension = 60, .seed = 2, .shapes = {{4, 2, 6}, {12}}},
            .strategy = GetParam().strategy,
            .options = GetParam().options,
            .between = GetParam().between,
            .steps = 20,
            .collective = GetParam().collective,
            .compressor = GetParam().compressor,
            .evaluate_every = 10,
            .deadline = {20.0}};
  }
  static void expect_done(const ProcessesResult& result) {
    EXPECT_EQ(result.hang, "");
    for (const ProcessResult& one : result.processes) {
      EXPECT_EQ(one.error, "");
      ASSERT_TRUE(one.outcome);
      EXPECT_EQ(one.outcome->end, Outcome::End::kSteps);
    }
  }
  static bool depends_on_time() { return GetParam().demands.timing != Timing::kLockStep; }
};

TEST_P(InMemory, ItEndsAsInTheSimulatorWhereTimeDoesNotDecide) {
  const Scenario s = scenario();
  const ProcessesResult result = run_over_processes(s, {});
  expect_done(result);
  ASSERT_FALSE(HasFailure());
  ASSERT_EQ(result.measurements.size(), 2U);
  EXPECT_EQ(result.measurements.back().step, Step{s.steps});
  const Ledger& ledger = result.processes[0].outcome->ledger;
  EXPECT_EQ(ledger.refused(), 0U);
  if (depends_on_time()) GTEST_SKIP() << "time decides what the models come to";
  const Result simulated = run(s);
  for (std::size_t rank = 0; rank < result.processes.size(); ++rank) {
    EXPECT_EQ(result.processes[rank].params, simulated.params.at(rank)) << "worker " << rank;
  }
  EXPECT_EQ(result.processes[0].outcome->model, simulated.outcome.model);
  EXPECT_EQ(result.processes[0].outcome->syncs, simulated.outcome.syncs);
  for (const Traffic kind : {Traffic::kModel, Traffic::kGradient, Traffic::kState}) {
    EXPECT_EQ(ledger.total(kind), simulated.outcome.ledger.total(kind)) << to_text(kind);
  }
}

// A stream carries bytes, in pieces, with hellos and acknowledgements; whole frames come out of it as they went in.
TEST_P(InMemory, OverSessionsItEndsAsOverLinksOfWholeFrames) {
  const Scenario s = scenario();
  const ProcessesResult frames = run_over_processes(s, {});
  const ProcessesResult sessions = run_over_processes(s, {.over_sessions = true});
  expect_done(sessions);
  ASSERT_FALSE(HasFailure());
  EXPECT_EQ(sessions.breaks, 0U);
  const Ledger& ledger = sessions.processes[0].outcome->ledger;
  EXPECT_EQ(ledger.refused(), 0U);
  if (depends_on_time()) GTEST_SKIP() << "time decides what the models come to";
  for (std::size_t rank = 0; rank < frames.processes.size(); ++rank) {
    EXPECT_EQ(sessions.processes[rank].params, frames.processes[rank].params) << "worker " << rank;
  }
  for (const Traffic kind : {Traffic::kModel, Traffic::kGradient, Traffic::kState}) {
    EXPECT_EQ(ledger.total(kind), frames.processes[0].outcome->ledger.total(kind)) << to_text(kind);
  }
}

TEST_P(InMemory, ARunResumedFromItsCheckpointEndsAsTheOneThatNeverStopped) {
  Scenario s = scenario();
  s.checkpoints = {.numerator = 8};
  std::vector<KeptCheckpoints> kept(kProcesses, KeptCheckpoints(false));
  std::vector<KeptCheckpoints> again(kProcesses, KeptCheckpoints(false));
  ProcessesOptions options;
  for (KeptCheckpoints& keeper : kept) options.keepers.push_back(&keeper);
  const ProcessesResult whole = run_over_processes(s, options);
  expect_done(whole);
  ASSERT_FALSE(HasFailure());
  ASSERT_EQ(kept[0].complete(), (std::vector<Step>{{8}, {16}}));
  ProcessesOptions resumed_options;
  for (std::size_t rank = 0; rank < kept.size(); ++rank) {
    resumed_options.keepers.push_back(&again[rank]);
    resumed_options.resume.push_back(kept[rank].resume({8}));
  }
  const ProcessesResult resumed = run_over_processes(s, resumed_options);
  expect_done(resumed);
  ASSERT_FALSE(HasFailure());
  EXPECT_EQ(again[0].complete(), std::vector<Step>{{16}});
  if (depends_on_time()) GTEST_SKIP() << "time decides what the models come to";
  for (std::size_t rank = 0; rank < whole.processes.size(); ++rank) {
    EXPECT_EQ(resumed.processes[rank].params, whole.processes[rank].params) << "worker " << rank;
  }
  EXPECT_EQ(resumed.processes[0].outcome->model, whole.processes[0].outcome->model);
}

INSTANTIATE_TEST_SUITE_P(Strategies, InMemory, testing::ValuesIn(rows(kProcesses)),
                         [](const auto& info) { return info.param.name(); });

}  // namespace
}  // namespace laconic::tests
