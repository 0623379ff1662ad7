// Events in virtual time, taken in the order of (time, sequence number).
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/units.h"

namespace laconic::sim {

class EventQueue {
 public:
  Seconds now() const { return now_; }
  bool empty() const { return heap_.empty(); }
  // Time of the next event; the queue is not empty.
  Seconds next_time() const { return heap_.front().time; }
  // `time` is not before now().
  void at(Seconds time, std::function<void()> action);
  // Takes the next event: now() becomes its time.
  std::function<void()> take();
  // Moves the clock on to `time`, which no event precedes.
  void advance(Seconds time);
  // Drops all events.
  void clear() { heap_.clear(); }

 private:
  struct Event {
    Seconds time;
    std::uint64_t sequence;
    std::function<void()> action;
  };
  static bool later(const Event& a, const Event& b) {
    return a.time != b.time ? a.time > b.time : a.sequence > b.sequence;
  }
  std::vector<Event> heap_;
  std::uint64_t next_sequence_ = 0;
  Seconds now_;
};

}  // namespace laconic::sim
