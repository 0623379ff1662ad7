// workers.json: what the workers of a run have, and who sends to whom; what the report page draws of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace laconic {

struct WorkersRecord {
  // Training samples by worker and label, K x classes; empty where nobody knows all (over MPI) or there are no labels.
  std::vector<std::vector<std::uint64_t>> labels;
  // What the labels are called; empty where they have numbers alone.
  std::vector<std::string> classes;

  // The names of the users whose training samples each worker has; empty where nobody knows them all, or they have none.
  std::vector<std::vector<std::string>> users;

  struct Graph {
    std::uint32_t nodes = 0;  // workers, or groups of them
    bool directed = false;
    std::uint64_t period = 0;  // after how many rounds they come again; 0: each is drawn
    // Of each round, from 0 on, (from, to); of an undirected graph each edge once.
    std::vector<std::vector<std::pair<std::uint32_t, std::uint32_t>>> rounds;
  };
  std::optional<Graph> graph;  // unset: all speak with the coordinator, or nobody with anybody
};

// With the line's end:
//
//   {"labels": [[...], ...],                                                                where there are some
//    "classes": [name, ...],                                                                 where they have names
//    "users": [["name", ...], ...],                                                          where they have names
//    "graph": {"nodes", "directed", "period", "rounds": [[[from, to], ...], ...]}}          where there is one
std::string workers_text(const WorkersRecord& record);

}  // namespace laconic
