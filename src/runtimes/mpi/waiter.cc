#include "runtimes/mpi/waiter.h"

#include <sys/prctl.h>
#include <time.h>

#include <algorithm>

namespace laconic::mpi {
namespace {

constexpr int kPollsAtOnce = 10;
constexpr long kFirstSleepNs = 20'000;
constexpr long kLongestSleepNs = 500'000;
constexpr long kLongestBusySleepNs = 50'000;

}  // namespace

Waiter::Waiter() : sleep_ns_(kFirstSleepNs) {
  // Where it is not granted, sleeps are longer and nothing else changes.
  static_cast<void>(prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL));
}

void Waiter::wait(bool moved, bool is_busy) {
  if (moved) {
    polls_ = 0;
    sleep_ns_ = kFirstSleepNs;
    return;
  }
  if (polls_ < kPollsAtOnce) {
    ++polls_;
    return;
  }
  if (is_busy) sleep_ns_ = std::min(sleep_ns_, kLongestBusySleepNs);
  const timespec span{.tv_sec = 0, .tv_nsec = sleep_ns_};
  nanosleep(&span, nullptr);
  sleep_ns_ = std::min(sleep_ns_ + sleep_ns_ / 4, kLongestSleepNs);
}

}  // namespace laconic::mpi
