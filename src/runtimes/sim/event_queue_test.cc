#include "runtimes/sim/event_queue.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "base/random.h"

namespace laconic::sim {
namespace {

TEST(EventQueue, TakesEventsByTimeAndEqualTimesByTheOrderOfInsertion) {
  EventQueue queue;
  RandomStream stream(1, "events");
  std::vector<std::pair<double, int>> inserted;
  std::vector<std::pair<double, int>> taken;
  for (int i = 0; i < 500; ++i) {
    const double time = static_cast<double>(stream.below(20));
    inserted.emplace_back(time, i);
    queue.at({time}, [&taken, &queue, i] { taken.emplace_back(queue.now().value, i); });
  }
  std::stable_sort(inserted.begin(), inserted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  while (!queue.empty()) queue.take()();
  EXPECT_EQ(taken, inserted);
}

TEST(EventQueue, RefusesAnEventInThePast) {
  EventQueue queue;
  queue.at({2.0}, [] {});
  queue.take();
  EXPECT_THROW(queue.at({1.0}, [] {}), CheckFailed);
  EXPECT_NO_THROW(queue.at({2.0}, [] {}));
}

TEST(EventQueue, TheClockMovesOnlyUpToTheNextEvent) {
  EventQueue queue;
  queue.at({2.0}, [] {});
  queue.advance({1.5});
  EXPECT_EQ(queue.now(), Seconds{1.5});
  EXPECT_THROW(queue.advance({2.5}), CheckFailed);
  EXPECT_THROW(queue.advance({1.0}), CheckFailed);
}

}  // namespace
}  // namespace laconic::sim
