// Which steps of a run something is due after, when it comes at regular intervals that need not be whole steps.
#pragma once

#include <cstdint>

#include "base/ids.h"

namespace laconic {

// Due after the steps ceil(i * numerator / denominator), i = 1, 2, ...; never where the numerator is 0.
struct StepSchedule {
  std::uint64_t numerator = 0;
  std::uint64_t denominator = 1;

  // Whether it is due when `step` steps have been taken.
  bool due(Step step) const;
  friend bool operator==(const StepSchedule&, const StepSchedule&) = default;
};

}  // namespace laconic
