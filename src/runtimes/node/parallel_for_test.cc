#include "runtimes/node/parallel_for.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace laconic {
namespace {

TEST(ParallelFor, TakesEachTurnOnceWhateverThePoolHas) {
  for (const int threads : {0, 1, 2, 4}) {
    std::vector<ThreadPool::Queue> helpers(3);
    ThreadPool::Queue own;
    ThreadPool pool(threads, {});
    std::vector<std::atomic<int>> taken(1000);
    // From inside the pool: with one thread the helpers never begin in time.
    pool.submit(own, [&] { parallel_for(pool, helpers, taken.size(), [&](std::size_t i) { ++taken[i]; }); })->wait();
    for (const auto& times : taken) EXPECT_EQ(times, 1) << threads;
  }
}

TEST(ParallelFor, ThrowsWhatATurnThrewAndBeginsNoFurtherOne) {
  std::vector<ThreadPool::Queue> helpers(1);
  ThreadPool pool(2, {});
  std::atomic<int> turns = 0;
  EXPECT_THROW(parallel_for(pool, helpers, 1'000'000,
                            [&](std::size_t i) {
                              ++turns;
                              if (i == 10) throw std::runtime_error("no more");
                            }),
               std::runtime_error);
  EXPECT_LT(turns, 1'000'000);
}

}  // namespace
}  // namespace laconic
