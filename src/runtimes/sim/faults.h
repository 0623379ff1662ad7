// A network that loses frames and brings frames twice.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "base/archive.h"
#include "base/ids.h"
#include "runtimes/sim/network_model.h"

namespace laconic::sim {

enum class Fate { kArrives, kLost, kDoubled };

// What becomes of each frame. Decided by the seed, the two nodes and the number of frames that went from one to the
// other before, by nothing else: not by other pairs, not by time.
class Faults {
 public:
  Faults() = default;  // none
  // Only `loss` and `duplication` of `network` matter.
  Faults(const NetworkOptions& network, int world_size, std::uint64_t seed);
  // Of the next frame between the two.
  Fate next(Rank from, Rank to);
  // How many frames went from one to the other.
  void archive(Archive& archive);

 private:
  int world_size_ = 0;
  double loss_ = 0.0;
  double duplication_ = 0.0;
  std::uint64_t seed_ = 0;
  std::map<std::pair<Rank, Rank>, std::uint64_t> sent_;  // frames so far
};

}  // namespace laconic::sim
