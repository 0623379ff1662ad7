// Threads that do the workers' computations. Which thread does what, and when, decides nothing but speed.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace laconic {

// A computation that was handed in.
class PooledWork {
 public:
  // `on_done` is called when the work is done and is_done() says so, on the thread that did it.
  explicit PooledWork(std::function<void()> work, std::function<void()> on_done = {})
      : work_(std::move(work)), on_done_(std::move(on_done)) {}
  // Waits until the work is done; throws what it threw. Safe to call again.
  void wait();
  bool is_done();
  // Waits for that long at most. Returns whether the work is done; throws nothing of what it threw.
  bool wait_for(std::chrono::milliseconds limit);
  // Does the work on the calling thread; for one that no pool was given.
  void run();

 private:
  std::function<void()> work_;
  std::function<void()> on_done_;
  std::mutex mutex_;
  std::condition_variable finished_;
  bool done_ = false;
  std::exception_ptr error_;
};

class ThreadPool {
 public:
  // Jobs of one queue are done one after another in the order submitted.
  class Queue {
   private:
    friend class ThreadPool;
    std::deque<std::shared_ptr<PooledWork>> jobs;
  };

  // `prepare` runs once in each thread before its first job. With no threads jobs are done where they are submitted.
  ThreadPool(int threads, std::function<void()> prepare);
  // Drops the jobs not yet begun and waits for those under way.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // The queue outlives the job, or the pool is stopped first.
  std::shared_ptr<PooledWork> submit(Queue& queue, std::function<void()> work, std::function<void()> on_done = {});
  // Whether a queue has no job that is not done.
  bool is_idle(const Queue& queue);
  // What the destructor does; nothing is accepted afterwards.
  void stop();

 private:
  void loop(const std::function<void()>& prepare);
  std::mutex mutex_;
  std::condition_variable work_ready_;
  std::deque<Queue*> ready_;  // queues with a job to begin, in the order they became so
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace laconic
