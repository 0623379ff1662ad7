#include "topology/graph.h"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>

#include "base/error.h"

namespace laconic {
namespace {

constexpr std::size_t kNodesShown = 8;  // of a part, in an error
constexpr std::size_t kPartsShown = 4;

std::string part_text(const Graph& graph, const std::vector<std::uint32_t>& part) {
  std::string text = "{";
  for (std::size_t i = 0; i < std::min(part.size(), kNodesShown); ++i) {
    text += (i == 0 ? "" : ", ") + graph.name(part[i]);
  }
  if (part.size() > kNodesShown) text += ", ... " + std::to_string(part.size()) + " nodes";
  return text + "}";
}

}  // namespace

Graph::Graph(std::uint32_t nodes, std::vector<Edge> edges, std::vector<std::string> names, std::string origin)
    : edges_(std::move(edges)), names_(std::move(names)), origin_(std::move(origin)) {
  if (nodes < 1 || nodes > kMaxNodes) {
    throw UsageError("a graph of " + std::to_string(nodes) + " nodes; it has from 1 to " + std::to_string(kMaxNodes));
  }
  if (edges_.size() > kMaxEdges) {
    throw UsageError("a graph of " + std::to_string(edges_.size()) + " edges; it has at most " +
                     std::to_string(kMaxEdges));
  }
  LACONIC_CHECK(names_.empty() || names_.size() == nodes, names_.size() << " names for " << nodes << " nodes");
  offsets_.assign(std::size_t{nodes} + 1, 0);
  for (Edge& edge : edges_) {
    if (edge.a > edge.b) std::swap(edge.a, edge.b);
    if (edge.b >= nodes) {
      throw UsageError(
          fmt::format("the edge {} - {} leads out of the graph, whose nodes are 0 to {}", edge.a, edge.b, nodes - 1));
    }
    if (edge.a == edge.b) throw UsageError("an edge joins node " + name(edge.a) + " with itself; leave it out");
  }
  std::sort(edges_.begin(), edges_.end());
  const auto twice = std::adjacent_find(edges_.begin(), edges_.end());
  if (twice != edges_.end()) {
    throw UsageError("the edge " + name(twice->a) + " - " + name(twice->b) +
                     " is there twice; an undirected edge is given once");
  }
  // In this order the neighbours of every node come out ascending: those before it as `a`, then those after it as `b`.
  for (const Edge& edge : edges_) {
    ++offsets_[edge.a + 1];
    ++offsets_[edge.b + 1];
  }
  for (std::uint32_t node = 0; node < nodes; ++node) offsets_[node + 1] += offsets_[node];
  adjacent_.resize(2 * edges_.size());
  std::vector<std::size_t> next(offsets_.begin(), offsets_.end() - 1);
  for (const Edge& edge : edges_) adjacent_[next[edge.b]++] = edge.a;
  for (const Edge& edge : edges_) adjacent_[next[edge.a]++] = edge.b;
}

std::span<const std::uint32_t> Graph::neighbors(std::uint32_t node) const {
  LACONIC_CHECK(node < nodes(), "node " << node << " of " << nodes());
  return std::span(adjacent_).subspan(offsets_[node], offsets_[node + 1] - offsets_[node]);
}

std::size_t Graph::max_degree() const {
  std::size_t largest = 0;
  for (std::uint32_t node = 0; node < nodes(); ++node) largest = std::max(largest, degree(node));
  return largest;
}

std::string Graph::name(std::uint32_t node) const { return names_.empty() ? std::to_string(node) : names_.at(node); }

std::vector<std::vector<std::uint32_t>> connected_parts(const Graph& graph) {
  std::vector<std::vector<std::uint32_t>> parts;
  std::vector<bool> seen(graph.nodes(), false);
  for (std::uint32_t start = 0; start < graph.nodes(); ++start) {
    if (seen[start]) continue;
    std::vector<std::uint32_t> part = {start};
    seen[start] = true;
    for (std::size_t i = 0; i < part.size(); ++i) {
      for (const std::uint32_t neighbor : graph.neighbors(part[i])) {
        if (seen[neighbor]) continue;
        seen[neighbor] = true;
        part.push_back(neighbor);
      }
    }
    std::sort(part.begin(), part.end());
    parts.push_back(std::move(part));
  }
  return parts;
}

bool is_connected(const Graph& graph) { return connected_parts(graph).size() == 1; }

void require_connected(const Graph& graph) {
  const auto parts = connected_parts(graph);
  if (parts.size() == 1) return;
  const std::size_t shown = std::min(parts.size(), kPartsShown);
  std::string text;
  for (std::size_t i = 0; i < shown; ++i) {
    const bool last = i + 1 == parts.size();
    text += (i == 0 ? "" : last ? " and " : ", ") + part_text(graph, parts[i]);
  }
  if (parts.size() > shown) text += " and " + std::to_string(parts.size() - shown) + " more";
  throw UsageError("the graph is in " + std::to_string(parts.size()) + " parts that no edge joins: " + text +
                   "; models would never reach from one to another, so add edges between them");
}

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + "\"";
}

std::string graphviz_text(const Graph& graph, const std::string& title) {
  std::string text = "graph " + quoted(title) + " {\n  node [shape=circle];\n";
  for (std::uint32_t node = 0; node < graph.nodes(); ++node) {
    text += "  " + std::to_string(node);
    if (graph.named()) text += " [label=" + quoted(graph.name(node)) + "]";
    text += ";\n";
  }
  for (const Edge& edge : graph.edges()) {
    text += "  " + std::to_string(edge.a) + " -- " + std::to_string(edge.b) + ";\n";
  }
  return text + "}\n";
}

}  // namespace laconic
