// Sessions between processes over streams in memory, without a run on them: each process is a link and a clock, and all
// of them one thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "links/session/channel.h"
#include "links/session/hello.h"
#include "links/session/link.h"
#include "links/session/record.h"
#include "runtimes/sim/memory_streams.h"

namespace laconic::tests {

class SessionWorld {
 public:
  struct Arrived {
    Rank from;
    Rank to;
    Frame frame;
    Seconds when;
  };
  struct Process {
    std::unique_ptr<session::SessionLink> link;  // null: the process is not there
    bool stands_still = false;
    std::vector<Arrived> frames;
    std::vector<std::string> refused;
    std::vector<std::string> objected;
    std::vector<std::pair<int, std::string>> ends;
    std::vector<Seconds> ends_came;
    std::vector<std::pair<int, std::string>> failures;
  };

  explicit SessionWorld(const sim::StreamNetworkOptions& options)
      : clocks_(static_cast<std::size_t>(options.processes)),
        network_(options, events_, trace_, [this](int process) -> Clock& { return clock(process); }),
        processes_(static_cast<std::size_t>(options.processes)) {
    for (TestClock& clock : clocks_) clock.events = &events_;
  }

  void start(int process, session::SessionOptions options) {
    options.self = process;
    options.size = static_cast<int>(processes_.size());
    options.objected = [this, process](int, const std::string& problem) { at(process).objected.push_back(problem); };
    at(process).link = std::make_unique<session::SessionLink>(network_.streams(process), clock(process), options);
    clock_of(process).due = events_.now();
  }
  void start_all(const session::SessionOptions& options) {
    for (std::size_t process = 0; process < processes_.size(); ++process) start(static_cast<int>(process), options);
  }
  // The process is gone without a word; what its link would have said as it left is lost.
  void kill(int process) {
    for (int other = 0; other < static_cast<int>(processes_.size()); ++other) {
      if (other != process) network_.lose(process, other);
    }
    at(process).link.reset();
  }

  Process& at(int process) { return processes_.at(static_cast<std::size_t>(process)); }
  session::SessionLink& link(int process) { return *at(process).link; }
  Clock& clock(int process) { return clock_of(process); }
  sim::EventQueue& events() { return events_; }
  sim::StreamNetwork& network() { return network_; }
  std::uint64_t trace_hash() const { return trace_.value(); }

  // A link was handed something outside of its progress().
  void touch(int process) { clock_of(process).wake(); }

  // Until `done`, or `limit`. Returns whether it was done.
  bool run_until(Seconds limit, const std::function<bool()>& done) {
    for (;;) {
      for (bool was_due = true; was_due;) {
        was_due = false;
        for (std::size_t index = 0; index < processes_.size(); ++index) was_due = turn(index) || was_due;
      }
      if (done()) return true;
      Seconds next = limit;
      for (std::size_t index = 0; index < processes_.size(); ++index) {
        const Process& process = processes_[index];
        if (process.link && !process.stands_still) next = std::min(next, clocks_[index].due);
      }
      if (!events_.empty() && events_.next_time() <= next) {
        events_.take()();
        continue;
      }
      if (next >= limit) return false;
      events_.advance(next);
    }
  }
  // The same for a span, whatever comes.
  void run_for(Seconds span) {
    const Seconds end = events_.now() + span;
    run_until(end, [] { return false; });
    if (events_.now() < end) events_.advance(end);
  }

 private:
  struct TestClock final : public Clock {
    Seconds now() const override { return events->now(); }
    void wait(Seconds) override {}
    void wake() override { due = Seconds{}; }
    sim::EventQueue* events = nullptr;
    Seconds due = kIdle;
  };
  TestClock& clock_of(int process) { return clocks_.at(static_cast<std::size_t>(process)); }

  // Whether it was the process' turn.
  bool turn(std::size_t index) {
    Process& process = processes_[index];
    TestClock& clock = clocks_[index];
    if (!process.link || process.stands_still || clock.due > events_.now()) return false;
    clock.due = kIdle;
    const node::LinkHandlers handlers{
        .frame =
            [&](Rank from, Rank to, Frame frame) {
              process.frames.push_back({from, to, std::move(frame), events_.now()});
            },
        .refused = [&](Rank, Rank, const std::string& problem) { process.refused.push_back(problem); },
        .end =
            [&](int from, const std::string& text) {
              process.ends.emplace_back(from, text);
              process.ends_came.push_back(events_.now());
            },
        .failed = [&](int other, const std::string& problem) { process.failures.emplace_back(other, problem); }};
    const bool moved = process.link->progress(handlers);
    const Seconds pause = process.link->pause(moved);
    clock.due = std::min(clock.due, events_.now() + pause);
    return true;
  }

  sim::EventQueue events_;
  sim::TraceHash trace_;
  std::vector<TestClock> clocks_;
  sim::StreamNetwork network_;
  std::vector<Process> processes_;
};

}  // namespace laconic::tests
