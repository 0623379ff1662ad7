// How a loop that polls waits for something to poll.
//
// The library shows nothing to wait on, so the loop asks again and again, and pays for it with the processor that the
// gradients are computed on. Right after something moved it asks at once, as an answer may be a few microseconds away;
// then it sleeps between its questions, longer and longer while nothing moves. A short sleep leaves the processor to
// others and is woken in time even where they compute, which giving way (sched_yield) does not bring about.
#pragma once

#include <chrono>

namespace laconic::mpi {

class Waiter {
 public:
  // Has the kernel end this thread's sleeps when they are over, and not when it suits it (up to 50 us later).
  Waiter();
  // After a poll: how long to sleep, 0.5 ms at most, 0: not at all. `moved`: it moved something. `is_busy`: a message is
  // under way, so that the library has more to move at each poll though it does not show: then the sleeps stay short.
  std::chrono::nanoseconds next(bool moved, bool is_busy);

 private:
  int polls_ = 0;                   // in which nothing moved, one after another
  std::chrono::nanoseconds sleep_;  // the next one
};

}  // namespace laconic::mpi
