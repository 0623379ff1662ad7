#include "links/mpi/waiter.h"

#include <sys/prctl.h>

#include <algorithm>
#include <utility>

namespace laconic::mpi {
namespace {

using std::chrono::nanoseconds;

constexpr int kPollsAtOnce = 10;
constexpr nanoseconds kFirstSleep{20'000};
constexpr nanoseconds kLongestSleep{500'000};
constexpr nanoseconds kLongestBusySleep{50'000};

}  // namespace

Waiter::Waiter() : sleep_(kFirstSleep) {
  // Where it is not granted, sleeps are longer and nothing else changes.
  static_cast<void>(prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL));
}

nanoseconds Waiter::next(bool moved, bool is_busy) {
  if (moved) {
    polls_ = 0;
    sleep_ = kFirstSleep;
    return nanoseconds{0};
  }
  if (polls_ < kPollsAtOnce) {
    ++polls_;
    return nanoseconds{0};
  }
  if (is_busy) sleep_ = std::min(sleep_, kLongestBusySleep);
  return std::exchange(sleep_, std::min(sleep_ + sleep_ / 4, kLongestSleep));
}

}  // namespace laconic::mpi
