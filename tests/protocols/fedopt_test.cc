// Server optimisers against their formulas in double, and whole runs against what they are by other names.
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "mechanisms/server_optimizer.h"
#include "run.h"

namespace laconic::tests {
namespace {

// The rules once more, one coordinate in double.
struct Coordinate {
  std::string rule;
  double w = 0.0, m = 0.0, v = 0.0;
  void step(double mean, double eta, double beta, double beta_2, double tau) {
    const double delta = mean - w;
    if (rule == "average") {
      w += eta * delta;
    } else if (rule == "momentum" || rule == "nesterov") {
      m = beta * m + delta;
      w += eta * (rule == "momentum" ? m : delta + beta * m);
    } else {
      m = beta * m + (1 - beta) * delta;
      if (rule == "adagrad") v += delta * delta;
      if (rule == "adam") v = beta_2 * v + (1 - beta_2) * delta * delta;
      if (rule == "yogi") v -= (1 - beta_2) * delta * delta * (v > delta * delta ? 1 : v < delta * delta ? -1 : 0);
      w += eta * m / (std::sqrt(v) + tau);
    }
  }
};

class ServerRules : public testing::TestWithParam<std::string> {};

TEST_P(ServerRules, AreTheirFormulas) {
  const std::string rule = GetParam();
  std::map<std::string, std::string> given = {{"server", rule}, {"server_learning_rate", "0.3"}};
  if (rule != "average") given["server_beta"] = "0.8";
  if (rule == "adam" || rule == "yogi") given["server_beta_2"] = "0.9";
  if (rule == "adagrad" || rule == "adam" || rule == "yogi") given["server_tau"] = "0.05";
  const Options options = strategy_options("fedopt", given);
  ServerOptimizer optimizer(read_server_options(options));
  std::vector<float> w = {0.0F, 1.0F, -2.0F};
  std::vector<Coordinate> expected;
  for (const float value : w) expected.push_back({.rule = rule, .w = value, .m = 0.0, .v = 0.05 * 0.05});
  for (int t = 0; t < 30; ++t) {
    std::vector<float> mean;
    for (std::size_t j = 0; j < w.size(); ++j) {
      mean.push_back(w[j] + static_cast<float>(std::sin(t + 3.0 * static_cast<double>(j))));
      expected[j].step(static_cast<double>(mean[j]), 0.3, 0.8, 0.9, 0.05);
    }
    optimizer.step(mean, w, w.size());
    for (std::size_t j = 0; j < w.size(); ++j) ASSERT_NEAR(w[j], expected[j].w, 1e-4) << "step " << t;
  }
}

INSTANTIATE_TEST_SUITE_P(Rules, ServerRules,
                         testing::Values("average", "momentum", "nesterov", "adagrad", "adam", "yogi"));

Scenario fedopt(std::map<std::string, std::string> options) {
  options.emplace("period", "5");
  return {.problem = {.workers = 4, .dimension = 30, .seed = 3},
          .strategy = "fedopt",
          .options = std::move(options),
          .steps = 100};
}

TEST(FedOpt, WithTheAverageItselfIsPeriodicBitForBit) {
  Scenario periodic = fedopt({});
  periodic.strategy = "periodic";
  periodic.options = {{"period", "5"}};
  EXPECT_EQ(run(fedopt({{"server", "average"}})).params, run(periodic).params);
  EXPECT_EQ(run(fedopt({{"server", "momentum"}, {"server_beta", "0"}})).outcome.ledger.total(),
            run(periodic).outcome.ledger.total());
}

TEST(FedOpt, EveryRuleComesNearTheMinimumOfTheMeanLoss) {
  const std::vector<std::map<std::string, std::string>> cases = {
      {{"server", "average"}},
      {{"server", "momentum"}, {"server_learning_rate", "0.3"}, {"server_beta", "0.6"}},
      {{"server", "nesterov"}, {"server_learning_rate", "0.3"}, {"server_beta", "0.6"}},
      {{"server", "adagrad"}, {"server_learning_rate", "0.3"}},
      {{"server", "adam"}, {"server_learning_rate", "0.1"}},
      {{"server", "yogi"}, {"server_learning_rate", "0.1"}}};
  for (const auto& options : cases) {
    Scenario scenario = fedopt(options);
    scenario.problem.noise = 0.0;
    scenario.steps = 600;
    const Result result = run(scenario);
    for (const auto& params : result.params) EXPECT_EQ(params, result.params.front()) << options.at("server");
    EXPECT_LT(result.measurements.back().test.loss, 0.5 * result.measurements.front().test.loss)
        << options.at("server");
  }
}

// Under every rule the travelling buffers are what plain averaging makes of them; gradients of the parameters do not
// depend on them, so that both runs hand the server the same.
TEST(FedOpt, NeverStepsBuffersThatTravel) {
  for (const std::string strategy : {"fedopt", "fda_opt"}) {
    for (const std::string rule : {"momentum", "nesterov", "adagrad", "adam", "yogi"}) {
      Scenario scenario = fedopt({{"server", rule}, {"server_learning_rate", "0.3"}});
      scenario.strategy = strategy;
      if (strategy == "fda_opt") {
        scenario.options.erase("period");
        scenario.steps_per_epoch = 1.0;  // the first round ends with the first epoch
        scenario.steps = 1;
        scenario.options["most_epochs"] = "1";
      }
      scenario.problem.buffers = 12;
      scenario.problem.noise = 0.0;
      Scenario plain = scenario;
      plain.options["server"] = "average";
      plain.options["server_learning_rate"] = "1";
      const std::vector<std::vector<float>> got = run(scenario).params;
      const std::vector<std::vector<float>> expected = run(plain).params;
      const auto trained = static_cast<std::ptrdiff_t>(scenario.problem.dimension - scenario.problem.buffers);
      for (std::size_t i = 0; i < got.size(); ++i) {
        EXPECT_TRUE(std::equal(got[i].begin() + trained, got[i].end(), expected[i].begin() + trained))
            << strategy << " " << rule;
        EXPECT_FALSE(std::equal(got[i].begin(), got[i].begin() + trained, expected[i].begin()))
            << strategy << " " << rule;
      }
    }
  }
}

TEST(FedOpt, RefusesARateOfZero) { EXPECT_THROW(run(fedopt({{"server_learning_rate", "0"}})), UsageError); }

}  // namespace
}  // namespace laconic::tests
