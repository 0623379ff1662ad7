#include "runtimes/node/thread_pool.h"

#include <utility>

#include "base/error.h"

namespace laconic {

void PooledWork::run() {
  std::exception_ptr error;
  try {
    work_();
  } catch (...) {
    error = std::current_exception();
  }
  {
    const std::lock_guard lock(mutex_);
    work_ = nullptr;
    error_ = std::move(error);
    done_ = true;
  }
  finished_.notify_all();
  if (on_done_) on_done_();
}

void PooledWork::wait() {
  std::unique_lock lock(mutex_);
  finished_.wait(lock, [this] { return done_; });
  if (error_) std::rethrow_exception(error_);
}

bool PooledWork::wait_for(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return finished_.wait_for(lock, limit, [this] { return done_; });
}

bool PooledWork::is_done() {
  const std::lock_guard lock(mutex_);
  return done_;
}

ThreadPool::ThreadPool(int threads, std::function<void()> prepare) {
  LACONIC_CHECK(threads >= 0, "threads " << threads);
  if (threads == 0 && prepare) prepare();
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this, prepare] { loop(prepare); });
  }
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    work_ready_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

std::shared_ptr<PooledWork> ThreadPool::submit(Queue& queue, std::function<void()> work,
                                               std::function<void()> on_done) {
  auto job = std::make_shared<PooledWork>(std::move(work), std::move(on_done));
  if (threads_.empty()) {
    job->run();
    return job;
  }
  const std::lock_guard lock(mutex_);
  LACONIC_CHECK(!stopping_, "a job after the end");
  queue.jobs.push_back(job);
  // A queue with more than one job is ready already or has its first under way.
  if (queue.jobs.size() == 1) {
    ready_.push_back(&queue);
    work_ready_.notify_one();
  }
  return job;
}

bool ThreadPool::is_idle(const Queue& queue) {
  const std::lock_guard lock(mutex_);
  return queue.jobs.empty();
}

void ThreadPool::loop(const std::function<void()>& prepare) {
  if (prepare) prepare();
  std::unique_lock lock(mutex_);
  for (;;) {
    work_ready_.wait(lock, [this] { return stopping_ || !ready_.empty(); });
    if (stopping_) return;
    Queue* queue = ready_.front();
    ready_.pop_front();
    const std::shared_ptr<PooledWork> job = queue->jobs.front();
    lock.unlock();
    job->run();
    lock.lock();
    queue->jobs.pop_front();
    if (!queue->jobs.empty()) {
      ready_.push_back(queue);
      work_ready_.notify_one();
    }
  }
}

}  // namespace laconic
