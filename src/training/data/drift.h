// Concept drift: what the data say changes at some steps of a run, the same ones for all workers.
//
//   labels     a permutation of the labels comes on top of those before; it leaves no label as it was
//   rotation   images turn by 90 degrees, counterclockwise
//   redraw     a new random graphical model takes the place of the one before (graphical_model.h)
//
// A drift "at step t" comes when every worker has taken t steps: the batch of Step{t} is the first of the new concept.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/ids.h"
#include "base/options.h"
#include "training/data/dataset.h"

namespace laconic {

struct DriftOptions {
  enum class Kind { kNone, kLabels, kRotation, kRedraw };
  Kind kind = Kind::kNone;
  std::vector<std::uint64_t> at = {};  // steps, ascending from 1
  double probability = 0.0;            // of a drift before each step but the first; with it `at` is empty
};

// The keys of [drift], and what they say. Throws UsageError with the place for steps that are no list in the order of
// time, a kind without a time, times without a kind, both kinds of times.
std::span<const OptionSpec> drift_options();
DriftOptions read_drift(const Options& options);

// What the samples of a data set are turned into.
struct Concept {
  std::uint64_t model = 0;                     // number of the graphical model that samples are drawn from
  std::span<const std::uint16_t> labels = {};  // the new label of each; empty: as they are
  int quarter_turns = 0;                       // of the images, counterclockwise
};

class Drift {
 public:
  // Over a run of so many steps. Throws UsageError that begins with the key, "drift.kind" or "drift.at", for what the
  // data or the run cannot meet.
  Drift(const DriftOptions& options, const Dataset& data, std::uint64_t steps, std::uint64_t seed);

  // Of the batch of `step`. Its view lives as long as this.
  Concept at(Step step) const;
  // The steps at which a drift comes.
  const std::vector<std::uint64_t>& steps() const { return steps_; }

 private:
  DriftOptions::Kind kind_;
  std::vector<std::uint64_t> steps_;
  std::vector<std::vector<std::uint16_t>> labels_;  // of each concept but the first
};

// `from` turned counterclockwise into `to`, both shape.size() bytes, not the same; the image is square.
void rotate_image(const std::uint8_t* from, const ImageShape& shape, int quarter_turns, std::uint8_t* to);

}  // namespace laconic
