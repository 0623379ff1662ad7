// A node's processor in real time: a thread that computes while the thread of the protocol communicates.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "comm/processor.h"
#include "comm/task.h"
#include "runtimes/node/thread_pool.h"

namespace laconic::mpi {

// What wakes the protocol's thread before its time: a computation that has come to its end.
class Doorbell {
 public:
  void ring();
  // Returns when it has rung since the last call, or when the span has passed.
  void wait(std::chrono::nanoseconds span);

 private:
  std::mutex mutex_;
  std::condition_variable rung_;
  bool has_rung_ = false;
};

class RealProcessor final : public Processor {
 public:
  // Work that costs next to nothing is done at once, where it is submitted, unless other work is under way: with
  // `inline_free` (vectors so small that the network can wait meanwhile). `pool` and `bell` outlive the processor.
  RealProcessor(ThreadPool& pool, Doorbell& bell, bool inline_free)
      : pool_(pool), bell_(bell), inline_free_(inline_free) {}

  Pending submit(Cost cost, std::function<void()> work) override;
  // Resumes what waits for work that is done. Returns whether there was any. Outside of every coroutine.
  bool poll();
  // Whether work is under way.
  bool is_busy() { return !pool_.is_idle(queue_); }
  // Unwinds what waits here.
  void close() { waiting_.clear(); }

 private:
  class Computation;
  struct Waiting {
    std::shared_ptr<PooledWork> job;
    Resume<bool> resume;
  };
  ThreadPool& pool_;
  Doorbell& bell_;
  bool inline_free_;
  ThreadPool::Queue queue_;
  std::map<std::uint64_t, Waiting> waiting_;  // by the computation's number
  std::uint64_t computations_ = 0;
};

}  // namespace laconic::mpi
