// A job whose workers come and go, in one program on one thread: the coordinator, the workers, their sessions and
// streams, under one virtual clock.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "links/session/link.h"
#include "run.h"
#include "runtimes/process/hub.h"
#include "runtimes/process/member.h"
#include "runtimes/sim/memory_streams.h"
#include "runtimes/sim/turn_processor.h"

namespace laconic::tests {

struct MembershipOptions {
  Scenario scenario;
  int least = 1;
  Seconds patience{20.0};
  process::Returning returning = process::Returning::kDrop;
  sim::StreamNetworkOptions network = {};
  std::vector<Seconds> step_cost = {};  // of each worker; default: 10 ms
};

class MembershipWorld final : public StrategyEvents {
 public:
  // What happened to whom, in the order in which the coordinator decided it.
  struct Entry {
    enum class Kind { kEntered, kLeft, kCommitted } kind;
    Rank rank;  // of who entered or left
    Step step;
    View view;
    bool changes_model = false;
    std::string why;
    Traffic traffic = Traffic::kModel;  // of what is committed
  };

  // Starts all.
  explicit MembershipWorld(const MembershipOptions& options);
  ~MembershipWorld() override;

  // From events or between them. A worker's process is gone, and its streams with it; `told`: the network says so.
  void kill(int worker, bool told);
  void start(int worker);
  bool is_there(int worker) { return process(worker + 1).member != nullptr; }
  void stall(int worker, Seconds span);

  // To the end of the run in all processes that are there, or `limit`. Returns whether they have come to it.
  bool run(Seconds limit);

  sim::EventQueue& events() { return events_; }
  sim::StreamNetwork& network() { return network_; }
  process::Hub& hub() { return *processes_[0].hub; }
  process::Member& member(int worker) { return *process(worker + 1).member; }
  Learner& learner(int worker) { return *process(worker + 1).learner; }
  session::SessionLink& link(int process_number) { return *process(process_number).link; }
  const std::vector<Entry>& log() const { return log_; }
  std::uint64_t trace_hash() const { return trace_.value(); }
  std::string account() const;
  // Steps that workers have taken, over all of them.
  std::uint64_t steps_taken() const { return steps_taken_; }
  // When a worker last entered, and took its first step since.
  Seconds entered_at(int worker) const { return entered_at_.at(worker); }

 private:
  struct WorldClock final : public Clock {
    Seconds now() const override { return events->now(); }
    void wait(Seconds) override {}
    void wake() override { due = Seconds{}; }
    sim::EventQueue* events = nullptr;
    Seconds due = kIdle;
  };
  struct Process {
    WorldClock clock;
    bool stands_still = false;
    std::unique_ptr<session::SessionLink> link;
    std::unique_ptr<sim::TurnProcessor> steps;
    std::unique_ptr<sim::TurnProcessor> sums;
    std::unique_ptr<Learner> learner;
    std::unique_ptr<process::Hub> hub;
    std::unique_ptr<process::Member> member;
  };
  Process& process(int number) { return processes_.at(static_cast<std::size_t>(number)); }
  void make_parts(int number, std::uint64_t incarnation);
  void start_hub();
  bool turn(Process& process);
  bool is_over(const Process& process) const;
  void synchronised(Rank, Step) override {}
  void measured(Rank, Step, std::string_view, double) override {}
  void warned(Rank, Step, const std::string&) override {}

  MembershipOptions options_;
  sim::EventQueue events_;
  sim::TraceHash trace_;
  std::vector<Process> processes_;
  sim::StreamNetwork network_;
  std::vector<Entry> log_;
  std::uint64_t steps_taken_ = 0;
  std::map<int, Seconds> entered_at_;
};

}  // namespace laconic::tests
