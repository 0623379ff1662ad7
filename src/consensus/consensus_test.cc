#include "consensus/consensus.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "consensus/rate.h"
#include "mechanisms/gossip.h"
#include "strategies/registry.h"
#include "topology/topology.h"

namespace laconic {
namespace {

ConsensusSetting setting_of(const std::string& strategy, const std::string& graph, std::size_t dimension,
                            const std::map<std::string, std::string>& options = {}) {
  const StrategyRow& row = find_strategy(strategy);
  std::map<std::string, GivenOption> given;
  for (const auto& [name, text] : options) given[name] = {.text = text, .where = "test"};
  return {
      .strategy = &row,
      .options = consensus_options(row, given),
      .mixing = std::make_shared<const MixingMatrix>(make_topology(graph, std::nullopt, 1), find_weights("metropolis")),
      .layout = flat_layout(dimension)};
}

void compress(ConsensusSetting& setting, const std::string& name, const std::map<std::string, std::string>& options) {
  const CompressorRow& row = find_compressor(name);
  std::map<std::string, GivenOption> given;
  for (const auto& [option, text] : options) given[option] = {.text = text, .where = "test"};
  setting.compressor = row.make(Options("compression", row.options, given), setting.layout);
}

TEST(Consensus, ExactGossipIsThePowersOfTheMixingMatrix) {
  constexpr std::size_t kSize = 30;
  ConsensusSetting setting = setting_of("d_psgd", "star:5", kSize);
  const NodeVectors vectors = normal_vectors(5, kSize, 7);
  const ConsensusRun run = run_consensus(setting, vectors, {.rounds = 12});
  ASSERT_EQ(run.end, ConsensusRun::End::kRounds);
  ASSERT_EQ(run.records.size(), 13U);

  std::vector<std::vector<double>> columns(kSize, std::vector<double>(5));
  for (std::size_t i = 0; i < 5; ++i) {
    for (std::size_t c = 0; c < kSize; ++c) columns[c][i] = static_cast<double>(vectors[i][c]);
  }
  const auto error = [&] {
    double sum = 0.0;
    for (std::size_t c = 0; c < kSize; ++c) {
      double mean = 0.0;
      for (std::size_t i = 0; i < 5; ++i) mean += static_cast<double>(vectors[i][c]) / 5.0;
      for (const double value : columns[c]) sum += (value - mean) * (value - mean);
    }
    return sum;
  };
  const double start = error();
  EXPECT_NEAR(run.start_error, start, 1e-12 * start);
  for (std::size_t t = 1; t <= 12; ++t) {
    for (std::vector<double>& column : columns) {
      std::vector<double> next(5);
      setting.mixing->multiply(column, next);
      column = next;
    }
    EXPECT_EQ(run.records[t].round, t);
    EXPECT_NEAR(run.records[t].error, error() / start, 1e-5 * run.records[t].error + 1e-13);
    // Four edges, both ways, each a frame of 4 bytes an element and a header of at most 16.
    EXPECT_EQ(run.records[t].payload.value, t * 8 * 4 * kSize);
    EXPECT_GT(run.records[t].framed.value, run.records[t].payload.value);
    EXPECT_LE(run.records[t].framed.value, run.records[t].payload.value + t * 8 * 16);
  }
}

TEST(Consensus, IsTheSameForAnyNumberOfComputeThreads) {
  ConsensusSetting setting = setting_of("choco", "ring:6", 200, {{"gamma", "0.2"}});
  compress(setting, "top_k", {{"ratio", "0.1"}});
  const NodeVectors vectors = normal_vectors(6, 200, 1);
  std::vector<ConsensusRun> runs;
  for (const int threads : {0, 1, 3}) {
    setting.compute_threads = threads;
    runs.push_back(run_consensus(setting, vectors, {.rounds = 100}));
  }
  for (const ConsensusRun& run : runs) {
    EXPECT_EQ(run.trace_hash, runs[0].trace_hash);
    EXPECT_EQ(run.last().error, runs[0].last().error);
    EXPECT_EQ(run.last().framed, runs[0].last().framed);
  }
}

// Long after the nodes have met, the roundings of the early rounds, which a sum of differences keeps, go on moving
// them.
TEST(Consensus, HeldCopiesStayTogetherWhereTheirSumDrifts) {
  constexpr std::size_t kSize = 100;
  const NodeVectors vectors = normal_vectors(8, kSize, 3);
  const auto error_after = [&](const std::string& replicas) {
    ConsensusSetting setting = setting_of("choco", "ring:8", kSize, {{"gamma", "0.2"}, {"replicas", replicas}});
    compress(setting, "top_k", {{"ratio", "0.2"}});
    return run_consensus(setting, vectors, {.rounds = 2'000}).last().error;
  };
  const double each = error_after("each");
  EXPECT_LT(each, 1e-12);
  EXPECT_GT(error_after("sum"), 10.0 * each) << each << " " << error_after("sum");
}

TEST(Consensus, EndsAtTheTargetOrWhenItGrewAndRecordsFewRounds) {
  ConsensusSetting setting = setting_of("choco", "ring:8", 400, {{"gamma", "0.05"}});
  compress(setting, "random_k", {{"ratio", "0.1"}});
  const NodeVectors vectors = normal_vectors(8, 400, 1);
  const ConsensusRun good = run_consensus(setting, vectors, {.target = 1e-8});
  EXPECT_EQ(good.end, ConsensusRun::End::kTarget);
  EXPECT_LE(good.last().error, 1e-8);
  EXPECT_GT((good.records.end() - 2)->error, 1e-8);
  EXPECT_GT(good.last().round, 4 * kEveryRound);
  EXPECT_LT(good.records.size(), kEveryRound * 6);

  setting.options = setting.options.with("gamma", "1");
  const ConsensusRun bad = run_consensus(setting, vectors, {.target = 1e-8});
  EXPECT_EQ(bad.end, ConsensusRun::End::kDiverged);
  EXPECT_GT(bad.last().error, 1.0);
}

TEST(Consensus, RefusesWhatCannotGossip) {
  const ConsensusSetting ring = setting_of("d_psgd", "ring:4", 3);
  EXPECT_THROW(run_consensus(ring, NodeVectors(4, {1, 2, 3}), {}), UsageError);
  EXPECT_THROW(run_consensus(ring, normal_vectors(5, 3, 1), {}), UsageError);
  ConsensusSetting other = setting_of("fda", "ring:4", 3, {{"threshold", "1"}});
  EXPECT_THROW(run_consensus(other, normal_vectors(4, 3, 1), {}), UsageError);
}

std::vector<ConsensusRecord> geometric(double factor, std::uint64_t rounds, double kink) {
  std::vector<ConsensusRecord> records;
  for (std::uint64_t t = 0; t <= rounds; ++t) {
    const auto round = static_cast<double>(t);
    const double error = round < kink ? std::pow(factor, 2 * round) : std::pow(factor, round + kink);
    records.push_back({.round = t, .error = error, .payload = {100 * t}, .framed = {110 * t}, .time = {0.5 * round}});
  }
  return records;
}

TEST(Rate, OfGeometricErrorsIsTheirFactor) {
  const auto fit = fit_rate(geometric(0.9, 200, 0.0));
  ASSERT_TRUE(fit);
  EXPECT_NEAR(fit->factor, 0.9, 1e-12);
  EXPECT_NEAR(fit->r_squared, 1.0, 1e-12);
  EXPECT_LT(fit->largest_decades, 1e-12);
}

TEST(Rate, IsThatOfTheSecondHalfOfTheDescentInDecades) {
  // Falls twice as fast in the first 20 rounds, 40 of the 220 equal parts of the descent.
  const auto fit = fit_rate(geometric(0.9, 200, 20.0));
  ASSERT_TRUE(fit);
  EXPECT_NEAR(fit->factor, 0.9, 1e-12);
  EXPECT_GE(fit->first_round, 80U);
  // Longer, so that the kink lies in the second half: no straight line any more.
  const auto bent = fit_rate(geometric(0.9, 200, 120.0));
  ASSERT_TRUE(bent);
  EXPECT_LT(bent->r_squared, 0.999);
  EXPECT_GT(bent->largest_decades, 0.1);
}

TEST(Rate, StopsAtTheFloor) {
  std::vector<ConsensusRecord> records = geometric(0.8, 50, 0.0);
  const double floor = records.back().error;
  for (std::uint64_t t = 51; t < 500; ++t) records.push_back({.round = t, .error = floor * (1.0 + 0.5 * (t % 3))});
  const auto fit = fit_rate(records);
  ASSERT_TRUE(fit);
  EXPECT_LE(fit->last_round, 50U);
  EXPECT_NEAR(fit->factor, 0.8, 1e-12);
}

TEST(Rate, IsUnknownWhereNothingFell) {
  EXPECT_FALSE(fit_rate(geometric(1.1, 50, 0.0)));
  EXPECT_FALSE(fit_rate(geometric(0.1, 1, 0.0)));
}

TEST(Cost, OfAnErrorIsInterpolatedOnTheLine) {
  const auto records = geometric(0.5, 20, 0.0);
  const auto cost = cost_of(records, std::pow(0.5, 7.25));
  ASSERT_TRUE(cost);
  EXPECT_NEAR(cost->rounds, 7.25, 1e-12);
  EXPECT_NEAR(cost->payload, 725.0, 1e-9);
  EXPECT_NEAR(cost->framed, 797.5, 1e-9);
  EXPECT_NEAR(cost->seconds, 3.625, 1e-12);
  EXPECT_FALSE(cost_of(records, std::pow(0.5, 20.5)));
  EXPECT_EQ(cost_of(records, 1.0)->rounds, 0.0);
}

// A trial that ends with an average would find every gamma as good as the next.
TEST(GossipAlone, OfAStrategyWhoseGammaIsTunedHasNoAverageAtItsEnd) {
  int seen = 0;
  for (const StrategyRow* row : strategies()) {
    const auto is_finish = [](const auto& one) { return one.name == "finish"; };
    if (!has_gamma(*row) || std::none_of(row->options.begin(), row->options.end(), is_finish)) continue;
    ++seen;
    const auto alone = std::find_if(row->alone_options.begin(), row->alone_options.end(), is_finish);
    ASSERT_NE(alone, row->alone_options.end()) << row->name;
    EXPECT_EQ(alone->text, "none") << row->name;
    EXPECT_FALSE(alone->job_decides) << row->name;
  }
  EXPECT_EQ(seen, 3);
}

}  // namespace
}  // namespace laconic
