#include "cli/console.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "base/utf8.h"
#include "report/score.h"

namespace laconic {
namespace {

constexpr auto kRedrawInterval = std::chrono::milliseconds(100);

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

}  // namespace

Console standard_console() {
  Console console{.out = std::cout, .err = std::cerr, .interrupted = {}};
  const char* terminal = std::getenv("TERM");
  console.live = isatty(STDOUT_FILENO) == 1 && terminal != nullptr && std::string_view(terminal) != "dumb";
  console.colour = console.live && !is_set("NO_COLOR");
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    console.width = size.ws_col;
  } else if (const char* columns = std::getenv("COLUMNS"); columns != nullptr) {
    console.width = static_cast<std::size_t>(std::clamp(std::atoi(columns), 20, 1000));
  } else {
    console.width = 160;
  }
  return console;
}

// Texts quote what users, files and peers sent: one line, and nothing that steers a terminal.
void print_error(std::ostream& err, const std::string& text) {
  err << "laconic: error: " << printable(text, text.size()) << std::endl;
}

void print_warning(std::ostream& err, const std::string& text) {
  err << "laconic: warning: " << printable(text, text.size()) << std::endl;
}

NoticeSink notices_on(std::ostream& err) {
  return [&err](Severity severity, const std::string& text) {
    if (severity == Severity::kError) {
      print_error(err, text);
    } else {
      print_warning(err, text);
    }
  };
}

ProgressDisplay::Style ProgressDisplay::style_of(const Console& console, std::string_view choice) {
  if (choice == "off") return Style::kOff;
  if (choice == "live") return Style::kLive;
  if (choice == "plain") return Style::kPlain;
  return console.live ? Style::kLive : Style::kPlain;
}

ProgressDisplay::ProgressDisplay(Console& console, std::string_view choice, std::string job, std::uint64_t steps)
    : console_(console),
      style_(style_of(console, choice)),
      start_(std::chrono::steady_clock::now()),
      next_draw_(start_) {
  state_.job = std::move(job);
  state_.steps = steps;
}

ProgressDisplay::~ProgressDisplay() { end(); }

void ProgressDisplay::step(Step step, double loss, std::uint64_t syncs, Bytes wire) {
  if (style_ != Style::kLive) return;
  state_.step = step.value;
  state_.loss = loss;
  state_.syncs = syncs;
  state_.wire = wire;
  draw();
}

void ProgressDisplay::measurement(const Measurement& measurement, double epoch) {
  state_.score = named_score(measurement.test);
  if (style_ == Style::kPlain) console_.out << measurement_text(measurement, state_.steps, epoch) << std::endl;
  if (style_ == Style::kLive) draw();
}

void ProgressDisplay::draw() {
  const auto now = std::chrono::steady_clock::now();
  if (now < next_draw_) return;
  next_draw_ = now + kRedrawInterval;
  state_.elapsed = {std::chrono::duration<double>(now - start_).count()};
  // The last column stays free: some terminals begin a new line there.
  const std::string line = live_line(state_, console_.width - 1);
  console_.out << '\r' << (console_.colour ? "\033[1m" : "") << line << (console_.colour ? "\033[0m" : "") << "\033[K"
               << std::flush;
  drawn_ = true;
}

void ProgressDisplay::end() {
  if (drawn_) console_.out << "\r\033[K" << std::flush;
  drawn_ = false;
}

}  // namespace laconic
