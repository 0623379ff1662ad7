// Mixing weights: how much of each neighbour's model a worker takes in one round of gossip.
//
// The matrix W of a connected undirected graph is symmetric and doubly stochastic: w_ij = w_ji > 0 on an edge, 0 where
// there is none, w_ii = 1 - sum_{j != i} w_ij >= 0. Averages are then unchanged by x := W x (Xiao and Boyd 2004; Xiao,
// Boyd and Lall 2005 for Metropolis).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "topology/graph.h"

namespace laconic {

// A way to choose the weights: the visible table, the default first.
struct WeightsRow {
  std::string_view name;
  std::string_view help;
  // w_ij of an edge from the degrees of its ends (>= 1) and the largest degree of the graph.
  double (*weight)(std::size_t degree_i, std::size_t degree_j, std::size_t max_degree);
};
std::span<const WeightsRow> mixing_weights();
// Throws UsageError with the known names for another one.
const WeightsRow& find_weights(std::string_view name);

struct WeightedNeighbor {
  Rank rank;
  double weight = 0.0;  // w_ij
};

// W, of which only what is not zero is stored. Immutable.
class MixingMatrix {
 public:
  MixingMatrix(const Graph& graph, const WeightsRow& weights);

  std::size_t nodes() const { return self_weights_.size(); }
  // Of the graph.
  const std::string& origin() const { return origin_; }
  // w_ii >= 0.
  double self_weight(Rank node) const;
  // Ascending by rank, without the node itself. Valid as long as the matrix.
  std::span<const WeightedNeighbor> neighbors(Rank node) const;
  // result := W x. Both of nodes() elements, not overlapping.
  void multiply(std::span<const double> x, std::span<double> result) const;

 private:
  std::vector<double> self_weights_;
  std::vector<std::size_t> offsets_;
  std::vector<WeightedNeighbor> neighbors_;
  std::string origin_;
};

}  // namespace laconic
