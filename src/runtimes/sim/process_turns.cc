#include "runtimes/sim/process_turns.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/error.h"

namespace laconic::sim {

class ProcessTurns::TurnClock final : public Clock {
 public:
  TurnClock(ProcessTurns& turns, int process) : turns_(turns), process_(process) {}
  Seconds now() const override { return turns_.events_.now(); }
  void wait(Seconds span) override { turns_.wait(process_, span); }
  void wake() override { turns_.wake(process_); }

 private:
  ProcessTurns& turns_;
  int process_;
};

// What follows is changed by whoever has the turn: the process, or the thread that calls run().
struct ProcessTurns::Seat {
  Seat(ProcessTurns& turns, int process) : clock(turns, process) {}
  TurnClock clock;
  std::thread thread;
  std::condition_variable turn;
  bool has_turn = false;  // under mutex_
  bool has_ended = false;
  std::exception_ptr error;
  bool is_waiting = false;
  bool is_woken = false;
  std::uint64_t wait = 0;  // the number of the wait: what would have ended an earlier one ends nothing
  Seconds stalled_until{-1.0};
  bool is_due = false;  // its wait is over, and it stands still without an end
};

ProcessTurns::ProcessTurns(EventQueue& events, int processes) : events_(events) {
  for (int process = 0; process < processes; ++process) seats_.push_back(std::make_unique<Seat>(*this, process));
}

ProcessTurns::~ProcessTurns() = default;

Clock& ProcessTurns::clock(int process) { return seat(process).clock; }

bool ProcessTurns::is_stalled(int process) const {
  return seats_.at(static_cast<std::size_t>(process))->stalled_until > events_.now();
}

void ProcessTurns::run(const std::function<void(int process)>& body, Seconds limit) {
  is_over_ = false;
  for (int process = 0; process < static_cast<int>(seats_.size()); ++process) start(process, body);
  for (int process = 0; process < static_cast<int>(seats_.size()); ++process) give_turn(process);
  std::string hung;
  while (!all_have_ended()) {
    if (!events_.empty() && events_.next_time() <= limit) {
      events_.take()();
    } else if (!thaw()) {
      hung = events_.empty() ? "nothing is left that would wake a process" : "it goes on after " + to_text(limit);
      break;
    }
  }
  finish(hung);
}

void ProcessTurns::start(int process, const std::function<void(int)>& body) {
  Seat& own = seat(process);
  own.has_ended = false;
  own.error = nullptr;
  own.thread = std::thread([this, &own, process, &body] {
    {
      std::unique_lock lock(mutex_);
      own.turn.wait(lock, [&] { return own.has_turn; });
    }
    try {
      body(process);
    } catch (...) {
      own.error = std::current_exception();
    }
    own.has_ended = true;
    const std::lock_guard lock(mutex_);
    own.has_turn = false;
    world_turn_.notify_one();
  });
}

// On the thread of run(): the process runs until it waits or ends.
void ProcessTurns::give_turn(int process) {
  Seat& own = seat(process);
  if (own.has_ended) return;
  std::unique_lock lock(mutex_);
  own.has_turn = true;
  own.turn.notify_one();
  world_turn_.wait(lock, [&] { return !own.has_turn; });
}

// On the process' thread.
void ProcessTurns::wait(int process, Seconds span) {
  Seat& own = seat(process);
  if (is_over_) throw RunError("the world of process " + std::to_string(process) + " has ended");
  if (std::exchange(own.is_woken, false)) return;
  const std::uint64_t number = ++own.wait;
  if (span.value < std::numeric_limits<double>::infinity()) {
    events_.at(events_.now() + span, [this, process, number] { end_wait(process, number); });
  }
  own.is_waiting = true;
  {
    std::unique_lock lock(mutex_);
    own.has_turn = false;
    world_turn_.notify_one();
    own.turn.wait(lock, [&] { return own.has_turn; });
  }
  own.is_waiting = false;
  own.is_woken = false;
}

void ProcessTurns::end_wait(int process, std::uint64_t wait) {
  Seat& own = seat(process);
  if (!own.is_waiting || own.wait != wait) return;
  if (!is_stalled(process)) return give_turn(process);
  if (own.stalled_until.value == std::numeric_limits<double>::infinity()) {
    own.is_due = true;
    return;
  }
  events_.at(own.stalled_until, [this, process, wait] { end_wait(process, wait); });
}

void ProcessTurns::wake(int process) {
  Seat& own = seat(process);
  if (own.has_ended || std::exchange(own.is_woken, true) || !own.is_waiting) return;
  events_.at(events_.now(), [this, process, number = own.wait] { end_wait(process, number); });
}

void ProcessTurns::stall(int process, Seconds span) {
  Seat& own = seat(process);
  own.stalled_until = std::max(own.stalled_until, events_.now() + span);
}

// Lets those go on that stand still without an end. Returns whether there was one.
bool ProcessTurns::thaw() {
  bool any = false;
  for (int process = 0; process < static_cast<int>(seats_.size()); ++process) {
    Seat& own = seat(process);
    if (own.has_ended || own.stalled_until.value != std::numeric_limits<double>::infinity()) continue;
    own.stalled_until = Seconds{-1.0};
    any = true;
    if (std::exchange(own.is_due, false)) {
      events_.at(events_.now(), [this, process, number = own.wait] { end_wait(process, number); });
    }
  }
  return any;
}

bool ProcessTurns::all_have_ended() const {
  return std::ranges::all_of(seats_, [](const auto& one) { return one->has_ended; });
}

// Ends all threads, those that still wait by an error in each wait; throws what a body threw, or that it has hung.
void ProcessTurns::finish(const std::string& hung) {
  is_over_ = true;
  std::string text;
  for (int process = 0; process < static_cast<int>(seats_.size()); ++process) {
    Seat& own = seat(process);
    if (!own.has_ended) text += (text.empty() ? ": process " : ", process ") + std::to_string(process) + " waits";
    while (!own.has_ended) give_turn(process);
    own.thread.join();
  }
  events_.clear();
  if (!hung.empty()) throw RunError("the processes hang, " + hung + text);
  for (const auto& one : seats_) {
    if (one->error) std::rethrow_exception(one->error);
  }
}

}  // namespace laconic::sim
