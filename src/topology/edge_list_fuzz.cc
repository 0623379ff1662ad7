// A list of edges of any bytes becomes a graph that keeps its promises, or a UsageError of one line that names the
// file.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "topology/edge_list.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using laconic::Edge;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const laconic::Graph graph = laconic::parse_edge_list(text, "edges.csv");
    LACONIC_CHECK(graph.nodes() >= 2 && graph.nodes() <= 2 * graph.edges().size(), graph.nodes() << " nodes");
    const Edge* before = nullptr;
    for (const Edge& edge : graph.edges()) {
      LACONIC_CHECK(edge.a < edge.b && edge.b < graph.nodes(), edge.a << " - " << edge.b);
      LACONIC_CHECK(before == nullptr || *before < edge, edge.a << " - " << edge.b << " twice");
      before = &edge;
    }
    for (std::uint32_t node = 0; node < graph.nodes(); ++node) {
      LACONIC_CHECK(graph.degree(node) >= 1, "node " << node << " is alone");
      LACONIC_CHECK(!graph.name(node).empty(), "node " << node << " has no name");
    }
  } catch (const laconic::UsageError& error) {
    const std::string_view problem = error.what();
    LACONIC_CHECK(problem.starts_with("edges.csv:") && problem.find('\n') == std::string_view::npos, problem);
  }
  return 0;
}
