#include "topology/links.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <tuple>

#include "base/error.h"

namespace laconic {
namespace {

std::string link_text(const Link& link) {
  return "the link " + std::to_string(link.from) + " -> " + std::to_string(link.to);
}

void check(std::uint32_t nodes, const Link& link) {
  if (link.from >= nodes || link.to >= nodes) {
    throw UsageError(link_text(link) + " leads out of the graph, whose nodes are 0 to " + std::to_string(nodes - 1));
  }
  if (link.from == link.to) {
    throw UsageError(link_text(link) + " joins a node with itself, which keeps what it does not send anyway");
  }
  if (!(link.weight > 0.0 && link.weight <= 1.0)) {
    throw UsageError(link_text(link) + " has weight " + std::to_string(link.weight) +
                     "; a weight is above 0 and at most 1");
  }
}

// n weights, each rounded to half a unit of the last place, and their sums.
double rounding_of(std::size_t weights) {
  return static_cast<double>(weights + 1) * std::numeric_limits<double>::epsilon();
}

}  // namespace

LinkMatrix::LinkMatrix(std::uint32_t nodes, std::vector<Link> links) {
  if (nodes < 1 || nodes > kMaxNodes) {
    throw UsageError("a graph of " + std::to_string(nodes) + " nodes; it has from 1 to " + std::to_string(kMaxNodes));
  }
  if (links.size() > 2 * kMaxEdges) {
    throw UsageError("a graph of " + std::to_string(links.size()) + " links; it has at most " +
                     std::to_string(2 * kMaxEdges));
  }
  for (const Link& link : links) check(nodes, link);
  std::sort(links.begin(), links.end(),
            [](const Link& a, const Link& b) { return std::tie(a.from, a.to) < std::tie(b.from, b.to); });
  const auto twice = std::adjacent_find(links.begin(), links.end(),
                                        [](const Link& a, const Link& b) { return a.from == b.from && a.to == b.to; });
  if (twice != links.end()) throw UsageError(link_text(*twice) + " is there twice in one round; give it once");

  self_weights_.assign(nodes, 1.0);
  receivers_of_.assign(std::size_t{nodes} + 1, 0);
  senders_of_.assign(std::size_t{nodes} + 1, 0);
  receivers_.reserve(links.size());
  for (const Link& link : links) {
    ++receivers_of_[link.from + 1];
    ++senders_of_[link.to + 1];
    receivers_.push_back({Rank{static_cast<std::int32_t>(link.to)}, link.weight});
  }
  for (std::uint32_t node = 0; node < nodes; ++node) {
    receivers_of_[node + 1] += receivers_of_[node];
    senders_of_[node + 1] += senders_of_[node];
  }
  senders_.resize(links.size());
  std::vector<std::size_t> next(senders_of_.begin(), senders_of_.end() - 1);
  for (const Link& link : links) {
    senders_[next[link.to]++] = {Rank{static_cast<std::int32_t>(link.from)}, link.weight};
  }
  for (std::uint32_t node = 0; node < nodes; ++node) {
    const Rank rank{static_cast<std::int32_t>(node)};
    double given = 0.0;
    for (const WeightedNeighbor& receiver : receivers(rank)) given += receiver.weight;
    const double rest = 1.0 - given;
    // What is left of 1 by no more than rounding is zero.
    self_weights_[node] = std::abs(rest) <= rounding_of(receivers(rank).size()) ? 0.0 : rest;
    if (self_weights_[node] < 0.0) {
      throw UsageError("node " + std::to_string(node) + " gives away " + std::to_string(given) +
                       " of what it has; the weights of its links add up to 1 at most, and what is left it keeps");
    }
  }
}

LinkMatrix LinkMatrix::evenly(std::uint32_t nodes,
                              const std::vector<std::pair<std::uint32_t, std::uint32_t>>& from_to) {
  std::vector<std::size_t> degrees(nodes, 0);
  for (const auto& [from, to] : from_to) {
    if (from < nodes) ++degrees[from];
  }
  std::vector<Link> links;
  links.reserve(from_to.size());
  for (const auto& [from, to] : from_to) {
    const double parts = from < nodes ? static_cast<double>(degrees[from] + 1) : 1.0;
    links.push_back({from, to, 1.0 / parts});
  }
  return LinkMatrix(nodes, std::move(links));
}

std::size_t LinkMatrix::index(Rank node) const {
  LACONIC_CHECK(node.value >= 0 && static_cast<std::uint32_t>(node.value) < nodes(), "node " << node.value);
  return static_cast<std::size_t>(node.value);
}

bool LinkMatrix::doubly_stochastic() const {
  for (Rank node{0}; node.value < static_cast<std::int32_t>(nodes()); ++node.value) {
    double got = self_weight(node);
    for (const WeightedNeighbor& sender : senders(node)) got += sender.weight;
    if (std::abs(got - 1.0) > 4 * rounding_of(senders(node).size())) return false;
  }
  return true;
}

void LinkMatrix::multiply(std::span<const double> x, std::span<double> result) const {
  LACONIC_CHECK(x.size() == nodes() && result.size() == nodes(), x.size() << " and " << result.size());
  for (Rank node{0}; node.value < static_cast<std::int32_t>(nodes()); ++node.value) {
    const auto at = static_cast<std::size_t>(node.value);
    result[at] = self_weights_[at] * x[at];
    for (const WeightedNeighbor& sender : senders(node)) {
      result[at] += sender.weight * x[static_cast<std::size_t>(sender.rank.value)];
    }
  }
}

}  // namespace laconic
