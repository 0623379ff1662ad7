#include "faults/trial.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "faults/membership_oracle.h"
#include "faults/tiny_learner.h"
#include "strategies/registry.h"

namespace laconic::faults {
namespace {

Options options_of(const StrategyRow& row, const std::map<std::string, std::string>& texts) {
  std::map<std::string, GivenOption> given;
  for (const auto& [name, text] : texts) given[name] = {.text = text, .where = "test"};
  return {"strategy", row.options, given};
}

FaultJob periodic(int workers = 4, const std::string& period = "3", const std::string& weights = "equal") {
  const StrategyRow& row = find_strategy("periodic");
  return {.strategy = &row, .options = options_of(row, {{"period", period}, {"weights", weights}}), .workers = workers};
}

FaultJob fda(const std::string& threshold) {
  const StrategyRow& row = find_strategy("fda");
  return {.strategy = &row, .options = options_of(row, {{"threshold", threshold}, {"monitor", "exact"}})};
}

bool says(const std::vector<std::string>& objections, const std::string& text) {
  return std::ranges::any_of(objections, [&](const std::string& one) { return one.find(text) != std::string::npos; });
}

TEST(FaultPlan, IsTheSameForTheSameSeedAndOfEveryKindOverSeeds) {
  std::set<FaultKind> kinds;
  bool slow = false;
  bool pulled = false;
  bool saturated = false;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const FaultPlan plan = plan_of(seed, periodic());
    const FaultPlan again = plan_of(seed, periodic());
    ASSERT_EQ(plan.faults.size(), again.faults.size());
    for (std::size_t i = 0; i < plan.faults.size(); ++i) {
      EXPECT_EQ(plan.faults[i].when, again.faults[i].when);
      EXPECT_EQ(plan.faults[i].workers, again.faults[i].workers);
      kinds.insert(plan.faults[i].kind);
    }
    slow = slow || plan.is_slow;
    pulled = pulled || plan.is_pulled;
    EXPECT_EQ(plan.is_pulled, plan.options.piece < plan.options.job.setting.dimension);
    saturated = saturated || plan.is_saturated;
  }
  EXPECT_EQ(kinds.size(), kFaultKinds);
  EXPECT_TRUE(slow && saturated && pulled);
}

TEST(FaultPlan, LeavesRoomForThreeSynchronisationsWhateverThePeriod) {
  EXPECT_GE(plan_of(1, periodic(4, "200")).options.job.setting.steps, 600U);
}

TEST(FaultPlan, AnyThresholdIsCrossedAsOftenAsOneThatFitsTinyModels) {
  const auto synchronisations = [](const std::string& threshold) {
    FaultPlan plan = plan_of(3, fda(threshold));
    plan.faults.clear();
    MembershipWorld world(plan.options);
    EXPECT_TRUE(world.run({100.0}));
    return std::ranges::count_if(world.log(), [](const auto& entry) { return entry.changes_model; });
  };
  EXPECT_GT(synchronisations("0.5"), 5);
  EXPECT_NEAR(static_cast<double>(synchronisations("0.5")), static_cast<double>(synchronisations("5000")), 1.0);
}

TEST(Trial, ARunIsSoundAndTheSameAgain) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Trial trial = try_plan(plan_of(seed, periodic()));
    EXPECT_EQ(trial.objections, std::vector<std::string>{}) << trial.account;
    EXPECT_EQ(try_plan(plan_of(seed, periodic())).trace_hash, trial.trace_hash);
  }
}

TEST(Trial, SaysWhatHappened) {
  FaultPlan plan = plan_of(1, periodic());
  plan.faults = {{.kind = FaultKind::kCrash, .when = {0.3}, .span = {0.4}, .workers = {2}}};
  const Trial trial = try_plan(plan);
  EXPECT_EQ(trial.objections, std::vector<std::string>{}) << trial.account;
  EXPECT_NE(trial.account.find("0.3000 s  -- worker 2 crashes, for 0.4000 s\n"), std::string::npos) << trial.account;
  EXPECT_NE(trial.account.find("worker 2 is out: "), std::string::npos) << trial.account;
  EXPECT_NE(trial.account.find("0.7000 s  -- worker 2 is started again\n"), std::string::npos) << trial.account;
  EXPECT_EQ(trial.counts.faults[0], 1U);
  EXPECT_EQ(trial.counts.left, 1U);
  EXPECT_EQ(trial.counts.entered, 1U);
}

TEST(Trial, ARunWithoutEnoughWorkersEndsAndThatIsSound) {
  FaultPlan plan = plan_of(1, periodic(3));
  plan.options.least = 3;
  plan.options.patience = {4.0};
  plan.faults = {{.kind = FaultKind::kCrash, .when = {0.1}, .span = {20.0}, .workers = {2}}};
  const Trial trial = try_plan(plan);
  EXPECT_EQ(trial.objections, std::vector<std::string>{}) << trial.account;
  EXPECT_EQ(trial.counts.given_up, 1U);
}

// A run is judged by what another job would have come to.
class Judged : public ::testing::Test {
 protected:
  std::vector<std::string> judge(const FaultJob& job, const std::function<void(MembershipOptions& by)>& change,
                                 std::optional<double> threshold = {}) {
    FaultPlan plan = plan_of(5, job);
    plan.options.network.interface = {};
    MembershipWorld world(plan.options);
    world.events().at({0.20}, [&] { world.network().part(0, 2); });
    world.events().at({1.00}, [&] { world.network().restore(0, 2); });
    EXPECT_TRUE(world.run({100.0}));
    EXPECT_EQ(objections_to(world, plan.options, threshold), std::vector<std::string>{}) << world.account();
    MembershipOptions by = plan.options;
    change(by);
    return objections_to(world, by, threshold);
  }
};

TEST_F(Judged, MeansOfOtherWeightsAreNotTheMeansOfThisJob) {
  const auto objections = judge(periodic(), [](MembershipOptions& by) {
    by.job.options = options_of(*by.job.strategy, {{"period", "3"}, {"weights", "samples"}});
  });
  EXPECT_TRUE(says(objections, "than the mean over its named set"));
  EXPECT_TRUE(says(objections, "the coordinator has another common model"));
}

TEST_F(Judged, AWorkerThatKeepsItsStepsIsNotOneThatDropsThem) {
  FaultJob keeps = periodic();
  keeps.returning = process::Returning::kKeep;
  const auto objections = judge(keeps, [](MembershipOptions& by) { by.returning = process::Returning::kDrop; });
  EXPECT_TRUE(says(objections, "U1: worker 1 enters"));
}

TEST_F(Judged, OtherStepsAreFound) {
  const auto objections = judge(periodic(), [](MembershipOptions& by) {
    by.job.learner = [](int worker) { return std::make_unique<TinyLearner>(TinyProblem{.seed = 99}, worker); };
  });
  EXPECT_TRUE(says(objections, "U1"));
}

TEST_F(Judged, AnAverageOverFewerThanTheLeastIsFound) {
  EXPECT_TRUE(says(judge(periodic(), [](MembershipOptions& by) { by.least = 4; }), "over too few"));
}

TEST_F(Judged, AVarianceAboveTheThresholdIsFound) {
  const FaultJob job = fda("0.5");
  FaultPlan plan = plan_of(5, job);
  MembershipWorld world(plan.options);
  EXPECT_TRUE(world.run({100.0}));
  EXPECT_EQ(objections_to(world, plan.options, 0.5), std::vector<std::string>{});
  EXPECT_TRUE(says(objections_to(world, plan.options, 0.1), "U3"));
}

}  // namespace
}  // namespace laconic::faults
