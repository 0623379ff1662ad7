#include "runtimes/node/clock.h"

#include <algorithm>

namespace laconic {

void SteadyClock::wait(Seconds span) {
  constexpr double kLongest = 3600.0;  // no span that a chrono duration could not hold
  std::unique_lock lock(mutex_);
  woken_.wait_for(lock, std::chrono::duration<double>(std::min(span.value, kLongest)), [this] { return is_woken_; });
  is_woken_ = false;
}

void SteadyClock::wake() {
  const std::lock_guard lock(mutex_);
  is_woken_ = true;
  woken_.notify_one();
}

}  // namespace laconic
