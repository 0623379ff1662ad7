// What the records of a run of gossip say: how fast the error falls, and what an error costs.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "consensus/consensus.h"

namespace laconic {

// A straight line through log e_t over the second half of the descent, counted in decades. The descent ends with the
// first record within a factor kFloor of the smallest error, where it may have come to a floor; its second half begins
// with the first record at or below the square root of that error (errors being parts of the start). Least squares,
// every record alike.
inline constexpr double kFloor = 4.0;
struct RateFit {
  double factor = 1.0;           // by which the squared error falls each round: exp(slope)
  double r_squared = 0.0;        // part of the variance of log e_t that the line explains
  double largest_decades = 0.0;  // largest |log10 e_t - line|
  std::uint64_t first_round = 0;
  std::uint64_t last_round = 0;
  std::size_t points = 0;
};
// Unset when fewer than three records lie in that half or the error never fell.
std::optional<RateFit> fit_rate(std::span<const ConsensusRecord> records);

// What it took to come to an error at first, between two records as log e_t were a line.
struct Cost {
  double rounds = 0.0;
  double payload = 0.0;  // bytes, all nodes
  double framed = 0.0;
  double seconds = 0.0;
};
// Unset when the error was not reached. `error` is positive.
std::optional<Cost> cost_of(std::span<const ConsensusRecord> records, double error);

}  // namespace laconic
