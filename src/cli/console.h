// Where the program prints, and what that place can show.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

#include "job/notices.h"
#include "report/progress.h"
#include "serve/address.h"

namespace laconic {

struct Console {
  std::ostream& out;
  std::ostream& err;
  bool live = false;                  // `out` is a terminal on which a line can be written over
  bool colour = false;                // and takes colours
  std::size_t width = 100;            // characters of a line
  std::function<bool()> interrupted;  // whether the user asked to stop; may be empty
  // Where the page of a run is served while it goes on; unset: nowhere.
  std::optional<serve::Address> page = {};

  bool stopped() const { return interrupted && interrupted(); }
};

// The standard streams: a live line where the output is a terminal other than "dumb", colours unless NO_COLOR is set
// (https://no-color.org), the terminal's width.
Console standard_console();

// The lines of errors and warnings: "laconic: error: ...", control characters and invalid UTF-8 escaped.
void print_error(std::ostream& err, const std::string& text);
void print_warning(std::ostream& err, const std::string& text);
// Prints such a line for each notice on `err`, which outlives it.
NoticeSink notices_on(std::ostream& err);

// Shows a run as it goes on.
class ProgressDisplay {
 public:
  enum class Style { kLive, kPlain, kOff };
  static Style style_of(const Console& console, std::string_view choice);
  // `choice` is output.progress.
  ProgressDisplay(Console& console, std::string_view choice, std::string job, std::uint64_t steps);
  ~ProgressDisplay();
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

  void step(Step step, double loss, std::uint64_t syncs, Bytes wire);
  void measurement(const Measurement& measurement, double epoch);
  // Takes the live line off the terminal.
  void end();

 private:
  void draw();
  Console& console_;
  Style style_;
  ProgressState state_;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point next_draw_;
  bool drawn_ = false;
};

}  // namespace laconic
