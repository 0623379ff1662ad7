// Which samples a worker's step sees: a function of seed, rank and step alone, so that a checkpoint keeps none of it.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "base/ids.h"

namespace laconic {

enum class Sampling {
  // Each step a fresh uniform batch of the worker's samples without repeats inside the batch, no passes (what the code
  // of Theologitis et al. 2025 does).
  kFresh,
  // Passes over the worker's samples, each in a new random order. Batches run on across the end of a pass, so that all
  // are full: place j of the batch of step t is place t * batch + j of all passes joined.
  kEpoch,
};

// "fresh", "epoch"; throws UsageError for anything else.
Sampling parse_sampling(std::string_view text);

// Draws the batches of one worker. Not for two threads at once: it keeps the current pass at hand.
class Sampler {
 public:
  // `shard`: the worker's samples, not empty; the caller keeps them alive. `batch` >= 1.
  Sampler(Sampling sampling, std::span<const std::uint32_t> shard, std::uint32_t batch, std::uint64_t seed, Rank rank);

  // Indices of the samples of step `step`, members of the shard: `batch` of them, only fresh sampling gives the whole
  // shard (in a random order) when it is smaller. The view is valid until the next call.
  std::span<const std::uint32_t> draw(Step step);

 private:
  // The random order of pass number `pass`.
  const std::vector<std::uint32_t>& order_of(std::uint64_t pass);

  Sampling sampling_;
  std::span<const std::uint32_t> shard_;
  std::uint32_t batch_;
  std::uint64_t seed_;
  std::uint64_t rank_;
  std::vector<std::uint32_t> drawn_;
  std::vector<std::uint32_t> order_;
  std::uint64_t order_pass_ = std::numeric_limits<std::uint64_t>::max();
};

}  // namespace laconic
