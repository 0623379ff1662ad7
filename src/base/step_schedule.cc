#include "base/step_schedule.h"

#include <algorithm>

namespace laconic {

std::uint64_t StepSchedule::count(Step steps) const {
  if (numerator == 0) return 0;
  // The i with i * numerator / denominator <= steps; where they are closer than steps are, every step has some.
  return std::min(steps.value, steps.value * denominator / numerator);
}

bool StepSchedule::due(Step step) const { return step.value > 0 && count(step) > count({step.value - 1}); }

}  // namespace laconic
