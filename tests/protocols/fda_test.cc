// The invariants of FDA over whole runs (Theologitis et al. 2025); those of one state are tested beside the monitors.
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/vector_ops.h"
#include "run.h"

namespace laconic::tests {
namespace {

Scenario fda(const std::string& monitor, const std::string& threshold) {
  return {.problem = {.workers = 6, .dimension = 200, .seed = 11, .learning_rate = 0.05, .noise = 0.3},
          .strategy = "fda",
          .options = {{"monitor", monitor}, {"threshold", threshold}},
          .steps = 150};
}

class FdaMonitors : public testing::TestWithParam<std::string> {};

TEST_P(FdaMonitors, Q3_NoSynchronisationImpliesVarianceAtMostTheThreshold) {
  const double threshold = 3.0;
  Scenario scenario = fda(GetParam(), "3");
  const Result result = run(scenario);
  ASSERT_EQ(result.measurements.size(), scenario.steps);
  EXPECT_GT(result.outcome.syncs, 3U);
  EXPECT_LT(result.outcome.syncs, scenario.steps / 2);
  double largest = 0.0;
  for (const Measurement& measurement : result.measurements) {
    largest = std::max(largest, measurement.consensus_distance);
    // States are float32: relative rounding of the two terms.
    ASSERT_LE(measurement.consensus_distance, threshold * (1.0 + 1e-5)) << "step " << measurement.step.value;
  }
  EXPECT_GT(largest, threshold / 10.0);  // the bound was put to the test
}

TEST_P(FdaMonitors, Q7_SynchronisationsAreBoundedByTheUpdateLength) {
  const double threshold = 3.0;
  Scenario scenario = fda(GetParam(), "3");
  // ||step||^2 of every worker and step, from the parameters before and after its local step.
  struct Recorder final : Strategy {
    Recorder(std::unique_ptr<Strategy> inner, std::vector<std::vector<double>>& lengths)
        : inner_(std::move(inner)), lengths_(lengths) {}
    Task<void> round(Worker& self) override {
      const std::vector<float> before(self.params().begin(), self.params().end());
      // The same gradient, taken apart: the noise of a step depends on its number only.
      co_await self.compute_gradient();
      lengths_[self.step().value].push_back(kernels::squared_norm(self.gradient()));
      co_await inner_->round(self);
    }
    Task<void> coordinate(Coordinator& self) override { return inner_->coordinate(self); }
    std::unique_ptr<Strategy> inner_;
    std::vector<std::vector<double>>& lengths_;
  };
  std::vector<std::vector<double>> squared_gradients(scenario.steps);
  scenario.wrap = [&](StrategyFactory inner) -> StrategyFactory {
    return [&, inner] { return std::make_unique<Recorder>(inner(), squared_gradients); };
  };
  const Result result = run(scenario);
  double length = 0.0;
  for (const auto& step : squared_gradients) {
    double mean = 0.0;
    double largest = 0.0;
    for (const double squared : step) {
      mean += squared / static_cast<double>(step.size());
      largest = std::max(largest, squared);
    }
    length += scenario.problem.learning_rate * std::sqrt(GetParam() == "max-norm" ? largest : mean);
  }
  EXPECT_GT(result.outcome.syncs, 3U);
  EXPECT_LE(static_cast<double>(result.outcome.syncs), length / std::sqrt(threshold) * (1.0 + 1e-5));
}

INSTANTIATE_TEST_SUITE_P(Monitors, FdaMonitors, testing::Values("exact", "naive", "linear", "sketch", "max-norm"),
                         [](const auto& info) { return info.param == "max-norm" ? "max_norm" : info.param; });

TEST(Fda, Q6_ThresholdZeroWithTheNaiveMonitorIsSynchronous) {
  const Scenario scenario = fda("naive", "0");
  Scenario synchronous = scenario;
  synchronous.strategy = "synchronous";
  synchronous.options = {};
  const Result a = run(scenario);
  EXPECT_EQ(a.params, run(synchronous).params);
  EXPECT_EQ(a.outcome.syncs, scenario.steps);
}

TEST(Fda, Q6_InfiniteThresholdNeverSynchronises) {
  for (const char* monitor : {"exact", "naive", "linear", "sketch", "max-norm"}) {
    const Scenario scenario = fda(monitor, "inf");
    Scenario local = scenario;
    local.strategy = "local";
    local.options = {};
    const Result a = run(scenario);
    EXPECT_EQ(a.outcome.syncs, 0U) << monitor;
    EXPECT_EQ(a.params, run(local).params) << monitor;
  }
}

TEST(Fda, MonitorsThatEstimateCloserSynchroniseLess) {
  std::map<std::string, std::uint64_t> syncs;
  for (const char* monitor : {"exact", "naive", "linear", "max-norm"}) {
    syncs[monitor] = run(fda(monitor, "3")).outcome.syncs;
  }
  EXPECT_LE(syncs["exact"], syncs["linear"]);
  EXPECT_LE(syncs["linear"], syncs["naive"]);
  EXPECT_LE(syncs["naive"], syncs["max-norm"]);
  EXPECT_LT(syncs["exact"], syncs["max-norm"]);
}

TEST(Fda, StatesOnTheWireHaveTheSizesOfThePaper) {
  const std::map<std::string, std::uint64_t> one_way = {
      {"exact", 4 * 200 + 4}, {"naive", 4}, {"linear", 8}, {"sketch", 5004}, {"max-norm", 1}};
  for (const auto& [monitor, bytes] : one_way) {
    Scenario scenario = fda(monitor, "inf");
    scenario.steps = 10;
    const Tally state = run(scenario).outcome.ledger.total(Traffic::kState);
    EXPECT_EQ(state.payload.value, 10 * 6 * 2 * bytes) << monitor;
  }
}

}  // namespace
}  // namespace laconic::tests
