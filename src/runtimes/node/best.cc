#include "runtimes/node/best.h"

#include <cmath>

namespace laconic {
namespace {

bool is_better(const BestFigures& one, const BestFigures& other, Criterion criterion) {
  if (criterion == Criterion::kAccuracy) {
    if (one.score > other.score) return true;
    if (one.score < other.score) return false;
  }
  return one.loss < other.loss;
}

}  // namespace

bool BestMeasurement::add(const Measurement& measurement) {
  const bool by_validation = measurement.validation.samples > 0;
  const Evaluation& held_out = by_validation ? measurement.validation : measurement.test;
  if (held_out.samples == 0) return false;
  const BestFigures figures{
      .step = measurement.step, .by_validation = by_validation, .score = held_out.score(), .loss = held_out.loss};
  if (!std::isfinite(figures.loss) || (best_ && !is_better(figures, *best_, criterion_))) {
    ++since_;
    return false;
  }
  best_ = figures;
  since_ = 0;
  return true;
}

void BestMeasurement::archive(Archive& archive) {
  bool has_best = best_.has_value();
  archive.value("best.there", has_best);
  if (has_best) {
    BestFigures figures = best_.value_or(BestFigures{});
    archive.value("best.step", figures.step.value);
    archive.value("best.by_validation", figures.by_validation);
    archive.value("best.score", figures.score);
    archive.value("best.loss", figures.loss);
    best_ = figures;
  }
  archive.value("best.since", since_);
}

}  // namespace laconic
