// The lines of metrics.jsonl: one JSON object a line, in the order of what happened. Nothing in them comes from the
// wall clock, so that two runs of one job write the same bytes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/ids.h"
#include "protocol/measurement.h"

namespace laconic {

// Without the line's end; what is not finite is null.
//
//   {"type": "measurement", "step", "epoch", "time_s", "train_loss",
//    "test": {"loss", "accuracy", "samples"},        of numbers "r2" and "mae" in the place of "accuracy"
//    "validation": the same,                             with held-out data only
//    "prequential": {"cumulative_loss", "samples"},      where the job asks for it
//    "workers": {"mean", "minimum", "maximum"},          where measured
//    "consensus_distance", "syncs", "payload_bytes", "wire_bytes",
//    "traffic": {kind: {"frames", "payload_bytes", "wire_bytes"}},
//    "watched": {name: value}}                           where the strategy watches something
std::string measurement_line(const Measurement& measurement, double epoch);

// {"type": "sync", "step", "epoch", "syncs", "watched": {name: value}, "threshold" (where there is one)}; `syncs`
// counts this one.
std::string sync_line(Step step, double epoch, std::uint64_t syncs, const std::map<std::string, double>& watched,
                      std::optional<double> threshold);

}  // namespace laconic
