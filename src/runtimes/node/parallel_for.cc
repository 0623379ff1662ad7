#include "runtimes/node/parallel_for.h"

#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>

namespace laconic {
namespace {

// Lives on while a helper that came too late still looks at it.
struct Loop {
  std::mutex mutex;
  std::condition_variable left;
  std::size_t next = 0;
  std::size_t count = 0;
  const std::function<void(std::size_t)>* work = nullptr;  // whoever takes a turn is waited for
  int at_work = 0;
  std::exception_ptr error;

  void take_turns() {
    std::unique_lock lock(mutex);
    ++at_work;
    while (next < count) {
      const std::size_t turn = next++;
      lock.unlock();
      std::exception_ptr problem;
      try {
        (*work)(turn);
      } catch (...) {
        problem = std::current_exception();
      }
      lock.lock();
      if (!problem) continue;
      next = count;
      if (!error) error = problem;
    }
    if (--at_work == 0) left.notify_all();
  }
};

}  // namespace

void parallel_for(ThreadPool& pool, std::span<ThreadPool::Queue> helpers, std::size_t count,
                  const std::function<void(std::size_t)>& work) {
  const auto loop = std::make_shared<Loop>();
  loop->count = count;
  loop->work = &work;
  for (ThreadPool::Queue& helper : helpers) pool.submit(helper, [loop] { loop->take_turns(); });
  loop->take_turns();
  std::unique_lock lock(loop->mutex);
  loop->left.wait(lock, [&] { return loop->at_work == 0; });
  if (loop->error) std::rethrow_exception(loop->error);
}

}  // namespace laconic
