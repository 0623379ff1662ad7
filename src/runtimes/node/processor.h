// The processor of a node that runs alone on its thread: what is done is found by asking.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "async/task.h"
#include "comm/processor.h"
#include "runtimes/node/clock.h"
#include "runtimes/node/thread_pool.h"

namespace laconic {

// All calls come from the thread that runs the protocol, and from outside of every coroutine but submit().
class PolledProcessor : public Processor {
 public:
  // Resumes what waits for work that is done. Returns whether there was any.
  virtual bool poll() = 0;
  // When the next work is done, as far as that is known beforehand; infinity where the clock is woken then.
  virtual Seconds next() const = 0;
  // Waits for the work under way and takes no more.
  virtual void stop() = 0;
  // Unwinds what waits here.
  virtual void close() = 0;
};

// In real time: threads that compute while the thread of the protocol communicates.
class ThreadedProcessor final : public PolledProcessor {
 public:
  // Work that costs next to nothing is done at once, where it is submitted, unless other work is under way: with
  // `inline_free` (vectors so small that the network can wait meanwhile). `clock` outlives the processor, and is woken
  // when work is done.
  ThreadedProcessor(int threads, std::function<void()> prepare_thread, Clock& clock, bool inline_free)
      : clock_(clock), inline_free_(inline_free), pool_(threads, std::move(prepare_thread)) {}
  ~ThreadedProcessor() override { stop(); }

  Pending submit(Cost cost, std::function<void()> work) override;
  bool poll() override;
  Seconds next() const override;
  void stop() override { pool_.stop(); }
  void close() override { waiting_.clear(); }

 private:
  class Computation;
  struct Waiting {
    std::shared_ptr<PooledWork> job;
    Resume<bool> resume;
  };
  Clock& clock_;
  bool inline_free_;
  ThreadPool pool_;
  ThreadPool::Queue queue_;
  std::map<std::uint64_t, Waiting> waiting_;  // by the computation's number
  std::uint64_t computations_ = 0;
};

}  // namespace laconic
