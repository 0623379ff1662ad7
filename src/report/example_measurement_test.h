// A measurement for the tests of this folder.
#pragma once

#include "protocol/measurement.h"

namespace laconic::testing {

inline Measurement example_measurement() {
  Measurement measurement;
  measurement.step = {100};
  measurement.time = {2.5};
  measurement.train_loss = 0.75;
  measurement.test = {.loss = 0.5, .accuracy = 0.875, .samples = 1000};
  measurement.consensus_distance = 0.125;
  measurement.syncs = 3;
  measurement.traffic[static_cast<std::size_t>(Traffic::kModel)] = {.frames = 6, .payload = {600}, .framed = {648}};
  measurement.watched = {{"variance_estimate", 1.5}};
  return measurement;
}

}  // namespace laconic::testing
