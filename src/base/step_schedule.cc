#include "base/step_schedule.h"

namespace laconic {

bool StepSchedule::due(Step step) const {
  if (numerator == 0) return false;
  // The i with ceil(i * numerator / denominator) = step, when there is one, is floor(step * denominator / numerator).
  const std::uint64_t i = step.value * denominator / numerator;
  return i > 0 && (i * numerator + denominator - 1) / denominator == step.value;
}

}  // namespace laconic
