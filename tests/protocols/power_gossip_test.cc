// PowerGossip (Vogels et al. 2020) against the same algorithm with all nodes in one matrix and in double, and what it
// promises.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>

#include "base/error.h"
#include "base/random.h"
#include "gossip_scenarios.h"
#include "matrix_form.h"
#include "run.h"

namespace laconic::tests {
namespace {

double squared_distance_of_first_models(const QuadraticProblem& problem) {
  std::vector<std::vector<float>> first;
  for (int i = 0; i < problem.workers; ++i) first.push_back(problem.first_model(i));
  return squared_distance_from_average(first);
}

class PowerGossipOn : public testing::TestWithParam<std::string> {};  // a topology

// A tensor as PowerGossip sees it.
struct Tensor {
  std::size_t offset;
  std::size_t rows;
  std::size_t cols;
  bool whole;
};

void normalise(std::vector<double>& v) {
  double squares = 0.0;
  for (const double value : v) squares += value * value;
  for (double& value : v) value /= std::sqrt(squares);
}

// D q and D^T p of the difference D of two models.
std::vector<double> times(const Tensor& tensor, const std::vector<double>& difference, const std::vector<double>& q) {
  std::vector<double> p(tensor.rows, 0.0);
  for (std::size_t i = 0; i < tensor.rows; ++i) {
    for (std::size_t j = 0; j < tensor.cols; ++j) p[i] += difference[tensor.offset + i * tensor.cols + j] * q[j];
  }
  return p;
}

std::vector<double> transposed_times(const Tensor& tensor, const std::vector<double>& difference,
                                     const std::vector<double>& p) {
  std::vector<double> r(tensor.cols, 0.0);
  for (std::size_t i = 0; i < tensor.rows; ++i) {
    for (std::size_t j = 0; j < tensor.cols; ++j) r[j] += difference[tensor.offset + i * tensor.cols + j] * p[i];
  }
  return r;
}

// An edge (lower, higher) and its q of each matrix.
using Starts = std::map<std::pair<int, int>, std::vector<std::vector<double>>>;

// One step: the models after the local steps, x, and q to those after the exchange.
Matrix power_gossip_step(const Matrix& weights, const std::vector<Tensor>& tensors, int iterations, const Matrix& x,
                         Starts& starts) {
  Matrix next = x;
  for (auto& [edge, vectors] : starts) {
    const auto [lower, higher] = edge;
    std::vector<double> difference = x[lower];
    for (std::size_t c = 0; c < difference.size(); ++c) difference[c] -= x[higher][c];
    std::vector<double> told = difference;
    auto q = vectors.begin();
    for (const Tensor& tensor : tensors) {
      if (tensor.whole) continue;
      std::vector<double> p;
      std::vector<double> r;
      for (int k = 0; k < iterations; ++k) {
        p = times(tensor, difference, *q);
        normalise(p);
        r = transposed_times(tensor, difference, p);
        *q = r;
        normalise(*q);
      }
      for (std::size_t i = 0; i < tensor.rows; ++i) {
        for (std::size_t j = 0; j < tensor.cols; ++j) told[tensor.offset + i * tensor.cols + j] = p[i] * r[j];
      }
      ++q;
    }
    for (std::size_t c = 0; c < told.size(); ++c) {
      next[lower][c] -= weights[lower][higher] * told[c];
      next[higher][c] += weights[lower][higher] * told[c];
    }
  }
  return next;
}

// What the nodes have before each step and after the last.
struct Record {
  std::mutex mutex;
  std::map<std::uint64_t, std::map<int, std::vector<float>>> models;  // step, node
  std::map<std::uint64_t, std::map<int, std::vector<float>>> starts;  // q, edge after edge; none before the first step
};

class Recorded final : public Strategy {
 public:
  Recorded(std::unique_ptr<Strategy> inner, Record& record) : inner_(std::move(inner)), record_(record) {}

  Task<void> round(Worker& self) override {
    note(self);
    co_await inner_->round(self);
    note(self);
  }

 private:
  void note(Worker& self) {
    Archive save;
    inner_->archive(save);
    const std::vector<std::byte> bytes = save.take();
    Archive load(bytes);
    std::vector<float> starts;
    load.vector("power_gossip.starts", starts, 1000);
    load.expect_end();
    const std::scoped_lock lock(record_.mutex);
    const int rank = self.rank().value;
    record_.starts[self.step().value][rank] = starts;
    record_.models[self.step().value][rank].assign(self.params().begin(), self.params().end());
  }

  std::unique_ptr<Strategy> inner_;
  Record& record_;
};

// What `node` holds of its edges; the first q, which nobody holds yet, are Gaussian.
Starts starts_of(int node, const std::vector<float>& held, const Matrix& weights, const std::vector<Tensor>& tensors,
                 std::uint64_t seed) {
  Starts starts;
  auto next = held.begin();
  for (int j = 0; j < static_cast<int>(weights.size()); ++j) {
    if (j == node || weights[node][j] == 0.0) continue;
    const std::pair<int, int> edge = std::minmax({node, j});
    std::uint64_t matrix = 0;
    for (const Tensor& tensor : tensors) {
      if (tensor.whole) continue;
      std::vector<double>& q = starts[edge].emplace_back(tensor.cols);
      RandomStream stream(
          seed, "power gossip",
          {static_cast<std::uint64_t>(edge.first), static_cast<std::uint64_t>(edge.second), matrix++, 0});
      for (double& value : q) value = held.empty() ? static_cast<float>(stream.gaussian()) : *next++;
    }
  }
  EXPECT_EQ(next, held.end());
  return starts;
}

// The map is not a contraction: where D q is small beside D, the direction p of it is sensitive, and two runs that
// began a rounding apart need not stay near each other. So each step is compared on its own, from what the nodes had
// before.
TEST_P(PowerGossipOn, EveryStepIsThatOfItsMatrixFormAndBothEndsHoldTheSameQ) {
  const std::vector<Tensor> tensors = {{0, 4, 8, false}, {32, 12, 1, true}, {44, 5, 8, false}};
  for (const int iterations : {1, 2}) {
    Scenario s = family("power_gossip", {{"iterations", std::to_string(iterations)}}, GetParam());
    s.problem.scatter = 0.5;
    const Matrix weights = weights_of(s);
    Record record;
    s.wrap = [&](StrategyFactory make) -> StrategyFactory {
      return [&record, make = std::move(make)] { return std::make_unique<Recorded>(make(), record); };
    };
    ASSERT_EQ(run(s).outcome.end, Outcome::End::kSteps);
    Starts expected;
    for (std::uint64_t t = 0; t <= s.steps; ++t) {
      SCOPED_TRACE("after " + std::to_string(t) + " steps of " + std::to_string(iterations) + " iterations");
      Starts starts;
      Matrix x;
      for (int i = 0; i < kNodes; ++i) {
        for (const auto& [edge, q] : starts_of(i, record.starts[t][i], weights, tensors, s.problem.seed)) {
          const auto [other, is_new] = starts.emplace(edge, q);
          EXPECT_TRUE(is_new || other->second == q) << "edge " << edge.first << ", " << edge.second;
        }
        x.emplace_back(record.models[t][i].begin(), record.models[t][i].end());
      }
      if (t > 0) {
        ASSERT_EQ(starts.size(), expected.size());
        for (const auto& [edge, vectors] : expected) {
          for (std::size_t k = 0; k < vectors.size(); ++k) {
            for (std::size_t c = 0; c < vectors[k].size(); ++c) {
              ASSERT_NEAR(starts[edge][k][c], vectors[k][c], 1e-4) << "edge " << edge.first << ", " << edge.second;
            }
          }
        }
      }
      if (t == s.steps) break;
      expected = starts;
      const Matrix next =
          power_gossip_step(weights, tensors, iterations, sum(1, x, 1, steps_at(s.problem, t, x)), expected);
      std::vector<std::vector<float>> got;
      for (int i = 0; i < kNodes; ++i) got.push_back(record.models[t + 1][i]);
      expect_near(got, next);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(PowerGossipOn, ReachesConsensusWithoutAStepSizeAndC1LeavesTheAverageAsItIs) {
  Scenario s = only_gossip(family("power_gossip", {}, GetParam()));
  s.steps = 600;
  s.evaluate_every = 100;
  const Result result = run(s);
  // What is left is the rounding of models of the order of 1.
  EXPECT_LT(squared_distance_from_average(result.params), 1e-10 * squared_distance_of_first_models(s.problem));
  const Matrix first = first_models(s.problem);
  const std::vector<double> mean = average(result.params);
  for (std::size_t c = 0; c < mean.size(); ++c) {
    double before = 0.0;
    for (const auto& row : first) before += row[c] / kNodes;
    EXPECT_NEAR(mean[c], before, 1e-5) << "element " << c;
  }
}

INSTANTIATE_TEST_SUITE_P(Graphs, PowerGossipOn, testing::Values("ring", "star", "torus:2x3"));

TEST(PowerGossip, WhereNoTensorIsSmallerAsTwoVectorsItIsDPsgdAdaptThenCombine) {
  Scenario s = family("power_gossip", {{"iterations", "3"}});
  s.problem.shapes = {{1, 20}, {30, 1}, {1, 1, 13}, {15}, {2, 3}};
  s.problem.scatter = 0.5;
  Scenario plain = s;
  plain.strategy = "d_psgd";
  plain.options = {{"order", "adapt-then-combine"}};
  EXPECT_EQ(run(s).params, run(plain).params);
}

// Nodes with the common model until some step, when every node's moves its own way.
class MovedApart final : public Strategy {
 public:
  MovedApart(std::unique_ptr<Strategy> inner, const QuadraticProblem& problem, Step when)
      : inner_(std::move(inner)), problem_(problem), when_(when) {}

  Task<void> round(Worker& self) override {
    if (self.step().value == when_.value) {
      const std::vector<float> model = problem_.first_model(self.rank().value);
      std::ranges::copy(model, self.params().begin());
    }
    co_await inner_->round(self);
  }

 private:
  std::unique_ptr<Strategy> inner_;
  QuadraticProblem problem_;
  Step when_;
};

TEST(PowerGossip, IdenticalModelsStayIdenticalAndComeTogetherAgainOnceTheyDiffer) {
  Scenario s = family("power_gossip", {});
  s.problem.learning_rate = 0.0;
  const std::vector<float> start = s.problem.start();
  for (const auto& model : run(s).params) EXPECT_EQ(model, start);

  QuadraticProblem apart = s.problem;
  apart.scatter = 1.0;
  s.wrap = [&](StrategyFactory make) -> StrategyFactory {
    return [&apart, make = std::move(make)] { return std::make_unique<MovedApart>(make(), apart, Step{5}); };
  };
  s.steps = 600;
  s.evaluate_every = 100;
  EXPECT_LT(squared_distance_from_average(run(s).params), 1e-10 * squared_distance_of_first_models(apart));
}

TEST(PowerGossip, MoreIterationsBringTheModelsTogetherInFewerSteps) {
  std::vector<double> left;
  for (const std::string iterations : {"1", "2"}) {
    Scenario s = only_gossip(family("power_gossip", {{"iterations", iterations}}));
    s.steps = 60;
    left.push_back(squared_distance_from_average(run(s).params));
  }
  EXPECT_LT(left[1], left[0]);
}

TEST(PowerGossip, SendsTwoVectorsOfEachMatrixAnIterationAndTheOtherTensorsOnce) {
  for (const std::uint64_t iterations : {1, 2, 3, 16}) {
    Scenario s = family("power_gossip", {{"iterations", std::to_string(iterations)}}, "star");
    const Result result = run(s);
    std::uint64_t floats = 12;
    std::uint64_t frames = 2 * iterations;
    if (iterations < 3) {
      floats += iterations * ((4 + 8) + (5 + 8));
    } else if (iterations == 3) {  // 3 (4 + 8) > 4 * 8
      floats += 32 + 3 * (5 + 8);
    } else {
      floats += 32 + 40;
      frames = 1;
    }
    const std::uint64_t messages = 2U * (kNodes - 1) * s.steps;
    EXPECT_EQ(result.outcome.ledger.total().frames, messages * frames);
    EXPECT_EQ(result.outcome.ledger.total().payload.value, messages * floats * sizeof(float));
    EXPECT_EQ(result.formula.per_sync[static_cast<std::size_t>(Traffic::kModel)] * s.steps,
              messages * floats * sizeof(float));
    EXPECT_FALSE(result.formula.depends_on_values);
  }
}

TEST(PowerGossip, SaysThatTrainingDivergedInsteadOfSendingIt) {
  Scenario s = family("power_gossip", {});
  s.problem.learning_rate = 1e30;
  const std::string text = error_of<Error>(run(s));
  EXPECT_NE(text.find("training diverged: the "), std::string::npos) << text;
  EXPECT_NE(text.find("of worker "), std::string::npos) << text;
}

// A node that sends its neighbours a value that is not finite.
class Poisoner final : public Strategy {
 public:
  Poisoner(std::unique_ptr<Strategy> inner, const StrategySetting& setting)
      : inner_(std::move(inner)), mixing_(setting.mixing) {}

  Task<void> round(Worker& self) override {
    if (self.rank().value != 2 || self.step().value != 4) {
      co_await inner_->round(self);
      co_return;
    }
    const FrameHeader header{.traffic = Traffic::kModel, .tag = Tag::kGossip, .round = self.comm().next_round()};
    std::vector<float> values(4 + 5 + 12, 0.0F);
    values.back() = std::numeric_limits<float>::infinity();
    const Frame frame(header, std::span<const float>(values));
    for (const WeightedNeighbor& neighbor : mixing_->neighbors(self.rank())) self.comm().send(neighbor.rank, frame);
    co_await self.local_step();
  }

 private:
  std::unique_ptr<Strategy> inner_;
  std::shared_ptr<const MixingMatrix> mixing_;
};

TEST(PowerGossip, RefusesAValueThatIsNotFiniteAndNamesItsSender) {
  Scenario s = family("power_gossip", {});
  const StrategySetting setting = strategy_setting(s);
  s.wrap = [&](StrategyFactory make) -> StrategyFactory {
    return [&setting, make = std::move(make)] { return std::make_unique<Poisoner>(make(), setting); };
  };
  const std::string text = error_of<Error>(run(s));
  EXPECT_NE(text.find("cannot use what worker 2 sent"), std::string::npos) << text;
  EXPECT_NE(text.find("not finite"), std::string::npos) << text;
}

TEST(PowerGossip, AMessageOfAnotherSizeIsRefusedWithItsSenderNamed) {
  Scenario s = family("power_gossip", {});
  s.dimensions = {{2, 50}};
  const Result result = run(s);
  EXPECT_EQ(result.outcome.end, Outcome::End::kFailed);
  const std::string text = error_of<Error>(result);
  EXPECT_NE(text.find("worker 2"), std::string::npos) << text;
  EXPECT_NE(text.find("sent"), std::string::npos) << text;
  EXPECT_EQ(text.find('\n'), std::string::npos) << text;
}

}  // namespace
}  // namespace laconic::tests
