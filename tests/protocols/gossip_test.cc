// Gossip algorithms against the same algorithms in matrix form, all nodes in one matrix and in double, and their
// invariants (Koloskova et al. 2019 and 2020; Tang et al. 2018 and 2019).
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <numeric>

#include "base/error.h"
#include "matrix_form.h"
#include "mechanisms/replicas.h"
#include "run.h"
#include "topology/spectrum.h"
#include "topology/topology.h"

namespace laconic::tests {
namespace {

constexpr std::size_t kSize = 40;
constexpr int kNodes = 6;

Scenario gossip(const std::string& strategy, const std::map<std::string, std::string>& options) {
  return {.problem = {.workers = kNodes, .dimension = kSize, .seed = 3},
          .strategy = strategy,
          .options = options,
          .steps = 30,
          .topology = "ring",
          .evaluate_every = 10};
}

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

Scenario consensus(const std::string& strategy, const std::map<std::string, std::string>& options) {
  Scenario s = gossip(strategy, options);
  s.problem.learning_rate = 0.0;
  s.problem.scatter = 1.0;
  return s;
}

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

// A strategy that gossips through Replicas as CHOCO does, and keeps every neighbour's copy apart beside it.
struct Copies {
  std::mutex mutex;
  std::map<int, std::vector<float>> own;                    // xhat_i on node i
  std::map<int, std::vector<float>> differences;            // D_i
  std::map<std::pair<int, int>, std::vector<float>> known;  // (i, j): what i holds of j
};

class Listener final : public Strategy {
 public:
  Listener(const StrategySetting& setting, Replicas::Form form, Copies& copies)
      : mixing_(setting.mixing),
        replicas_(setting.mixing, setting.compressor(), setting.dimension, setting.start, form),
        decoder_(setting.compressor()),
        start_(setting.start),
        copies_(copies) {}

  Task<void> round(Worker& self) override {
    co_await self.local_step();
    std::vector<float> difference(self.params().size());
    for (std::size_t c = 0; c < difference.size(); ++c) difference[c] = self.params()[c] - replicas_.replica()[c];
    const Frame own = co_await replicas_.encode(self, difference, Traffic::kModel);
    const Replicas::Exchanged exchanged = co_await replicas_.exchange_frames(self, own);
    co_await replicas_.apply(self, exchanged);
    for (std::size_t c = 0; c < difference.size(); ++c) {
      self.params()[c] += 0.3F * replicas_.difference()[c];
    }
    const std::scoped_lock lock(copies_.mutex);
    const int i = self.rank().value;
    for (const NeighborFrame& neighbor : exchanged.received) {
      std::vector<float>& copy = copies_.known[{i, neighbor.from.rank.value}];
      if (copy.empty()) copy = start_;
      decoder_->decode_add(neighbor.frame.payload().subspan(Replicas::kPayloadOverhead), 1.0F, copy);
    }
    copies_.own[i].assign(replicas_.replica().begin(), replicas_.replica().end());
    copies_.differences[i].assign(replicas_.difference().begin(), replicas_.difference().end());
  }

 private:
  std::shared_ptr<const MixingMatrix> mixing_;
  Replicas replicas_;
  std::unique_ptr<Compressor> decoder_;
  std::vector<float> start_;
  Copies& copies_;
};

class ReplicasOf : public testing::TestWithParam<std::string> {};  // an operator

TEST_P(ReplicasOf, C2ANeighboursCopyIsBitIdenticalAndC3TheDifferenceIsThatOfTheCopies) {
  for (const Replicas::Form form : {Replicas::Form::kSum, Replicas::Form::kEach}) {
    Scenario s = gossip("choco", {});
    s.topology = "torus:2x3";
    s.compressor = GetParam();
    const StrategySetting setting = strategy_setting(s);
    Copies copies;
    s.wrap = [&](const StrategyFactory&) -> StrategyFactory {
      return [&] { return std::make_unique<Listener>(setting, form, copies); };
    };
    const Result result = run(s);
    ASSERT_EQ(result.outcome.end, Outcome::End::kSteps);
    EXPECT_TRUE(result.warnings.empty());
    ASSERT_EQ(copies.own.size(), static_cast<std::size_t>(kNodes));
    const Matrix weights = weights_of(s);
    std::size_t edges = 0;
    for (const auto& [edge, copy] : copies.known) {
      ++edges;
      EXPECT_EQ(copy, copies.own[edge.second]) << "node " << edge.first << "'s copy of node " << edge.second;
    }
    EXPECT_EQ(edges, 18U);  // 2 x 3 torus: 9 edges, each in both directions
    for (int i = 0; i < kNodes; ++i) {
      for (std::size_t c = 0; c < kSize; ++c) {
        double expected = -static_cast<double>(copies.own[i][c]);
        for (int j = 0; j < kNodes; ++j) expected += weights[i][j] * copies.own[j][c];
        EXPECT_NEAR(copies.differences[i][c], expected, 2e-5) << "node " << i;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Operators, ReplicasOf,
                         testing::Values("none", "bfloat16", "sign", "qsgd", "natural", "top_k", "random_k",
                                         "random_gossip", "low_rank"));

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

TEST(C9, DcdsReplicaIsTheModel) {
  const Scenario s = compressing(gossip("dcd_psgd", {{"allow_biased", "true"}}), 10);
  const std::vector<std::vector<std::byte>> states = states_after(s);
  const std::vector<std::vector<float>> models = run(s).params;
  ASSERT_EQ(states.size(), static_cast<std::size_t>(kNodes));
  for (std::size_t i = 0; i < states.size(); ++i) {
    Archive archive(states[i]);
    std::vector<float> replica(kSize);
    archive.floats("replicas.own", replica);
    EXPECT_EQ(replica, models[i]);
  }
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

// A strategy that after some step is made to forget: its sum of differences and the chain of its first neighbour are
// changed, between two rounds, through its own archive.
class Forgetful final : public Strategy {
 public:
  Forgetful(std::unique_ptr<Strategy> inner, Step when, bool holds_copies)
      : inner_(std::move(inner)), when_(when), holds_copies_(holds_copies) {}

  Task<void> round(Worker& self) override {
    co_await inner_->round(self);
    if (self.rank().value == 2 && self.step().value == when_.value) forget();
  }

 private:
  void forget() {
    Archive save;
    inner_->archive(save);
    const std::vector<std::byte> bytes = save.take();
    Archive read(bytes);
    Archive write;
    std::vector<float> own(kSize);
    std::vector<float> differences(kSize);
    std::uint64_t own_chain = 0;
    std::uint64_t count = 0;
    bool parted = false;
    read.floats("replicas.own", own);
    write.floats("replicas.own", own);
    read.floats("replicas.difference", differences);
    for (float& value : differences) value += 0.5F;
    write.floats("replicas.difference", differences);
    read.value("replicas.own_chain", own_chain);
    write.value("replicas.own_chain", own_chain);
    read.value("replicas.neighbors", count);
    write.value("replicas.neighbors", count);
    for (std::uint64_t i = 0; i < count; ++i) {
      std::uint64_t chain = 0;
      read.value("replicas.chain", chain);
      if (i == 0) chain += 1;
      write.value("replicas.chain", chain);
    }
    for (std::uint64_t i = 0; holds_copies_ && i < count; ++i) {
      std::vector<float> copy(kSize);
      read.floats("replicas.copy", copy);
      if (i == 0) copy[0] += 0.5F;
      write.floats("replicas.copy", copy);
    }
    read.value("replicas.parted", parted);
    write.value("replicas.parted", parted);
    const std::vector<std::byte> changed = write.take();
    Archive load(changed);
    inner_->archive(load);
  }

  std::unique_ptr<Strategy> inner_;
  Step when_;
  bool holds_copies_;
};

class PartedReplicas : public testing::TestWithParam<std::string> {};  // how they are held

TEST_P(PartedReplicas, AreNamedAndRebuiltWhereANodeIsSilentMostly) {
  Scenario s = gossip("choco", {{"gamma", "0.3"}, {"replicas", GetParam()}, {"trigger", "0.5"}});
  s.steps = 60;
  const Result clean = run(s);
  EXPECT_GT(clean.outcome.ledger.total(Traffic::kControl).frames, 100U);
  s.wrap = [](StrategyFactory make) -> StrategyFactory {
    return [make = std::move(make)] { return std::make_unique<Forgetful>(make(), Step{8}, GetParam() == "each"); };
  };
  const Result result = run(s);
  ASSERT_EQ(result.outcome.end, Outcome::End::kSteps);
  ASSERT_EQ(result.warnings.size(), 1U);
  EXPECT_NE(result.warnings[0].find("worker 2 knows of worker 1 "), std::string::npos) << result.warnings[0];
  EXPECT_LT(squared_distance_from_average(result.params), 2.0 * squared_distance_from_average(clean.params));
}

TEST_P(PartedReplicas, AreNamedAndRebuilt) {
  Scenario s = compressing(gossip("choco", {{"gamma", "0.3"}, {"replicas", GetParam()}}), 4);
  s.steps = 20;
  const Result clean = run(s);
  s.wrap = [](StrategyFactory make) -> StrategyFactory {
    return [make = std::move(make)] { return std::make_unique<Forgetful>(make(), Step{8}, GetParam() == "each"); };
  };
  const Result result = run(s);
  ASSERT_EQ(result.outcome.end, Outcome::End::kSteps);
  ASSERT_EQ(result.warnings.size(), 1U);
  EXPECT_NE(result.warnings[0].find("worker 2 knows of worker 1 "), std::string::npos) << result.warnings[0];
  // Beside the messages, whose sizes may differ a little: the replicas of two neighbours, once.
  const double more = static_cast<double>(result.outcome.ledger.total().payload.value) -
                      static_cast<double>(clean.outcome.ledger.total().payload.value);
  EXPECT_NEAR(more, 2.0 * (4 + 4 * kSize), 60.0);
  // Once the sum is that of the replicas again the models come together as if nothing had happened.
  EXPECT_LT(squared_distance_from_average(result.params), 2.0 * squared_distance_from_average(clean.params));
}

INSTANTIATE_TEST_SUITE_P(Forms, PartedReplicas, testing::Values("sum", "each"));

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
