#include "cli/work_display.h"

#include <ostream>

#include "report/format.h"

namespace laconic {
namespace {

constexpr auto kFirst = std::chrono::seconds(1);
constexpr auto kNextLine = std::chrono::seconds(10);
constexpr auto kRedraw = std::chrono::milliseconds(100);

// "reading images  1,200 of 4,000"
std::string line_of(const Progress& progress) {
  std::string text(progress.what);
  if (progress.total > 0) {
    text += "  " + grouped(progress.done) + " of " + grouped(progress.total);
  } else if (progress.done > 0) {
    text += "  " + grouped(progress.done);
  }
  return text;
}

}  // namespace

WorkDisplay::WorkDisplay(Console& console, std::string_view choice)
    : console_(console), style_(ProgressDisplay::style_of(console, choice)) {}

void WorkDisplay::progress(const Progress& progress) {
  if (style_ == ProgressDisplay::Style::kOff) return;
  const Clock::time_point now = Clock::now();
  if (progress.what != what_ || progress.done < done_) {
    what_ = progress.what;
    next_ = now + kFirst;
  }
  done_ = progress.done;
  if (now < next_) return;
  if (style_ == ProgressDisplay::Style::kPlain) {
    next_ = now + kNextLine;
    console_.out << line_of(progress) << std::endl;
    return;
  }
  next_ = now + kRedraw;
  console_.out << '\r' << clipped(line_of(progress), console_.width - 1) << "\033[K" << std::flush;
  drawn_ = true;
}

void WorkDisplay::end() {
  if (drawn_) console_.out << "\r\033[K" << std::flush;
  drawn_ = false;
  what_.clear();
}

}  // namespace laconic
