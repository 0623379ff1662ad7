// Shows long work that is no step of a run, such as reading images or an evaluation, and has it end when the user asks.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/supervision.h"
#include "cli/console.h"

namespace laconic {

// What has gone on for a second has a line: on a terminal one that is written over, else one every ten seconds. All calls
// come from the thread that prints.
class WorkDisplay final : public Supervisor {
 public:
  // `choice` is output.progress. `console` outlives it.
  explicit WorkDisplay(Console& console, std::string_view choice = "auto");
  ~WorkDisplay() override { end(); }
  WorkDisplay(const WorkDisplay&) = delete;
  WorkDisplay& operator=(const WorkDisplay&) = delete;

  bool interrupted() override { return console_.stopped(); }
  void progress(const Progress& progress) override;
  // Takes the live line off the terminal.
  void end();

 private:
  using Clock = std::chrono::steady_clock;
  Console& console_;
  ProgressDisplay::Style style_;
  std::string what_;        // of the work that goes on
  std::uint64_t done_ = 0;  // of it
  Clock::time_point next_;  // when it is shown
  bool drawn_ = false;
};

}  // namespace laconic
