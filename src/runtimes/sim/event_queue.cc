#include "runtimes/sim/event_queue.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace laconic::sim {

void EventQueue::at(Seconds time, std::function<void()> action) {
  LACONIC_CHECK(time >= now_, "event at " << time.value << " s, now " << now_.value << " s");
  heap_.push_back({time, next_sequence_++, std::move(action)});
  std::push_heap(heap_.begin(), heap_.end(), later);
}

std::function<void()> EventQueue::take() {
  std::pop_heap(heap_.begin(), heap_.end(), later);
  Event event = std::move(heap_.back());
  heap_.pop_back();
  now_ = event.time;
  return std::move(event.action);
}

void EventQueue::advance(Seconds time) {
  LACONIC_CHECK(time >= now_ && (empty() || time <= next_time()), "advance to " << time.value << " s");
  now_ = time;
}

}  // namespace laconic::sim
