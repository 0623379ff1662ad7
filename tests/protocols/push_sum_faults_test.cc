// Asynchronous push-sum on networks that lose frames and bring them twice.
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "gossip_scenarios.h"
#include "matrix_form.h"
#include "mechanisms/link_accounts.h"
#include "mechanisms/push_sum_strategy.h"
#include "run.h"

namespace laconic::tests {
namespace {

// Asynchronous push-sum on a network that loses a fifth of its frames and brings a tenth twice.
Scenario lossy(const std::string& strategy, bool account) {
  Scenario s =
      only_gossip(push(strategy, {{"order", "asynchronous"}, {"account", account ? "true" : "false"}}, "exponential"));
  if (strategy == "sparse_push") {
    s = compressing(std::move(s), 8);
    s.options["gamma"] = "0.02";
  }
  s.loss = 0.2;
  s.duplication = 0.1;
  s.steps = strategy == "sgp" ? 400 : 1000;
  s.evaluate_every = s.steps;
  return s;
}

// x and y of all nodes, with what their unanswered messages hold that was not taken.
struct Mass {
  double units = 0.0;
  std::vector<double> x = std::vector<double>(kSize, 0.0);
  std::size_t on_the_way = 0;
};
Mass mass_of(const Scenario& scenario) {
  Scenario s = scenario;
  std::vector<PushSumStrategy*> nodes;
  s.wrap = [&](StrategyFactory make) -> StrategyFactory {
    return [&nodes, make = std::move(make)] {
      auto made = make();
      nodes.push_back(dynamic_cast<PushSumStrategy*>(made.get()));
      return made;
    };
  };
  const StrategySetting setting = strategy_setting(s);
  Mass mass;
  s.observer.on_measurement = [&](const Measurement& measurement) {
    if (measurement.step.value != s.steps) return;
    const std::unique_ptr<LinkMemory> reader =
        s.strategy == "sgp" ? make_exact_memory() : make_error_memory(setting.compressor(), kSize, false);
    for (std::size_t i = 0; i < kNodes; ++i) {
      mass.units += static_cast<double>(nodes[i]->sum().weight().units());
      std::vector<float> back(kSize, 0.0F);
      for (const auto& [receiver, transfers] : nodes[i]->accounts().unanswered()) {
        for (const auto& [number, transfer] : transfers) {
          const Rank sender{static_cast<int>(i)};
          if (nodes[static_cast<std::size_t>(receiver)]->accounts().took(sender, number)) continue;
          ++mass.on_the_way;
          mass.units += static_cast<double>(transfer.weight.units());
          reader->take(sender, transfer.message(), transfer.fraction, 0.0, back);
        }
      }
      for (std::size_t c = 0; c < kSize; ++c) mass.x[c] += nodes[i]->sum().numerators()[c] + back[c];
    }
  };
  EXPECT_EQ(run(s).outcome.end, Outcome::End::kSteps);
  return mass;
}

TEST(S7, OnALossyNetworkMassIsExactAndModelsMeetAtTheAverageWhereItIsKeptAccountOf) {
  for (const std::string strategy : {"sgp", "sparse_push"}) {
    const Scenario s = lossy(strategy, true);
    const Mass mass = mass_of(s);
    EXPECT_GT(mass.on_the_way, 0U);
    EXPECT_EQ(mass.units, static_cast<double>(PushWeight::kOne) * kNodes) << strategy;
    const Matrix first = first_models(s.problem);
    for (std::size_t c = 0; c < kSize; ++c) {
      double before = 0.0;
      for (const auto& row : first) before += row[c];
      EXPECT_NEAR(mass.x[c], before, 1e-4) << strategy << ", element " << c;
    }
    // What is on the way is a part of x and of y alike.
    EXPECT_LT(consensus_error(s), strategy == "sgp" ? 1e-6 : 1e-2) << strategy;
  }
}

TEST(S7, MassIsExactOverLinksThatChange) {
  for (const std::string strategy : {"sgp", "sparse_push"}) {
    Scenario s = lossy(strategy, true);
    s.topology = "random_out:2";
    s.link_up = 0.8;
    EXPECT_EQ(mass_of(s).units, static_cast<double>(PushWeight::kOne) * kNodes) << strategy;
    EXPECT_LT(consensus_error(s), strategy == "sgp" ? 1e-6 : 1e-2) << strategy;
  }
}

TEST(S7, WorkersOfOtherSpeedsGoOnWithoutEachOtherAndNoneRunsOutOfWeight) {
  Scenario s = lossy("sgp", true);
  s.topology = "directed_ring";
  s.step_cost.assign(kNodes, Seconds{0.01});
  s.step_cost[2] = {0.1};
  s.step_cost[4] = {0.002};
  const Mass mass = mass_of(s);
  EXPECT_EQ(mass.units, static_cast<double>(PushWeight::kOne) * kNodes);
  const std::vector<std::vector<float>> models = run(s).params;
  for (const auto& model : models) {
    for (const float value : model) EXPECT_LT(std::abs(value), 100.0F);
  }
}

TEST(S7, PlainPushSumLosesMassAndComesToAnotherValue) {
  Scenario s = lossy("sgp", false);
  s.steps = 40;  // much longer, and nothing would be left
  s.evaluate_every = 40;
  const Mass mass = mass_of(s);
  EXPECT_GT(std::abs(mass.units / (static_cast<double>(PushWeight::kOne) * kNodes) - 1.0), 0.05);
  EXPECT_GT(consensus_error(s), 1e-4);
}

TEST(S7, PlainPushSumThatHasLostNearlyAllWeightOrMadeMuchOfItIsNamedWithTheRemedy) {
  Scenario s = lossy("sgp", false);
  s.duplication = 0.0;
  s.steps = 400;
  const Result lost = run(s);
  ASSERT_FALSE(lost.warnings.empty());
  EXPECT_NE(lost.warnings.front().find("the push-sum weight of worker "), std::string::npos) << lost.warnings.front();
  EXPECT_NE(lost.warnings.front().find("what the network loses is lost from it; set account = true"),
            std::string::npos);
  EXPECT_TRUE(run(lossy("sgp", true)).warnings.empty());
  s.loss = 0.0;
  s.duplication = 0.2;
  s.steps = 2000;
  const Result made = run(s);
  ASSERT_EQ(made.outcome.end, Outcome::End::kFailed);
  const std::string text = error_of<RunError>(made);
  EXPECT_NE(text.find("messages that the network repeats have made it out of nothing"), text.npos) << text;
}

TEST(S7, AnswersAreControlTrafficOfAFewBytes) {
  const Result result = run(lossy("sgp", true));
  const Tally answers = result.outcome.ledger.total(Traffic::kControl);
  const Tally models = result.outcome.ledger.total(Traffic::kModel);
  EXPECT_GT(answers.frames, models.frames / 2);
  EXPECT_LT(answers.frames, models.frames * 11 / 10);
  EXPECT_LT(answers.framed.value, 20 * answers.frames);
}

}  // namespace
}  // namespace laconic::tests
