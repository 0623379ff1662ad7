#include "topology/topology.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "base/error.h"
#include "base/spelling.h"
#include "base/utf8.h"
#include "topology/edge_list.h"
#include "topology/families.h"
#include "topology/link_file.h"

namespace laconic {
namespace {

Graph make_from_file(const TopologyRequest& request) { return read_edge_list(std::string(request.parameter)); }

std::shared_ptr<const LinkSchedule> make_from_links(const TopologyRequest& request) {
  return read_link_file(std::string(request.parameter));
}

constexpr std::array<TopologyRow, 18> kTopologies = {{
    {"ring", "N", "", "each node with the previous and the next one", make_ring},
    {"chain", "N", "", "a ring without the edge between the last node and the first", make_chain},
    {"torus", "N or AxB", "",
     "a grid of A x B nodes with joined borders, each node with its four neighbours; N is made as square as possible",
     make_torus},
    {"complete", "N", "", "each node with every other one", make_complete},
    {"star", "N", "", "node 0 with every other one", make_star},
    {"hypercube", "N", "", "nodes whose numbers differ in one bit; N is a power of two", make_hypercube},
    {"erdos_renyi", "N", "P",
     "each pair with probability P, from the seed, drawn again until connected (Erdos and Renyi 1959; Gilbert 1959)",
     make_erdos_renyi},
    {"random_regular", "N", "K", "K random neighbours per node, from the seed, drawn again until connected",
     make_random_regular},
    {"davis", "", "", "Southern women and the events that they attended: 32 nodes, 89 edges (Davis et al. 1941)",
     make_davis},
    {"karate", "", "", "friendships in a karate club: 34 nodes, 78 edges (Zachary 1977)", make_karate},
    {"file", "", "PATH", "the edges of a CSV file, one per line: two numbers from 0, or two names", make_from_file},
    {"directed_ring", "N", "", "each node sends to the next one", nullptr, make_directed_ring},
    {"one_peer", "N", "",
     "one-peer exponential: in round t each node sends to the node 2^(t mod ceil(log2 N)) places further (Assran et "
     "al. 2019)",
     nullptr, make_one_peer},
    {"exponential", "N", "", "each node sends to the nodes 1, 2, 4, ... places further (Assran et al. 2019)", nullptr,
     make_exponential},
    {"random_out", "N", "S",
     "in each round each node sends to S others at random, from the seed (epidemic learning: de Vos et al. 2023)",
     nullptr, make_random_out},
    {"rotating", "", "", "8 nodes, each of which sends to one other, in six repeating rounds", nullptr, make_rotating},
    {"base", "N", "K",
     "Base-(K+1): changing edges, at most K per node and round, with which all nodes have the exact average after a "
     "few rounds (Takezawa et al. 2023)",
     nullptr, make_base},
    {"links", "", "PATH", "the links of a CSV file, one per line: round, from, to, and optionally a weight", nullptr,
     make_from_links},
}};

// The parts of a spec behind the name: those of `row`, or a failure that shows how it is written.
void split(const TopologyRow& row, std::string_view rest, bool has_rest, TopologyRequest& request) {
  const auto refuse = [&] { request.fail("it is written " + row.usage()); };
  if (has_rest && rest.empty()) refuse();
  if (row.size.empty()) {
    if (has_rest == row.parameter.empty()) refuse();
    request.parameter = rest;  // a path may have colons of its own
    return;
  }
  const std::size_t colon = rest.find(':');
  const bool two = colon != std::string_view::npos;
  if (row.parameter.empty()) {
    if (two) refuse();
    request.size = rest;
    return;
  }
  if (!has_rest) refuse();
  request.size = two ? rest.substr(0, colon) : std::string_view{};
  request.parameter = two ? rest.substr(colon + 1) : rest;
  if (request.parameter.empty() || (two && request.size.empty())) refuse();
}

// What is there where `row` gives a graph or a schedule of `nodes` nodes.
void require_size(const TopologyRequest& request, std::uint32_t nodes) {
  if (!request.workers || nodes == *request.workers) return;
  request.fail(fmt::format("it has {} nodes for {} {}{}; take as many {}s, or another topology", nodes,
                           *request.workers, request.node, *request.workers == 1 ? "" : "s", request.node));
}

// The row that a spec names, and the rest of the spec in the request.
const TopologyRow& read(TopologyRequest& request) {
  const std::string_view spec = request.spec;
  const std::size_t colon = spec.find(':');
  const std::string_view name = spec.substr(0, colon);
  const bool has_rest = colon != std::string_view::npos;
  std::string known;
  std::vector<std::string_view> names;
  for (const TopologyRow& row : kTopologies) {
    known += (known.empty() ? "" : ", ") + row.usage();
    names.push_back(row.name);
    if (row.name != name) continue;
    split(row, has_rest ? spec.substr(colon + 1) : std::string_view{}, has_rest, request);
    if (!row.size.empty() && request.size.empty() && !request.workers) {
      request.fail("how many nodes? Write it as " + std::string(row.name) + ":" + std::string(row.size) +
                   (row.parameter.empty() ? "" : ":" + std::string(row.parameter)));
    }
    return row;
  }
  if (const auto meant = spec_meant(spec, names)) request.fail("write \"" + printable(*meant) + "\"");
  request.fail("not one of: " + known + did_you_mean(name, names));
}

Graph connected_graph(const TopologyRow& row, const TopologyRequest& request) {
  Graph graph = row.graph(request);
  require_size(request, graph.nodes());
  try {
    require_connected(graph);
  } catch (const UsageError& error) {
    request.fail(error.what());
  }
  return graph;
}

}  // namespace

void TopologyRequest::fail(const std::string& problem) const {
  throw UsageError("topology '" + printable(spec) + "': " + problem);
}

std::uint32_t TopologyRequest::whole_number(std::string_view text, std::string_view what, std::uint32_t minimum,
                                            std::uint32_t maximum) const {
  std::uint32_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc{} || result.ptr != text.data() + text.size() || value < minimum || value > maximum) {
    fail(fmt::format("'{}' is no {}: a whole number from {} to {}", text, what, minimum, maximum));
  }
  return value;
}

std::uint32_t TopologyRequest::nodes() const {
  if (!size.empty()) return whole_number(size, "number of nodes", 1, kMaxNodes);
  LACONIC_CHECK(workers.has_value(), spec << " without a size");
  if (*workers < 1 || *workers > kMaxNodes) fail(fmt::format("for {} {}s; 1 to {}", *workers, node, kMaxNodes));
  return *workers;
}

std::string TopologyRow::usage() const {
  return std::string(name) + (size.empty() ? "" : "[:" + std::string(size) + "]") +
         (parameter.empty() ? "" : ":" + std::string(parameter));
}

std::span<const TopologyRow> topologies() { return kTopologies; }

Graph make_topology(std::string_view spec, std::optional<std::uint32_t> workers, std::uint64_t seed,
                    std::string_view node) {
  TopologyRequest request{.spec = spec, .size = {}, .parameter = {}, .workers = workers, .seed = seed, .node = node};
  const TopologyRow& row = read(request);
  if (row.graph == nullptr) {
    request.fail(
        "its links are directed or change from round to round; needed is an undirected graph that stays, such "
        "as a ring, or a strategy on directed links, such as sgp");
  }
  return connected_graph(row, request);
}

void require_known_topology(std::string_view spec) {
  TopologyRequest request{.spec = spec, .size = {}, .parameter = {}, .workers = 1};
  read(request);
}

bool has_directed_links(std::string_view spec) {
  const std::string_view name = spec.substr(0, spec.find(':'));
  return std::any_of(kTopologies.begin(), kTopologies.end(),
                     [&](const TopologyRow& row) { return row.name == name && row.links != nullptr; });
}

std::shared_ptr<const LinkSchedule> make_schedule(std::string_view spec, std::optional<std::uint32_t> workers,
                                                  std::uint64_t seed, double up) {
  TopologyRequest request{.spec = spec, .size = {}, .parameter = {}, .workers = workers, .seed = seed};
  const TopologyRow& row = read(request);
  std::shared_ptr<const LinkSchedule> schedule;
  if (row.links == nullptr) {
    schedule = schedule_of(connected_graph(row, request), up, seed);
  } else {
    schedule = row.links(request);
    require_size(request, schedule->nodes());
    schedule = with_failing_links(std::move(schedule), up, seed);
  }
  try {
    require_joined(*schedule, request.node);
  } catch (const UsageError& error) {
    request.fail(error.what() + std::string(up < 1.0 ? ", or let links be there more often" : ""));
  }
  return schedule;
}

}  // namespace laconic
