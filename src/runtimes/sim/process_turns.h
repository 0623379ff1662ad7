// Threads that stand for processes under one virtual clock: one of them runs at a time, and none while time goes on.
//
// Blocking code so runs as it is, many processes of it in one program, and what happens is decided by the events alone.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/units.h"
#include "runtimes/node/clock.h"
#include "runtimes/sim/event_queue.h"

namespace laconic::sim {

class ProcessTurns {
 public:
  // `events` outlives it.
  ProcessTurns(EventQueue& events, int processes);
  ~ProcessTurns();
  ProcessTurns(const ProcessTurns&) = delete;
  ProcessTurns& operator=(const ProcessTurns&) = delete;

  // Of a process: wait() gives the turn away. wake() may be called from events and from every process.
  Clock& clock(int process);

  // Runs `body` in every process, in the order of ranks at first, and all events, until every body has returned.
  // Processes that stand still without an end go on when all others have ended. Throws RunError that says who waits
  // where nothing is left that would wake anyone, or `limit` has passed; and the first error that a body throws.
  void run(const std::function<void(int process)>& body, Seconds limit);

  // From an event: the process has no turn for `span`, which may be infinite.
  void stall(int process, Seconds span);
  // Whether the process stands still now.
  bool is_stalled(int process) const;

 private:
  class TurnClock;
  struct Seat;

  Seat& seat(int process) { return *seats_.at(static_cast<std::size_t>(process)); }
  void start(int process, const std::function<void(int)>& body);
  void give_turn(int process);
  void wait(int process, Seconds span);
  void end_wait(int process, std::uint64_t wait);
  void wake(int process);
  bool thaw();
  bool all_have_ended() const;
  void finish(const std::string& hung);

  EventQueue& events_;
  std::mutex mutex_;  // of whose turn it is
  std::condition_variable world_turn_;
  std::vector<std::unique_ptr<Seat>> seats_;
  bool is_over_ = false;  // who waits is thrown out
};

}  // namespace laconic::sim
