// Which measurement of a run is the best, and how many came since.
#pragma once

#include <cstdint>
#include <optional>

#include "base/archive.h"
#include "protocol/measurement.h"

namespace laconic {

// What makes a measurement better than another: a higher accuracy (of numbers a higher R2), of two alike the smaller loss; or
// the smaller loss.
enum class Criterion { kAccuracy, kLoss };

struct BestFigures {
  Step step;
  bool by_validation = false;  // else by the test split, as nothing is held out: what it promises is too good
  double score = 0.0;          // of that split: Evaluation::score
  double loss = 0.0;
};

class BestMeasurement {
 public:
  explicit BestMeasurement(Criterion criterion) : criterion_(criterion) {}

  // Whether it is the best so far. One without held-out samples is none; one whose loss is not finite is never better.
  bool add(const Measurement& measurement);
  const std::optional<BestFigures>& best() const { return best_; }
  // Measurements since the best.
  std::uint64_t since() const { return since_; }

  void archive(Archive& archive);

 private:
  Criterion criterion_;
  std::optional<BestFigures> best_;
  std::uint64_t since_ = 0;
};

}  // namespace laconic
