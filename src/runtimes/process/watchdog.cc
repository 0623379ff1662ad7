#include "runtimes/process/watchdog.h"

#include <chrono>
#include <utility>

namespace laconic::process {
namespace {

constexpr std::chrono::milliseconds kLook{20};
// After the grace, how long the thread has to get out of what is not the library.
constexpr double kLastGrace = 0.05;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace

Watchdog::Watchdog(Options options) : options_(std::move(options)) {
  state_.lock();
  thread_ = std::thread([this] { watch(); });
}

Watchdog::~Watchdog() {
  state_.unlock();
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  thread_.join();
}

void Watchdog::enter() {
  ++calls_;
  state_.unlock();
}

void Watchdog::leave() { state_.lock(); }

void Watchdog::watch() {
  constexpr double kNever = -1.0;
  double asked = kNever;
  double inside = kNever;  // since when the thread has been seen in the same call
  unsigned long call = 0;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kLook, [this] { return stopping_; })) {
    if (asked == kNever && options_.interrupted && options_.interrupted()) {
      asked = now();
      if (options_.asked) options_.asked();
    }
    const bool is_late = asked != kNever && now() - asked > options_.grace.value;
    if (state_.try_lock()) {
      const bool is_same_call = inside != kNever && call == calls_;
      if (!is_same_call) inside = now();
      call = calls_;
      const double span = now() - inside;
      std::string why;
      if (span > options_.patience.value || (is_late && is_same_call)) {
        why = options_.library + " has not come back from a call for " + to_text(Seconds{span}) + options_.describe();
      }
      state_.unlock();
      if (why.empty()) continue;
      options_.end(why);
      return;
    }
    inside = kNever;
    if (!is_late || now() - asked < options_.grace.value + kLastGrace) continue;
    options_.end("it was asked to end in the middle of a computation");
    return;
  }
}

}  // namespace laconic::process
