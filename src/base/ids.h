// Strong types for the integers that are easy to swap: ranks, steps, rounds.
#pragma once

#include <compare>
#include <cstdint>

namespace laconic {

// A node of a job: a worker by its rank, 0 .. K-1, or the coordinator (coordinator_of).
struct Rank {
  std::int32_t value = 0;
  friend auto operator<=>(Rank, Rank) = default;
};

// The id of the coordinator of a job of so many workers. It stands behind all workers in any order, and is no worker's
// rank; nothing else is to be known of it: what counts or indexes nodes takes their places.
constexpr Rank coordinator_of(int workers) { return {workers}; }

// A node's place in tables of all nodes, and in the names of random streams, traces and saved states: a worker's is its
// rank, the coordinator's is behind them. So these stay as they are whatever the coordinator's id is.
constexpr std::int32_t place_of(Rank node, int workers) {
  return node == coordinator_of(workers) ? workers : node.value;
}
constexpr Rank node_at(std::int32_t place, int workers) {
  return place == workers ? coordinator_of(workers) : Rank{place};
}

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
