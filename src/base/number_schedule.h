// Numbers that change over a run, as job files write them: "0.2 -> 0.01 over 2 epochs".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/training_length.h"

namespace laconic {

struct NumberSchedule {
  double first = 0.0;
  double last = 0.0;
  TrainingLength over = {};

  // The number at `step`, counted from 0, where `over` is a whole number of steps (Options::in_steps): `first` at step
  // 0, `last` from step `over` on; in between by equal factors where both are above 0, else by equal differences.
  double at(std::uint64_t step) const;
  // That number of steps.
  std::uint64_t steps() const;

  // As a job file has it.
  std::string text() const;
};

// Whether `text` was meant as such a number.
bool looks_scheduled(std::string_view text);
// Nothing where it does not look so. Throws UsageError that shows how one is written, for what is none.
std::optional<NumberSchedule> parse_number_schedule(std::string_view text);

}  // namespace laconic
