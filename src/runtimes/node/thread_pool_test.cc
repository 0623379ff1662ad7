#include "runtimes/node/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

#include "base/error.h"

namespace laconic {
namespace {

TEST(ThreadPool, JobsOfOneQueueNeverOverlapAndKeepTheirOrder) {
  std::vector<std::vector<int>> done(5);
  std::vector<ThreadPool::Queue> queues(5);
  std::atomic<int> overlaps = 0;
  std::vector<std::atomic<int>> inside(5);
  std::vector<std::shared_ptr<PooledWork>> jobs;
  ThreadPool pool(3, {});
  for (int i = 0; i < 200; ++i) {
    for (std::size_t q = 0; q < queues.size(); ++q) {
      jobs.push_back(pool.submit(queues[q], [&, q, i] {
        if (inside[q].fetch_add(1) != 0) ++overlaps;
        done[q].push_back(i);
        inside[q].fetch_sub(1);
      }));
    }
  }
  for (const auto& job : jobs) job->wait();
  EXPECT_EQ(overlaps, 0);
  for (const auto& order : done) {
    ASSERT_EQ(order.size(), 200U);
    for (int i = 0; i < 200; ++i) ASSERT_EQ(order[static_cast<std::size_t>(i)], i);
  }
}

TEST(ThreadPool, WaitThrowsWhatTheJobThrewEachTime) {
  ThreadPool::Queue queue;
  ThreadPool pool(1, {});
  const auto job = pool.submit(queue, [] { throw std::runtime_error("lost"); });
  EXPECT_THROW(job->wait(), std::runtime_error);
  EXPECT_THROW(job->wait(), std::runtime_error);
  const auto next = pool.submit(queue, [] {});
  EXPECT_NO_THROW(next->wait());
}

TEST(ThreadPool, EveryThreadIsPreparedOnceBeforeItsFirstJob) {
  std::atomic<int> prepared = 0;
  static thread_local bool ready = false;
  ThreadPool::Queue queue;
  ThreadPool pool(2, [&] {
    ready = true;
    ++prepared;
  });
  bool was_ready = false;
  pool.submit(queue, [&] { was_ready = ready; })->wait();
  EXPECT_TRUE(was_ready);
  pool.stop();
  EXPECT_EQ(prepared, 2);
}

TEST(ThreadPool, StoppingDropsWhatHasNotBegunAndRefusesMore) {
  std::atomic<int> ran = 0;
  std::atomic<bool> begun = false;
  std::atomic<bool> go_on = false;
  ThreadPool::Queue queue;
  ThreadPool pool(1, {});
  pool.submit(queue, [&] {
    begun = true;
    begun.notify_all();
    go_on.wait(false);
    ++ran;
  });
  begun.wait(false);
  std::thread stopper([&] { pool.stop(); });
  // Jobs behind the first can't begin; once the pool is stopping they are refused.
  EXPECT_THROW(for (;;) pool.submit(queue, [&] { ++ran; }), CheckFailed);
  go_on = true;
  go_on.notify_all();
  stopper.join();
  EXPECT_EQ(ran, 1);
}

}  // namespace
}  // namespace laconic
