// Sees that a quantity which should settle grows without end, long before it overflows.
//
// Compressed gossip with too large a gamma looks fine for thousands of rounds while what is left to tell grows by a
// little in each. Means over windows of kWindow rounds are compared: the quantity runs away when the newest mean is
// kFactor times the median of all before it, having risen in each of the last kRising windows. What rises to a plateau
// or with the rounds (after t rounds of a straight line the median is half the value) does not.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/archive.h"

namespace laconic {

class GrowthGuard {
 public:
  static constexpr std::uint64_t kWindow = 25;
  static constexpr std::size_t kRising = 4;
  static constexpr std::size_t kFewestWindows = 4;  // before the newest: no word before round 125
  static constexpr double kFactor = 10.0;

  // Takes the quantity of a round, >= 0; returns by what factor it has grown when it runs away. What is not finite has.
  std::optional<double> add(double value);
  void archive(Archive& archive);

 private:
  double sum_ = 0.0;
  std::uint64_t count_ = 0;
  std::vector<float> means_;
};

}  // namespace laconic
