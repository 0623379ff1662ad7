// What ends a run early: a comparison of a measured quantity with a number.
#pragma once

#include <string>
#include <string_view>

#include "protocol/measurement.h"

namespace laconic {

struct Until {
  enum class Metric {
    kAccuracy,
    kR2,
    kMae,
    kLoss,
    kValidationAccuracy,
    kValidationR2,
    kValidationMae,
    kValidationLoss,
    kBytes,
    kTime,
    kStep
  };
  enum class Comparison { kAtLeast, kAbove, kAtMost, kBelow };

  Metric metric = Metric::kAccuracy;
  Comparison comparison = Comparison::kAtLeast;
  double value = 0.0;  // a fraction, a loss, bytes on the wire, seconds of the run's clock, or local steps

  // Accuracy and loss are the average model's. False for a quantity that is not a number.
  bool met(const Measurement& measurement) const;
  bool needs_validation() const;
  // Nothing, or of which kind of prediction alone it can be measured.
  bool needs_classes() const { return metric == Metric::kAccuracy || metric == Metric::kValidationAccuracy; }
  bool needs_numbers() const;
};

// "accuracy >= 0.98", "r2 >= 0.9", "mae < 2", "bytes > 10 MB", "time > 5 min", "validation_loss < 0.3", "step >= 1000"; accuracy
// and R2 as a percentage too, "accuracy >= 88%". Throws UsageError that says what is accepted, and what was likely meant.
Until parse_until(std::string_view text);

}  // namespace laconic
