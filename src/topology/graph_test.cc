#include "topology/graph.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/error.h"
#include "base/random.h"

namespace laconic {
namespace {

std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

// A matrix of who is joined with whom, and the edges of it.
struct Random {
  std::uint32_t nodes;
  std::vector<std::vector<bool>> joined;
  std::vector<Edge> edges;  // ends and order at random
};

Random random_graph(RandomStream& stream) {
  Random graph{.nodes = 1 + static_cast<std::uint32_t>(stream.below(20)), .joined = {}, .edges = {}};
  graph.joined.assign(graph.nodes, std::vector<bool>(graph.nodes, false));
  const double density = stream.uniform() * stream.uniform();
  for (std::uint32_t a = 0; a < graph.nodes; ++a) {
    for (std::uint32_t b = a + 1; b < graph.nodes; ++b) {
      if (stream.uniform() >= density) continue;
      graph.joined[a][b] = graph.joined[b][a] = true;
      graph.edges.push_back(stream.below(2) == 0 ? Edge{a, b} : Edge{b, a});
    }
  }
  stream.shuffle(std::span(graph.edges));
  return graph;
}

TEST(Graph, HasTheNeighboursOfTheMatrixAscending) {
  RandomStream stream(1, "graph test");
  for (int trial = 0; trial < 500; ++trial) {
    const Random random = random_graph(stream);
    const Graph graph(random.nodes, random.edges);
    ASSERT_EQ(graph.nodes(), random.nodes);
    std::size_t largest = 0;
    std::vector<Edge> edges;
    for (std::uint32_t a = 0; a < random.nodes; ++a) {
      std::vector<std::uint32_t> expected;
      for (std::uint32_t b = 0; b < random.nodes; ++b) {
        if (random.joined[a][b]) expected.push_back(b);
        if (random.joined[a][b] && a < b) edges.push_back({a, b});
      }
      const auto neighbors = graph.neighbors(a);
      ASSERT_EQ(std::vector<std::uint32_t>(neighbors.begin(), neighbors.end()), expected);
      ASSERT_EQ(graph.degree(a), expected.size());
      largest = std::max(largest, expected.size());
    }
    EXPECT_EQ(graph.edges(), edges);
    EXPECT_EQ(graph.max_degree(), largest);
  }
}

TEST(Graph, PartsAreTheClassesOfTheTransitiveClosure) {
  RandomStream stream(2, "graph test");
  int connected = 0;
  for (int trial = 0; trial < 500; ++trial) {
    Random random = random_graph(stream);
    const Graph graph(random.nodes, random.edges);
    auto& reach = random.joined;
    for (std::uint32_t k = 0; k < random.nodes; ++k) {
      for (std::uint32_t i = 0; i < random.nodes; ++i) {
        for (std::uint32_t j = 0; j < random.nodes; ++j) reach[i][j] = reach[i][j] || (reach[i][k] && reach[k][j]);
      }
    }
    std::vector<std::vector<std::uint32_t>> expected;
    for (std::uint32_t i = 0; i < random.nodes; ++i) {
      std::vector<std::uint32_t> part;
      for (std::uint32_t j = 0; j < random.nodes; ++j) {
        if (i == j || reach[i][j]) part.push_back(j);
      }
      if (part.front() == i) expected.push_back(part);
    }
    EXPECT_EQ(connected_parts(graph), expected);
    EXPECT_EQ(is_connected(graph), expected.size() == 1);
    connected += is_connected(graph) ? 1 : 0;
  }
  EXPECT_GT(connected, 20) << "both kinds are to occur";
  EXPECT_LT(connected, 480);
}

TEST(Graph, RefusesWhatIsNoSimpleGraphWithTheNodesOfIt) {
  EXPECT_EQ(refusal([] { Graph(3, {{0, 1}, {2, 2}}); }), "an edge joins node 2 with itself; leave it out");
  EXPECT_EQ(refusal([] {
              Graph(2, {{0, 1}, {1, 0}}, {"ann", "bob"});
            }),
            "the edge ann - bob is there twice; an undirected edge is given once");
  EXPECT_EQ(refusal([] { Graph(3, {{3, 1}}); }), "the edge 1 - 3 leads out of the graph, whose nodes are 0 to 2");
  EXPECT_EQ(refusal([] { Graph(0, {}); }), "a graph of 0 nodes; it has from 1 to 100000");
  EXPECT_EQ(refusal([] { Graph(kMaxNodes + 1, {}); }), "a graph of 100001 nodes; it has from 1 to 100000");
}

TEST(Graph, InPartsIsRefusedWithTheNamesOfTheParts) {
  EXPECT_EQ(
      refusal([] {
        require_connected(Graph(4, {{0, 2}, {1, 3}}, {"ann", "bob", "eve", "tom"}));
      }),
      "the graph is in 2 parts that no edge joins: {ann, eve} and {bob, tom}; models would never reach from one to "
      "another, so add edges between them");
  EXPECT_EQ(refusal([] {
              require_connected(Graph(20, {}));
            }).find("the graph is in 20 parts that no edge joins: {0}, {1}, {2}, {3} and 16 more; "),
            0u);
  std::vector<Edge> star;
  for (std::uint32_t leaf = 1; leaf < 99; ++leaf) star.push_back({0, leaf});
  EXPECT_NE(
      refusal([&] { require_connected(Graph(100, star)); }).find("{0, 1, 2, 3, 4, 5, 6, 7, ... 99 nodes} and {99};"),
      std::string::npos);
  EXPECT_EQ(refusal([] { require_connected(Graph()); }), "accepted");
}

TEST(Graphviz, ListsNodesAndEdgesWithNamesQuoted) {
  EXPECT_EQ(graphviz_text(Graph(2, {{0, 1}}, {"say \"a\"", "back\\slash"}), "two"),
            "graph \"two\" {\n  node [shape=circle];\n  0 [label=\"say \\\"a\\\"\"];\n  1 [label=\"back\\\\slash\"];\n"
            "  0 -- 1;\n}\n");
}

}  // namespace
}  // namespace laconic
