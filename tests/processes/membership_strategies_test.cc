// Strategies whose workers come and go, each against an arithmetic of its own over the named sets (named_sets.h).
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>

#include "compress/compressor.h"
#include "fault_seeds.h"
#include "strategies/registry.h"
#include "strategy_cases.h"

namespace laconic::tests {
namespace {

constexpr Seconds kDeadline{2.0};

std::vector<std::string> objections_to_case(MembershipWorld& world, const MembershipOptions& options,
                                            const StrategyCase& one) {
  if (world.hub().error()) {
    try {
      std::rethrow_exception(world.hub().error());
    } catch (const std::exception& error) {
      return {std::string("the run ended with an error: ") + error.what()};
    }
  }
  return objections_to_sets(world, options, one.arithmetic(options));
}

void expect_sound(MembershipWorld& world, const MembershipOptions& options, const StrategyCase& one) {
  const std::vector<std::string> objections = objections_to_case(world, options, one);
  for (const std::string& objection : objections) ADD_FAILURE() << one.name << ": " << objection;
  if (!objections.empty()) ADD_FAILURE() << world.account();
}

// Where time and bytes decide too, a run that is disturbed is another.
bool depends_on_time(const StrategyCase& one) {
  const StrategyRow& row = find_strategy(one.strategy);
  return row.demands(strategy_options(one.strategy, one.options)).timing != Timing::kLockStep;
}

TEST(MembershipOfStrategies, WhereNobodyIsAbsentTheModelsAreThoseOfTheSimulatorToTheBit) {
  for (const StrategyCase& one : strategy_cases()) {
    if (depends_on_time(one)) continue;
    const MembershipOptions options = job_of(one, 4);
    MembershipWorld world(options);
    ASSERT_TRUE(world.run({100.0})) << one.name << world.account();
    expect_sound(world, options, one);
    const Result simulated = run(options.scenario);
    for (int worker = 0; worker < 4; ++worker) {
      EXPECT_TRUE(
          std::ranges::equal(world.learner(worker).params(), simulated.params[static_cast<std::size_t>(worker)]))
          << one.name << ", worker " << worker;
    }
  }
}

TEST(MembershipOfStrategies, AWorkerThatIsGoneIsInNoAverageAndTheOthersGoOn) {
  for (const StrategyCase& one : strategy_cases()) {
    for (const bool told : {true, false}) {
      const MembershipOptions options = job_of(one, 4);
      MembershipWorld world(options);
      world.events().at({0.2}, [&] { world.kill(2, told); });
      ASSERT_TRUE(world.run({100.0})) << one.name << world.account();
      expect_sound(world, options, one);
      EXPECT_EQ(world.log().back().view.members, (std::vector<Rank>{{0}, {1}, {3}})) << one.name;
    }
  }
}

TEST(MembershipOfStrategies, AWorkerThatIsStartedAgainTakesWhatIsInCommonAndGoesOnWithTheOthers) {
  for (const StrategyCase& one : strategy_cases()) {
    const MembershipOptions options = job_of(one, 4);
    MembershipWorld world(options);
    world.events().at({0.15}, [&] { world.kill(1, true); });
    world.events().at({0.30}, [&] { world.start(1); });
    ASSERT_TRUE(world.run({100.0})) << one.name << world.account();
    expect_sound(world, options, one);
    EXPECT_EQ(world.log().back().view.size(), 4U) << one.name << world.account();
    EXPECT_EQ(world.member(1).step(), Step{60}) << one.name;
  }
}

// A run with a loss, judged by an arithmetic that takes the mean of those present for one of all.
TEST(MembershipOfStrategies, AMeanDividedByTheNumberOfAllIsNoticed) {
  for (const StrategyCase& one : strategy_cases()) {
    const MembershipOptions options = job_of(one, 4);
    MembershipWorld world(options);
    world.events().at({0.2}, [&] { world.kill(2, true); });
    ASSERT_TRUE(world.run({100.0}));
    Arithmetic mistaken = one.arithmetic(options);
    const auto right = mistaken.committed;
    mistaken.committed = [&](const NamedSet& set) {
      NamedSet less = set;
      const float factor = static_cast<float>(set.models.size()) / 4.0F;
      for (std::vector<float>& model : less.models) {
        for (float& value : model) value *= factor;
      }
      return right(less);
    };
    EXPECT_FALSE(objections_to_sets(world, options, mistaken).empty()) << one.name;
  }
}

// Started again it goes on in the same round: what it comes to is what it comes to undisturbed.
TEST(MembershipOfStrategies, ACoordinatorKilledAtAnyMomentComesToTheSameModels) {
  for (const StrategyCase& one : strategy_cases()) {
    const bool is_the_same = !depends_on_time(one);
    MembershipOptions options = job_of(one, 3);
    if (one.compressor.empty()) options.piece = 7;  // where models are pulled there are more moments
    MembershipWorld undisturbed(options);
    ASSERT_TRUE(undisturbed.run({100.0}));
    for (int moment = 1; moment <= 40; ++moment) {
      MembershipWorld world(options);
      const double when = 0.0171 * moment;
      world.events().at({when}, [&] { world.kill_hub(); });
      world.events().at({when + 0.02}, [&] { world.start_hub(); });
      ASSERT_TRUE(world.run({100.0})) << one.name << " " << moment << "\n" << world.account();
      ASSERT_EQ(world.hub().error(), nullptr) << one.name << " " << moment << "\n" << world.account();
      for (int worker = 0; is_the_same && worker < 3; ++worker) {
        EXPECT_TRUE(std::ranges::equal(world.learner(worker).params(), undisturbed.learner(worker).params()))
            << one.name << ", killed at " << when << " s: worker " << worker << "\n"
            << world.account();
      }
      ASSERT_FALSE(HasFailure());
    }
  }
}

TEST(MembershipOfStrategies, TheCoordinatorsObjectIsSavedAndLoadedWhole) {
  for (const StrategyCase& one : strategy_cases()) {
    const MembershipOptions options = job_of(one, 3);
    // Every few milliseconds, so between the exchanges of a round too.
    for (const double moment : {0.03, 0.081, 0.085, 0.161, 0.3}) {
      MembershipWorld world(options);
      world.run({moment});
      Archive saved;
      world.hub().strategy().archive(saved);
      const std::vector<std::byte> bytes = saved.take();
      Scenario coming = options.scenario;
      coming.comes_and_goes = true;
      const std::unique_ptr<Strategy> other = strategy_factory(coming)();
      Archive loaded(bytes);
      other->archive(loaded);
      loaded.expect_end();
      Archive again;
      other->archive(again);
      EXPECT_EQ(again.take(), bytes) << one.name;
      if (one.strategy == "all_reduce") continue;
      EXPECT_TRUE(std::ranges::equal(other->common_model(), world.hub().strategy().common_model())) << one.name;
    }
  }
}

// An operator that writes what is no message.
class Scribbler final : public Compressor {
 public:
  explicit Scribbler(std::unique_ptr<Compressor> inner) : inner_(std::move(inner)) {}
  std::size_t prepare(std::span<const float> v, RandomStream& random) override { return inner_->prepare(v, random); }
  void write(std::span<std::byte> out) override {
    inner_->write(out);
    std::ranges::fill(out, std::byte{0xFF});
  }
  void decode_add(std::span<const std::byte> message, float weight, std::span<float> y) override {
    inner_->decode_add(message, weight, y);
  }
  bool unbiased() const override { return inner_->unbiased(); }
  std::optional<double> omega(std::span<const float> v) const override { return inner_->omega(v); }
  Information information() override { return inner_->information(); }

 private:
  std::unique_ptr<Compressor> inner_;
};

TEST(MembershipOfStrategies, WhoseMessageCannotBeReadIsInNoAverageAndTheOthersGoOn) {
  for (const StrategyCase& one : strategy_cases()) {
    if (one.compressor.empty()) continue;
    MembershipOptions options = job_of(one, 4);
    MembershipOptions spoilt = options;
    spoilt.job.instead = [scenario = options.scenario](int process) -> StrategyFactory {
      if (process != 2) return {};
      Scenario of_worker_1 = scenario;
      of_worker_1.comes_and_goes = true;
      of_worker_1.wrap_compressor = [](CompressorFactory inner) -> CompressorFactory {
        return [inner] { return std::make_unique<Scribbler>(inner()); };
      };
      return strategy_factory(of_worker_1);
    };
    MembershipWorld world(spoilt);
    ASSERT_TRUE(world.run({100.0})) << one.name << world.account();
    expect_sound(world, options, one);
    if (one.strategy == "dma") {  // which reads its own message, to know what it told
      for (const MembershipWorld::Entry& entry : world.log()) {
        if (entry.changes_model) {
          EXPECT_FALSE(entry.view.contains({1}));
        }
        EXPECT_EQ(std::ranges::find(entry.over, Rank{1}), entry.over.end());
      }
      continue;
    }
    EXPECT_NE(world.account().find("worker 1 is out"), std::string::npos) << one.name;
    if (one.strategy == "fedavg") continue;  // which does not ask everyone every time
    for (const MembershipWorld::Entry& entry : world.log()) {
      if (entry.kind != MembershipWorld::Entry::Kind::kCommitted || entry.traffic != Traffic::kModel) continue;
      EXPECT_EQ(entry.view.members, (std::vector<Rank>{{0}, {2}, {3}})) << one.name;
    }
  }
}

// What a seed has happen to a job, and what must hold of it in the end.
std::vector<std::string> objections_of(std::uint64_t seed, std::string* account) {
  RandomStream stream(seed, "membership of strategies");
  const StrategyCase& one = strategy_cases()[static_cast<std::size_t>(stream.below(strategy_cases().size()))];
  const int workers = 2 + static_cast<int>(stream.below(4));
  MembershipOptions options = job_of(one, workers);
  options.scenario.problem.seed = seed;
  options.scenario.steps = 40 + stream.below(60);
  options.least = 1 + static_cast<int>(stream.below(static_cast<std::uint64_t>(workers)));
  options.patience = {30.0};
  options.network.latency = {0.0005 + 0.01 * stream.uniform()};
  for (int worker = 0; worker < workers; ++worker) options.step_cost.push_back({0.003 + 0.02 * stream.uniform()});
  if (seed % 2 == 0) options.piece = 1 + RandomStream(seed, "piece").below(12);
  MembershipWorld world(options);
  std::set<int> killed;
  const std::uint64_t faults = stream.below(10);
  const double length = 0.03 * static_cast<double>(options.scenario.steps);
  for (std::uint64_t fault = 0; fault < faults; ++fault) {
    const int worker = static_cast<int>(stream.below(static_cast<std::uint64_t>(workers)));
    const Seconds when{length * stream.uniform()};
    const std::uint64_t kind = stream.below(6);
    const Seconds span{1.5 * kDeadline.value * stream.uniform() * stream.uniform()};
    world.events().at(when, [&world, &killed, kind, worker, span] {
      switch (kind) {
        case 0:
        case 1:
          if (!world.is_there(worker)) return;
          killed.insert(worker);
          world.kill(worker, kind == 0);
          return world.events().at(world.events().now() + span, [&world, worker] { world.start(worker); });
        case 2:
          return world.network().reset(0, worker + 1);
        case 3:
          return world.network().lose(0, worker + 1);
        case 4:
          world.network().part(0, worker + 1);
          return world.events().at(world.events().now() + span,
                                   [&world, worker] { world.network().restore(0, worker + 1); });
        default:
          return world.stall(worker + 1, span);
      }
    });
  }
  const bool ended = world.run({200.0});
  const bool has_lost_all = one.strategy == "all_reduce" && static_cast<int>(killed.size()) == workers;
  *account = one.name + "\n" + world.account();
  if (!ended) return {"it has not come to its end"};
  // Where only workers have the models, and each was started again at some time, nobody may have them any more.
  const bool has_ended_early = world.hub().error() != nullptr;
  if (has_lost_all && has_ended_early) return {};
  return objections_to_case(world, options, one);
}

TEST(MembershipOfStrategies, WhateverHappensTheRunEndsWithWhatItsNamedSetsImply) {
  int failed = 0;
  for (const std::uint64_t seed : fault_seeds(1, 150)) {
    std::string account;
    const std::vector<std::string> objections = objections_of(seed, &account);
    for (const std::string& objection : objections) ADD_FAILURE() << objection;
    if (objections.empty()) continue;
    ADD_FAILURE() << account << "repeat with: LACONIC_SEED=" << seed
                  << " processes_test --gtest_filter=MembershipOfStrategies.Whatever*";
    if (++failed == 3) return;
  }
}

}  // namespace
}  // namespace laconic::tests
