// The rule of a budget, number by number, and what it is thought to cost.
#include <cmath>
#include <limits>

#include "mechanisms/budget.h"
#include "mechanisms/test_worker.h"

namespace laconic {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

// 500 bytes a check of 5 steps, of which a check takes 20: 480 are free.
Budget budget_of_steps() {
  return Budget({.bytes = 1000.0, .span = 10.0, .of_time = false}, 5, {.check = 20.0, .synchronisation = 1000.0});
}
// The same after a synchronisation at check 3 that took 900 bytes, with 30 watched: c = 900, a = 10.
Budget after_one() {
  Budget budget = budget_of_steps();
  budget.tally(1, 20.0, 1.0);
  budget.synchronised(3, 30.0);
  budget.tally(3, 960.0, 3.0);
  return budget;
}

TEST(BudgetRule, TheFirstSynchronisationTakesPlaceWhenTheBudgetPaysForIt) {
  Budget budget = budget_of_steps();
  EXPECT_TRUE(budget.unknown());
  budget.tally(1, 20.0, 1.0);
  EXPECT_FALSE(budget.unknown());
  EXPECT_EQ(budget.threshold(1), kNever) << "480 saved";
  EXPECT_EQ(budget.threshold(2), kNever) << "960 saved";
  EXPECT_EQ(budget.threshold(3), 0.0) << "1440 saved";
}

TEST(BudgetRule, TheThresholdIsTheGrowthTimesTheGoal) {
  const Budget budget = after_one();
  // saved 1500 - 960; n* = 900 / 480; goal = n* - 540 / (2 480).
  EXPECT_DOUBLE_EQ(budget.threshold(4), 10.0 * (900.0 / 480.0 - 540.0 / 960.0));
  EXPECT_DOUBLE_EQ(budget.used(), 960.0 / 1500.0);
}

TEST(BudgetRule, GrowthsOldAndNewCountAlikeByTheirGeometricMeanAndCostsByTheirMean) {
  Budget budget = after_one();
  budget.synchronised(5, 80.0);  // 40 a check: a = sqrt(10 40)
  budget.tally(5, 1700.0, 5.0);  // 1700 - 960 - 2 20 = 700: c = (900 + 700) / 2
  EXPECT_EQ(budget.threshold(6), 0.0) << "a goal of 800 / 480 - 800 / 960 checks is less than one";
  budget.synchronised(6, 100.0);  // a = sqrt(20 100)
  budget.tally(6, 3600.0, 6.0);   // 3600 - 1700 - 20 = 1880: c = (800 + 1880) / 2
  EXPECT_NEAR(budget.threshold(7), std::sqrt(2000.0) * (1340.0 / 480.0 + 600.0 / 960.0), 1e-9);
}

TEST(BudgetRule, AFigureThatIsNoGrowthIsNotLearntFrom) {
  for (const double watched : {0.0, -1.0, kNever, std::numeric_limits<double>::quiet_NaN()}) {
    Budget budget = after_one();
    budget.synchronised(6, watched);
    budget.tally(6, 3600.0, 6.0);  // 3600 - 960 - 60 = 2580: c = 1740
    EXPECT_NEAR(budget.threshold(7), 10.0 * (1740.0 / 480.0 + 600.0 / 960.0), 1e-9) << watched;
  }
}

// After check 10000: c = 9600, n* = 20, a = 1, so much saved of 5 million allowed, of which 5% are 250000.
Budget budget_with(double saved) {
  Budget budget = budget_of_steps();
  budget.synchronised(1, 1.0);
  budget.tally(1, 20.0 + 9600.0, 0.0);
  const double spent = 5e6 - saved;
  budget.spend(spent - 2 * 9600.0 - 10000 * 20.0);  // of checks that cost more, as all know
  budget.synchronised(10000, 9999.0);
  budget.tally(10000, spent, 0.0);
  return budget;
}

TEST(BudgetRule, TheGoalMakesUpForWhatIsSavedWithinAQuarterAndFourTimesWhatUsesTheBudgetUp) {
  EXPECT_DOUBLE_EQ(budget_with(0.0).threshold(10001), 20.0);
  EXPECT_DOUBLE_EQ(budget_with(4800.0).threshold(10001), 15.0);
  EXPECT_DOUBLE_EQ(budget_with(-9600.0).threshold(10001), 30.0);
  EXPECT_DOUBLE_EQ(budget_with(20e3).threshold(10001), 5.0);
  EXPECT_DOUBLE_EQ(budget_with(-100e3).threshold(10001), 80.0);
}

TEST(BudgetRule, LongAfterTheGoalTheThresholdFallsWithTheSquareOfTheChecks) {
  const Budget budget = budget_with(4800.0);  // goal 15, late after 22.5
  EXPECT_DOUBLE_EQ(budget.threshold(10022), 15.0);
  EXPECT_DOUBLE_EQ(budget.threshold(10045), 15.0 / 4.0);
  EXPECT_DOUBLE_EQ(budget.threshold(10090), 15.0 / 16.0);
}

TEST(BudgetRule, FarAheadOfTheBudgetThereIsASynchronisationAndFarBehindNoneWhateverIsWatched) {
  EXPECT_EQ(budget_with(265e3).threshold(10001), 0.0) << "3 / 2 9600 + 250000, and 480 by then";
  EXPECT_EQ(budget_with(260e3).threshold(10001), 5.0);
  EXPECT_EQ(budget_with(-262e3).threshold(10001), kNever) << "9600 + 250000";
  EXPECT_EQ(budget_with(-259e3).threshold(10001), 80.0);
}

TEST(BudgetRule, OfATimeIsWhatTheTimeThatChecksTakeAllows) {
  // 200 bytes a check as expected, of which 180 are free.
  Budget budget({.bytes = 1000.0, .span = 10.0, .of_time = true}, 5,
                {.check = 20.0, .synchronisation = 1400.0, .seconds = 2.0});
  budget.tally(1, 20.0, 2.0);
  EXPECT_EQ(budget.threshold(7), kNever) << "1260";
  EXPECT_EQ(budget.threshold(8), 0.0) << "1440";
  budget.tally(3, 60.0, 12.0);  // 5 s a check: 3.5 by now
  EXPECT_DOUBLE_EQ(budget.used(), 60.0 / 1200.0);
  EXPECT_EQ(budget.threshold(3), kNever) << "1140";
  EXPECT_EQ(budget.threshold(4), 0.0) << "1140 + 350 - 20";
  Budget untimed({.bytes = 100.0, .span = 1.0, .of_time = true}, 5, {.check = 20.0, .synchronisation = 500.0});
  untimed.tally(1, 20.0, 3.0);  // which tells what was not known
  EXPECT_EQ(untimed.threshold(1), kNever);
  EXPECT_EQ(untimed.threshold(2), 0.0) << "600 - 40";
}

// Courses of every kind: checks alone use the budget up, counters are huge, figures wild.
Budget course(const BudgetRate& rate, std::uint64_t first, int load_at, std::vector<double>& thresholds) {
  const Budget::Costs costs{.check = 20.0, .synchronisation = 900.0, .seconds = 1.0};
  Budget budget(rate, 5, costs);
  RandomStream random(4, "course");
  double spent = 20.0 * static_cast<double>(first);
  for (int t = 0; t < 200; ++t) {
    if (t == load_at) {
      const std::vector<std::byte> bytes = saved(budget);
      budget = Budget(rate, 5, costs);
      load(budget, bytes);
      EXPECT_EQ(saved(budget), bytes);
    }
    const std::uint64_t check = first + static_cast<std::uint64_t>(t);
    spent += 20.0;
    if (random.uniform() < 0.3) {
      budget.spend(11.0);
      spent += 11.0;
    }
    const bool synchronises = random.uniform() < 0.2;
    if (synchronises) {
      spent += 1000.0 * random.uniform();
      budget.synchronised(check, std::exp(20.0 * random.gaussian()));
    }
    if (synchronises || t == 0) budget.tally(check, spent, 2.0 * static_cast<double>(check));
    thresholds.push_back(budget.threshold(check + 1));
  }
  return budget;
}
const std::vector<BudgetRate> kRates = {
    {.bytes = 500.0, .span = 5.0}, {.bytes = 1.0, .span = 1000.0}, {.bytes = 500.0, .span = 5.0, .of_time = true}};

TEST(BudgetRule, ThresholdsAreNeverNegativeNorNoNumbers) {
  for (const BudgetRate& rate : kRates) {
    for (const std::uint64_t first : {std::uint64_t{1}, std::uint64_t{1} << 40, std::uint64_t{1} << 62}) {
      std::vector<double> thresholds;
      course(rate, first, -1, thresholds);
      for (const double threshold : thresholds) ASSERT_GE(threshold, 0.0) << rate.bytes << " from " << first;
    }
  }
}

TEST(BudgetRule, SavedAndLoadedBetweenTwoChecksItGoesOnBitForBit) {
  for (const BudgetRate& rate : kRates) {
    std::vector<double> kept;
    Budget budget = course(rate, 1, -1, kept);
    for (int load_at = 1; load_at < 200; load_at += 6) {
      std::vector<double> loaded;
      course(rate, 1, load_at, loaded);
      EXPECT_EQ(loaded, kept) << load_at;
    }
    const std::vector<std::byte> bytes = saved(budget);
    for (std::size_t size = 0; size < bytes.size(); size += 5) {
      EXPECT_THROW(load(budget, std::span(bytes).first(size)), DecodeError) << size;
    }
  }
}

TEST(BudgetCosts, AnExchangeCostsAWorkerWhatItsNodesCarryOnTheAverage) {
  for (const std::size_t workers : {1, 2, 3, 8}) {
    for (const Collective collective : {Collective::kStar, Collective::kRing}) {
      for (const std::size_t size : {std::size_t{2}, std::size_t{400}, 2 * kTreeLimit}) {
        Crew crew(gaussian_models(workers, size), {.collective = collective});
        Comm coordinator(crew.network.node(static_cast<int>(workers)), crew.processor, {.collective = collective});
        if (collective == Collective::kStar) crew.network.start(serve_collectives(coordinator));
        crew.each(
            [](Worker& self) -> Task<void> { co_await self.comm().all_reduce_mean(self.params(), Traffic::kModel); });
        double carried = 0.0;
        for (TestWorker& worker : crew.workers) {
          carried += static_cast<double>(worker.comm.carried().value) / static_cast<double>(workers);
        }
        StrategySetting setting;
        setting.collective = collective;
        setting.world_size = static_cast<int>(workers);
        const std::uint64_t payload = all_reduce_payload(collective, setting.world_size, size).value;
        // A header is of 7 to 9 bytes; on a ring there are more of them, of no weight.
        EXPECT_NEAR(exchange_cost(payload, setting), carried, 8.0 + 0.01 * carried) << workers << " " << size;
      }
    }
  }
}

// The strategy of a check every 5 steps of 100, with 4 workers on the star.
struct Planned {
  std::vector<OptionSpec> specs = {threshold_option("a threshold"), budget_option()};
  StrategySetting setting;
  Budget::Costs costs;

  Planned() {
    setting.world_size = 4;
    setting.steps = 100;
    setting.step_time = {0.5};
    setting.exchange_time = {0.1};
    TrafficFormula formula;
    formula.step(Traffic::kState) = 2 * 4 * 8 / 4;  // a state of 2 floats: 64 bytes up and down, a fourth of it a step
    formula.run(Traffic::kControl) = 400;
    formula.sync(Traffic::kModel) = 2 * 4 * 4000;
    costs = costs_by(formula, setting, 20);
  }
  Options options(const std::map<std::string, GivenOption>& given) const { return {"strategy", specs, given}; }
  void require(const std::string& budget) const {
    const Options made = options({{"budget", {budget, "job.toml:3"}}});
    require_enough(made, *read_budget(made), setting, 20, costs);
  }
};

TEST(BudgetCosts, FollowFromTheFormulaOfTheRun) {
  const Planned planned;
  EXPECT_DOUBLE_EQ(planned.costs.check, (16.0 * 100.0 + 400.0) / 20.0 / 4.0 + 2 * 9.0);
  EXPECT_DOUBLE_EQ(planned.costs.synchronisation, 2.0 * 4000.0 + 2 * 9.0);
  EXPECT_DOUBLE_EQ(planned.costs.seconds, 5 * 0.5 + 0.1);
}

TEST(BudgetCosts, ABudgetThatDoesNotPayForTheRunIsRefusedWithTheSmallestThatDoes) {
  const Planned planned;
  for (const std::string span : {"/100 steps", "/step", "/min"}) {
    const std::string text = error_of<UsageError>([&] { planned.require("10 B" + span); });
    EXPECT_TRUE(contains(text, "job.toml:3") && contains(text, "20 checks and a single synchronisation")) << text;
    const std::size_t begin = text.find("works is \"") + 10;
    const std::string smallest = text.substr(begin, text.find('"', begin) - begin);
    EXPECT_NO_THROW(planned.require(smallest)) << smallest;
    // Nor is it far from what is needed.
    const BudgetRate rate = parse_budget(smallest);
    const double length = rate.of_time ? 52.0 : 100.0;
    const double least = planned.costs.check * 20.0 + planned.costs.synchronisation;
    EXPECT_GE(rate.bytes * length / rate.span, least) << smallest;
    EXPECT_LE(rate.bytes * length / rate.span, 1.05 * least + length / rate.span) << smallest;
  }
  const Options options = planned.options({{"budget", {"1 MB/step", "test"}}});
  EXPECT_THROW(require_enough(options, *read_budget(options), planned.setting, 0, planned.costs), UsageError);
}

TEST(BudgetOptions, JustOneOfThresholdAndBudgetIsGiven) {
  const Planned planned;
  const auto check = [&](const std::map<std::string, GivenOption>& given) {
    check_threshold_or_budget(planned.options(given), "a threshold");
  };
  const GivenOption budget{"1 MB/min", "job.toml:3"};
  EXPECT_NO_THROW(check({{"threshold", {"0", "test"}}}));
  EXPECT_NO_THROW(check({{"budget", budget}}));
  EXPECT_TRUE(contains(error_of<UsageError>([&] { check({}); }), "'strategy.threshold' is missing: a threshold"));
  const auto both = [&] { check({{"threshold", {"1", "test"}}, {"budget", budget}}); };
  EXPECT_TRUE(contains(error_of<UsageError>(both), "job.toml:3: strategy.budget: there is a threshold too"));
  const auto none = [&] { check({{"budget", {"much", "job.toml:3"}}}); };
  EXPECT_TRUE(contains(error_of<UsageError>(none), "job.toml:3: strategy.budget: 'much' is no budget"));
  const Options steered = planned.options({{"budget", budget}});
  EXPECT_EQ(read_budget(steered)->span, 60.0);
  const Options without = with_threshold(steered, "2.5");
  EXPECT_EQ(without.number("threshold"), 2.5);
  EXPECT_FALSE(read_budget(without).has_value());
}

}  // namespace
}  // namespace laconic
