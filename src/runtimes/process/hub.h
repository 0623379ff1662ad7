// The coordinator of a run whose workers come and go, in a process of its own.
//
// It decides who is present, the view, and so over whom a collective is. A worker joins: it says that it is there, gets
// what the others have in common, and enters at the beginning of a round. It is out when it has been silent for a fifth
// of the deadline, was started again, gave no part in time, or one that cannot be right; then it may join again. The
// run begins when all workers are there, or as many as the job wants at least when its patience has ended; where fewer
// are left, those begin their round anew once there are enough again.
//
// With a log it survives its own death. Views are in the log before anybody hears of them, and so are common models with
// what only the coordinator has; quiet checks are not. Started again it goes on in the round that it was in: those who
// are present say what they have heard, who has heard less is sent the newest result, and parts of the round that is
// open are given once more (hub_recovery.cc).
//
// On an asynchronous clock (hub_asynchronous.cc) there are no rounds: who is ready enters at once, at the step of the
// second fastest, but while an average is under way.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "comm/attendance.h"
#include "runtimes/node/driver.h"
#include "runtimes/process/coordinator_log.h"
#include "runtimes/process/member_messages.h"
#include "runtimes/process/node_loop.h"
#include "runtimes/process/seat.h"
#include "runtimes/process/state_transfer.h"

namespace laconic::process {

struct HubOptions {
  CommOptions comm = {};
  int least = 1;                                      // workers that have to be present
  Seconds patience{600.0};                            // how long fewer may be
  CoordinatorLog* log = nullptr;                      // null: nothing outlives the process
  std::uint32_t start = 0;                            // checksum of the common first parameters
  std::uint64_t max_state = 0;                        // bytes of what workers have in common, at most
  Step steps = {UINT64_MAX};                          // of the job
  CommonPlace common_at = CommonPlace::kCoordinator;  // of the strategy's demands
  Timing timing = Timing::kLockStep;                  // of the same
};

// What the hub tells of a run; each may be empty.
struct HubEvents {
  struct Commit {
    Step step;
    View view;
    bool changes_model = false;
    Traffic traffic = Traffic::kModel;
    std::vector<Rank> over = {};  // of a mean of the models of some: whose
    std::uint64_t logged = 0;     // how many results are in the log with this one; 0: it is not
  };
  // A collective has a result. Told again of the newest one in the log where the coordinator was started again: it may
  // have been in the log, and its process dead before it told.
  std::function<void(const Commit&)> committed = {};
  // The coordinator was started again, with that view in its log; what it had told before its death may lack the last
  // change of it.
  std::function<void(const View& view)> restarted = {};
  // At the beginning of a round after `step`.
  std::function<void(Rank rank, Step step, const View& view)> entered = {};
  std::function<void(Rank rank, const std::string& why)> left = {};
  // One that is present is not there any more: nobody waits for it, and when no collective is under way it is out.
  std::function<void(Rank rank)> lost = {};
};

class Hub final : private Attendance {
 public:
  // All that is referred to outlives it.
  Hub(const NodeLoop::Parts& parts, const HubOptions& options, const StrategyFactory& make_strategy, HubEvents events);
  ~Hub() override;

  // Whatever is to be done now; returns whether anything moved. Called again when something came, and at next_event().
  bool turn();
  Seconds next_event() const;
  bool is_over() const { return is_over_ || error_; }
  // Why the run could not go on; null where it came to its end.
  std::exception_ptr error() const { return error_; }

  // The next incarnation of a process, which is in the log when this returns; and the newest that was given, 0 before
  // there is one.
  std::uint64_t give_incarnation(int process);
  std::uint64_t newest_incarnation(int process);
  // A process has another incarnation than before: to be called when its link says so, in the order of what comes.
  void hear_restart(int process) {
    loop_.defer([this, process] { restart(process); });
  }

  const Ledger& ledger() { return loop_.local().ledger; }
  Strategy& strategy() { return seat_->node.strategy(); }

 private:
  struct Slot {
    enum class State : std::uint8_t {
      kAway,     // nothing was heard of it since it was out
      kJoining,  // it gets the state
      kReady,    // it has one
      kPresent,
      kDone,  // it has taken its last step
    };
    State state = State::kAway;
    std::uint32_t version = 0;  // of the state that it has
    int offers = 0;             // of states since it began to join
    std::uint64_t asked = 0;    // for pieces of the newest of them
    // Where members keep what they have in common: after which result it has that.
    Step step = {};
    std::uint32_t history = 0;
    // On an asynchronous clock: the checksum of the results that went to it, now and before the newest of them; and which
    // of all entries its own was.
    std::uint32_t told = 0;
    std::uint32_t told_before = 0;
    std::uint64_t entry = 0;
    Step at;  // that it said it had taken
  };

  // Attendance
  void begin(const Frame& first) override;
  const View& view() const override { return view_; }
  bool is_there(Rank rank) const override;
  Step step() const override { return step_; }
  std::uint32_t history() const override { return history_; }
  void dismiss(Rank rank, const std::string& why) override;
  Seconds allowance(Rank rank) const override;
  bool is_enough() const override;
  void give_up() override;
  bool has_news() const override { return view_.number != told_view_; }
  void commit(Round round, Step step, std::span<const Answer> result, bool changes_model) override;
  void begin_average() override;
  void abandon() override { is_collecting_ = false; }
  std::uint64_t entry(Rank rank) const override { return slots_[static_cast<std::size_t>(rank.value)].entry; }
  bool was_restarted() const override { return was_restarted_; }

  // What has come of a coordinator's restart so far.
  struct Recovery {
    Seconds until;              // who has not spoken by then is lost
    std::map<Rank, Here> here;  // what those who are present have heard
    std::optional<Rank> asked;  // for the newest result
    Seconds answer_until;       // who has not answered by then has none
    std::vector<Answer> newest;
  };

  static Rank worker_of(int process) { return node::node_of(process, node::Placement::kCoordinatorApart); }
  static int process_of(Rank worker) { return node::process_of(worker, node::Placement::kCoordinatorApart); }
  Slot& slot(Rank rank) { return slots_[static_cast<std::size_t>(rank.value)]; }
  int workers() const { return static_cast<int>(slots_.size()); }
  void hear(Rank from, const Frame& frame);
  bool may_come(const FrameHeader& header);
  void hear_word(Rank from, const MemberMessage& message);
  void join(Rank rank, const Join& join);
  void send(Rank to, const MemberMessage& message);
  bool may_ask(Rank rank);
  void offer(Rank rank);
  void offer_newer();
  void restart(int process);
  void lose(Rank rank, const std::string& why);
  void remove_lost();
  void tell_out(Rank rank, const std::string& reason);
  void look_after();
  void admit_ready();
  const StateSnapshot& snapshot();
  void end_if_done();
  void change_view();
  void start_coordinating();

  void enter(Rank rank, std::optional<std::span<const std::byte>> state);

  // hub_donors.cc
  bool keeps_nothing() const { return options_.common_at == CommonPlace::kMembers; }
  bool has_common(const Slot& one) const { return one.step == step_ && one.history == history_; }
  bool find_common(bool is_whole);
  void look_after_donor();
  void stop_waiting(Rank rank);
  void hear_given(Rank from, const Given& given);

  // hub_asynchronous.cc
  bool is_asynchronous() const { return options_.timing == Timing::kAsynchronous; }
  void hear_done(Rank from, Step step);
  int done_and_out() const;
  void refute_ends();
  void refute_end(Rank rank);
  void hear_at(Rank from, Step step);
  void ask_for_steps();
  Step step_of_most() const;
  void note_told(std::span<const Answer> result);
  void archive_told(Archive& archive);
  void bring_each_to_its_own();

  // hub_recovery.cc
  void load_log();
  std::vector<std::byte> state_to_log(std::span<const Answer> result, bool changes_model);
  std::vector<Rank> balanced_in(std::span<const Answer> result) const;
  void archive_result(Archive& archive, std::vector<Answer>& result) const;
  void hear_here(Rank from, const Here& here);
  void hear_heard(Rank from, const Heard& heard);
  void look_after_recovery();
  void forget_in_recovery(Rank rank);
  void bring_all_to(Round front, std::uint32_t history, std::span<const Answer> newest);
  void end_recovery(Round front);
  void fail(const std::exception_ptr& error);
  std::string missing() const;
  Seconds silence() const { return {options_.comm.deadline.value / 5.0}; }

  NodeLoop loop_;
  HubOptions options_;
  HubEvents events_;
  std::vector<Slot> slots_;
  std::optional<Seat> seat_;
  View view_;
  std::uint32_t told_view_ = 0;       // the view of the newest result
  std::map<Rank, std::string> lost_;  // present by the view, and not there any more
  bool is_collecting_ = false;        // a collective is under way
  Step step_;                         // of the newest result
  std::uint32_t history_ = 0;
  std::uint32_t version_ = 0;  // of what workers have in common
  std::optional<StateSnapshot> snapshot_;
  std::vector<std::uint64_t> incarnations_;  // of each slot, the highest given
  std::vector<Answer> logged_result_;        // the newest in the log
  std::uint64_t logged_ = 0;                 // results in the log so far
  std::optional<Recovery> recovery_;
  bool was_restarted_ = false;
  std::uint64_t entries_ = 0;
  std::optional<Seconds> waiting_since_;  // too few are present
  // Where members keep what they have in common: who has entered and waits for it, who gives it, and who entered with the
  // collective under way.
  std::set<Rank> waiting_for_common_;
  std::optional<Rank> donor_;
  std::set<Rank> newcomers_;
  bool has_forgotten_ = false;  // its log says that there was a run, and not what came of it
  bool has_begun_ = false;
  bool is_ending_ = false;  // some worker has taken its last step
  bool is_over_ = false;
  std::exception_ptr error_;
  std::string end_text_;  // of it, for those who come later
};

}  // namespace laconic::process
