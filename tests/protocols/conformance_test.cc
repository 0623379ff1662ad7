// What every row of the registry must satisfy.
#include <gtest/gtest.h>

#include <utility>

#include "base/error.h"
#include "drain.h"
#include "kept_checkpoints.h"
#include "rows.h"
#include "runtimes/node/node_state.h"
#include "strategies/registry.h"

namespace laconic::tests {
namespace {

constexpr int kGrouped = 6;  // workers of strategies with groups

class Conformance : public testing::TestWithParam<Row> {
 protected:
  Scenario scenario() const {
    const bool groups = find_strategy(GetParam().strategy).groups != nullptr;
    const int workers = demands().single_worker ? 1 : groups ? kGrouped : 5;
    return {.problem = {.workers = workers, .dimension = 60, .seed = 2, .shapes = {{4, 2, 6}, {12}}},
            .strategy = GetParam().strategy,
            .options = GetParam().options,
            .between = GetParam().between,
            .steps = 40,
            .collective = GetParam().collective,
            .compressor = GetParam().compressor,
            .evaluate_every = 10};
  }
  static const Demands& demands() { return GetParam().demands; }
};

TEST_P(Conformance, SameSeedSameTraceWhateverTheComputeThreads) {
  Scenario s = scenario();
  const Result once = run(s);
  const Result again = run(s);
  s.compute_threads = 2;
  const Result threaded = run(s);
  EXPECT_EQ(once.outcome.end, Outcome::End::kSteps);
  EXPECT_EQ(once.outcome.trace_hash, again.outcome.trace_hash);
  EXPECT_EQ(once.outcome.trace_hash, threaded.outcome.trace_hash);
  EXPECT_EQ(once.params, threaded.params);
  EXPECT_EQ(once.outcome.ledger.total(), threaded.outcome.ledger.total());
}

TEST_P(Conformance, AnotherSeedIsAnotherTrace) {
  Scenario s = scenario();
  const std::uint64_t hash = run(s).outcome.trace_hash;
  s.problem.seed += 1;
  EXPECT_NE(run(s).outcome.trace_hash, hash);
}

void expect_syncs_of_the_formula(const Scenario& s, const Result& result) {
  EXPECT_GE(result.outcome.syncs, result.formula.fewest_syncs);
  EXPECT_LE(result.outcome.syncs, result.formula.most_syncs.value_or(s.steps));
  if (result.formula.steps_per_sync > 0) {
    EXPECT_EQ(result.outcome.syncs, s.steps / result.formula.steps_per_sync);
  }
}

TEST_P(Conformance, PayloadBytesAreTheDeclaredFormulaAsFarAsTheVariantSays) {
  const Scenario s = scenario();
  Result result = run(s);
  const auto by_formula = [&](std::size_t kind) {
    return s.steps * result.formula.per_step[kind] + result.outcome.syncs * result.formula.per_sync[kind] +
           result.formula.per_run[kind];
  };
  constexpr auto kModel = static_cast<std::size_t>(Traffic::kModel);
  const std::uint64_t models = result.outcome.ledger.total(Traffic::kModel).payload.value;
  const Variant::Payload payload = GetParam().variant.payload;
  if (payload != Variant::Payload::kAll) {
    EXPECT_TRUE(result.formula.depends_on_values);
  }
  EXPECT_EQ(payload == Variant::Payload::kNoneOf, demands().timing == Timing::kAsynchronous);
  switch (payload) {
    case Variant::Payload::kAll:
      expect_syncs_of_the_formula(s, result);
      for (std::size_t kind = 0; kind < kTrafficKinds; ++kind) {
        const Tally total = result.outcome.ledger.total(static_cast<Traffic>(kind));
        EXPECT_EQ(total.payload.value, by_formula(kind)) << to_text(static_cast<Traffic>(kind));
        EXPECT_LE(total.framed.value, total.payload.value + kMaxHeaderSize * total.frames);
      }
      break;
    case Variant::Payload::kModels:  // beside the synchronisations' there are states that led to none
      expect_syncs_of_the_formula(s, result);
      EXPECT_EQ(models, by_formula(kModel));
      break;
    case Variant::Payload::kAtMost:
      EXPECT_LT(models, s.steps * result.formula.sync(Traffic::kModel));
      EXPECT_GT(models, 0U);
      break;
    case Variant::Payload::kNoneOf:
      EXPECT_GT(result.outcome.ledger.total().payload.value, 0U);
      break;
  }
}

TEST_P(Conformance, WhatIsSentIsReceived) {
  const Result result = run(scenario());
  const Ledger& ledger = result.outcome.ledger;
  Tally received;
  for (const Rank node : ledger.nodes()) received += ledger.received(node);
  if (demands().timing == Timing::kAsynchronous) {  // some frames are on their way when the run ends
    EXPECT_LE(received.frames, ledger.total().frames);
    EXPECT_GT(received.frames, 9 * ledger.total().frames / 10);
  } else {
    EXPECT_EQ(received, ledger.total());
  }
  EXPECT_EQ(ledger.refused(), 0U);
}

TEST_P(Conformance, ItSendsIfItTalksWithAnybodyAndTalksWithTheCoordinatorIfItNeedsOne) {
  const Result result = run(scenario());
  const Ledger& ledger = result.outcome.ledger;
  EXPECT_EQ(ledger.total().frames > 0, demands().sends());
  EXPECT_EQ(ledger.received(ledger.coordinator()).frames > 0, needs_coordinator_node(demands(), GetParam().collective));
}

void damage_the_third_frame(Scenario& s) {
  s.damage = [](std::uint64_t number, std::span<const std::byte> wire) {
    std::vector<std::byte> bytes(wire.begin(), wire.end());
    if (number == 3) bytes.back() ^= std::byte{0x10};
    return bytes;
  };
}

TEST_P(Conformance, ADamagedFrameIsRefusedAndCountedAndIfItIsWaitedForThatEndsInAnErrorThatNamesIt) {
  if (!demands().sends()) GTEST_SKIP() << "sends no frame";
  Scenario s = scenario();
  damage_the_third_frame(s);
  const Result result = run(s);
  EXPECT_EQ(result.outcome.ledger.refused(), 1U);
  const FaultTolerance tolerance = demands().fault_tolerance;
  if (tolerance != FaultTolerance::kPartial) {
    ASSERT_EQ(result.outcome.end, tolerance == FaultTolerance::kFull ? Outcome::End::kSteps : Outcome::End::kFailed);
  }
  if (result.outcome.end != Outcome::End::kSteps) {
    ASSERT_EQ(result.outcome.end, Outcome::End::kFailed);
    const std::string text = error_of<PeerLost>(result);
    EXPECT_TRUE(text.find(" waits for the ") != text.npos || text.find(" got no ") != text.npos) << text;
  }
}

TEST(Coordinator, OfRoundsThatAllReportInDoesWithoutADamagedReport) {
  Scenario s{.problem = {.workers = 5, .dimension = 60, .seed = 2},
             .strategy = "dma",
             .options = {{"threshold", "0"}, {"check_every", "2"}},
             .steps = 40};
  for (const char* compressor : {"", "sign"}) {
    s.compressor = compressor;
    damage_the_third_frame(s);
    const Result result = run(s);
    EXPECT_EQ(result.outcome.ledger.refused(), 1U);
    EXPECT_EQ(result.outcome.end, Outcome::End::kSteps) << compressor;
  }
}

TEST_P(Conformance, OnANetworkWithFaultsItGoesOnIfItSaysSoAndElseEndsInAnErrorThatNamesAPeer) {
  Scenario s = scenario();
  s.loss = 0.2;
  s.duplication = 0.1;
  const Result result = run(s);
  EXPECT_EQ(result.outcome.ledger.lost() > 0, demands().sends());
  ASSERT_EQ(result.outcome.end, demands().tolerates_faults() ? Outcome::End::kSteps : Outcome::End::kFailed);
  if (!demands().tolerates_faults()) {
    const std::string text = error_of<PeerLost>(result);
    EXPECT_TRUE(text.find(" from worker ") != text.npos || text.find(" from the coordinator ") != text.npos) << text;
  }
}

// A new strategy that was loaded from another one's archive.
std::unique_ptr<Strategy> reloaded(const StrategyFactory& make, Strategy& strategy) {
  Archive save;
  strategy.archive(save);
  const std::vector<std::byte> bytes = save.take();
  auto result = make();
  Archive load(bytes);
  result->archive(load);
  load.expect_end();
  return result;
}

// Replaces its strategy after every round by a new one that was loaded from the old one's archive.
class Reloaded final : public Strategy {
 public:
  explicit Reloaded(StrategyFactory make) : make_(std::move(make)), inner_(make_()) {}

  Task<void> round(Worker& self) override {
    co_await inner_->round(self);
    inner_ = reloaded(make_, *inner_);
  }
  Task<void> coordinate(Coordinator& self) override { return inner_->coordinate(self); }

 private:
  StrategyFactory make_;
  std::unique_ptr<Strategy> inner_;
};

TEST_P(Conformance, AStrategyLoadedFromItsArchiveAfterEveryRoundRunsOnIdentically) {
  Scenario s = scenario();
  const std::uint64_t hash = run(s).outcome.trace_hash;
  s.wrap = [&](StrategyFactory make) -> StrategyFactory {
    return [&, make] { return std::make_unique<Reloaded>(make); };
  };
  EXPECT_EQ(run(s).outcome.trace_hash, hash);
}

// What two runs have in common if one of them does what the other did.
void expect_same_end(const Result& a, const Result& b) {
  EXPECT_EQ(a.outcome.end, b.outcome.end);
  EXPECT_EQ(a.outcome.trace_hash, b.outcome.trace_hash);
  EXPECT_EQ(a.outcome.time, b.outcome.time);
  EXPECT_EQ(a.outcome.syncs, b.outcome.syncs);
  EXPECT_EQ(a.outcome.model, b.outcome.model);
  EXPECT_EQ(a.params, b.params);
  for (const Rank node : a.outcome.ledger.nodes()) {
    EXPECT_EQ(a.outcome.ledger.sent(node), b.outcome.ledger.sent(node));
    EXPECT_EQ(a.outcome.ledger.received(node), b.outcome.ledger.received(node));
  }
}

TEST_P(Conformance, ARunResumedFromAnyCheckpointIsBitForBitTheOneThatNeverStopped) {
  Scenario s = scenario();
  s.checkpoints = {.numerator = 23, .denominator = 2};  // after the steps 12, 23 and 35
  if (demands().tolerates_faults()) s.loss = s.duplication = 0.1;
  KeptCheckpoints kept;
  s.keeper = &kept;
  const Result whole = run(s);
  ASSERT_EQ(whole.outcome.end, Outcome::End::kSteps) << error_of<Error>(whole);
  ASSERT_EQ(kept.complete(), (std::vector<Step>{{12}, {23}, {35}}));
  s.compute_threads = 2;
  for (const Step step : kept.complete()) {
    SCOPED_TRACE("from step " + std::to_string(step.value));
    KeptCheckpoints again;
    s.keeper = &again;
    s.resume = kept.resume(step);
    expect_same_end(run(s), whole);
    EXPECT_EQ(again.complete().size() + 1, step.value == 12 ? 3U : step.value == 23 ? 2U : 1U);
  }
}

TEST_P(Conformance, ItGoesOnFromTheCommonModelOfACheckpointAlone) {
  Scenario s = scenario();
  s.checkpoints = {.numerator = 23};
  KeptCheckpoints kept;
  s.keeper = &kept;
  const Result whole = run(s);
  ASSERT_EQ(whole.outcome.end, Outcome::End::kSteps) << error_of<Error>(whole);
  s.keeper = nullptr;
  s.resume = kept.resume({23});
  s.resume->from_model = true;
  Step step;
  Seconds now;
  s.start.resize(s.problem.dimension);
  const std::vector<std::byte> bytes = s.resume->part(kModelPart);
  Archive part(bytes);
  archive_model(part, step, now, s.start, {});
  part.expect_end();
  EXPECT_EQ(step, Step{23});
  const Result again = run(s);
  EXPECT_EQ(again.outcome.end, Outcome::End::kSteps) << error_of<Error>(again);
  ASSERT_EQ(again.measurements.size(), 2U) << "after the steps 30 and 40";
  EXPECT_GT(again.measurements.front().time, now) << "the clock goes on";
  // It is at least as far as where it began, noise aside.
  const auto loss_of = [&](const std::vector<float>& model) {
    return learner_of(s, 0)->evaluate(model, {}, Split::kTest).loss;
  };
  EXPECT_LT(again.measurements.back().test.loss, loss_of(s.start) + 0.5 * loss_of(s.problem.start()));
}

TEST_P(Conformance, DrainingLeavesTheModelsOfStrategiesInLockStepAsTheyAre) {
  if (demands().timing != Timing::kLockStep) GTEST_SKIP() << "its models depend on time, which a drain takes";
  Scenario s = scenario();
  const Result undisturbed = run(s);
  s.checkpoints = {.numerator = 7, .denominator = 1};
  const Result drained = run(s);
  EXPECT_EQ(drained.params, undisturbed.params);
  EXPECT_EQ(drained.outcome.ledger.total(), undisturbed.outcome.ledger.total());
}

// Ends who waits idly for the second time.
class OneExchange final : public Transport {
 public:
  struct Idle {};
  explicit OneExchange(Transport& inner) : inner_(inner) {}
  Rank self() const override { return inner_.self(); }
  int world_size() const override { return inner_.world_size(); }
  void send(Rank to, const Frame& frame) override { inner_.send(to, frame); }
  Task<std::optional<Arrival>> receive(Pattern pattern, Seconds patience) override {
    if (patience == kIdle && std::exchange(waited_, true)) throw Idle();
    return inner_.receive(pattern, patience);
  }
  Bytes carried() const override { return inner_.carried(); }
  Seconds now() const override { return inner_.now(); }
  Task<void> sleep(Seconds span) override { return inner_.sleep(span); }

 private:
  Transport& inner_;
  bool waited_ = false;
};

// Ends its coordinator whenever that one is idle, and begins a new one that was loaded from the old one's archive.
class BegunAnew final : public Strategy {
 public:
  BegunAnew(StrategyFactory make, int& times) : make_(std::move(make)), inner_(make_()), times_(times) {}

  Task<void> round(Worker& self) override { return inner_->round(self); }
  Task<void> coordinate(Coordinator& self) override {
    Comm& comm = self.comm();
    std::vector<std::byte> bytes;
    for (;;) {
      OneExchange transport(comm.transport());
      Comm own(transport, comm.processor(), comm.options());
      Coordinator coordinator(own);
      if (!bytes.empty()) {
        Archive load(bytes);
        own.archive(load);
      }
      try {
        co_await inner_->coordinate(coordinator);
      } catch (const OneExchange::Idle&) {
        ++times_;
      }
      Archive save;
      own.archive(save);
      bytes = save.take();
      inner_ = reloaded(make_, *inner_);
    }
  }

 private:
  StrategyFactory make_;
  std::unique_ptr<Strategy> inner_;
  int& times_;
};

void expect_no_difference_where_the_coordinator_is_begun_anew(Scenario scenario) {
  const Result whole = run(scenario);
  int times = 0;
  scenario.wrap = [&](StrategyFactory make) -> StrategyFactory {
    return [&, make] { return std::make_unique<BegunAnew>(make, times); };
  };
  EXPECT_EQ(run(scenario).outcome.trace_hash, whole.outcome.trace_hash);
  const Ledger& ledger = whole.outcome.ledger;
  EXPECT_EQ(times > 0, ledger.received(ledger.coordinator()).frames > 0);
}

TEST_P(Conformance, ACoordinatorLoadedFromItsArchiveWheneverItIsIdleRunsOnIdentically) {
  if (!needs_coordinator_node(demands(), GetParam().collective)) GTEST_SKIP() << "it has no coordinator";
  expect_no_difference_where_the_coordinator_is_begun_anew(scenario());
}

TEST(Coordinator, WithABudgetThatIsLoadedFromItsArchiveWheneverItIsIdleRunsOnIdentically) {
  const Scenario scenario{.problem = {.workers = 5, .dimension = 60, .seed = 2},
                          .strategy = "dma",
                          .options = {{"budget", "2 kB/10 steps"}},
                          .steps = 80};
  EXPECT_GT(run(scenario).outcome.syncs, 3U);
  expect_no_difference_where_the_coordinator_is_begun_anew(scenario);
}

TEST_P(Conformance, ARoundThatEndsAtACheckpointLeavesNobodyWaitingForItsWorker) {
  Scenario s = scenario();
  s.checkpoints = {.numerator = 7};
  s.deadline = {20.0};  // less than the drains last
  for (int k = 0; k < s.problem.workers; ++k) s.step_cost.push_back({0.002 + 0.007 * ((3 * k) % 5)});
  const auto drained_run = [&] {
    Drain drain(s, {50.0});
    s.wrap = [&](StrategyFactory make) { return drain.wrap(std::move(make)); };
    const Result result = run(s);
    EXPECT_EQ(result.outcome.end, Outcome::End::kSteps);
    if (result.outcome.error) std::rethrow_exception(result.outcome.error);
    EXPECT_EQ(drain.drains(), 5);
    EXPECT_EQ(drain.spoken().value, 0U);
    return result.outcome.trace_hash;
  };
  EXPECT_EQ(drained_run(), drained_run());
}

TEST_P(Conformance, OneWorkerIsSerialIfTheVariantSaysSo) {
  if (!GetParam().compressor.empty()) GTEST_SKIP() << "it compresses the one worker's model";
  if (find_strategy(GetParam().strategy).groups != nullptr) GTEST_SKIP() << "it needs two workers";
  Scenario s = scenario();
  s.problem.workers = 1;
  Scenario serial = s;
  serial.strategy = "serial";
  serial.options = {};
  const std::vector<float> params = run(s).params.front();
  const std::vector<float> expected = run(serial).params.front();
  switch (GetParam().variant.alone) {
    case Variant::Alone::kSerial:
      EXPECT_EQ(params, expected);
      break;
    case Variant::Alone::kNearlySerial:
      for (std::size_t j = 0; j < params.size(); ++j) EXPECT_NEAR(params[j], expected[j], 1e-5);
      EXPECT_NE(params, expected);
      break;
    case Variant::Alone::kOther:
      EXPECT_NE(params, expected);
      break;
  }
}

INSTANTIATE_TEST_SUITE_P(Strategies, Conformance, testing::ValuesIn(rows(kGrouped)),
                         [](const auto& info) { return info.param.name(); });

}  // namespace
}  // namespace laconic::tests
