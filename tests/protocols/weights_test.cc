// weights = "samples" and "equal" of the strategies that average over all workers, against the same algorithms on one
// matrix of all workers in double, and against each other.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "matrix_form.h"
#include "run.h"

namespace laconic::tests {
namespace {

std::vector<double> samples_of(const QuadraticProblem& problem) {
  std::vector<double> samples;
  for (int k = 0; k < problem.workers; ++k) samples.push_back(static_cast<double>(problem.samples(k)));
  return samples;
}

template <typename Row>
std::vector<double> weighted_mean(const std::vector<Row>& rows, const std::vector<double>& weights) {
  double total = 0.0;
  for (const double weight : weights) total += weight;
  std::vector<double> mean(rows.front().size(), 0.0);
  for (std::size_t k = 0; k < rows.size(); ++k) {
    for (std::size_t j = 0; j < mean.size(); ++j) mean[j] += weights[k] / total * static_cast<double>(rows[k][j]);
  }
  return mean;
}

// sum_k weight_k ||row_k - point||^2 / sum_k weight_k
template <typename Row>
double weighted_distance(const std::vector<Row>& rows, const std::vector<double>& weights,
                         const std::vector<double>& point) {
  double sum = 0.0;
  double total = 0.0;
  for (std::size_t k = 0; k < rows.size(); ++k) {
    for (std::size_t j = 0; j < point.size(); ++j) sum += weights[k] * std::pow(rows[k][j] - point[j], 2);
    total += weights[k];
  }
  return sum / total;
}

template <typename Row>
double weighted_variance(const std::vector<Row>& rows, const std::vector<double>& weights) {
  return weighted_distance(rows, weights, weighted_mean(rows, weights));
}

class Weights : public testing::TestWithParam<Collective> {
 protected:
  static Scenario scenario(std::string strategy, std::map<std::string, std::string> options) {
    options.emplace("weights", "samples");
    return {.problem = {.workers = 5, .dimension = 40, .seed = 3, .sample_counts = {400, 30, 7, 90, 1}},
            .strategy = std::move(strategy),
            .options = std::move(options),
            .steps = 33,
            .collective = GetParam()};
  }
};

void local_steps(const QuadraticProblem& problem, std::uint64_t step, Matrix& models) {
  models = sum(1.0, models, 1.0, steps_at(problem, step, models));
}

// Every `period` steps all rows become what `common` makes of the weighted mean.
void expect_periodic(const Scenario& s, std::uint64_t period, const std::vector<double>& weights,
                     const std::function<std::vector<double>(const std::vector<double>&)>& common) {
  Matrix models = first_models(s.problem);
  for (std::uint64_t t = 0; t < s.steps; ++t) {
    local_steps(s.problem, t, models);
    if ((t + 1) % period == 0) models.assign(models.size(), common(weighted_mean(models, weights)));
  }
  expect_near(run(s).params, models);
}
const auto kItself = [](const std::vector<double>& mean) { return mean; };

TEST_P(Weights, AllReduceStepsWithTheWeightedMeanGradient) {
  const Scenario s = scenario("all_reduce", {});
  Matrix models = first_models(s.problem);
  for (std::uint64_t t = 0; t < s.steps; ++t) {
    const std::vector<double> step = weighted_mean(steps_at(s.problem, t, models), samples_of(s.problem));
    models = sum(1.0, models, 1.0, Matrix(models.size(), step));
  }
  const Result result = run(s);
  expect_near(result.params, models);
  for (const auto& params : result.params) EXPECT_EQ(params, result.params.front());
}

TEST_P(Weights, SynchronousAndPeriodicAverageRowsByTheirSamples) {
  const Scenario synchronous = scenario("synchronous", {});
  expect_periodic(synchronous, 1, samples_of(synchronous.problem), kItself);
  const Scenario periodic = scenario("periodic", {{"period", "4"}});
  expect_periodic(periodic, 4, samples_of(periodic.problem), kItself);
}

TEST_P(Weights, FedAvgAveragesRowsByTheirSamplesUnlessTheyAreEqual) {
  Scenario s = scenario("fedavg", {{"period", "4"}});
  expect_periodic(s, 4, samples_of(s.problem), kItself);
  s.options["weights"] = "equal";
  expect_periodic(s, 4, std::vector<double>(5, 1.0), kItself);
}

TEST_P(Weights, FedOptsServerStepsTowardsTheWeightedMean) {
  const Scenario s = scenario(
      "fedopt", {{"period", "4"}, {"server", "momentum"}, {"server_learning_rate", "0.5"}, {"server_beta", "0.4"}});
  const std::vector<float> start = s.problem.start();
  std::vector<double> common(start.begin(), start.end());
  std::vector<double> momentum(common.size(), 0.0);
  expect_periodic(s, 4, samples_of(s.problem), [&](const std::vector<double>& mean) {
    for (std::size_t j = 0; j < mean.size(); ++j) {
      momentum[j] = 0.4 * momentum[j] + mean[j] - common[j];
      common[j] += 0.5 * momentum[j];
    }
    return common;
  });
}

// The exact monitor's estimate is the variance, the naive one's the mean squared drift: both of the weighted set.
TEST_P(Weights, FdaSynchronisesWhenTheWeightedEstimateExceedsTheThreshold) {
  for (const bool exact : {true, false}) {
    Scenario s = scenario("fda", {{"threshold", exact ? "0.7" : "1.2"}, {"monitor", exact ? "exact" : "naive"}});
    s.steps = 80;
    const double threshold = exact ? 0.7 : 1.2;
    const std::vector<double> weights = samples_of(s.problem);
    Matrix models = first_models(s.problem);
    std::vector<double> reference = models.front();
    std::vector<std::uint64_t> sync_steps;
    for (std::uint64_t t = 0; t < s.steps; ++t) {
      local_steps(s.problem, t, models);
      const double estimate =
          exact ? weighted_variance(models, weights) : weighted_distance(models, weights, reference);
      EXPECT_GT(std::abs(estimate - threshold), 1e-4 * threshold) << "so near that rounding decides";
      if (!(estimate > threshold)) continue;
      reference = weighted_mean(models, weights);
      models.assign(models.size(), reference);
      sync_steps.push_back(t + 1);
    }
    std::vector<std::uint64_t> got_steps;
    s.observer.on_sync = [&](Step step, const auto&) { got_steps.push_back(step.value); };
    const Result result = run(s);
    expect_near(result.params, models);
    EXPECT_GT(sync_steps.size(), 5U) << exact;
    EXPECT_LT(sync_steps.size(), s.steps / 2) << exact;
    EXPECT_EQ(got_steps, sync_steps);
    std::vector<std::uint64_t> equal_steps;
    s.observer.on_sync = [&](Step step, const auto&) { equal_steps.push_back(step.value); };
    s.options["weights"] = "equal";
    run(s);
    EXPECT_NE(equal_steps, sync_steps);
  }
}

TEST_P(Weights, FdaOptsRoundsAndThresholdsAreThoseOfTheWeightedSet) {
  constexpr double kMostEpochs = 4.0;
  Scenario s = scenario("fda_opt", {{"monitor", "exact"}, {"most_epochs", "4"}, {"server_learning_rate", "0.8"}});
  s.problem.learning_rate = 0.02;
  s.problem.noise = 0.5;
  s.steps = 150;
  s.steps_per_epoch = 5.5;
  const std::vector<double> weights = samples_of(s.problem);
  Matrix models = first_models(s.problem);
  std::vector<double> common = models.front();
  std::uint64_t begun = 0;
  std::uint64_t syncs = 0;
  double threshold = 0.0;
  const Result result = run(s);
  ASSERT_EQ(result.measurements.size(), s.steps);
  for (std::uint64_t t = 0; t < s.steps; ++t) {
    local_steps(s.problem, t, models);
    const double epochs = static_cast<double>(t + 1 - begun) / s.steps_per_epoch;
    const double variance = weighted_variance(models, weights);
    if (syncs == 0 ? epochs >= 1.0 : epochs >= kMostEpochs || variance > threshold) {
      const std::vector<double> mean = weighted_mean(models, weights);
      for (std::size_t j = 0; j < mean.size(); ++j) common[j] += 0.8 * (mean[j] - common[j]);
      models.assign(models.size(), common);
      threshold = kMostEpochs / 2.0 / epochs * variance;
      begun = t + 1;
      ++syncs;
    }
    ASSERT_EQ(result.measurements[t].syncs, syncs) << "step " << t + 1;
    if (syncs == 0) continue;
    ASSERT_NEAR(result.measurements[t].watched.at("threshold"), threshold, 1e-4 * threshold) << "step " << t + 1;
  }
  EXPECT_GT(syncs, 8U);
  expect_near(result.params, models, 1e-4);
}

// Q3 at every step; the late screen's at the end, where workers have come to the same step.
TEST_P(Weights, Q3_FdaKeepsTheWeightedVarianceAtMostTheThresholdWithEveryMonitorAndScreen) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"exact", "none"},       {"naive", "none"},       {"linear", "none"}, {"sketch", "none"}, {"max-norm", "none"},
      {"linear", "lock-step"}, {"sketch", "lock-step"}, {"linear", "late"}, {"naive", "late"}};
  for (const auto& [monitor, screen] : cases) {
    Scenario s = scenario("fda", {{"threshold", "0.7"}, {"monitor", monitor}, {"screen", screen}});
    s.problem.learning_rate = 0.03;
    const std::vector<double> weights = samples_of(s.problem);
    double largest = 0.0;
    bool synchronised = false;
    for (s.steps = 40; s.steps < 60; ++s.steps) {
      const Result result = run(s);
      ASSERT_EQ(result.outcome.end, Outcome::End::kSteps);
      const double variance = weighted_variance(result.params, weights);
      ASSERT_LE(variance, 0.7 * (1.0 + 1e-5)) << monitor << " " << screen << ", step " << s.steps;
      largest = std::max(largest, variance);
      synchronised = synchronised || result.outcome.syncs > 1;
    }
    EXPECT_TRUE(synchronised) << monitor << " " << screen;
    EXPECT_GT(largest, 0.07) << monitor << " " << screen;
  }
}

TEST_P(Weights, AScreenInLockStepIsTheRunWithoutOneBitForBit) {
  Scenario s = scenario("fda", {{"threshold", "0.7"}});
  const Result plain = run(s);
  s.options["screen"] = "lock-step";
  EXPECT_EQ(run(s).params, plain.params);
  EXPECT_GT(plain.outcome.syncs, 3U);
}

TEST_P(Weights, ABudgetIsKeptWhateverTheWeights) {
  Scenario s = scenario("fda", {{"budget", "1 kB/10 steps"}});
  s.steps = 300;
  const Result result = run(s);
  EXPECT_GT(result.outcome.syncs, 5U);
  EXPECT_GT(result.measurements.back().watched.at("budget_used"), 0.7);
  EXPECT_LT(result.measurements.back().watched.at("budget_used"), 1.1);
}

// Means that are added in the order of ranks, in double: those of all three strategies through the coordinator.
TEST(WeightsThroughTheCoordinator, PeriodicFedAvgAndDmaOfThresholdZeroAreOneBitForBit) {
  for (const std::string weights : {"samples", "equal"}) {
    Scenario periodic{.problem = {.workers = 5, .dimension = 40, .seed = 3, .sample_counts = {400, 30, 7, 90, 1}},
                      .strategy = "periodic",
                      .options = {{"period", "4"}, {"weights", weights}},
                      .steps = 33};
    const auto expected = run(periodic).params;
    Scenario fedavg = periodic;
    fedavg.strategy = "fedavg";
    EXPECT_EQ(run(fedavg).params, expected) << weights;
    Scenario dma = periodic;
    dma.strategy = "dma";
    dma.options = {{"threshold", "0"}, {"check_every", "4"}, {"weights", weights}};
    EXPECT_EQ(run(dma).params, expected) << weights;
    Scenario fda = periodic;
    fda.strategy = "fda";
    fda.options = {{"threshold", "0"}, {"monitor", "naive"}, {"check_every", "4"}, {"weights", weights}};
    EXPECT_EQ(run(fda).params, expected) << weights;
  }
}

struct Named {
  std::string strategy;
  std::map<std::string, std::string> options;
  std::string by_default = "equal";
};
const std::vector<Named> kAveraging = {{"all_reduce", {}},
                                       {"synchronous", {}},
                                       {"periodic", {{"period", "4"}}},
                                       {"fedavg", {{"period", "4"}, {"fraction", "0.6"}}, "samples"},
                                       {"fedopt", {{"period", "4"}}},
                                       {"fda", {{"threshold", "1"}}},
                                       {"fda", {{"budget", "1 kB/10 steps"}}},
                                       {"fda_opt", {{"most_epochs", "2"}}},
                                       {"dma", {{"threshold", "0.5"}}}};

TEST_P(Weights, TheDefaultIsTheWordThatItNamesAndTheOtherIsAnotherRun) {
  for (const Named& named : kAveraging) {
    Scenario s = scenario(named.strategy, named.options);
    s.options.erase("weights");
    const Result unsaid = run(s);
    s.options["weights"] = named.by_default;
    EXPECT_EQ(run(s).outcome.trace_hash, unsaid.outcome.trace_hash) << named.strategy;
    s.options["weights"] = named.by_default == "equal" ? "samples" : "equal";
    EXPECT_NE(run(s).params, unsaid.params) << named.strategy;
  }
}

// Averages come at the same steps here, whatever the data.
TEST_P(Weights, CostNoByteAndNoFrame) {
  const std::vector<Named> cases = {{"all_reduce", {}},
                                    {"synchronous", {}},
                                    {"periodic", {{"period", "4"}}},
                                    {"fedavg", {{"period", "4"}, {"fraction", "0.6"}}},
                                    {"fedopt", {{"period", "4"}}},
                                    {"fda", {{"threshold", "0"}, {"monitor", "naive"}}},
                                    {"fda_opt", {{"most_epochs", "0.1"}}},
                                    {"dma", {{"threshold", "0"}}}};
  for (const Named& named : cases) {
    for (const std::string compressor : {"", "sign"}) {
      Scenario s = scenario(named.strategy, named.options);
      s.compressor = compressor;
      const Result weighted = run(s);
      EXPECT_GT(weighted.outcome.syncs, 5U) << named.strategy;
      s.options["weights"] = "equal";
      EXPECT_EQ(run(s).outcome.ledger.total(), weighted.outcome.ledger.total()) << named.strategy << " " << compressor;
    }
  }
}

TEST_P(Weights, AWorkerWithAllTheWeightTrainsAsIfAloneAndTheOthersTakeItsModel) {
  const std::vector<Named> cases = {{"all_reduce", {}},
                                    {"synchronous", {}},
                                    {"periodic", {{"period", "4"}}},
                                    {"fedavg", {{"period", "4"}}},
                                    {"fda", {{"threshold", "0"}, {"monitor", "naive"}}}};
  for (const Named& named : cases) {
    Scenario s = scenario(named.strategy, named.options);
    s.problem.sample_counts = {90'000, 0, 0, 0, 0};
    s.steps = 32;
    Scenario alone = s;
    alone.problem.workers = 1;
    alone.strategy = "serial";
    alone.options = {};
    const std::vector<float> model = run(alone).params.front();
    const std::vector<double> expected(model.begin(), model.end());
    expect_near(run(s).params, Matrix(5, expected));
  }
}

INSTANTIATE_TEST_SUITE_P(Collectives, Weights, testing::Values(Collective::kStar, Collective::kRing),
                         [](const auto& info) { return info.param == Collective::kStar ? "Star" : "Ring"; });

}  // namespace
}  // namespace laconic::tests
