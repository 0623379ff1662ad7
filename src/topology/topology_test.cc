#include "topology/topology.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <set>

#include "base/error.h"

namespace laconic {
namespace {

Graph graph_of(std::string_view spec, std::optional<std::uint32_t> workers = std::nullopt, std::uint64_t seed = 1) {
  return make_topology(spec, workers, seed);
}

std::string refusal(std::string_view spec, std::optional<std::uint32_t> workers = std::nullopt) {
  try {
    make_topology(spec, workers, 1);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

// The edges between the pairs for which `joined` holds.
std::vector<Edge> edges_where(std::uint32_t nodes, const std::function<bool(int, int)>& joined) {
  std::vector<Edge> edges;
  for (std::uint32_t a = 0; a < nodes; ++a) {
    for (std::uint32_t b = a + 1; b < nodes; ++b) {
      if (joined(static_cast<int>(a), static_cast<int>(b))) edges.push_back({a, b});
    }
  }
  return edges;
}

TEST(Topology, NamedGraphsJoinThePairsOfTheirDefinition) {
  for (int n = 1; n <= 33; ++n) {
    const auto nodes = static_cast<std::uint32_t>(n);
    const auto text = ":" + std::to_string(n);
    EXPECT_EQ(graph_of("ring" + text).edges(),
              edges_where(nodes, [&](int a, int b) { return (a + 1) % n == b || (b + 1) % n == a; }));
    EXPECT_EQ(graph_of("chain" + text).edges(), edges_where(nodes, [](int a, int b) { return b - a == 1; }));
    EXPECT_EQ(graph_of("complete" + text).edges(), edges_where(nodes, [](int, int) { return true; }));
    EXPECT_EQ(graph_of("star" + text).edges(), edges_where(nodes, [](int a, int) { return a == 0; }));
    if ((n & (n - 1)) == 0) {
      EXPECT_EQ(graph_of("hypercube" + text).edges(),
                edges_where(nodes, [](int a, int b) { return __builtin_popcount(static_cast<unsigned>(a ^ b)) == 1; }));
    }
  }
}

TEST(Topology, TorusJoinsCellsOneStepApartAndIsAsSquareAsItCanBe) {
  for (int rows = 2; rows <= 7; ++rows) {
    for (int columns = 2; columns <= 7; ++columns) {
      const auto step = [](int a, int b, int side) { return (a + 1) % side == b || (b + 1) % side == a; };
      const auto joined = [&](int a, int b) {
        const bool same_row = a / columns == b / columns;
        const bool same_column = a % columns == b % columns;
        return (same_row && step(a % columns, b % columns, columns)) ||
               (same_column && step(a / columns, b / columns, rows));
      };
      EXPECT_EQ(graph_of("torus:" + std::to_string(rows) + "x" + std::to_string(columns)).edges(),
                edges_where(static_cast<std::uint32_t>(rows * columns), joined));
    }
  }
  EXPECT_EQ(graph_of("torus:16").edges(), graph_of("torus:4x4").edges());
  EXPECT_EQ(graph_of("torus:24").edges(), graph_of("torus:4x6").edges());
  EXPECT_EQ(graph_of("torus", 14).edges(), graph_of("torus:2x7").edges());
  EXPECT_EQ(graph_of("torus:4x6", 24).edges(), graph_of("torus:4x6").edges());
}

TEST(Topology, SizeComesFromTheSpecOrFromTheWorkers) {
  EXPECT_EQ(graph_of("ring", 5).edges(), graph_of("ring:5").edges());
  EXPECT_EQ(graph_of("ring:5", 5).edges(), graph_of("ring:5").edges());
  EXPECT_EQ(graph_of("erdos_renyi:0.5", 12).edges(), graph_of("erdos_renyi:12:0.5").edges());
  EXPECT_EQ(graph_of("random_regular:3", 12).edges(), graph_of("random_regular:12:3").edges());
  EXPECT_EQ(graph_of("davis", 32).nodes(), 32u);
}

// Davis, Gardner and Gardner 1941: the margins of the table.
TEST(Topology, DavisHasTheWomenAndTheEventsOfTheBook) {
  const Graph graph = graph_of("davis");
  ASSERT_EQ(graph.nodes(), 32u);
  EXPECT_EQ(graph.edges().size(), 89u);
  const std::vector<std::size_t> degrees = {8, 7, 8, 7, 4, 4, 4, 3, 4,  4,  4,  6, 7, 8, 5, 2,
                                            2, 2, 3, 3, 6, 4, 8, 8, 10, 14, 12, 5, 4, 6, 3, 3};
  for (std::uint32_t node = 0; node < 32; ++node) EXPECT_EQ(graph.degree(node), degrees[node]) << graph.name(node);
  for (const Edge& edge : graph.edges()) EXPECT_TRUE(edge.a < 18 && edge.b >= 18) << "between a woman and an event";
  EXPECT_EQ(graph.name(0), "Evelyn Jefferson");
  EXPECT_EQ(graph.name(17), "Flora Price");
  EXPECT_EQ(graph.name(31), "E14");
}

// Zachary 1977: 78 friendships, the instructor (0) with 16 and the president (33) with 17 of them, 45 triangles.
TEST(Topology, KarateHasTheFriendshipsOfThePaper) {
  const Graph graph = graph_of("karate");
  ASSERT_EQ(graph.nodes(), 34u);
  EXPECT_EQ(graph.edges().size(), 78u);
  EXPECT_EQ(graph.degree(0), 16u);
  EXPECT_EQ(graph.degree(33), 17u);
  EXPECT_EQ(graph.degree(11), 1u);
  std::set<Edge> present(graph.edges().begin(), graph.edges().end());
  int triangles = 0;
  for (const Edge& edge : graph.edges()) {
    for (std::uint32_t c = edge.b + 1; c < 34; ++c) {
      triangles += present.count({edge.a, c}) != 0 && present.count({edge.b, c}) != 0 ? 1 : 0;
    }
  }
  EXPECT_EQ(triangles, 45);
}

TEST(Topology, RandomGraphsDependOnTheSeedAlone) {
  for (const char* spec : {"erdos_renyi:40:0.3", "random_regular:40:4"}) {
    EXPECT_EQ(graph_of(spec, {}, 7).edges(), graph_of(spec, {}, 7).edges()) << spec;
    EXPECT_NE(graph_of(spec, {}, 7).edges(), graph_of(spec, {}, 8).edges()) << spec;
  }
}

TEST(Topology, RandomRegularGraphsAreRegularConnectedAndSimple) {
  for (std::uint32_t nodes = 2; nodes <= 24; ++nodes) {
    for (std::uint32_t degree = nodes == 2 ? 1 : 2; degree < nodes; ++degree) {
      if (nodes * degree % 2 != 0) continue;
      const std::string spec = "random_regular:" + std::to_string(nodes) + ":" + std::to_string(degree);
      for (std::uint64_t seed = 0; seed < 3; ++seed) {
        const Graph graph = graph_of(spec, {}, seed);
        EXPECT_TRUE(is_connected(graph)) << spec;
        for (std::uint32_t node = 0; node < nodes; ++node) EXPECT_EQ(graph.degree(node), degree) << spec;
      }
    }
  }
  EXPECT_EQ(graph_of("random_regular:5000:3").edges().size(), 7500u);
}

TEST(Topology, EveryPairOfARandomGraphIsEquallyLikely) {
  // Dense enough to be connected nearly always, so that throwing others away hardly weighs.
  constexpr int kDraws = 4000;
  const struct {
    const char* spec;
    double probability;
  } kCases[] = {{"erdos_renyi:9:0.7", 0.7}, {"random_regular:9:4", 0.5}, {"random_regular:9:6", 0.75}};
  for (const auto& test : kCases) {
    std::vector<std::vector<int>> count(9, std::vector<int>(9, 0));
    for (std::uint64_t seed = 0; seed < kDraws; ++seed) {
      for (const Edge& edge : graph_of(test.spec, {}, seed).edges()) ++count[edge.a][edge.b];
    }
    // Five standard deviations of a count.
    const double expected = kDraws * test.probability;
    const double tolerance = 5 * std::sqrt(expected * (1 - test.probability));
    for (int a = 0; a < 9; ++a) {
      for (int b = a + 1; b < 9; ++b) EXPECT_NEAR(count[a][b], expected, tolerance) << test.spec << " " << a << b;
    }
  }
  EXPECT_EQ(graph_of("erdos_renyi:9:1").edges().size(), 36u);
}

TEST(Topology, RefusesWhatItCannotMakeInOneClearLine) {
  const struct {
    const char* spec;
    std::optional<std::uint32_t> workers;
    const char* says;
  } kBad[] = {
      {"ring", {}, "topology 'ring': how many nodes? Write it as ring:N"},
      {"erdos_renyi:0.3", {}, "topology 'erdos_renyi:0.3': how many nodes? Write it as erdos_renyi:N:P"},
      {"ring:16", 8, "topology 'ring:16': it has 16 nodes for 8 workers; take as many workers, or another topology"},
      {"davis", 1, "topology 'davis': it has 32 nodes for 1 worker; take as many workers, or another topology"},
      {"torus:4x8", 16,
       "topology 'torus:4x8': it has 32 nodes for 16 workers; take as many workers, or another topology"},
      {"torus", 7,
       "topology 'torus': a torus has rows and columns, at least two of each, and 7 nodes cannot be laid out so; take "
       "another number, or a ring"},
      {"torus:1x7", {}, "topology 'torus:1x7': '1' is no number of rows: a whole number from 2 to 100000"},
      {"torus:400x400", {}, "topology 'torus:400x400': '400' is no number of columns: a whole number from 2 to 250"},
      {"torus:4x", {}, "topology 'torus:4x': '' is no number of columns: a whole number from 2 to 25000"},
      {"hypercube", 12, "topology 'hypercube': a hypercube has 1, 2, 4, 8, 16, ... nodes, not 12"},
      {"ring:0", {}, "topology 'ring:0': '0' is no number of nodes: a whole number from 1 to 100000"},
      {"ring:-4", {}, "topology 'ring:-4': '-4' is no number of nodes: a whole number from 1 to 100000"},
      {"ring:99999999999",
       {},
       "topology 'ring:99999999999': '99999999999' is no number of nodes: a whole number from 1 to 100000"},
      {"ring:4.5", {}, "topology 'ring:4.5': '4.5' is no number of nodes: a whole number from 1 to 100000"},
      {"ring:", {}, "topology 'ring:': it is written ring[:N]"},
      {"ring:4:2", {}, "topology 'ring:4:2': it is written ring[:N]"},
      {"davis:32", {}, "topology 'davis:32': it is written davis"},
      {"file", {}, "topology 'file': it is written file:PATH"},
      {"erdos_renyi", 8, "topology 'erdos_renyi': it is written erdos_renyi[:N]:P"},
      {"erdos_renyi:8:", {}, "topology 'erdos_renyi:8:': it is written erdos_renyi[:N]:P"},
      {"erdos_renyi::0.3", {}, "topology 'erdos_renyi::0.3': it is written erdos_renyi[:N]:P"},
      {"complete:100000", {}, "topology 'complete:100000': it would have more than 5000000 edges; take fewer nodes"},
      {"erdos_renyi:8:0",
       {},
       "topology 'erdos_renyi:8:0': '0' is no probability of an edge: a number above 0, at most 1"},
      {"erdos_renyi:8:nan",
       {},
       "topology 'erdos_renyi:8:nan': 'nan' is no probability of an edge: a number above 0, at most 1"},
      {"erdos_renyi:100000:0.5",
       {},
       "topology 'erdos_renyi:100000:0.5': it would have about 2499975000 edges, more than 5000000; take a smaller "
       "probability or fewer nodes"},
      {"random_regular:7:3",
       {},
       "topology 'random_regular:7:3': 7 nodes of 3 neighbours: one of the two numbers has to be even"},
      {"random_regular:8:8",
       {},
       "topology 'random_regular:8:8': '8' is no number of neighbours: a whole number from 1 to 7"},
      {"random_regular:8:1",
       {},
       "topology 'random_regular:8:1': none of 100 draws is connected (one of them is in 4 parts); take at least three "
       "neighbours"},
      {"random_regular:1:1", {}, "topology 'random_regular:1:1': one node has no neighbours; take at least two nodes"},
  };
  for (const auto& bad : kBad) EXPECT_EQ(refusal(bad.spec, bad.workers), bad.says);
  EXPECT_EQ(refusal("rnig:4").find("topology 'rnig:4': not one of: ring[:N], chain[:N], torus[:N or AxB], "), 0u);
  EXPECT_NE(refusal("rings:4").find("; did you mean 'ring'?"), std::string::npos);
  const std::string scarce = refusal("erdos_renyi:1000:0.0001");
  EXPECT_EQ(scarce.find("topology 'erdos_renyi:1000:0.0001': none of 100 draws is connected (one of them is in "), 0u);
  EXPECT_NE(scarce.find("take a larger probability: 0.01 will do"), std::string::npos) << scarce;
}

}  // namespace
}  // namespace laconic
