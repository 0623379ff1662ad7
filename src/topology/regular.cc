// Graphs that follow from their size.
#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "topology/families.h"

namespace laconic {
namespace {

// The graph of edges of which some may be there twice, or join a node with itself.
Graph simple_graph(std::uint32_t nodes, std::vector<Edge> edges) {
  for (Edge& edge : edges) edge = {std::min(edge.a, edge.b), std::max(edge.a, edge.b)};
  std::erase_if(edges, [](const Edge& edge) { return edge.a == edge.b; });
  std::sort(edges.begin(), edges.end());
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  return Graph(nodes, std::move(edges));
}

std::pair<std::uint32_t, std::uint32_t> torus_sides(const TopologyRequest& request) {
  const std::size_t cross = request.size.find('x');
  if (cross != std::string_view::npos) {
    const std::uint32_t rows = request.whole_number(request.size.substr(0, cross), "number of rows", 2, kMaxNodes);
    const std::uint32_t columns =
        request.whole_number(request.size.substr(cross + 1), "number of columns", 2, kMaxNodes / rows);
    return {rows, columns};
  }
  const std::uint32_t nodes = request.nodes();
  std::uint32_t rows = 1;
  for (std::uint32_t side = 2; side <= nodes / side; ++side) {
    if (nodes % side == 0) rows = side;
  }
  if (rows == 1) {
    request.fail("a torus has rows and columns, at least two of each, and " + std::to_string(nodes) +
                 " nodes cannot be laid out so; take another number, or a ring");
  }
  return {rows, nodes / rows};
}

}  // namespace

Graph make_ring(const TopologyRequest& request) {
  const std::uint32_t nodes = request.nodes();
  std::vector<Edge> edges;
  for (std::uint32_t node = 0; node < nodes; ++node) edges.push_back({node, (node + 1) % nodes});
  return simple_graph(nodes, std::move(edges));
}

Graph make_chain(const TopologyRequest& request) {
  const std::uint32_t nodes = request.nodes();
  std::vector<Edge> edges;
  for (std::uint32_t node = 0; node + 1 < nodes; ++node) edges.push_back({node, node + 1});
  return Graph(nodes, std::move(edges));
}

Graph make_torus(const TopologyRequest& request) {
  const auto [rows, columns] = torus_sides(request);
  std::vector<Edge> edges;
  for (std::uint32_t row = 0; row < rows; ++row) {
    for (std::uint32_t column = 0; column < columns; ++column) {
      const std::uint32_t node = row * columns + column;
      edges.push_back({node, row * columns + (column + 1) % columns});
      edges.push_back({node, (row + 1) % rows * columns + column});
    }
  }
  return simple_graph(rows * columns, std::move(edges));
}

Graph make_complete(const TopologyRequest& request) {
  const std::uint32_t nodes = request.nodes();
  if (std::size_t{nodes} * (nodes - 1) / 2 > kMaxEdges) {
    request.fail("it would have more than " + std::to_string(kMaxEdges) + " edges; take fewer nodes");
  }
  std::vector<Edge> edges;
  for (std::uint32_t a = 0; a < nodes; ++a) {
    for (std::uint32_t b = a + 1; b < nodes; ++b) edges.push_back({a, b});
  }
  return Graph(nodes, std::move(edges));
}

Graph make_star(const TopologyRequest& request) {
  const std::uint32_t nodes = request.nodes();
  std::vector<Edge> edges;
  for (std::uint32_t leaf = 1; leaf < nodes; ++leaf) edges.push_back({0, leaf});
  return Graph(nodes, std::move(edges));
}

Graph make_hypercube(const TopologyRequest& request) {
  const std::uint32_t nodes = request.nodes();
  if ((nodes & (nodes - 1)) != 0) {
    request.fail("a hypercube has 1, 2, 4, 8, 16, ... nodes, not " + std::to_string(nodes));
  }
  std::vector<Edge> edges;
  for (std::uint32_t node = 0; node < nodes; ++node) {
    for (std::uint32_t bit = 1; bit < nodes; bit *= 2) {
      if ((node & bit) == 0) edges.push_back({node, node | bit});
    }
  }
  return Graph(nodes, std::move(edges));
}

}  // namespace laconic
