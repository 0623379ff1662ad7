// Gossip algorithms against the same algorithms in matrix form, all nodes in one matrix and in double, and their
// invariants (Koloskova et al. 2019 and 2020; Tang et al. 2018 and 2019).
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>

#include "base/error.h"
#include "gossip_scenarios.h"
#include "matrix_form.h"
#include "mechanisms/replicas.h"
#include "run.h"
#include "topology/spectrum.h"
#include "topology/topology.h"

namespace laconic::tests {
namespace {

class MatrixForm : public testing::TestWithParam<std::string> {};  // a topology

TEST_P(MatrixForm, OfDPsgd) {
  for (const bool overlap : {true, false}) {
    Scenario s = gossip("d_psgd", {{"order", overlap ? "overlap" : "adapt-then-combine"}});
    s.topology = GetParam();
    s.problem.scatter = 0.5;
    const Matrix weights = weights_of(s);
    Matrix x = first_models(s.problem);
    for (std::uint64_t t = 0; t < s.steps; ++t) {
      const Matrix step = steps_at(s.problem, t, x);
      x = overlap ? sum(1, mixed(weights, x), 1, step) : mixed(weights, sum(1, x, 1, step));
    }
    expect_near(run(s).params, x);
  }
}

TEST_P(MatrixForm, OfChoco) {
  for (const bool overlap : {true, false}) {
    for (const std::size_t k : {0UL, 4UL}) {
      for (const bool zero : {true, false}) {
        Scenario s = compressing(gossip("choco", {{"order", overlap ? "overlap" : "adapt-then-combine"},
                                                  {"gamma", "0.3"},
                                                  {"xhat_start", zero ? "zero" : "start"}}),
                                 k);
        s.topology = GetParam();
        const Matrix weights = weights_of(s);
        Matrix x = first_models(s.problem);
        Matrix replicas = zero ? sum(0, x, 0, x) : start_rows(s);
        const auto combine = [&] { x = sum(1, x, 0.3, sum(1, mixed(weights, replicas), -1, replicas)); };
        for (std::uint64_t t = 0; t < s.steps; ++t) {
          if (overlap) combine();
          if (!overlap) x = sum(1, x, 1, steps_at(s.problem, t, x));
          const Matrix told = largest(sum(1, x, -1, replicas), k);
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
  }
}

TEST_P(MatrixForm, OfDcdPsgd) {
  for (const std::size_t k : {0UL, 20UL}) {
    Scenario s = compressing(gossip("dcd_psgd", {{"allow_biased", "true"}}), k);
    s.topology = GetParam();
    const Matrix weights = weights_of(s);
    Matrix x = first_models(s.problem);
    for (std::uint64_t t = 0; t < s.steps; ++t) {
      const Matrix change = sum(1, sum(1, mixed(weights, x), 1, steps_at(s.problem, t, x)), -1, x);
      x = sum(1, x, 1, largest(change, k));
    }
    expect_near(run(s).params, x);
  }
}

TEST_P(MatrixForm, OfEcdPsgd) {
  for (const std::size_t k : {0UL, 39UL}) {
    Scenario s = compressing(gossip("ecd_psgd", {{"allow_biased", "true"}}), k);
    s.topology = GetParam();
    s.steps = 12;
    const Matrix weights = weights_of(s);
    Matrix x = first_models(s.problem);
    Matrix y = start_rows(s);
    for (std::uint64_t t = 1; t <= s.steps; ++t) {
      const auto steps = static_cast<double>(t);
      const Matrix next = sum(1, mixed(weights, y), 1, steps_at(s.problem, t - 1, x));
      const Matrix extrapolated = sum(1 - steps / 2, x, steps / 2, next);
      y = sum(1 - 2 / steps, y, 2 / steps, largest(extrapolated, k));
      x = next;
    }
    expect_near(run(s).params, x, 5e-5);
  }
}

TEST_P(MatrixForm, OfDeepSqueeze) {
  for (const std::size_t k : {0UL, 8UL}) {
    Scenario s = compressing(gossip("deep_squeeze", {{"gamma", "0.2"}}), k);
    s.topology = GetParam();
    const Matrix weights = weights_of(s);
    Matrix x = first_models(s.problem);
    Matrix error = sum(0, x, 0, x);
    for (std::uint64_t t = 0; t < s.steps; ++t) {
      x = sum(1, x, 1, steps_at(s.problem, t, x));
      const Matrix v = sum(1, x, 1, error);
      const Matrix c = largest(v, k);
      error = sum(1, v, -1, c);
      x = sum(1, x, 0.2, sum(1, mixed(weights, c), -1, c));
    }
    expect_near(run(s).params, x);
  }
}

INSTANTIATE_TEST_SUITE_P(Graphs, MatrixForm, testing::Values("ring", "star", "complete", "chain", "torus:2x3"));

TEST(C1, GossipLeavesTheAverageAsItIsForEveryOperatorAndGamma) {
  const std::vector<std::pair<std::string, std::map<std::string, std::string>>> operators = {
      {"none", {}},
      {"sign", {}},
      {"qsgd", {{"levels", "3"}}},
      {"top_k", {{"ratio", "0.1"}}},
      {"random_k", {{"ratio", "0.1"}}},
      {"random_gossip", {{"probability", "0.3"}}}};
  for (const std::string gamma : {"0.05", "0.5", "1"}) {
    for (const auto& [compressor, options] : operators) {
      for (const std::string order : {"overlap", "adapt-then-combine"}) {
        Scenario s = consensus("choco", {{"gamma", gamma}, {"order", order}});
        s.compressor = compressor;
        s.compression = options;
        const Result result = run(s);
        const Matrix first = first_models(s.problem);
        const std::vector<double> mean = average(result.params);
        double size = 1.0;  // what has been rounded
        for (const auto& model : result.params) {
          for (const float value : model) size = std::max(size, static_cast<double>(std::abs(value)));
        }
        for (std::size_t c = 0; c < kSize; ++c) {
          double before = 0.0;
          for (const auto& row : first) before += row[c] / kNodes;
          EXPECT_NEAR(mean[c], before, 30 * size * 0x1p-22) << compressor << ", gamma " << gamma << ", " << order;
        }
      }
    }
  }
}

TEST(C4, ExactGossipContractsByTheSquareOfOneMinusTheGapOnEveryGraph) {
  const std::vector<std::pair<std::string, int>> graphs = {{"ring", 8}, {"torus:3x3", 9}, {"complete", 6},
                                                           {"star", 5}, {"hypercube", 8}, {"davis", 32}};
  for (const auto& [topology, nodes] : graphs) {
    Scenario s = consensus("choco", {{"gamma", "1"}, {"order", "adapt-then-combine"}});
    s.topology = topology;
    s.problem.workers = nodes;
    s.steps = 5;
    const Graph graph = make_topology(topology, static_cast<std::uint32_t>(nodes), 1);
    const double delta = spectrum_of(MixingMatrix(graph, find_weights("metropolis"))).delta;
    std::vector<std::vector<float>> first;
    for (int i = 0; i < nodes; ++i) first.push_back(s.problem.first_model(i));
    const double before = squared_distance_from_average(first);
    const double after = squared_distance_from_average(run(s).params);
    EXPECT_LE(after, before * std::pow(1.0 - delta, 2.0 * 5) * (1 + 1e-4) + 1e-9) << topology;
  }
}

TEST(C7, OnTheCompleteGraphExactGossipAfterTheStepIsCentralisedSgd) {
  for (const std::string strategy : {"d_psgd", "choco"}) {
    std::map<std::string, std::string> options = {{"order", "adapt-then-combine"}};
    if (strategy == "choco") options["gamma"] = "1";
    Scenario s = gossip(strategy, options);
    s.topology = "complete";
    Matrix x = start_rows(s);
    for (std::uint64_t t = 0; t < s.steps; ++t) x = plus_mean(x, steps_at(s.problem, t, x));
    expect_near(run(s).params, x);
  }
}

TEST(C8, DeepSqueezeWithoutCompressionIsExactGossip) {
  Scenario s = consensus("deep_squeeze", {{"gamma", "1"}});
  s.steps = 3;
  const Matrix weights = weights_of(s);
  Matrix x = first_models(s.problem);
  for (int t = 0; t < 3; ++t) x = mixed(weights, x);
  expect_near(run(s).params, x);
}

TEST(Choco, ConvergesWithOperatorsWithWhichNaiveGossipDoesNot) {
  for (const std::string compressor : {"top_k", "sign", "random_k", "qsgd"}) {
    Scenario s = consensus("choco", {{"gamma", compressor == "random_k" ? "0.05" : "0.2"}});
    s.compressor = compressor;
    if (compressor == "top_k" || compressor == "random_k") s.compression = {{"ratio", "0.1"}};
    s.steps = 1500;
    s.evaluate_every = 500;
    std::vector<std::vector<float>> first;
    for (int i = 0; i < kNodes; ++i) first.push_back(s.problem.first_model(i));
    const double before = squared_distance_from_average(first);
    EXPECT_LT(squared_distance_from_average(run(s).params), 1e-6 * before) << compressor;
  }
}

TEST(Gossip, RefusesBiasedOperatorsWhereNothingIsProvedUnlessAllowed) {
  for (const std::string strategy : {"dcd_psgd", "ecd_psgd"}) {
    Scenario s = gossip(strategy, {});
    s.compressor = "sign";
    EXPECT_THROW(run(s), UsageError);
    s.compressor = "qsgd";
    EXPECT_THROW(run(s), UsageError);
    s.compression = {{"unbiased", "true"}};
    EXPECT_NO_THROW(run(s));
    s.compressor = "sign";
    s.compression = {};
    s.options = {{"allow_biased", "true"}};
    EXPECT_NO_THROW(run(s));
  }
}

// An operator that adds the sizes of the messages it prepares to a common sum.
class MessageSizes final : public Compressor {
 public:
  MessageSizes(std::unique_ptr<Compressor> inner, std::atomic<std::uint64_t>& bytes)
      : inner_(std::move(inner)), bytes_(bytes) {}

  std::size_t prepare(std::span<const float> v, RandomStream& random) override {
    const std::size_t size = inner_->prepare(v, random);
    bytes_ += size;
    return size;
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
  std::atomic<std::uint64_t>& bytes_;
};

// What a strategy adds to each message of the operator.
std::uint64_t overhead_of(const std::string& strategy) {
  return strategy == "deep_squeeze" ? 0 : Replicas::kPayloadOverhead;
}

TEST(Gossip, BytesAreTheMessagesOfTheOperatorOnceForEachNeighbourForEveryOperator) {
  for (const CompressorRow* operator_row : compressors()) {
    for (const std::string strategy : {"choco", "dcd_psgd", "ecd_psgd", "deep_squeeze"}) {
      SCOPED_TRACE(strategy + " with " + std::string(operator_row->name));
      Scenario s = gossip(strategy, {});
      if (strategy == "dcd_psgd" || strategy == "ecd_psgd") s.options = {{"allow_biased", "true"}};
      s.compressor = operator_row->name;
      if (s.compressor == "threshold") s.compression = {{"threshold", "0.01"}};
      std::atomic<std::uint64_t> prepared{0};
      s.wrap_compressor = [&](CompressorFactory make) -> CompressorFactory {
        return [&prepared, make = std::move(make)] { return std::make_unique<MessageSizes>(make(), prepared); };
      };
      // Afterwards the formula tries the operator out too.
      std::uint64_t messages = 0;
      s.observer.on_measurement = [&](const Measurement& measurement) {
        if (measurement.step.value == s.steps) messages = prepared;
      };
      const Tally total = run(s).outcome.ledger.total(Traffic::kModel);
      constexpr std::uint64_t kDegree = 2;  // of every node of the ring
      EXPECT_EQ(total.frames, kDegree * kNodes * s.steps);
      EXPECT_EQ(total.payload.value, kDegree * (messages + kNodes * s.steps * overhead_of(strategy)));
    }
  }
}

TEST(Gossip, AMessageForAnotherModelIsRefusedWithBothWorkersNamed) {
  for (const std::string strategy : {"d_psgd", "choco", "deep_squeeze"}) {
    for (const std::string compressor : {"none", "sign", "top_k", "low_rank"}) {
      if (strategy == "d_psgd" && compressor != "none") continue;
      SCOPED_TRACE(strategy + " with " + compressor);
      Scenario s = gossip(strategy, {});
      s.compressor = compressor;
      s.dimensions = {{2, kSize + 30}};
      s.evaluate_every = s.steps;
      const Result result = run(s);
      ASSERT_EQ(result.outcome.end, Outcome::End::kFailed);
      const std::string text = error_of<DecodeError>(result);
      EXPECT_NE(text.find("worker 2"), std::string::npos) << text;
      EXPECT_NE(text.find("all workers need the same model"), std::string::npos) << text;
      EXPECT_EQ(text.find('\n'), std::string::npos);
    }
  }
}

TEST(Gossip, TheExchangeOfTheOverlapOrderTakesPlaceWhileTheGradientIsComputed) {
  for (const std::string strategy : {"d_psgd", "choco"}) {
    SCOPED_TRACE(strategy);
    Scenario s = gossip(strategy, {});
    s.problem.dimension = 50'000;
    s.steps = 4;
    s.evaluate_every = s.steps;
    const auto time_of = [&](const std::string& order, Seconds step) {
      s.options = {{"order", order}};
      s.step_cost.assign(kNodes, step);
      return run(s).outcome.time.value;
    };
    const double exchanges = time_of("adapt-then-combine", Seconds{1e-9});
    const double steps = 0.01 * static_cast<double>(s.steps);
    ASSERT_LT(exchanges, 0.8 * steps);
    ASSERT_GT(exchanges, 0.4 * steps);
    EXPECT_NEAR(time_of("adapt-then-combine", Seconds{0.01}), steps + exchanges, 1e-3 * steps);
    EXPECT_NEAR(time_of("overlap", Seconds{0.01}), steps, 1e-3 * steps);
    EXPECT_NEAR(time_of("overlap", Seconds{0.001}), exchanges, 1e-3 * steps);
  }
}

TEST(Gossip, SendsAMessageToEachNeighbourEveryStep) {
  for (const std::string compressor : {"none", "bfloat16", "sign", "low_rank"}) {
    for (const std::string strategy : {"choco", "deep_squeeze"}) {
      Scenario s = gossip(strategy, {});
      s.topology = "star";
      s.compressor = compressor;
      const Result result = run(s);
      EXPECT_FALSE(result.formula.depends_on_values);
      EXPECT_EQ(result.outcome.ledger.total().frames, 2U * (kNodes - 1) * s.steps);
      EXPECT_EQ(result.outcome.ledger.total().payload.value,
                s.steps * result.formula.per_sync[static_cast<std::size_t>(Traffic::kModel)])
          << strategy << " with " << compressor;
    }
  }
}

}  // namespace
}  // namespace laconic::tests
