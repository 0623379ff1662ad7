// Undirected graphs: who talks with whom.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace laconic {

// Enough for any job; a larger request is a slip or an attack, and is refused before memory is taken for it.
inline constexpr std::uint32_t kMaxNodes = 100'000;
inline constexpr std::size_t kMaxEdges = 5'000'000;

// Between two nodes, written with a < b.
struct Edge {
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  friend auto operator<=>(const Edge&, const Edge&) = default;
};

// A simple undirected graph: nodes 0 .. n-1, no edge from a node to itself, none twice. Node i is the worker of rank i.
// It may be in several parts; see require_connected. Immutable, so that any number of threads may read it.
class Graph {
 public:
  // One node that is alone.
  Graph() : Graph(1, {}) {}
  // The ends of an edge may come in either order, the edges in any. `names`, one a node or none at all, are what errors
  // and drawings call the nodes. Throws UsageError that names the nodes for a node out of range, an edge from a node to
  // itself, an edge given twice (in either direction), and a size outside 1 .. kMaxNodes or beyond kMaxEdges.
  // `origin`: what a file was taken as, in words.
  Graph(std::uint32_t nodes, std::vector<Edge> edges, std::vector<std::string> names = {}, std::string origin = {});

  std::uint32_t nodes() const { return static_cast<std::uint32_t>(offsets_.size() - 1); }
  // Ascending by (a, b). Of a temporary they are handed over.
  const std::vector<Edge>& edges() const& { return edges_; }
  std::vector<Edge> edges() && { return std::move(edges_); }
  // Ascending, without the node itself. Valid as long as the graph.
  std::span<const std::uint32_t> neighbors(std::uint32_t node) const;
  std::size_t degree(std::uint32_t node) const { return neighbors(node).size(); }
  // The largest of all nodes.
  std::size_t max_degree() const;
  bool named() const { return !names_.empty(); }
  // Its name, or its number.
  std::string name(std::uint32_t node) const;
  // What the file that it comes from was taken as; empty for one that comes from none.
  const std::string& origin() const { return origin_; }

 private:
  std::vector<Edge> edges_;
  std::vector<std::size_t> offsets_;     // n + 1: where the neighbours of a node begin
  std::vector<std::uint32_t> adjacent_;  // 2 edges: the neighbours of all nodes, one node after the other
  std::vector<std::string> names_;
  std::string origin_;
};

// The connected parts, each ascending, ordered by their first node.
std::vector<std::vector<std::uint32_t>> connected_parts(const Graph& graph);
bool is_connected(const Graph& graph);
// Throws UsageError with the names of the parts ("{0, 1} and {2, 3}", shortened where they are long) unless every node
// can reach every other one.
void require_connected(const Graph& graph);

// A text in double quotes, as Graphviz takes it for a name.
std::string quoted(std::string_view text);
// The graph as Graphviz reads it (https://graphviz.org/doc/info/lang.html), `title` as its name.
std::string graphviz_text(const Graph& graph, const std::string& title);

}  // namespace laconic
