// Push-sum over directed links against the same algorithms in matrix form, all nodes in one matrix and in double, and
// their invariants (Assran et al. 2019; Aketi et al. 2021; Taheri et al. 2020).

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "gossip_scenarios.h"
#include "matrix_form.h"
#include "mechanisms/push_sum_strategy.h"
#include "run.h"
#include "topology/topology.h"

namespace laconic::tests {
namespace {

// P of a round: p_ij in row i, column j.
Matrix links_at(const Scenario& s, std::uint64_t round) {
  const auto links = make_schedule(s.topology, graph_nodes(s), 1, s.link_up)->at(round);
  Matrix matrix(links->nodes(), std::vector<double>(links->nodes(), 0.0));
  for (int j = 0; j < static_cast<int>(matrix.size()); ++j) {
    matrix[j][j] = links->self_weight({j});
    for (const WeightedNeighbor& receiver : links->receivers({j})) matrix[receiver.rank.value][j] = receiver.weight;
  }
  return matrix;
}

Matrix column(std::size_t nodes) { return Matrix(nodes, {1.0}); }

Matrix divided(const Matrix& x, const Matrix& y) {
  Matrix z = x;
  for (std::size_t i = 0; i < z.size(); ++i) {
    for (double& value : z[i]) value /= y[i][0];
  }
  return z;
}

// x and y of all nodes.
struct State {
  Matrix x;
  Matrix y;
  Matrix z() const { return divided(x, y); }
};

// A + gamma (P B - B)
Matrix moved(const Matrix& a, double gamma, const Matrix& p, const Matrix& b) {
  return sum(1, a, gamma, sum(1, mixed(p, b), -1, b));
}

// What each node sends of v: what an operator keeps of it, or nothing where it has no receivers in this round.
Matrix sent_of(const Matrix& p, const Matrix& v, std::size_t k) {
  Matrix c = largest(v, k);
  for (std::size_t j = 0; j < c.size(); ++j) {
    if (p[j][j] == 1.0) c[j].assign(c[j].size(), 0.0);
  }
  return c;
}

class PushMatrixForm : public testing::TestWithParam<std::string> {};  // a topology

TEST_P(PushMatrixForm, OfSgp) {
  for (const bool overlap : {true, false}) {
    Scenario s = push("sgp", {{"order", overlap ? "overlap" : "adapt-then-combine"}}, GetParam());
    State state{first_models(s.problem), column(kNodes)};
    for (std::uint64_t t = 0; t < s.steps; ++t) {
      const Matrix p = links_at(s, t);
      const Matrix step = steps_at(s.problem, t, state.z());
      state.x = overlap ? sum(1, mixed(p, state.x), 1, step) : mixed(p, sum(1, state.x, 1, step));
      state.y = mixed(p, state.y);
    }
    expect_near(run(s).params, state.z());
  }
}

TEST_P(PushMatrixForm, OfSparsePushWithAMemoryOfErrors) {
  for (const bool overlap : {true, false}) {
    for (const std::size_t k : {0UL, 8UL}) {
      Scenario s = compressing(
          push("sparse_push", {{"order", overlap ? "overlap" : "adapt-then-combine"}, {"gamma", "0.1"}}, GetParam()),
          k);
      State state{first_models(s.problem), column(kNodes)};
      Matrix error = sum(0, state.x, 0, state.x);
      for (std::uint64_t t = 0; t < s.steps; ++t) {
        const Matrix p = links_at(s, t);
        const Matrix step = steps_at(s.problem, t, state.z());
        if (!overlap) state.x = sum(1, state.x, 1, step);
        const Matrix v = sum(1, state.x, 1, error);
        const Matrix c = sent_of(p, v, k);
        for (std::size_t j = 0; j < kNodes; ++j) {
          if (p[j][j] < 1.0) error[j] = sum(1, {v[j]}, -1, {c[j]})[0];
        }
        if (overlap) state.x = sum(1, state.x, 1, step);
        state.x = moved(state.x, 0.1, p, c);
        state.y = moved(state.y, 0.1, p, state.y);
      }
      expect_near(run(s).params, state.z(), 5e-5);
    }
  }
}

TEST_P(PushMatrixForm, OfSparsePushOfUpdatesWhereWeightsStayOne) {
  Scenario s = compressing(push("sparse_push", {{"gamma", "0.5"}, {"compress", "update"}}, GetParam()), 8);
  if (GetParam() == "random_out:2" || GetParam() == "star") {
    try {
      run(s);
      FAIL() << "weights would change the models";
    } catch (const UsageError& error) {
      EXPECT_NE(std::string(error.what()).find("compress: over these links nodes get more or less than they give"),
                std::string::npos);
    }
    return;
  }
  State state{first_models(s.problem), column(kNodes)};
  Matrix error = sum(0, state.x, 0, state.x);
  for (std::uint64_t t = 0; t < s.steps; ++t) {
    const Matrix step = steps_at(s.problem, t, state.z());
    state.x = sum(1, state.x, 1, step);
    const Matrix v = sum(1, step, 1, error);
    const Matrix c = sent_of(links_at(s, t), v, 8);
    error = sum(1, v, -1, c);
    state.x = moved(state.x, 0.5, links_at(s, t), c);
    state.y = moved(state.y, 0.5, links_at(s, t), state.y);
  }
  expect_near(run(s).params, state.z());
}

// A copy a link: known[i][k] is what k knows of z_i.
TEST_P(PushMatrixForm, OfSparsePushWithAMemoryOfDifferences) {
  for (const bool overlap : {true, false}) {
    Scenario s = compressing(
        push("sparse_push",
             {{"order", overlap ? "overlap" : "adapt-then-combine"}, {"gamma", "0.2"}, {"memory", "difference"}},
             GetParam()),
        8);
    State state{first_models(s.problem), column(kNodes)};
    const std::vector<float> start = s.problem.start();
    std::vector<Matrix> known(kNodes, Matrix(kNodes, {start.begin(), start.end()}));
    for (std::uint64_t t = 0; t < s.steps; ++t) {
      const Matrix p = links_at(s, t);
      const Matrix step = steps_at(s.problem, t, state.z());
      if (!overlap) state.x = sum(1, state.x, 1, step);
      Matrix change = sum(0, state.x, 0, state.x);
      for (std::size_t i = 0; i < kNodes; ++i) {
        for (std::size_t k = 0; k < kNodes; ++k) {
          if (k == i || p[k][i] == 0.0) continue;
          const Matrix told = largest(sum(1 / state.y[i][0], {state.x[i]}, -1, {known[i][k]}), 8);
          for (std::size_t c = 0; c < kSize; ++c) {
            known[i][k][c] += told[0][c];
            change[i][c] -= 0.2 * p[k][i] * state.y[i][0] * known[i][k][c];
            change[k][c] += 0.2 * p[k][i] * state.y[i][0] * known[i][k][c];
          }
        }
      }
      if (overlap) state.x = sum(1, state.x, 1, step);
      state.x = sum(1, state.x, 1, change);
      state.y = moved(state.y, 0.2, p, state.y);
    }
    expect_near(run(s).params, state.z());
  }
}

INSTANTIATE_TEST_SUITE_P(Links, PushMatrixForm,
                         testing::Values("directed_ring", "one_peer", "exponential", "random_out:2", "base:1", "star"),
                         [](const auto& info) {
                           std::string name = info.param;
                           for (char& c : name) c = c == ':' ? '_' : c;
                           return name;
                         });

TEST(QuantizedPushSum, IsItsMatrixFormAndWhereWeightsRestAtOneSparsePushOfDifferencesWithGammaOne) {
  Scenario s = push("quantized_push_sum", {}, "exponential");
  s.compressor = "qsgd";
  s.compression = {{"levels", "255"}};
  Scenario same = s;
  same.strategy = "sparse_push";
  same.options = {{"memory", "difference"}, {"gamma", "1"}};
  Matrix rows;
  for (const auto& model : run(same).params) rows.emplace_back(model.begin(), model.end());
  expect_near(run(s).params, rows, 1e-3);
  s.compressor = "none";
  s.compression = {};
  State state{first_models(s.problem), column(kNodes)};
  for (std::uint64_t t = 0; t < s.steps; ++t) {
    state.x = mixed(links_at(s, t), sum(1, state.x, 1, steps_at(s.problem, t, state.z())));
    state.y = mixed(links_at(s, t), state.y);
  }
  expect_near(run(s).params, state.z());
}

// The push-sum weight in a strategy's archive, and the numerators.
struct Kept {
  std::vector<float> x;
  std::uint64_t units = 0;
};
Kept kept_of(const std::vector<std::byte>& state) {
  Archive archive(state);
  Kept kept;
  archive.vector("push_sum.numerators", kept.x, kSize);
  archive.value("push_sum.weight", kept.units);
  return kept;
}

TEST(S1, WeightsAddUpToTheNumberOfNodesToTheBitAndNumeratorsChangeByTheStepsAlone) {
  for (const std::string topology : {"directed_ring", "star", "random_out:2", "erdos_renyi:0.5"}) {
    for (const std::string strategy : {"sgp", "sparse_push", "difference"}) {
      Scenario s = only_gossip(push(strategy == "difference" ? "sparse_push" : strategy, {}, topology));
      if (strategy != "sgp") s = compressing(std::move(s), 5);
      if (strategy != "sgp") s.options["gamma"] = "0.1";
      if (strategy == "difference") s.options["memory"] = "difference";
      s.link_up = topology == "star" ? 0.7 : 1.0;
      const auto states = states_after(s);
      std::uint64_t units = 0;
      std::vector<double> total(kSize, 0.0);
      for (const auto& state : states) {
        const Kept kept = kept_of(state);
        units += kept.units;
        for (std::size_t c = 0; c < kSize; ++c) total[c] += kept.x[c];
      }
      EXPECT_EQ(units, static_cast<std::uint64_t>(PushWeight::kOne) * kNodes) << topology << ", " << strategy;
      const Matrix first = first_models(s.problem);
      for (std::size_t c = 0; c < kSize; ++c) {
        double before = 0.0;
        for (const auto& row : first) before += row[c];
        EXPECT_NEAR(total[c], before, 1e-5) << topology << ", " << strategy << ", element " << c;
      }
    }
  }
}

TEST(S2, WeightsStayPositiveAndOneThatNearsZeroIsNamedWithItsRound) {
  // Node 1 gives nearly all it has to node 0 and gets nearly nothing back.
  const auto links =
      std::make_shared<LinkSchedule>(std::vector<LinkMatrix>{LinkMatrix(2, {{1, 0, 0.9999999}, {0, 1, 1e-9}})});
  Scenario s = push("sgp", {});
  s.problem.workers = 2;
  s.links = links;
  const Result result = run(s);
  ASSERT_EQ(result.outcome.end, Outcome::End::kFailed);
  const std::string text = error_of<RunError>(result);
  EXPECT_NE(text.find("the push-sum weight of worker 1 fell to 1.01e-07 in round 0: "), text.npos) << text;
}

TEST(S4, WithEverythingKeptAndGammaOneSparsePushIsSgpAndOnDoublyStochasticLinksDPsgd) {
  for (const std::string topology : {"directed_ring", "random_out:3", "ring"}) {
    Scenario sparse = push("sparse_push", {{"gamma", "1"}}, topology);
    const Scenario sgp = push("sgp", {}, topology);
    const std::vector<std::vector<float>> expected = run(sgp).params;
    Matrix rows;
    for (const auto& model : expected) rows.emplace_back(model.begin(), model.end());
    expect_near(run(sparse).params, rows);
    if (topology == "ring") {
      Scenario d_psgd = push("d_psgd", {{"order", "adapt-then-combine"}}, topology);
      expect_near(run(d_psgd).params, rows);
    }
  }
}

TEST(S5, OnDoublyStochasticLinksTheWeightStaysOne) {
  for (const std::string topology : {"directed_ring", "one_peer", "base:1", "torus:2x3"}) {
    for (const auto& state : states_after(push("sgp", {}, topology))) {
      // Each fraction is rounded down to a unit, of which a node has 2^45.
      EXPECT_NEAR(static_cast<double>(kept_of(state).units) / static_cast<double>(PushWeight::kOne), 1.0, 1e-11)
          << topology;
    }
  }
}

TEST(S6, EveryModelTendsToTheAverageOfTheStart) {
  for (const std::string topology : {"directed_ring", "star", "random_out:2", "one_peer"}) {
    Scenario s = only_gossip(push("sgp", {}, topology));
    s.steps = 300;
    s.evaluate_every = 100;
    EXPECT_LT(consensus_error(s), 1e-11) << topology;
    s = compressing(only_gossip(push("sparse_push", {{"memory", "difference"}, {"gamma", "0.05"}}, topology)), 8);
    s.steps = 2000;
    s.evaluate_every = 2000;
    EXPECT_LT(consensus_error(s), 1e-8) << topology;
  }
}

TEST(S6, AMemoryOfErrorsStopsAtAFloorThatShrinksWithGamma) {
  std::vector<double> floors;
  for (const std::string gamma : {"0.08", "0.04", "0.02"}) {
    Scenario s = compressing(only_gossip(push("sparse_push", {{"gamma", gamma}})), 4);
    s.steps = 2000;
    s.evaluate_every = 2000;
    floors.push_back(consensus_error(s));
  }
  EXPECT_LT(floors[1], 0.5 * floors[0]);
  EXPECT_LT(floors[2], 0.5 * floors[1]);
  EXPECT_GT(floors[2], 1e-8);
}

TEST(SparsePush, NamesTheWorkerWhoseGossipRunsAwayBeforeTheNumbersOverflow) {
  Scenario s = compressing(push("sparse_push", {{"memory", "difference"}, {"gamma", "1"}}), 2);
  s.steps = 3000;
  s.evaluate_every = 3000;
  const Result result = run(s);
  ASSERT_EQ(result.outcome.end, Outcome::End::kFailed);
  const std::string text = error_of<RunError>(result);
  EXPECT_EQ(text.find("the gossip of worker "), 0U) << text;
  EXPECT_NE(text.find("take a smaller gamma"), text.npos) << text;
  for (const auto& model : result.params) {
    for (const float value : model) EXPECT_LT(std::abs(value), 1e10F);
  }
}

}  // namespace
}  // namespace laconic::tests
