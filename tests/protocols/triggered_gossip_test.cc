// CHOCO with a trigger: a node speaks only when its model is far from its public copy (SPARQ-SGD, Singh et al. 2020).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "matrix_form.h"
#include "run.h"

namespace laconic::tests {
namespace {

constexpr std::size_t kSize = 40;
constexpr int kNodes = 6;

Scenario triggered(const std::string& trigger, std::map<std::string, std::string> options = {}) {
  options.insert({{"gamma", "0.3"}, {"trigger", trigger}});
  return {.problem = {.workers = kNodes, .dimension = kSize, .seed = 3},
          .strategy = "choco",
          .options = options,
          .steps = 30,
          .topology = "ring",
          .evaluate_every = 10};
}

class TriggeredMatrixForm : public testing::TestWithParam<std::string> {};  // a topology

TEST_P(TriggeredMatrixForm, OfChocoAndItsMessages) {
  constexpr double kTrigger = 0.4;
  for (const bool overlap : {true, false}) {
    for (const std::size_t k : {0UL, 10UL}) {
      Scenario s = compressing(triggered("0.4", {{"order", overlap ? "overlap" : "adapt-then-combine"}}), k);
      s.topology = GetParam();
      const Matrix weights = weights_of(s);
      Matrix x = first_models(s.problem);
      Matrix replicas = start_rows(s);
      std::uint64_t messages = 0;
      std::uint64_t silences = 0;
      std::uint64_t of_worker_0 = 0;
      const auto combine = [&] { x = sum(1, x, 0.3, sum(1, mixed(weights, replicas), -1, replicas)); };
      for (std::uint64_t t = 0; t < s.steps; ++t) {
        if (overlap) combine();
        if (!overlap) x = sum(1, x, 1, steps_at(s.problem, t, x));
        const Matrix difference = sum(1, x, -1, replicas);
        Matrix told = largest(difference, k);
        for (std::size_t i = 0; i < told.size(); ++i) {
          double distance = 0.0;
          for (const double value : difference[i]) distance += value * value;
          const auto degree = static_cast<std::uint64_t>(
              std::count_if(weights[i].begin(), weights[i].end(), [](double weight) { return weight > 0.0; }) - 1);
          if (distance > kTrigger) {
            messages += degree;
            if (i == 0) ++of_worker_0;
          } else {
            silences += degree;
            std::fill(told[i].begin(), told[i].end(), 0.0);
          }
        }
        if (overlap) x = sum(1, x, 1, steps_at(s.problem, t, x));
        replicas = sum(1, replicas, 1, told);
        if (!overlap) combine();
      }
      EXPECT_GT(messages, silences / 20);  // both are put to the test
      EXPECT_GT(silences, messages / 20);
      for (const std::string form : {"sum", "each"}) {
        s.options["replicas"] = form;
        const Result result = run(s);
        expect_near(result.params, x);
        EXPECT_EQ(result.outcome.ledger.total(Traffic::kModel).frames, messages);
        EXPECT_EQ(result.outcome.ledger.total(Traffic::kControl).frames, silences);
        EXPECT_EQ(result.outcome.ledger.total(Traffic::kControl).payload.value, 0U);
        EXPECT_EQ(result.outcome.syncs, of_worker_0);
        EXPECT_TRUE(result.warnings.empty());
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Graphs, TriggeredMatrixForm, testing::Values("ring", "star", "complete", "torus:2x3"));

TEST(TriggeredChoco, ThatAlwaysFiresIsChocoBitForBit) {
  for (const std::string compressor : {"none", "qsgd", "random_k"}) {
    // After a local step no model is where its public copy is.
    Scenario always = triggered("0", {{"order", "adapt-then-combine"}});
    Scenario fires = triggered("1e-30", {{"order", "adapt-then-combine"}});
    always.compressor = fires.compressor = compressor;
    const Result result = run(fires);
    EXPECT_EQ(result.params, run(always).params) << compressor;
    EXPECT_EQ(result.outcome.trace_hash, run(always).outcome.trace_hash) << compressor;
    EXPECT_EQ(result.outcome.syncs, fires.steps);
  }
}

TEST(TriggeredChoco, ThatNeverFiresSendsNoModelAndIsLocal) {
  Scenario never = triggered("inf");
  Scenario local = never;
  local.strategy = "local";
  local.options = {};
  const Result result = run(never);
  EXPECT_EQ(result.params, run(local).params);
  EXPECT_EQ(result.outcome.ledger.total(Traffic::kModel).frames, 0U);
  EXPECT_EQ(result.outcome.ledger.total(Traffic::kControl).frames, 2U * kNodes * never.steps);
  EXPECT_EQ(result.outcome.syncs, 0U);
}

TEST(TriggeredChoco, C1GossipLeavesTheAverageAsItIs) {
  for (const std::string compressor : {"none", "sign", "qsgd", "top_k"}) {
    for (const std::string order : {"overlap", "adapt-then-combine"}) {
      Scenario s = triggered("0.5", {{"order", order}});
      s.problem.learning_rate = 0.0;
      s.problem.scatter = 1.0;
      s.compressor = compressor;
      if (compressor == "top_k") s.compression = {{"ratio", "0.25"}};
      const Result result = run(s);
      EXPECT_GT(result.outcome.ledger.total(Traffic::kControl).frames, 0U) << compressor;
      const Matrix first = first_models(s.problem);
      const std::vector<double> mean = average(result.params);
      for (std::size_t c = 0; c < kSize; ++c) {
        double before = 0.0;
        for (const auto& row : first) before += row[c] / kNodes;
        EXPECT_NEAR(mean[c], before, 1e-4) << compressor << ", " << order;
      }
    }
  }
}

TEST(TriggeredChoco, C2ANeighboursCopyIsBitIdentical) {
  for (const std::string compressor : {"none", "sign", "qsgd", "top_k"}) {
    Scenario s = triggered("0.4", {{"replicas", "each"}});
    s.compressor = compressor;
    std::vector<std::vector<float>> own;
    std::vector<std::vector<std::vector<float>>> copies;
    for (const std::vector<std::byte>& state : states_after(s)) {
      Archive archive(state);
      std::vector<float> values(kSize);
      archive.floats("replicas.own", values);
      own.push_back(values);
      archive.floats("replicas.difference", values);
      std::uint64_t number = 0;
      archive.value("replicas.own_chain", number);
      archive.value("replicas.neighbors", number);
      ASSERT_EQ(number, 2U);
      for (int i = 0; i < 2; ++i) archive.value("replicas.chain", number);
      copies.emplace_back(2, values);
      for (std::vector<float>& copy : copies.back()) archive.floats("replicas.copy", copy);
    }
    for (int i = 0; i < kNodes; ++i) {
      std::vector<int> neighbors = {(i + kNodes - 1) % kNodes, (i + 1) % kNodes};
      std::sort(neighbors.begin(), neighbors.end());
      for (std::size_t j = 0; j < 2; ++j) {
        EXPECT_EQ(copies[static_cast<std::size_t>(i)][j], own[static_cast<std::size_t>(neighbors[j])]) << compressor;
      }
    }
  }
}

TEST(TriggeredChoco, SpeaksLessTheHigherTheTrigger) {
  std::uint64_t before = UINT64_MAX;
  for (const std::string trigger : {"0", "0.1", "1", "10"}) {
    Scenario s = triggered(trigger);
    s.steps = 200;
    const std::uint64_t frames = run(s).outcome.ledger.total(Traffic::kModel).frames;
    EXPECT_LT(frames, before) << trigger;
    before = frames;
  }
}

}  // namespace
}  // namespace laconic::tests
