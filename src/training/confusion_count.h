// Counts which classes a model takes samples for, and what a ranking of two classes is worth. Internal to the training
// layer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "protocol/learner.h"

namespace laconic {

class ConfusionCount {
 public:
  // `classes`: 1 to kMostConfusedClasses.
  explicit ConfusionCount(std::size_t classes);

  // A batch: the class of each sample, below `classes`, and the class that the model takes it for, which may be none.
  // `margins`: of two classes how much more the model says for class 1 than for class 0; else empty.
  void add(std::span<const std::int64_t> labels, std::span<const std::int64_t> predicted,
           std::span<const double> margins);

  Confusion confusion() const;

 private:
  Confusion counted_;
  std::vector<double> margins_[2];  // of the samples of either class
};

// The probability that a positive has a larger score than a negative, both drawn at random, where equal scores count
// half (Mann and Whitney 1947; the area under the ROC curve): exact, by ranks, in O(n log n). Unset where either has
// none, and where a score is not a number.
std::optional<double> area_under_roc(std::span<const double> negatives, std::span<const double> positives);

}  // namespace laconic
