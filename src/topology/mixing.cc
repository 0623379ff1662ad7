#include "topology/mixing.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/spelling.h"
#include "base/utf8.h"

namespace laconic {
namespace {

double metropolis(std::size_t degree_i, std::size_t degree_j, std::size_t) {
  return 1.0 / (1.0 + static_cast<double>(std::max(degree_i, degree_j)));
}
double max_degree(std::size_t degree_i, std::size_t degree_j, std::size_t) {
  return 1.0 / static_cast<double>(std::max(degree_i, degree_j));
}
double uniform(std::size_t, std::size_t, std::size_t max_degree) {
  return 1.0 / (1.0 + static_cast<double>(max_degree));
}

constexpr std::array<WeightsRow, 3> kWeights = {{
    {"metropolis", "1 / (1 + the larger degree of the two); the node itself keeps the rest", metropolis},
    {"max_degree", "1 / (the larger degree of the two); does not converge on a bipartite graph of equal degrees",
     max_degree},
    {"uniform", "1 / (1 + the largest degree of the graph) on every edge", uniform},
}};

}  // namespace

std::span<const WeightsRow> mixing_weights() { return kWeights; }

const WeightsRow& find_weights(std::string_view name) {
  std::vector<std::string_view> names;
  for (const WeightsRow& row : kWeights) {
    if (row.name == name) return row;
    names.push_back(row.name);
  }
  throw UsageError("weights '" + printable(name) + "': not one of: " + listed(names) + did_you_mean(name, names));
}

MixingMatrix::MixingMatrix(const Graph& graph, const WeightsRow& weights)
    : self_weights_(graph.nodes()), offsets_(graph.nodes() + std::size_t{1}), origin_(graph.origin()) {
  neighbors_.reserve(2 * graph.edges().size());
  const std::size_t largest = graph.max_degree();
  for (std::uint32_t node = 0; node < graph.nodes(); ++node) {
    const auto adjacent = graph.neighbors(node);
    double given = 0.0;
    for (const std::uint32_t neighbor : adjacent) {
      const double weight = weights.weight(adjacent.size(), graph.degree(neighbor), largest);
      neighbors_.push_back({Rank{static_cast<std::int32_t>(neighbor)}, weight});
      given += weight;
    }
    offsets_[node + 1] = neighbors_.size();
    // The weights are rounded, each within half a unit of the last place, and so is each sum (at most 1). What is left
    // of 1 by less than that is zero: d weights of 1/d.
    const double rounding = static_cast<double>(adjacent.size()) * std::numeric_limits<double>::epsilon();
    const double rest = 1.0 - given;
    self_weights_[node] = std::abs(rest) <= rounding ? 0.0 : rest;
    LACONIC_CHECK(self_weights_[node] >= 0.0 && std::abs(given + self_weights_[node] - 1.0) <= rounding,
                  weights.name << ": row " << node << " has w_ii = " << rest << " beside " << given);
  }
}

double MixingMatrix::self_weight(Rank node) const {
  LACONIC_CHECK(node.value >= 0 && static_cast<std::size_t>(node.value) < nodes(), "node " << node.value);
  return self_weights_[static_cast<std::size_t>(node.value)];
}

std::span<const WeightedNeighbor> MixingMatrix::neighbors(Rank node) const {
  LACONIC_CHECK(node.value >= 0 && static_cast<std::size_t>(node.value) < nodes(), "node " << node.value);
  const auto index = static_cast<std::size_t>(node.value);
  return std::span(neighbors_).subspan(offsets_[index], offsets_[index + 1] - offsets_[index]);
}

void MixingMatrix::multiply(std::span<const double> x, std::span<double> result) const {
  LACONIC_CHECK(x.size() == nodes() && result.size() == nodes(), x.size() << " and " << result.size());
  for (std::size_t node = 0; node < nodes(); ++node) {
    double sum = self_weights_[node] * x[node];
    for (std::size_t i = offsets_[node]; i < offsets_[node + 1]; ++i) {
      sum += neighbors_[i].weight * x[static_cast<std::size_t>(neighbors_[i].rank.value)];
    }
    result[node] = sum;
  }
}

}  // namespace laconic
