// Strong types for the integers that are easy to swap: ranks, steps, rounds.
#pragma once

#include <compare>
#include <cstdint>

namespace laconic {

// A node of a job. Workers are 0 .. world_size-1; the coordinator, where a job has one, is world_size.
struct Rank {
  std::int32_t value = 0;
  friend auto operator<=>(Rank, Rank) = default;
};

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
