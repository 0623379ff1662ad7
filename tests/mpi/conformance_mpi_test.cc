// Every row of the registry over real processes, against the simulator: each process runs worker `rank` of every test
// and, beside it, the same scenario in a simulation of its own.
//
// All that strategies exchange is in the order of rounds and ranks, so a strategy whose workers wait for each other
// ends with the simulator's parameters and bytes to the bit, whatever the collective: its sums are the same sums. Where
// time decides (asynchronous orders, alarms and budgets) what holds is that a run ends, that what was sent was
// received, and that the mass of push-sum is what it was.
//
// A process that fails leaves at once with exit code 1; its launcher ends the others. All waits end.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "base/error.h"
#include "kept_checkpoints.h"
#include "links/connection.h"
#include "mechanisms/push_sum_strategy.h"
#include "rows.h"
#include "runtimes/process/process.h"
#include "strategies/registry.h"

namespace laconic::tests {
namespace {

constexpr int kProcesses = 4;
constexpr Seconds kDeadline{20.0};
constexpr unsigned kAlarmAfterSeconds = 280;

process::Process* process_of_this = nullptr;

// What a run over the processes came to here.
struct Part {
  Outcome outcome;
  std::vector<float> params;                          // of this process' worker
  std::vector<Measurement> measurements;              // process 0's
  std::vector<std::unique_ptr<Strategy>> strategies;  // of all workers, by rank, as the end found them
};

std::string error_of(const Outcome& outcome) {
  if (!outcome.error) return {};
  try {
    std::rethrow_exception(outcome.error);
  } catch (const std::exception& error) {
    return error.what();
  }
}

// This process' worker of the scenario; every process calls it.
Part run_over_processes(Scenario scenario) {
  Strategy* own = nullptr;
  scenario.wrap = [&own](StrategyFactory make) -> StrategyFactory {
    return [&own, make = std::move(make)] {
      auto made = make();
      if (own == nullptr) own = made.get();  // the coordinator's comes after it
      return made;
    };
  };
  std::vector<std::byte> state;
  Part part;
  RunObserver observer;
  observer.on_measurement = [&](const Measurement& measurement) { part.measurements.push_back(measurement); };
  observer.on_worker_step = [&](const WorkerStep& step) {
    if (step.step.value != scenario.steps) return;
    Archive archive;
    own->archive(archive);
    state = archive.take();
  };
  process::ProcessOptions options;
  static_cast<RunOptions&>(options) = run_options(scenario);
  options.average = true;
  options.end_process = [](const std::string& why) {
    ADD_FAILURE() << why;
    std::_Exit(1);
  };
  const std::unique_ptr<Learner> learner = learner_of(scenario, process_of_this->rank());
  part.outcome = process_of_this->run(options, *learner, strategy_factory(scenario), observer);
  EXPECT_EQ(part.outcome.end, Outcome::End::kSteps) << error_of(part.outcome);
  if (part.outcome.end != Outcome::End::kSteps) return part;
  part.params.assign(learner->params().begin(), learner->params().end());
  scenario.wrap = {};
  const StrategyFactory make = strategy_factory(scenario);
  for (const std::string& text :
       process_of_this->meeting().share({reinterpret_cast<const char*>(state.data()), state.size()})) {
    Archive archive(std::as_bytes(std::span(text)));
    part.strategies.push_back(make());
    part.strategies.back()->archive(archive);
    archive.expect_end();
  }
  return part;
}

class OverProcesses : public testing::TestWithParam<Row> {
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
            .deadline = kDeadline};
  }
  // Whether time decides what a run comes to.
  static bool depends_on_time() { return GetParam().demands.timing != Timing::kLockStep; }
  static constexpr const char* kTimeDecides = "it ended as it should; time decides with which models and bytes";

  const testing::ScopedTrace trace_{__FILE__, __LINE__, "in process " + std::to_string(process_of_this->rank())};
};

// Of the kinds that strategies alone use; control and evaluation have frames of the runtime too.
constexpr std::array kKinds = {Traffic::kModel, Traffic::kGradient, Traffic::kState};

void expect_same_bytes(const Ledger& actual, const Ledger& expected) {
  for (const Rank node : expected.nodes()) {
    for (const Traffic kind : kKinds) {
      EXPECT_EQ(actual.sent(node, kind), expected.sent(node, kind)) << node.value << ": " << to_text(kind);
      EXPECT_EQ(actual.received(node, kind), expected.received(node, kind)) << node.value << ": " << to_text(kind);
    }
  }
}

void expect_all_received(const Ledger& ledger) {
  Tally received;
  for (const Rank node : ledger.nodes()) received += ledger.received(node);
  EXPECT_EQ(received, ledger.total());
  EXPECT_EQ(ledger.refused(), 0U);
}

TEST_P(OverProcesses, ItEndsAsInTheSimulatorWithTheSameBytesWhereTimeDoesNotDecide) {
  const Scenario s = scenario();
  const Part part = run_over_processes(s);
  ASSERT_FALSE(HasFailure());
  if (process_of_this->leads()) {
    ASSERT_EQ(part.measurements.size(), 2U);
    EXPECT_EQ(part.measurements.back().step, Step{s.steps});
    EXPECT_EQ(part.measurements.back().syncs, part.outcome.syncs);
    expect_all_received(part.outcome.ledger);
  }
  if (depends_on_time()) GTEST_SKIP() << kTimeDecides;
  const Result simulated = run(s);
  EXPECT_EQ(part.params, simulated.params.at(static_cast<std::size_t>(process_of_this->rank())));
  if (!process_of_this->leads()) return;
  EXPECT_EQ(part.outcome.syncs, simulated.outcome.syncs);
  expect_same_bytes(part.outcome.ledger, simulated.outcome.ledger);
  EXPECT_GT(part.outcome.ledger.total(Traffic::kControl).payload,
            simulated.outcome.ledger.total(Traffic::kControl).payload);
  ASSERT_EQ(simulated.measurements.size(), part.measurements.size());
  for (std::size_t i = 0; i < simulated.measurements.size(); ++i) {
    const Measurement& expected = simulated.measurements[i];
    const Measurement& actual = part.measurements[i];
    EXPECT_EQ(actual.step, expected.step);
    EXPECT_NEAR(actual.train_loss, expected.train_loss, 1e-9 * expected.train_loss);
    EXPECT_NEAR(actual.consensus_distance, expected.consensus_distance, 1e-5);
  }
  EXPECT_EQ(part.outcome.model, simulated.outcome.model);
  // Worker 0 measures, here with a loss of its own.
  const double loss = learner_of(s, 0)->evaluate(simulated.outcome.model, {}, Split::kTest).loss;
  EXPECT_EQ(part.measurements.back().test.loss, loss);
}

TEST_P(OverProcesses, ARunResumedFromItsCheckpointEndsAsTheOneThatNeverStopped) {
  Scenario s = scenario();
  s.checkpoints = {.numerator = 8};  // after the steps 8 and 16
  KeptCheckpoints kept(false);
  s.keeper = &kept;
  const Part whole = run_over_processes(s);
  ASSERT_FALSE(HasFailure());
  ASSERT_EQ(kept.complete(), (std::vector<Step>{{8}, {16}}));
  KeptCheckpoints again(false);
  s.keeper = &again;
  s.resume = kept.resume({8});
  const Part resumed = run_over_processes(s);
  ASSERT_FALSE(HasFailure());
  EXPECT_EQ(again.complete(), std::vector<Step>{{16}});
  if (depends_on_time()) GTEST_SKIP() << kTimeDecides;
  EXPECT_EQ(resumed.params, whole.params);
  if (!process_of_this->leads()) return;
  EXPECT_EQ(resumed.outcome.syncs, whole.outcome.syncs);
  EXPECT_EQ(resumed.outcome.model, whole.outcome.model);
  expect_same_bytes(resumed.outcome.ledger, whole.outcome.ledger);
  s.keeper = nullptr;
  s.resume = {};
  EXPECT_EQ(run(s).outcome.model, whole.outcome.model);
}

// The weights of all nodes, with what their unanswered messages hold that was not taken.
TEST_P(OverProcesses, TheSumOfPushSumWeightsIsWhatItWas) {
  Scenario s = scenario();
  s.steps = 100;
  s.evaluate_every = s.steps;
  if (dynamic_cast<PushSumStrategy*>(strategy_factory(s)().get()) == nullptr) GTEST_SKIP() << "it is no push-sum alone";
  const Part part = run_over_processes(s);
  ASSERT_FALSE(HasFailure());
  std::vector<PushSumStrategy*> nodes;
  for (const auto& strategy : part.strategies) nodes.push_back(dynamic_cast<PushSumStrategy*>(strategy.get()));
  std::int64_t units = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    units += nodes[i]->sum().weight().units();
    for (const auto& [receiver, transfers] : nodes[i]->accounts().unanswered()) {
      for (const auto& [number, transfer] : transfers) {
        const bool taken = nodes.at(static_cast<std::size_t>(receiver))->accounts().took({static_cast<int>(i)}, number);
        if (!taken) units += transfer.weight.units();
      }
    }
  }
  EXPECT_EQ(units, PushWeight::kOne * kProcesses);
}

// Rows for several workers.
std::vector<Row> rows_for_processes() {
  std::vector<Row> result = rows(kProcesses);
  std::erase_if(result, [](const Row& row) { return row.demands.single_worker; });
  return result;
}

INSTANTIATE_TEST_SUITE_P(Strategies, OverProcesses, testing::ValuesIn(rows_for_processes()),
                         [](const auto& info) { return info.param.name(); });

}  // namespace
}  // namespace laconic::tests

int main(int argc, char** argv) {
  using namespace laconic;
  alarm(tests::kAlarmAfterSeconds);
  testing::InitGoogleTest(&argc, argv);
  testing::GTEST_FLAG(fail_fast) = true;  // the processes no longer are at the same test after a failure
  process::MachineHost host;
  const auto connection = links::connect(links::find_launch(), host.clock(), kMaxPayloadSize);
  process::Process process(connection->link(), host, tests::kDeadline, {});
  if (process.size() != tests::kProcesses) {
    if (process.leads()) ADD_FAILURE() << "start these tests with mpirun -n " << tests::kProcesses;
    std::_Exit(1);
  }
  tests::process_of_this = &process;
  // One account of the tests is enough; failures come from all.
  if (!process.leads()) testing::GTEST_FLAG(brief) = true;
  if (RUN_ALL_TESTS() != 0) std::_Exit(1);
  connection->part(tests::kDeadline, [] { std::_Exit(0); });
  return 0;
}
