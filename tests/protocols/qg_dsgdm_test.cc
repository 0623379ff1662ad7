// Quasi-global momentum (Lin et al. 2021) against the same algorithm with all nodes in one matrix and in double.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "gossip_scenarios.h"
#include "matrix_form.h"
#include "run.h"

namespace laconic::tests {
namespace {

class QgDsgdmOn : public testing::TestWithParam<std::string> {};  // a topology

TEST_P(QgDsgdmOn, IsItsMatrixForm) {
  for (const bool nesterov : {false, true}) {
    for (const double b : {0.5, 0.9}) {
      Scenario s = family(
          "qg_dsgdm", {{"momentum", b == 0.5 ? "0.5" : "0.9"}, {"nesterov", nesterov ? "true" : "false"}}, GetParam());
      s.problem.scatter = 0.5;
      s.problem.decay = 0.98;  // a rate of its own for every step
      const Matrix weights = weights_of(s);
      Matrix x = first_models(s.problem);
      Matrix h = sum(0, x, 0, x);
      for (std::uint64_t t = 0; t < s.steps; ++t) {
        const double rate = s.problem.rate(t);
        const Matrix g = sum(-1 / rate, steps_at(s.problem, t, x), 0, x);
        const Matrix m = sum(b, h, 1, g);
        const Matrix y = sum(1, x, -rate, nesterov ? sum(1, g, b, m) : m);
        const Matrix next = mixed(weights, y);
        h = sum(b, h, (1 - b) / rate, sum(1, x, -1, next));
        x = next;
      }
      expect_near(run(s).params, x);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Graphs, QgDsgdmOn, testing::Values("ring", "star", "torus:2x3"));

TEST(QgDsgdm, GivesBuffersThatTravelNoMomentum) {
  for (const std::string nesterov : {"false", "true"}) {
    Scenario s = family("qg_dsgdm", {{"nesterov", nesterov}});
    s.problem.buffers = 12;
    s.problem.decay = 0.9;
    Scenario plain = s;
    plain.strategy = "d_psgd";
    plain.options = {{"order", "adapt-then-combine"}};
    const std::vector<std::vector<float>> got = run(s).params;
    const std::vector<std::vector<float>> expected = run(plain).params;
    for (std::size_t i = 0; i < got.size(); ++i) {
      const auto trained = static_cast<std::ptrdiff_t>(s.problem.dimension - s.problem.buffers);
      EXPECT_TRUE(std::equal(got[i].begin() + trained, got[i].end(), expected[i].begin() + trained)) << "node " << i;
      EXPECT_FALSE(std::equal(got[i].begin(), got[i].begin() + trained, expected[i].begin())) << "node " << i;
    }
  }
}

TEST(QgDsgdm, WithoutMomentumIsDPsgdAdaptThenCombine) {
  for (const std::string nesterov : {"false", "true"}) {
    const Scenario plain = family("d_psgd", {{"order", "adapt-then-combine"}});
    const Scenario s = family("qg_dsgdm", {{"momentum", "0"}, {"nesterov", nesterov}});
    EXPECT_EQ(run(s).params, run(plain).params);
  }
}

TEST(QgDsgdm, KeepsItsMomentumWhereTheLearningRateIsZero) {
  const Scenario s = only_gossip(family("qg_dsgdm", {}));
  const Scenario plain = only_gossip(family("d_psgd", {{"order", "adapt-then-combine"}}));
  EXPECT_EQ(run(s).params, run(plain).params);
  for (const auto& state : states_after(s)) {
    Archive archive(state);
    std::vector<float> momentum(s.problem.dimension, 1.0F);
    archive.floats("qg_dsgdm.momentum", momentum);
    EXPECT_EQ(momentum, std::vector<float>(s.problem.dimension, 0.0F));
  }
}

// (1/K) sum_i ||x_i - x*||^2, x* the optimum of the mean loss of a problem without noise.
double distance_from_optimum(const QuadraticProblem& problem, const std::vector<std::vector<float>>& models) {
  const std::vector<double> zero(problem.dimension, 0.0);
  const std::vector<double> one(problem.dimension, 1.0);
  std::vector<double> at_zero(problem.dimension, 0.0);
  std::vector<double> slope(problem.dimension, 0.0);
  for (int i = 0; i < problem.workers; ++i) {
    const std::vector<double> low = problem.gradient(i, 0, zero);
    const std::vector<double> high = problem.gradient(i, 0, one);
    for (std::size_t c = 0; c < low.size(); ++c) {
      at_zero[c] += low[c];
      slope[c] += high[c] - low[c];
    }
  }
  double sum = 0.0;
  for (const auto& model : models) {
    for (std::size_t c = 0; c < model.size(); ++c) sum += std::pow(model[c] + at_zero[c] / slope[c], 2);
  }
  return sum / static_cast<double>(models.size());
}

TEST(QgDsgdm, EndsNearerToTheOptimumOfTheMeanLossThanLocalMomentumWhereDataDiffer) {
  for (const std::uint64_t seed : {1, 2}) {
    for (const int nodes : {6, 10}) {
      for (const double rate : {0.01, 0.03}) {
        Scenario s = family("qg_dsgdm", {{"momentum", "0.9"}});
        s.problem.seed = seed;
        s.problem.workers = nodes;
        s.problem.dimension = 12;
        s.problem.shapes = {};
        s.problem.learning_rate = rate;
        s.problem.noise = 0.0;
        s.problem.spread = 3.0;
        s.steps = 300;
        s.evaluate_every = 300;
        Scenario local = s;
        local.strategy = "d_psgd";
        local.options = {{"order", "adapt-then-combine"}};
        local.problem.momentum = 0.9;
        const double quasi_global = distance_from_optimum(s.problem, run(s).params);
        const double own = distance_from_optimum(s.problem, run(local).params);
        EXPECT_LT(quasi_global, 0.5 * own) << "seed " << seed << ", " << nodes << " nodes, rate " << rate;
      }
    }
  }
}

TEST(QgDsgdm, AMessageOfAnotherSizeIsRefusedWithItsSenderNamed) {
  Scenario s = family("qg_dsgdm", {});
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
