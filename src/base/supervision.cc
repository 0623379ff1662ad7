#include "base/supervision.h"

#include <utility>

#include "base/error.h"

namespace laconic {
namespace {

thread_local Supervisor* supervisor_of_thread = nullptr;

}  // namespace

std::string to_text(const Progress& progress) {
  std::string text(progress.what);
  if (progress.total > 0) {
    text += ", " + std::to_string(progress.done) + " of " + std::to_string(progress.total);
  } else if (progress.done > 0) {
    text += ", " + std::to_string(progress.done) + " so far";
  }
  return text;
}

Supervision::Supervision(Supervisor& supervisor) : former_(std::exchange(supervisor_of_thread, &supervisor)) {}
Supervision::~Supervision() { supervisor_of_thread = former_; }

void report_progress(std::string_view what, std::uint64_t done, std::uint64_t total) {
  if (supervisor_of_thread == nullptr) return;
  const Progress progress{.what = what, .done = done, .total = total};
  if (supervisor_of_thread->interrupted()) throw Interrupted("interrupted while " + to_text(progress));
  supervisor_of_thread->progress(progress);
}

}  // namespace laconic
