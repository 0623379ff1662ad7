// Strategies that wait for nobody come to rest at checkpoints: fda with screen = "late", dma with an asynchronous
// clock.
#include "drain.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/byte_stream.h"
#include "base/error.h"
#include "matrix_form.h"
#include "mechanisms/alarm.h"
#include "mechanisms/rest.h"

namespace laconic::tests {
namespace {

const std::vector<Seconds> kAnySpeed = {{0.010}, {0.013}, {0.031}, {0.002}, {0.010}, {0.0007}};

Scenario drained(const std::string& strategy, std::map<std::string, std::string> options) {
  return {.problem = {.workers = 6, .dimension = 40, .seed = 11, .learning_rate = 0.05, .noise = 0.3},
          .strategy = strategy,
          .options = std::move(options),
          .steps = 120,
          .checkpoints = {.numerator = 35, .denominator = 2},  // after steps 18, 35, 53, 70, 88, 105
          .step_cost = kAnySpeed};
}
constexpr int kDrains = 6;

Result run_drained(Scenario scenario, Drain& drain) {
  scenario.wrap = [&drain, wrap = scenario.wrap](StrategyFactory make) {
    return drain.wrap(wrap ? wrap(std::move(make)) : std::move(make));
  };
  return run(scenario);
}

TEST(FdaLateAtCheckpoints, Q3_TheVarianceOfTheModelsThatAreSavedIsAtMostTheThreshold) {
  for (const char* every : {"1", "4"}) {
    const Scenario scenario =
        drained("fda", {{"monitor", "exact"}, {"threshold", "0.5"}, {"screen", "late"}, {"check_every", every}});
    Drain drain(scenario, {700.0});
    double largest = 0.0;
    drain.on_drained = [&](Step step, const std::vector<std::vector<float>>& models) {
      const double variance = squared_distance_from_average(models) / 6.0;
      EXPECT_LE(variance, 0.5 * (1.0 + 1e-5)) << "step " << step.value;
      largest = std::max(largest, variance);
    };
    const Result result = run_drained(scenario, drain);
    ASSERT_EQ(result.outcome.end, Outcome::End::kSteps) << error_of<PeerLost>(result);
    EXPECT_EQ(drain.drains(), kDrains);
    EXPECT_EQ(drain.spoken().value, 0U);
    EXPECT_GT(largest, 0.05);
    EXPECT_GT(result.outcome.syncs, 3U);
    EXPECT_LE(result.outcome.syncs, result.formula.most_syncs);
  }
}

TEST(FdaLateAtCheckpoints, TheOneCheckOfQuietWorkersIsInTheFormula) {
  Scenario scenario = drained("fda", {{"monitor", "sketch"}, {"threshold", "1e9"}, {"screen", "late"}});
  scenario.step_cost = {};  // all come at once, and all raise the alarm
  Drain drain(scenario, {1.0});
  Result result = run_drained(scenario, drain);
  const Ledger& ledger = result.outcome.ledger;
  EXPECT_EQ(ledger.total(Traffic::kState).payload.value, result.formula.run(Traffic::kState));
  EXPECT_EQ(ledger.total(Traffic::kState).payload.value, (kDrains + 1) * result.formula.sync(Traffic::kState));
  EXPECT_EQ(ledger.total(Traffic::kControl).payload.value, 6 * result.formula.run(Traffic::kControl));
  scenario.strategy = "local";
  scenario.options = {};
  EXPECT_EQ(run(scenario).params, result.params);
}

// The sum of all models as the workers' own steps make it.
class Summed final : public Strategy {
 public:
  Summed(std::unique_ptr<Strategy> inner, const QuadraticProblem& problem, std::vector<double>& sum)
      : inner_(std::move(inner)), problem_(problem), sum_(sum) {}
  Task<void> round(Worker& self) override {
    const std::vector<double> params(self.params().begin(), self.params().end());
    const std::vector<double> gradient = problem_.gradient(self.rank().value, self.step().value, params);
    for (std::size_t j = 0; j < sum_.size(); ++j) sum_[j] -= problem_.rate(self.step().value) * gradient[j];
    return inner_->round(self);
  }
  Task<void> coordinate(Coordinator& self) override { return inner_->coordinate(self); }

 private:
  std::unique_ptr<Strategy> inner_;
  const QuadraticProblem& problem_;
  std::vector<double>& sum_;
};

TEST(DmaAsynchronousAtCheckpoints, P1_TheModelsThatAreSavedHaveTheMeanThatTheStepsMade) {
  for (const double latency : {0.0001, 0.004, 0.3}) {  // requests meet workers that have just come to rest
    for (const char* augment : {"random", "doubling", "all"}) {
      for (const char* every : {"1", "5"}) {
        Scenario scenario = drained(
            "dma", {{"threshold", "0.3"}, {"clock", "asynchronous"}, {"augment", augment}, {"check_every", every}});
        scenario.latency = {latency};
        std::vector<double> sum(40, 0.0);
        for (std::size_t j = 0; j < sum.size(); ++j) sum[j] = 6.0 * scenario.problem.start()[j];
        scenario.wrap = [&](StrategyFactory inner) -> StrategyFactory {
          return [&, inner] { return std::make_unique<Summed>(inner(), scenario.problem, sum); };
        };
        Drain drain(scenario, {700.0});
        drain.on_drained = [&](Step step, const std::vector<std::vector<float>>& models) {
          for (std::size_t j = 0; j < sum.size(); ++j) {
            double all = 0.0;
            for (const std::vector<float>& model : models) all += model[j];
            ASSERT_NEAR(all, sum[j], 2e-4) << augment << ", step " << step.value << ", coordinate " << j;
          }
        };
        const Result result = run_drained(scenario, drain);
        ASSERT_EQ(result.outcome.end, Outcome::End::kSteps) << error_of<PeerLost>(result);
        EXPECT_EQ(drain.drains(), kDrains);
        EXPECT_EQ(drain.spoken().value, 0U);
        EXPECT_GT(result.outcome.syncs, 2U);
        // Nobody was waited for until a deadline.
        EXPECT_LT(result.outcome.time.value, kDrains * 701.0 + 60.0);
        Drain again(scenario, {700.0});
        EXPECT_EQ(run_drained(scenario, again).outcome.trace_hash, result.outcome.trace_hash);
      }
    }
  }
}

TEST(DmaAsynchronousAtCheckpoints, NothingIsSaidWhereNobodyIsEverAsked) {
  const Scenario scenario = drained("dma", {{"threshold", "inf"}, {"clock", "asynchronous"}});
  Drain drain(scenario, {700.0});
  const Result result = run_drained(scenario, drain);
  ASSERT_EQ(result.outcome.end, Outcome::End::kSteps);
  EXPECT_EQ(result.outcome.ledger.total().frames, 0U);
}

TEST(DmaAsynchronousAtCheckpoints, QuietWorkersSayOnceThatTheyRestAndHearOnceThatAllDo) {
  const Scenario scenario = drained("dma", {{"threshold", "1e9"}, {"clock", "asynchronous"}});
  Drain drain(scenario, {700.0});
  Result result = run_drained(scenario, drain);
  ASSERT_EQ(result.outcome.end, Outcome::End::kSteps);
  const Tally control = result.outcome.ledger.total(Traffic::kControl);
  EXPECT_EQ(control.payload.value, result.formula.run(Traffic::kControl));
  EXPECT_EQ(control.payload.value, kDrains * 6U * 2U);
  EXPECT_EQ(control.frames, kDrains * 6U * 2U + 6U);  // and each leaves
}

TEST(Checkpoints, AWorkerThatRestsNamesTheDeadlineThatTheSlowestIsBehindBy) {
  for (const auto& options : {std::map<std::string, std::string>{{"threshold", "1e9"}, {"clock", "asynchronous"}},
                              std::map<std::string, std::string>{{"threshold", "1e9"}, {"screen", "late"}}}) {
    Scenario scenario = drained(options.contains("clock") ? "dma" : "fda", options);
    scenario.step_cost[2] = {60.0};
    Drain drain(scenario, {1.0});
    const std::string text = error_of<PeerLost>(run_drained(scenario, drain));
    EXPECT_NE(text.find("checkpoint"), text.npos) << text;
    EXPECT_NE(text.find("network.deadline"), text.npos) << text;
    scenario.deadline = {3600.0};
    Drain patient(scenario, {1.0});
    EXPECT_EQ(run_drained(scenario, patient).outcome.end, Outcome::End::kSteps);
  }
}

TEST(DmaAsynchronousAtCheckpoints, AWorkerThatClaimsToHaveSeenWhatWasNeverSentIsRefusedAndNamed) {
  struct FalseRest final : Strategy {
    explicit FalseRest(std::unique_ptr<Strategy> inner) : inner_(std::move(inner)) {}
    Task<void> round(Worker& self) override {
      Comm& comm = self.comm();
      if (self.rank().value == 4) comm.send(comm.coordinator(), rest_frame({0}, 77));
      return inner_->round(self);
    }
    Task<void> coordinate(Coordinator& self) override { return inner_->coordinate(self); }
    std::unique_ptr<Strategy> inner_;
  };
  Scenario scenario = drained("dma", {{"threshold", "1e9"}, {"clock", "asynchronous"}});
  scenario.wrap = [](StrategyFactory inner) -> StrategyFactory {
    return [inner] { return std::make_unique<FalseRest>(inner()); };
  };
  const std::string text = error_of<DecodeError>(run(scenario));
  EXPECT_NE(text.find("rest of worker 4"), text.npos) << text;
  EXPECT_NE(text.find("77"), text.npos) << text;
}

}  // namespace
}  // namespace laconic::tests
