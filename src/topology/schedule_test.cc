#include "topology/schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>
#include <set>

#include "base/error.h"
#include "topology/topology.h"

namespace laconic {
namespace {

using Pairs = std::set<std::pair<int, int>>;

std::shared_ptr<const LinkSchedule> schedule(std::string_view spec, std::optional<std::uint32_t> workers = std::nullopt,
                                             double up = 1.0) {
  return make_schedule(spec, workers, 1, up);
}

std::string refusal(const std::function<void()>& call) {
  try {
    call();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

Pairs pairs_of(const LinkMatrix& links) {
  Pairs pairs;
  for (int node = 0; node < static_cast<int>(links.nodes()); ++node) {
    for (const WeightedNeighbor& receiver : links.receivers({node})) pairs.emplace(node, receiver.rank.value);
  }
  return pairs;
}

// P as a plain matrix, from the receivers' side.
std::vector<std::vector<double>> dense(const LinkMatrix& links) {
  const std::size_t n = links.nodes();
  std::vector<std::vector<double>> matrix(n, std::vector<double>(n, 0.0));
  for (std::size_t j = 0; j < n; ++j) {
    const Rank node{static_cast<int>(j)};
    matrix[j][j] = links.self_weight(node);
    for (const WeightedNeighbor& receiver : links.receivers(node)) {
      matrix[static_cast<std::size_t>(receiver.rank.value)][j] = receiver.weight;
    }
  }
  return matrix;
}

TEST(Links, EverySenderDividesWhatItHasAndReceiversSeeTheSameWeights) {
  for (const std::string_view spec : {"directed_ring:7", "one_peer:6", "exponential:9", "random_out:10:3", "rotating",
                                      "base:11:2", "star:5", "davis", "erdos_renyi:12:0.4"}) {
    const auto rounds = schedule(spec);
    for (std::uint64_t round = 0; round < 12; ++round) {
      const auto links = rounds->at(round);
      const auto matrix = dense(*links);
      for (std::size_t j = 0; j < matrix.size(); ++j) {
        double column = 0.0;
        for (std::size_t i = 0; i < matrix.size(); ++i) column += matrix[i][j];
        EXPECT_NEAR(column, 1.0, 1e-14) << spec << ", round " << round << ", node " << j;
        const Rank node{static_cast<int>(j)};
        std::vector<double> row(matrix.size(), 0.0);
        row[j] = matrix[j][j];
        for (const WeightedNeighbor& sender : links->senders(node)) {
          row[static_cast<std::size_t>(sender.rank.value)] = sender.weight;
        }
        EXPECT_EQ(row, matrix[j]) << spec << ", round " << round << ", node " << j;
      }
      std::vector<double> x(matrix.size());
      for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<double>(i + 1));
      std::vector<double> product(x.size());
      links->multiply(x, product);
      for (std::size_t i = 0; i < x.size(); ++i) {
        double expected = 0.0;
        for (std::size_t j = 0; j < x.size(); ++j) expected += matrix[i][j] * x[j];
        EXPECT_NEAR(product[i], expected, 1e-14) << spec;
      }
    }
  }
}

TEST(Links, SayWhetherTheyAreDoublyStochastic) {
  EXPECT_TRUE(schedule("directed_ring:7")->at(0)->doubly_stochastic());
  EXPECT_TRUE(schedule("base:11:2")->at(1)->doubly_stochastic());
  EXPECT_TRUE(schedule("torus:3x3")->at(0)->doubly_stochastic());
  EXPECT_FALSE(schedule("star:5")->at(0)->doubly_stochastic());
  EXPECT_FALSE(schedule("random_out:10:2")->at(0)->doubly_stochastic());
}

TEST(Links, RefuseWhatIsNoDivision) {
  const auto refused = [](std::vector<Link> links) { return refusal([&] { LinkMatrix(3, std::move(links)); }); };
  EXPECT_EQ(refused({{0, 3, 0.5}}), "the link 0 -> 3 leads out of the graph, whose nodes are 0 to 2");
  EXPECT_EQ(refused({{1, 1, 0.5}}),
            "the link 1 -> 1 joins a node with itself, which keeps what it does not send anyway");
  EXPECT_EQ(refused({{0, 1, 0.5}, {0, 1, 0.25}}), "the link 0 -> 1 is there twice in one round; give it once");
  EXPECT_EQ(refused({{0, 1, 0.0}}), "the link 0 -> 1 has weight 0.000000; a weight is above 0 and at most 1");
  EXPECT_EQ(refused({{2, 0, 0.75}, {2, 1, 0.5}}),
            "node 2 gives away 1.250000 of what it has; the weights of its links add up to 1 at most, and what is left "
            "it keeps");
  EXPECT_EQ(LinkMatrix(4, {{0, 1, 1.0 / 3}, {0, 2, 1.0 / 3}, {0, 3, 1.0 / 3}}).self_weight({0}), 0.0);
}

TEST(Schedules, NamedOnesJoinTheNodesOfTheirDefinition) {
  for (int n = 2; n <= 17; ++n) {
    const std::string size = ":" + std::to_string(n);
    Pairs ring;
    for (int i = 0; i < n; ++i) ring.emplace(i, (i + 1) % n);
    EXPECT_EQ(schedule("directed_ring" + size)->period(), 1U);
    EXPECT_EQ(pairs_of(*schedule("directed_ring" + size)->at(5)), ring);
    int exponents = 0;
    while ((1 << exponents) < n) ++exponents;
    const auto one_peer = schedule("one_peer" + size);
    EXPECT_EQ(one_peer->period(), static_cast<std::uint64_t>(exponents)) << n;
    Pairs all;
    for (int t = 0; t < 2 * exponents; ++t) {
      Pairs ahead;
      for (int i = 0; i < n; ++i) ahead.emplace(i, (i + (1 << (t % exponents))) % n);
      EXPECT_EQ(pairs_of(*one_peer->at(static_cast<std::uint64_t>(t))), ahead) << n << ", round " << t;
      all.insert(ahead.begin(), ahead.end());
    }
    EXPECT_EQ(pairs_of(*schedule("exponential" + size)->at(0)), all) << n;
  }
  const auto rotating = schedule("rotating");
  EXPECT_EQ(rotating->period(), 6U);
  EXPECT_EQ(pairs_of(*rotating->at(8)), (Pairs{{0, 2}, {1, 5}, {2, 4}, {3, 6}, {4, 7}, {5, 3}, {6, 0}, {7, 1}}));
}

TEST(Schedules, RandomReceiversAreAsManyAsAskedForAndOthersInEachRound) {
  const auto links = schedule("random_out:9:3");
  EXPECT_EQ(links->period(), 0U);
  std::map<std::pair<int, int>, int> seen;
  constexpr int kRounds = 2000;
  for (std::uint64_t round = 0; round < kRounds; ++round) {
    for (int node = 0; node < 9; ++node) {
      ASSERT_EQ(links->at(round)->receivers({node}).size(), 3U);
      for (const auto& receiver : links->at(round)->receivers({node})) ++seen[{node, receiver.rank.value}];
    }
  }
  ASSERT_EQ(seen.size(), 72U);
  const double mean = kRounds * 3.0 / 8;
  for (const auto& [pair, count] : seen) EXPECT_NEAR(count, mean, 5 * std::sqrt(mean * 5 / 8));
  EXPECT_EQ(pairs_of(*make_schedule("random_out:9:3", 9, 1)->at(17)), pairs_of(*links->at(17)));
  EXPECT_NE(pairs_of(*make_schedule("random_out:9:3", 9, 2)->at(17)), pairs_of(*links->at(17)));
}

TEST(Schedules, FailingEdgesAreThereAsOftenAsAskedForAndInBothDirections) {
  constexpr int kRounds = 2000;
  for (const std::string_view spec : {"torus:3x3", "directed_ring:9"}) {
    const bool undirected = spec == "torus:3x3";
    const Pairs all = pairs_of(*schedule(spec)->at(0));
    const auto links = schedule(spec, 9, 0.7);
    std::size_t there = 0;
    for (std::uint64_t round = 0; round < kRounds; ++round) {
      const auto at = links->at(round);
      const Pairs pairs = pairs_of(*at);
      there += pairs.size();
      for (const auto& [from, to] : pairs) {
        ASSERT_TRUE(all.contains({from, to}));
        ASSERT_TRUE(!undirected || pairs.contains({to, from}));
        ASSERT_DOUBLE_EQ(at->self_weight({from}), 1.0 / static_cast<double>(at->receivers({from}).size() + 1));
      }
    }
    const double draws = kRounds * static_cast<double>(all.size()) / (undirected ? 2 : 1);
    EXPECT_NEAR(static_cast<double>(there) / static_cast<double>(all.size() * kRounds), 0.7,
                5 * std::sqrt(0.7 * 0.3 / draws));
  }
}

TEST(Schedules, WhatAFailingLinkWouldHaveGotItsSenderKeeps) {
  const auto whole = schedule("base:11:2");
  const auto failing = schedule("base:11:2", 11, 0.5);
  for (std::uint64_t round = 0; round < 40; ++round) {
    for (int node = 0; node < 11; ++node) {
      double lost = 0.0;
      for (const WeightedNeighbor& receiver : whole->at(round)->receivers({node})) {
        double weight = 0.0;
        for (const WeightedNeighbor& other : failing->at(round)->receivers({node})) {
          if (other.rank == receiver.rank) weight = other.weight;
        }
        EXPECT_TRUE(weight == receiver.weight || weight == 0.0);
        lost += receiver.weight - weight;
      }
      EXPECT_NEAR(failing->at(round)->self_weight({node}), whole->at(round)->self_weight({node}) + lost, 1e-14);
    }
  }
}

TEST(BaseGraphs, BringEveryNodeToTheExactAverageWithAtMostKEdgesANodeAndRound) {
  for (std::uint32_t nodes = 2; nodes <= 70; ++nodes) {
    for (std::uint32_t k = 1; k <= std::min(5U, nodes - 1); ++k) {
      const auto rounds = schedule("base:" + std::to_string(nodes) + ":" + std::to_string(k));
      std::vector<double> x(nodes);
      double mean = 0.0;
      for (std::uint32_t i = 0; i < nodes; ++i) {
        x[i] = std::cos(3.0 * i + 1);
        mean += x[i] / nodes;
      }
      std::vector<double> next(nodes);
      for (std::uint64_t round = 0; round < rounds->period(); ++round) {
        const auto links = rounds->at(round);
        ASSERT_TRUE(links->doubly_stochastic());
        for (int i = 0; i < static_cast<int>(nodes); ++i) {
          ASSERT_LE(links->receivers({i}).size(), k) << nodes << " nodes, round " << round;
          ASSERT_GE(links->self_weight({i}), 0.0);
        }
        links->multiply(x, next);
        x.swap(next);
      }
      for (const double value : x) ASSERT_NEAR(value, mean, 1e-13) << nodes << " nodes, " << k << " edges";
      EXPECT_TRUE(mixing_of(*rounds).exact);
      // Of length at most 2 log_{k+1} n + 2 (theorem 1 of the paper).
      EXPECT_LE(static_cast<double>(rounds->period()), 2 * std::log(nodes) / std::log(k + 1.0) + 2 + 1e-9)
          << nodes << " nodes, " << k << " edges";
    }
  }
}

TEST(BaseGraphs, AreAsShortAsTheirConstruction) {
  const auto rounds = [](const std::string& spec) { return schedule(spec)->period(); };
  EXPECT_EQ(rounds("base:8:1"), 3U);   // a hypercube
  EXPECT_EQ(rounds("base:27:2"), 3U);  // groups of three
  EXPECT_EQ(rounds("base:12:3"), 2U);  // 3 x 4
  EXPECT_EQ(rounds("base:5:1"), 5U);   // 4 + 1: two, one and two
  EXPECT_EQ(rounds("base:6:1"), 4U);   // twice 3 nodes in three rounds, and one across, where 4 + 2 takes five
  EXPECT_EQ(rounds("base:7:1"), 5U);
}

TEST(Mixing, IsTheSecondEigenvalueOfThePeriodsProduct) {
  // The directed ring of n with halves: (1 + w) / 2 with w the n-th roots of 1.
  EXPECT_NEAR(mixing_of(*schedule("directed_ring:8")).factor, std::cos(std::acos(-1.0) / 8), 1e-12);
  // The undirected ring of 8: (1 + 2 cos(pi / 4)) / 3.
  EXPECT_NEAR(mixing_of(*schedule("ring:8")).factor, (1 + std::sqrt(2.0)) / 3, 1e-12);
  // One peer at distances 1, 2, 4 of 8 averages exactly (Ying et al. 2021).
  EXPECT_TRUE(mixing_of(*schedule("one_peer:8")).exact);
  EXPECT_FALSE(mixing_of(*schedule("one_peer:6")).exact);
}

TEST(Schedules, RefuseWhatNeverJoinsAllNodes) {
  const auto refused = [](std::uint32_t nodes,
                          const std::vector<std::vector<std::pair<std::uint32_t, std::uint32_t>>>& rounds) {
    std::vector<LinkMatrix> matrices;
    for (const auto& pairs : rounds) matrices.push_back(LinkMatrix::evenly(nodes, pairs));
    return refusal([&] { require_joined(LinkSchedule(std::move(matrices))); });
  };
  EXPECT_EQ(refused(3, {{{0, 1}}, {{1, 2}}, {{2, 0}}}), "accepted");
  EXPECT_EQ(refused(3, {{{0, 1}, {1, 2}}}),
            "worker 0 hears from nobody here: it would learn of nobody; give it a link from another worker");
  EXPECT_EQ(
      refused(3, {{{0, 1}, {1, 0}}, {{0, 2}}}),
      "worker 2 sends to nobody in the 2 rounds that come again: what it learns would stay with it; give it a link "
      "to another worker");
  EXPECT_EQ(refused(4, {{{0, 1}, {1, 0}, {2, 3}, {3, 2}, {0, 2}}}),
            "nothing leads from {2, 3} to worker 0 here, directly or through others; add links");
  EXPECT_EQ(refused(4, {{{0, 1}, {1, 0}, {2, 3}, {3, 2}, {2, 0}}}),
            "nothing leads from worker 0 to {2, 3} here, directly or through others; add links");
}

TEST(Schedules, RefuseLinksOverWhichModelsOnlyChangePlaces) {
  const auto of = [](std::uint32_t nodes, const std::vector<std::vector<Link>>& rounds) {
    std::vector<LinkMatrix> matrices;
    for (const std::vector<Link>& links : rounds) matrices.emplace_back(nodes, links);
    return refusal([&] { require_joined(LinkSchedule(std::move(matrices))); });
  };
  const std::string refused =
      "over these links models change places and never mix, however many rounds there are; let each worker keep a part "
      "of what it has (weights that add up to less than 1)";
  EXPECT_EQ(of(3, {{{0, 1, 1.0}, {1, 2, 1.0}, {2, 0, 1.0}}}), refused);
  EXPECT_EQ(of(3, {{{0, 1, 1.0}, {1, 2, 1.0}, {2, 0, 0.9}}}), "accepted");
  // Two lots that hand over to each other; a chord of another length joins them.
  EXPECT_EQ(of(4, {{{0, 1, 0.5}, {0, 3, 0.5}, {1, 2, 1.0}, {2, 3, 1.0}, {3, 0, 1.0}}}), refused);
  EXPECT_EQ(of(4, {{{0, 1, 0.5}, {0, 2, 0.5}, {1, 2, 1.0}, {2, 3, 1.0}, {3, 0, 1.0}}}), "accepted");
  EXPECT_EQ(
      of(2, {{{0, 1, 1.0}}, {{1, 0, 0.5}}}),
      "worker 0 gives away all it has in round 0 and gets nothing, which leaves it without a model; let it keep a "
      "part");
  // Rounds that only exchange pairs.
  EXPECT_EQ(of(3, {{{0, 1, 1.0}, {1, 0, 1.0}}, {{1, 2, 1.0}, {2, 1, 1.0}}}), refused);
}

TEST(Schedules, AreWrittenForGraphvizWithTheRoundsOfEachLink) {
  EXPECT_EQ(graphviz_text(*schedule("directed_ring:2"), "a \"b\""),
            "digraph \"a \\\"b\\\"\" {\n  node [shape=circle];\n  0;\n  1;\n  0 -> 1;\n  1 -> 0;\n}\n");
  EXPECT_NE(graphviz_text(*schedule("one_peer:4"), "x").find("  0 -> 2 [label=\"1\"];\n"), std::string::npos);
}

TEST(Topology, OfDirectedLinksIsNoUndirectedGraph) {
  EXPECT_TRUE(has_directed_links("one_peer:8"));
  EXPECT_FALSE(has_directed_links("ring:8"));
  EXPECT_FALSE(has_directed_links("rung:8"));

  EXPECT_EQ(refusal([] {
              make_topology("directed_ring:8", std::nullopt, 1);
            }).find("topology 'directed_ring:8': its links are directed or change from round to round; "),
            0U);
  EXPECT_EQ(refusal([] { schedule("one_peer:8", 9); }),
            "topology 'one_peer:8': it has 8 nodes for 9 workers; take as many workers, or another topology");
  EXPECT_EQ(refusal([] { schedule("rotating", 9); }),
            "topology 'rotating': it has 8 nodes for 9 workers; take as many workers, or another topology");
  EXPECT_EQ(refusal([] { schedule("base:8"); }), "topology 'base:8': how many nodes? Write it as base:N:K");
  EXPECT_EQ(refusal([] { schedule("directed_ring", 1); }),
            "topology 'directed_ring': one node has nobody to send to; take at least two");
}

}  // namespace
}  // namespace laconic
