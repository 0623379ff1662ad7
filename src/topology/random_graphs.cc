// Random graphs, drawn from the seed until they are connected.
#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/random.h"
#include "topology/families.h"

namespace laconic {
namespace {

// The first connected graph of kGraphDraws; `draw` gives none where it came to a dead end. `remedy` ends the error.
template <typename Draw>
Graph first_connected(const TopologyRequest& request, std::string_view purpose, const std::string& remedy, Draw draw) {
  std::size_t parts = 0;  // of the newest graph that was in parts
  for (int attempt = 0; attempt < kGraphDraws; ++attempt) {
    RandomStream stream(request.seed, purpose, {static_cast<std::uint64_t>(attempt)});
    std::optional<Graph> graph = draw(stream);
    if (!graph) continue;
    const std::size_t count = connected_parts(*graph).size();
    if (count == 1) return std::move(*graph);
    parts = count;
  }
  request.fail(fmt::format("none of {} draws is connected{}; {}", kGraphDraws,
                           parts > 0 ? fmt::format(" (one of them is in {} parts)", parts) : "", remedy));
}

// Batagelj and Brandes 2005: of the pairs (a, b), a < b, in the order of b, then a, the number skipped before the next
// edge is geometric. Time and memory are those of the edges, not of the pairs.
std::optional<Graph> draw_erdos_renyi(std::uint32_t nodes, double probability, RandomStream& stream) {
  const double log_of_none = std::log1p(-probability);
  std::vector<Edge> edges;
  std::uint64_t a = 0;
  std::uint64_t b = 1;
  for (bool first = true; b < nodes; first = false) {
    const double skipped = probability < 1.0 ? std::floor(std::log1p(-stream.uniform()) / log_of_none) : 0.0;
    // More than there are pairs: past the end, whatever the exact number.
    const double pairs = static_cast<double>(nodes) * nodes;
    if (!(skipped < pairs)) break;
    a += static_cast<std::uint64_t>(skipped) + (first ? 0 : 1);
    while (b < nodes && a >= b) {
      a -= b;
      ++b;
    }
    if (b >= nodes) break;
    if (edges.size() == kMaxEdges) return std::nullopt;
    edges.push_back({static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(b)});
  }
  return Graph(nodes, std::move(edges));
}

std::uint64_t key_of(std::uint32_t a, std::uint32_t b) { return std::uint64_t{std::min(a, b)} << 32 | std::max(a, b); }

// Pairs the half-edges of all nodes at random; those that would make a loop or a double edge are thrown in again
// (Steger and Wormald 1999: asymptotically uniform for small degrees). None when only impossible pairs are left.
std::optional<std::vector<Edge>> pair_half_edges(std::uint32_t nodes, std::uint32_t degree, RandomStream& stream) {
  std::vector<std::uint32_t> open;
  for (std::uint32_t node = 0; node < nodes; ++node) open.insert(open.end(), degree, node);
  std::unordered_set<std::uint64_t> present;  // asked for membership only
  std::vector<Edge> edges;
  while (!open.empty()) {
    stream.shuffle(std::span(open));
    std::vector<std::uint32_t> refused;
    for (std::size_t i = 0; i + 1 < open.size(); i += 2) {
      const auto [a, b] = std::minmax({open[i], open[i + 1]});
      if (a != b && present.insert(key_of(a, b)).second) {
        edges.push_back({a, b});
      } else {
        refused.push_back(a);
        refused.push_back(b);
      }
    }
    if (refused.size() == open.size()) {
      // Nothing fitted: is there a pair that could? The nodes left are few by now.
      std::vector<std::uint32_t> left = refused;
      std::sort(left.begin(), left.end());
      left.erase(std::unique(left.begin(), left.end()), left.end());
      bool possible = false;
      for (std::size_t i = 0; i < left.size() && !possible; ++i) {
        for (std::size_t j = i + 1; j < left.size() && !possible; ++j) {
          possible = !present.contains(key_of(left[i], left[j]));
        }
      }
      if (!possible) return std::nullopt;
    }
    open = std::move(refused);
  }
  return edges;
}

std::vector<Edge> complement(std::uint32_t nodes, std::vector<Edge> edges) {
  std::sort(edges.begin(), edges.end());
  std::vector<Edge> others;
  auto next = edges.begin();
  for (std::uint32_t a = 0; a < nodes; ++a) {
    for (std::uint32_t b = a + 1; b < nodes; ++b) {
      if (next != edges.end() && *next == Edge{a, b}) {
        ++next;
      } else {
        others.push_back({a, b});
      }
    }
  }
  return others;
}

}  // namespace

Graph make_erdos_renyi(const TopologyRequest& request) {
  const std::uint32_t nodes = request.nodes();
  const std::string_view text = request.parameter;
  double probability = 0.0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), probability);
  if (result.ec != std::errc{} || result.ptr != text.data() + text.size() ||
      !(probability > 0.0 && probability <= 1.0)) {
    request.fail("'" + std::string(text) + "' is no probability of an edge: a number above 0, at most 1");
  }
  const double expected = probability * nodes * (nodes - 1.0) / 2;
  if (expected > 0.99 * static_cast<double>(kMaxEdges)) {
    request.fail("it would have about " + std::to_string(static_cast<std::uint64_t>(expected)) + " edges, more than " +
                 std::to_string(kMaxEdges) + "; take a smaller probability or fewer nodes");
  }
  // Erdos and Renyi 1959: at log(n) / n the graph has about no chance yet, a little above it nearly certainty.
  const double likely = std::min(1.0, 1.5 * std::log(static_cast<double>(nodes)) / nodes);
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, likely, std::chars_format::general, 2).ptr;
  return first_connected(request, "erdos renyi", "take a larger probability: " + std::string(digits, end) + " will do",
                         [&](RandomStream& stream) { return draw_erdos_renyi(nodes, probability, stream); });
}

Graph make_random_regular(const TopologyRequest& request) {
  const std::uint32_t nodes = request.nodes();
  if (nodes < 2) request.fail("one node has no neighbours; take at least two nodes");
  const std::uint32_t degree = request.whole_number(request.parameter, "number of neighbours", 1, nodes - 1);
  const std::uint64_t half_edges = std::uint64_t{nodes} * degree;
  if (half_edges % 2 != 0) {
    request.fail(std::to_string(nodes) + " nodes of " + std::to_string(degree) +
                 " neighbours: one of the two numbers has to be even");
  }
  if (half_edges / 2 > kMaxEdges) {
    request.fail("it would have more than " + std::to_string(kMaxEdges) + " edges; take fewer neighbours or nodes");
  }
  // Dense ones as what a sparse one leaves over, which seldom comes to a dead end.
  const std::uint32_t left_over = nodes - 1 - degree;
  const bool inverted = left_over < degree;
  return first_connected(request, "random regular", "take at least three neighbours",
                         [&](RandomStream& stream) -> std::optional<Graph> {
                           auto edges = pair_half_edges(nodes, inverted ? left_over : degree, stream);
                           if (!edges) return std::nullopt;
                           return Graph(nodes, inverted ? complement(nodes, std::move(*edges)) : std::move(*edges));
                         });
}

}  // namespace laconic
