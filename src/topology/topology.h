// Topologies by name: the text in a job file or on the command line becomes a graph.
//
//   NAME            the size is the number of workers
//   NAME:N          N nodes, which is then the number of workers
//   NAME:N:P        with a parameter, or NAME:P where the number of workers is known from elsewhere
//
//   ring:16   torus:16   torus:2x8   complete:8   star:5   hypercube:8   chain:7   erdos_renyi:16:0.3
//   random_regular:16:4   davis   karate   file:edges.csv
//
// Others become a schedule of directed links (schedule.h):
//
//   directed_ring:8   one_peer:8   exponential:8   random_out:8:2   rotating   base:8:1   links:rounds.csv
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "topology/graph.h"
#include "topology/schedule.h"

namespace laconic {

// What a maker of a graph is asked for.
struct TopologyRequest {
  std::string_view spec;       // the whole text, for errors
  std::string_view size;       // "16", "4x8"; empty: as many nodes as workers
  std::string_view parameter;  // of a row that has one
  std::optional<std::uint32_t> workers;
  std::uint64_t seed = 0;
  std::string_view node = "worker";  // what errors call a worker

  // Throws UsageError "topology 'SPEC': PROBLEM".
  [[noreturn]] void fail(const std::string& problem) const;
  // A text as a number from `minimum` to `maximum`; fails otherwise and calls it `what` then.
  std::uint32_t whole_number(std::string_view text, std::string_view what, std::uint32_t minimum,
                             std::uint32_t maximum) const;
  // The size as a plain number of nodes, in 1 .. kMaxNodes.
  std::uint32_t nodes() const;
};

// One row a topology: the visible table.
struct TopologyRow {
  std::string_view name;
  std::string_view size;       // how the size is written: "N", "N or AxB"; empty: the graph has its own
  std::string_view parameter;  // how the parameter is written; empty: none
  std::string_view help;
  // An undirected graph that stays, or a schedule of directed links: one of the two.
  Graph (*graph)(const TopologyRequest&) = nullptr;
  std::shared_ptr<const LinkSchedule> (*links)(const TopologyRequest&) = nullptr;

  // "ring[:N]", "erdos_renyi[:N]:P", "davis".
  std::string usage() const;
};
std::span<const TopologyRow> topologies();

// The connected graph of `spec`. With `workers` it has exactly as many nodes. Random graphs depend on `seed` only, and
// are drawn again, kGraphDraws times at most, until they are connected. Throws UsageError with what to do for an
// unknown name, a spec written otherwise, a size that is missing, impossible or not the number of workers, a parameter
// out of range, a file that is no list of edges, a graph in several parts (their nodes are named), a topology of
// directed links. `node` is what errors call those of whom the graph has one node each, where they are no workers.
inline constexpr int kGraphDraws = 100;
Graph make_topology(std::string_view spec, std::optional<std::uint32_t> workers, std::uint64_t seed,
                    std::string_view node = "worker");

// Throws UsageError, as make_topology does, for an unknown name and a spec written otherwise, whatever the workers.
void require_known_topology(std::string_view spec);

// Whether `spec` names a topology of directed links; false where it names none.
bool has_directed_links(std::string_view spec);

// The schedule of any `spec`; an undirected graph becomes links in both directions. In a round each link, or both
// directions of an edge, is there with probability `up` in (0, 1]. Throws as make_topology does, and for a schedule
// over which what some node sends never reaches another one (require_joined).
std::shared_ptr<const LinkSchedule> make_schedule(std::string_view spec, std::optional<std::uint32_t> workers,
                                                  std::uint64_t seed, double up = 1.0);

}  // namespace laconic
