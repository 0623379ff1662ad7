// What a run shows of itself: one line that fits a terminal, or a line for each measurement.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/units.h"
#include "protocol/measurement.h"

namespace laconic {

struct ProgressState {
  std::string job;
  std::uint64_t step = 0;
  std::uint64_t steps = 0;     // planned
  std::optional<double> loss;  // of worker 0's newest step
  std::string score;           // of the average model, newest: "accuracy 87.10%"; empty before
  Bytes wire;                  // sent so far
  std::uint64_t syncs = 0;
  Seconds elapsed;  // by the wall clock
};

// "fda  step 1,200/2,344  loss 0.412  accuracy 87.10%  sent 12.3 MB  syncs 18  ETA 1:23", at most `width` characters:
// what does not fit is left out, the least needed first.
std::string live_line(const ProgressState& state, std::size_t width);

// "step 1,200/2,344  epoch 5.12  train loss 0.412  test loss 0.45  accuracy 87.10%  sent 12.3 MB  syncs 18  time 34 s".
std::string measurement_text(const Measurement& measurement, std::uint64_t steps, double epoch);

}  // namespace laconic
