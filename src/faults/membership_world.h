// A job whose workers come and go, in one program on one thread: the coordinator, the workers, their sessions and
// streams, under one virtual clock.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "faults/link_watch.h"
#include "faults/tiny_job.h"
#include "links/session/link.h"
#include "runtimes/process/hub.h"
#include "runtimes/process/member.h"
#include "runtimes/sim/memory_disk.h"
#include "runtimes/sim/memory_streams.h"
#include "runtimes/sim/turn_processor.h"

namespace laconic::faults {

struct MembershipOptions {
  TinyJob job;
  int least = 1;
  Seconds patience{20.0};
  process::Returning returning = process::Returning::kDrop;
  process::Alone alone = process::Alone::kWait;
  std::uint64_t alone_steps = UINT64_MAX;
  // Told when a worker has begun a round, and when it left.
  std::function<void(int worker)> entered = {};
  std::function<void(int worker)> left = {};
  std::function<void(int worker)> lost = {};                // when the coordinator takes it for lost
  std::function<void(int worker, Step step)> stepped = {};  // when it has taken that step
  sim::StreamNetworkOptions network = {};
  std::vector<Seconds> step_cost = {};      // of each worker; default: 10 ms
  std::size_t piece = CommOptions().piece;  // floats of a piece of what is pulled
};

class MembershipWorld : public StrategyEvents {
 public:
  // What happened to whom, in the order in which the coordinator decided it; and what was done to them.
  struct Entry {
    // On an asynchronous clock also what workers did, in the order in which it happened: began as members, were out by
    // their own account, gave a model, ended a round or a step alone.
    enum class Kind { kEntered, kLeft, kCommitted, kRestarted, kFault, kBegan, kOut, kGave, kStepped } kind;
    Seconds when;
    Rank rank;  // of whom it is told
    Step step;
    View view;
    bool changes_model = false;
    std::string why;                    // why it left; the fault
    Traffic traffic = Traffic::kModel;  // of what is committed
    std::vector<Rank> over = {};        // of a mean of the models of some: whose
    // The coordinator's common model where a worker enters or an average is committed; the worker's own, or the one that
    // it gave.
    std::vector<float> model = {};
  };
  // How a worker began as a member, by its own account.
  struct Beginning {
    Rank rank;
    Step step;
    View view;
    std::vector<float>
        left_with;             // its model when it was out; empty: it was started since, or is there for the first time
    std::vector<float> model;  // that it goes on from
  };
  // The model of a worker when it said that models were synchronised.
  struct Synchronised {
    Rank rank;
    Step step;
    std::uint32_t checksum;
  };

  // Starts all.
  explicit MembershipWorld(const MembershipOptions& options);
  ~MembershipWorld() override;

  // The coordinator's process is gone, and is started again later. It does so by itself where its disk has it die at a
  // write.
  void kill_hub();
  void start_hub();
  bool has_hub() const { return processes_[0].hub != nullptr; }
  sim::MemoryDisk& disk() { return disk_; }
  // From events or between them. A worker's process is gone, and its streams with it; `told`: the network says so.
  void kill(int worker, bool told);
  void start(int worker);
  bool is_there(int worker) { return process(worker + 1).member != nullptr; }
  // A process stands still: it takes and sends nothing, and then finds all that came meanwhile.
  void stall(int process_number, Seconds span);
  // Puts a line into the log.
  void note(const std::string& fault);

  // To the end of the run in all processes that are there, or `limit`. Returns whether they have come to it.
  bool run(Seconds limit);
  bool is_over() const;

  sim::EventQueue& events() { return events_; }
  sim::StreamNetwork& network() { return network_; }
  process::Hub& hub() { return *processes_[0].hub; }
  process::Member& member(int worker) { return *process(worker + 1).member; }
  Learner& learner(int worker) { return *process(worker + 1).learner; }
  session::SessionLink& link(int process_number) { return *process(process_number).link; }
  const std::vector<Entry>& log() const { return log_; }
  const LinkWatch& watch() const { return watch_; }
  const std::vector<Beginning>& beginnings() const { return beginnings_; }
  const std::vector<Synchronised>& synchronised() const { return synchronised_; }
  std::uint64_t trace_hash() const { return trace_.value(); }
  // The log for people, a line an entry, and the errors that processes ended with.
  std::string account() const;
  // The step after which a worker ended its newest round: one that is cut off in a round has not.
  Step completed(int worker) const { return completed_.at(static_cast<std::size_t>(worker)); }
  // Steps that workers have taken, over all of them.
  std::uint64_t steps_taken() const { return steps_taken_; }

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
    std::unique_ptr<WatchedLink> watched;
    std::unique_ptr<sim::TurnProcessor> steps;
    std::unique_ptr<sim::TurnProcessor> sums;
    std::unique_ptr<Learner> learner;
    std::unique_ptr<process::CoordinatorLog> log;
    std::unique_ptr<process::Hub> hub;
    std::unique_ptr<process::Member> member;
  };
  Process& process(int number) { return processes_.at(static_cast<std::size_t>(number)); }
  void make_parts(int number, std::uint64_t incarnation);
  CommOptions comm_options() const;
  bool turn(Process& process);
  bool turn_of(Process& process);
  bool is_asynchronous() const;
  void note_deed(Entry::Kind kind, Rank rank, Step step, std::span<const float> model);
  void make_hub();
  void restart_hub_later();
  bool is_over(const Process& process) const;
  void synchronised(Rank rank, Step step) override;
  void measured(Rank, Step, std::string_view, double) override {}
  void warned(Rank, Step, const std::string&) override {}

  MembershipOptions options_;
  sim::EventQueue events_;
  sim::TraceHash trace_;
  std::vector<Process> processes_;
  sim::StreamNetwork network_;
  LinkWatch watch_;
  std::vector<Entry> log_;
  std::uint64_t logged_ = 0;  // results in the coordinator's log that were told of
  sim::MemoryDisk disk_;
  std::uint64_t steps_taken_ = 0;
  std::vector<Step> completed_;
  std::map<int, std::vector<float>> left_with_;  // models of workers that are out, by worker
  std::vector<Beginning> beginnings_;
  std::vector<Synchronised> synchronised_;
};

}  // namespace laconic::faults
