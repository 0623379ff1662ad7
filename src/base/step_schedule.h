// Steps at which something is due that comes back through a run: checkpoints, evaluations.
#pragma once

#include <cstdint>

#include "base/ids.h"

namespace laconic {

// Due are the steps ceil(i * numerator / denominator), i = 1, 2, ...: after every `numerator` steps, or where a step is
// part of something else, such as an epoch, after the first that completes it. numerator = 0: none.
struct StepSchedule {
  std::uint64_t numerator = 0;
  std::uint64_t denominator = 1;  // positive; times any step it is below 2^64

  bool due(Step step) const;
  // Steps that are due among the first `steps`: 1 .. steps.value.
  std::uint64_t count(Step steps) const;
};

}  // namespace laconic
