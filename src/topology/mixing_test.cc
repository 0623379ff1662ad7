#include "topology/mixing.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/random.h"
#include "topology/topology.h"

namespace laconic {
namespace {

Rank rank(std::uint32_t node) { return {static_cast<std::int32_t>(node)}; }

// W as a full matrix, from the definition and the graph's edges.
std::vector<std::vector<double>> matrix_by_definition(const Graph& graph, std::string_view weights) {
  const std::size_t n = graph.nodes();
  std::vector<std::vector<double>> w(n, std::vector<double>(n, 0.0));
  std::vector<int> degree(n, 0);
  for (const Edge& edge : graph.edges()) {
    ++degree[edge.a];
    ++degree[edge.b];
  }
  int largest = 0;
  for (const int d : degree) largest = std::max(largest, d);
  for (const Edge& edge : graph.edges()) {
    const int larger = std::max(degree[edge.a], degree[edge.b]);
    const double weight = weights == "metropolis"   ? 1.0 / (larger + 1)
                          : weights == "max_degree" ? 1.0 / larger
                                                    : 1.0 / (largest + 1);
    w[edge.a][edge.b] = w[edge.b][edge.a] = weight;
  }
  for (std::size_t i = 0; i < n; ++i) {
    double others = 0.0;
    for (std::size_t j = 0; j < n; ++j) others += i == j ? 0.0 : w[i][j];
    w[i][i] = 1.0 - others;
  }
  return w;
}

TEST(Mixing, IsTheMatrixOfTheDefinitionOnRandomGraphs) {
  RandomStream stream(1, "mixing test");
  for (int trial = 0; trial < 100; ++trial) {
    const auto nodes = 2 + static_cast<std::uint32_t>(stream.below(30));
    const Graph graph = make_topology("erdos_renyi:0.5", nodes, stream());
    std::vector<double> x(nodes);
    for (double& value : x) value = stream.gaussian();
    for (const WeightsRow& row : mixing_weights()) {
      const MixingMatrix mixing(graph, row);
      const auto w = matrix_by_definition(graph, row.name);
      std::vector<double> product(nodes);
      mixing.multiply(x, product);
      for (std::uint32_t i = 0; i < nodes; ++i) {
        // Sums of at most 32 terms of at most 1.
        constexpr double kTolerance = 64 * std::numeric_limits<double>::epsilon();
        EXPECT_NEAR(mixing.self_weight(rank(i)), w[i][i], kTolerance) << row.name;
        std::vector<double> found(nodes, 0.0);
        double expected_product = w[i][i] * x[i];
        std::int32_t before = -1;
        for (const WeightedNeighbor& neighbor : mixing.neighbors(rank(i))) {
          EXPECT_GT(neighbor.rank.value, before);
          before = neighbor.rank.value;
          found[static_cast<std::size_t>(before)] = neighbor.weight;
        }
        for (std::uint32_t j = 0; j < nodes; ++j) {
          if (j == i) continue;
          EXPECT_EQ(found[j], w[i][j]) << row.name;
          expected_product += w[i][j] * x[j];
        }
        EXPECT_NEAR(product[i], expected_product, 10 * kTolerance);
      }
    }
  }
}

TEST(Mixing, IsSymmetricToTheBitAndItsRowsSumToOneWithinRounding) {
  for (const char* spec : {"ring:1", "ring:2", "ring:3", "torus:3x7", "complete:9", "star:50", "hypercube:64",
                           "chain:5", "davis", "karate", "random_regular:40:7", "erdos_renyi:60:0.2"}) {
    const Graph graph = make_topology(spec, std::nullopt, 1);
    for (const WeightsRow& row : mixing_weights()) {
      const MixingMatrix mixing(graph, row);
      for (std::uint32_t i = 0; i < graph.nodes(); ++i) {
        double sum = mixing.self_weight(rank(i));
        EXPECT_GE(sum, 0.0);
        for (const WeightedNeighbor& neighbor : mixing.neighbors(rank(i))) {
          EXPECT_GT(neighbor.weight, 0.0);
          sum += neighbor.weight;
          bool back = false;
          for (const WeightedNeighbor& other : mixing.neighbors(neighbor.rank)) {
            back = back || (other.rank == rank(i) && other.weight == neighbor.weight);
          }
          EXPECT_TRUE(back) << spec << " " << row.name << ": " << i << " - " << neighbor.rank.value;
        }
        EXPECT_NEAR(sum, 1.0, 1e-14) << spec << " " << row.name;
      }
    }
  }
}

TEST(Mixing, WeightsThatTakeAllLeaveExactlyNothing) {
  for (const char* spec : {"ring:6", "complete:50", "hypercube:8", "random_regular:20:11"}) {
    const Graph graph = make_topology(spec, std::nullopt, 1);
    const MixingMatrix mixing(graph, find_weights("max_degree"));
    for (std::uint32_t i = 0; i < graph.nodes(); ++i) EXPECT_EQ(mixing.self_weight(rank(i)), 0.0) << spec;
  }
}

TEST(Mixing, UnknownWeightsAreRefusedWithTheNearestName) {
  try {
    find_weights("metropolys");
    FAIL() << "accepted";
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(),
                 "weights 'metropolys': not one of: metropolis, max_degree, uniform; did you mean 'metropolis'?");
  }
}

}  // namespace
}  // namespace laconic
