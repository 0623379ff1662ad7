// Numbers that change over a run: the ratio of top_k and the gamma of gossip. Each strategy is held against the same
// algorithm in matrix form with the numbers of each step in closed form.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "gossip_scenarios.h"
#include "kept_checkpoints.h"
#include "matrix_form.h"
#include "rows.h"
#include "run.h"
#include "strategies/registry.h"
#include "topology/topology.h"

namespace laconic::tests {
namespace {

// From `first` to `last` over `steps` by equal factors.
double number_at(double first, double last, double steps, std::uint64_t t) {
  return first * std::exp(std::log(last / first) * std::min(1.0, static_cast<double>(t) / steps));
}

constexpr const char* kRatio = "0.5 -> 0.05 over 20 steps";
std::size_t kept_at(std::uint64_t t) {
  return static_cast<std::size_t>(std::floor(number_at(0.5, 0.05, 20, t) * static_cast<double>(kSize)));
}
constexpr const char* kGamma = "0.6 -> 0.15 over 25 steps";
double gamma_at(std::uint64_t t) { return number_at(0.6, 0.15, 25, t); }

Scenario with_ratio(Scenario s) {
  s.compressor = "top_k";
  s.compression = {{"ratio", kRatio}};
  return s;
}

TEST(Schedules, ChocoIsItsMatrixFormWithTheNumbersOfEachStep) {
  for (const bool overlap : {true, false}) {
    Scenario s =
        with_ratio(gossip("choco", {{"order", overlap ? "overlap" : "adapt-then-combine"}, {"gamma", kGamma}}));
    const Matrix weights = weights_of(s);
    Matrix x = first_models(s.problem);
    Matrix replicas = start_rows(s);
    for (std::uint64_t t = 0; t < s.steps; ++t) {
      const auto combine = [&] { x = sum(1, x, gamma_at(t), sum(1, mixed(weights, replicas), -1, replicas)); };
      if (overlap) combine();
      if (!overlap) x = sum(1, x, 1, steps_at(s.problem, t, x));
      const Matrix told = largest(sum(1, x, -1, replicas), kept_at(t));
      if (overlap) x = sum(1, x, 1, steps_at(s.problem, t, x));
      replicas = sum(1, replicas, 1, told);
      if (!overlap) combine();
    }
    for (const std::string form : {"sum", "each"}) {
      s.options["replicas"] = form;
      expect_near(run(s).params, x);
    }
  }
}

TEST(Schedules, DeepSqueezeIsItsMatrixFormWithTheNumbersOfEachStep) {
  const Scenario s = with_ratio(gossip("deep_squeeze", {{"gamma", "0.3 -> 0.1 over 25 steps"}}));
  const Matrix weights = weights_of(s);
  Matrix x = first_models(s.problem);
  Matrix error = sum(0, x, 0, x);
  for (std::uint64_t t = 0; t < s.steps; ++t) {
    x = sum(1, x, 1, steps_at(s.problem, t, x));
    const Matrix v = sum(1, x, 1, error);
    const Matrix c = largest(v, kept_at(t));
    error = sum(1, v, -1, c);
    x = sum(1, x, number_at(0.3, 0.1, 25, t), sum(1, mixed(weights, c), -1, c));
  }
  expect_near(run(s).params, x);
}

TEST(Schedules, SparsePushIsItsMatrixFormWithTheNumbersOfEachStep) {
  for (const bool overlap : {true, false}) {
    const Scenario s = with_ratio(push("sparse_push", {{"order", overlap ? "overlap" : "adapt-then-combine"},
                                                       {"gamma", "0.2 -> 0.05 over 25 steps"}}));
    const auto links = make_schedule(s.topology, kNodes, 1, 1.0)->at(0);  // of a ring, whose weights stay 1
    Matrix p(kNodes, std::vector<double>(kNodes, 0.0));
    for (int j = 0; j < kNodes; ++j) {
      p[j][j] = links->self_weight({j});
      for (const WeightedNeighbor& receiver : links->receivers({j})) p[receiver.rank.value][j] = receiver.weight;
    }
    Matrix x = first_models(s.problem);
    Matrix error = sum(0, x, 0, x);
    for (std::uint64_t t = 0; t < s.steps; ++t) {
      const Matrix step = steps_at(s.problem, t, x);
      if (!overlap) x = sum(1, x, 1, step);
      const Matrix v = sum(1, x, 1, error);
      const Matrix c = largest(v, kept_at(t));
      error = sum(1, v, -1, c);
      if (overlap) x = sum(1, x, 1, step);
      x = sum(1, x, number_at(0.2, 0.05, 25, t), sum(1, mixed(p, c), -1, c));
    }
    expect_near(run(s).params, x, 5e-5);
  }
}

TEST(Schedules, C1_GossipLeavesTheAverageAsItIsAtEveryGamma) {
  for (const std::string strategy : {"choco", "deep_squeeze"}) {
    const Scenario s =
        with_ratio(consensus(strategy, {{"gamma", strategy == "choco" ? kGamma : "0.1 -> 0.3 over 9 steps"}}));
    const Result result = run(s);
    const Matrix first = first_models(s.problem);
    const std::vector<double> mean = average(result.params);
    for (std::size_t c = 0; c < kSize; ++c) {
      double before = 0.0;
      for (const auto& row : first) before += row[c] / kNodes;
      EXPECT_NEAR(mean[c], before, 30 * 4 * 0x1p-22) << strategy;
    }
  }
}

// An operator that writes down at which step each message was made.
class Recorded final : public Compressor {
 public:
  Recorded(std::unique_ptr<Compressor> inner, std::vector<std::uint64_t>& steps)
      : inner_(std::move(inner)), steps_(steps) {}

  void begin_step(std::uint64_t step) override { inner_->begin_step(step_ = step); }
  std::uint64_t changes_until() const override { return inner_->changes_until(); }
  std::size_t prepare(std::span<const float> v, RandomStream& random) override {
    steps_.push_back(step_);
    return inner_->prepare(v, random);
  }
  void write(std::span<std::byte> out) override { inner_->write(out); }
  void decode_add(std::span<const std::byte> message, float weight, std::span<float> y) override {
    inner_->decode_add(message, weight, y);
  }
  bool unbiased() const override { return inner_->unbiased(); }
  std::optional<double> omega(std::span<const float> v) const override { return inner_->omega(v); }
  Information information() override { return inner_->information(); }
  void archive(Archive& archive) override { inner_->archive(archive); }

 private:
  std::unique_ptr<Compressor> inner_;
  std::vector<std::uint64_t>& steps_;
  std::uint64_t step_ = 1'000'000;
};

class EverySender : public testing::TestWithParam<Row> {};

TEST_P(EverySender, TellsItsOperatorTheStepOfEachMessage) {
  const Row& row = GetParam();
  Scenario s = with_ratio(row.demands.talks == Talks::kLinks ? push(row.strategy, row.options)
                                                             : gossip(row.strategy, row.options));
  s.between = row.between;
  s.collective = row.collective;
  if (row.options.contains("allow_biased") || row.strategy == "dcd_psgd" || row.strategy == "ecd_psgd") {
    s.options["allow_biased"] = "true";
    s.compression["ratio"] = "1 -> 0.9 over 20 steps";
  }
  const std::uint64_t period = row.options.contains("period") ? std::stoull(row.options.at("period")) : 1;
  std::vector<std::uint64_t> expected;
  for (std::uint64_t t = period - 1; t < s.steps; t += period) expected.push_back(t);
  std::deque<std::vector<std::uint64_t>> all;
  s.wrap_compressor = [&](CompressorFactory make) -> CompressorFactory {
    return [&, make] { return std::make_unique<Recorded>(make(), all.emplace_back()); };
  };
  const Result result = run(s);
  ASSERT_EQ(result.outcome.end, Outcome::End::kSteps) << error_of<Error>(result);
  const bool may_be_silent = row.options.contains("trigger");
  std::size_t senders = 0;
  for (const std::vector<std::uint64_t>& steps : all) {
    // Those of the formula and of receivers send nothing in the run's order.
    const bool in_order = std::is_sorted(steps.begin(), steps.end()) && !steps.empty();
    const bool some = in_order && std::includes(expected.begin(), expected.end(), steps.begin(), steps.end());
    if (may_be_silent ? some : steps == expected) ++senders;
  }
  EXPECT_GE(senders, graph_nodes(s));
}

std::vector<Row> senders() {
  std::vector<Row> result;
  for (const Row& row : rows(kNodes)) {
    const bool between = row.between == "choco";
    const bool plain_collective = row.collective == Collective::kStar;
    const bool alone = row.demands.compression != Compression::kNever && !row.demands.coordinator_compresses();
    const bool whole = row.demands.compression == Compression::kOptional && row.compressor.empty();
    if (plain_collective && (between || alone) && !whole) result.push_back(row);
  }
  return result;
}

INSTANTIATE_TEST_SUITE_P(Strategies, EverySender, testing::ValuesIn(senders()),
                         [](const auto& info) { return info.param.name(); });

TEST(Schedules, ARunResumedFromACheckpointIsBitForBitTheOneThatNeverStopped) {
  std::vector<Scenario> scenarios = {
      gossip("choco", {{"gamma", kGamma}}),
      gossip("choco", {{"gamma", kGamma}, {"order", "adapt-then-combine"}, {"replicas", "each"}}),
      gossip("deep_squeeze", {{"gamma", "0.3 -> 0.1 over 25 steps"}}),
      push("sparse_push", {{"gamma", "0.2 -> 0.05 over 25 steps"}}),
      push("sparse_push", {{"gamma", "0.2 -> 0.05 over 25 steps"}, {"memory", "difference"}}, "one_peer"),
      push("relay", {{"period", "2"}})};
  for (const Scenario& each : scenarios) {
    Scenario s = with_ratio(each);
    SCOPED_TRACE(s.strategy);
    s.checkpoints = {.numerator = 8};
    KeptCheckpoints kept;
    s.keeper = &kept;
    const Result whole = run(s);
    ASSERT_EQ(whole.outcome.end, Outcome::End::kSteps) << error_of<Error>(whole);
    ASSERT_EQ(kept.complete(), (std::vector<Step>{{8}, {16}, {24}}));
    for (const Step step : kept.complete()) {
      KeptCheckpoints again;
      s.keeper = &again;
      s.resume = kept.resume(step);
      const Result resumed = run(s);
      EXPECT_EQ(resumed.outcome.trace_hash, whole.outcome.trace_hash) << "from step " << step.value;
      EXPECT_EQ(resumed.params, whole.params) << "from step " << step.value;
    }
  }
}

TEST(Schedules, TheFormulaCountsTheMeanMessageOfTheRun) {
  for (const std::string ratio :
       {"0.5 -> 0.01 over 100 steps", "0.01 -> 0.5 over 30 steps", "0.2 -> 0.1 over 999 steps"}) {
    Scenario s = gossip("choco", {{"gamma", "0.2"}});
    s.problem.dimension = 2000;
    s.steps = 150;
    s.compressor = "top_k";
    s.compression = {{"ratio", ratio}, {"values", "sign"}};
    Result result = run(s);
    EXPECT_TRUE(result.formula.depends_on_values);
    const auto sent = static_cast<double>(result.outcome.ledger.total(Traffic::kModel).payload.value);
    const double counted = 150.0 * static_cast<double>(result.formula.sync(Traffic::kModel));
    EXPECT_NEAR(counted / sent, 1.0, 0.03) << ratio;
  }
}

TEST(Schedules, GammaIsOneNumberWhereSenderAndReceiverAreAtDifferentSteps) {
  const auto refusal = [](const std::map<std::string, std::string>& options) -> std::string {
    try {
      run(with_ratio(push("sparse_push", options)));
    } catch (const UsageError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(refusal({{"gamma", "0.2 -> 0.1 over 9 steps"}, {"order", "asynchronous"}})
                .find("test: strategy.gamma: sender and receiver of a message need the same gamma"),
            0U);
  EXPECT_EQ(refusal({{"gamma", "0.2"}, {"order", "asynchronous"}}), "accepted") << "the ratio may change";
  EXPECT_EQ(refusal({{"gamma", "0.2 -> 0.1 over 9 steps"}, {"order", "overlap"}}), "accepted");
  for (const std::string gamma : {"0 -> 0.1 over 9 steps", "0.1 -> 0 over 9 steps"}) {
    EXPECT_NE(refusal({{"gamma", gamma}}).find("with 0 nobody hears of anybody; give two numbers in (0, 1]"),
              std::string::npos);
  }
}

TEST(Schedules, WhatIsLeftToTellMayGrowWhileMessagesBecomeShorter) {
  Scenario s = push("sparse_push", {{"gamma", "0.02"}});
  s.problem.dimension = 400;
  s.steps = 500;
  s.compressor = "top_k";
  s.compression = {{"ratio", "1 -> 0.01 over 400 steps"}};
  const Result result = run(s);
  EXPECT_EQ(result.outcome.end, Outcome::End::kSteps) << error_of<Error>(result);
}

}  // namespace
}  // namespace laconic::tests
