#include "tuning.h"

#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

namespace laconic::bench {

double climb(double value, double factor, double low, double high, const std::function<double(double)>& score) {
  double best = score(value);
  for (const double step : {1.0 / factor, factor}) {
    bool moved = false;
    for (double next = value * step; next >= low && next <= high; next = value * step) {
      const double there = score(next);
      if (!(there > best || (there == best && step < 1.0))) break;
      value = next;
      best = there;
      moved = true;
    }
    if (moved) break;
  }
  return value;
}

void run_all(const std::vector<std::function<void()>>& tasks, int at_once) {
  std::atomic<std::size_t> next = 0;
  std::exception_ptr error;
  std::mutex mutex;
  std::vector<std::thread> threads;
  for (int i = 0; i < at_once; ++i) {
    threads.emplace_back([&] {
      for (std::size_t task = next++; task < tasks.size(); task = next++) {
        try {
          tasks[task]();
        } catch (...) {
          const std::lock_guard lock(mutex);
          if (!error) error = std::current_exception();
          next = tasks.size();
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  if (error) std::rethrow_exception(error);
}

}  // namespace laconic::bench
