// Strong types for the integers that are easy to swap: ranks, steps, rounds.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace laconic {

// A node of a job: a worker by its rank, 0 .. K-1, or the coordinator.
struct Rank {
  std::int32_t value = 0;
  friend auto operator<=>(Rank, Rank) = default;
};

// The coordinator's id, whatever the number of workers. It stands behind all workers in any order, and is no worker's
// rank; what counts or indexes nodes takes their places.
inline constexpr Rank kCoordinator{std::numeric_limits<std::int32_t>::max()};

// Whether a job of so many workers may have that node.
constexpr bool is_node(Rank node, int workers) {
  return node == kCoordinator || (node.value >= 0 && node.value < workers);
}

// A node's place in tables of all nodes, and in the names of random streams, traces and saved states: a worker's is its
// rank, the coordinator's is behind them. So these stay as they are whatever the coordinator's id is.
constexpr std::int32_t place_of(Rank node, int workers) { return node == kCoordinator ? workers : node.value; }
constexpr Rank node_at(std::int32_t place, int workers) { return place == workers ? kCoordinator : Rank{place}; }

// Local optimiser steps a worker has finished; the first step a worker takes is Step{0}.
struct Step {
  std::uint64_t value = 0;
  friend auto operator<=>(Step, Step) = default;
};

// Number of a collective or of an exchange between nodes, counted from 0 by every node alike.
struct Round {
  std::uint64_t value = 0;
  friend auto operator<=>(Round, Round) = default;
};

}  // namespace laconic
