// A worker of a run whose workers come and go, in a process of its own; hub.h is its other end.
//
// While it is a member its rounds are those of its strategy. When it is out, which the coordinator says or silence
// shows, its round ends where it stands and its strategy is dropped. Then it joins again: it takes what the others have
// in common and begins a round with them, at their step. What it has learnt since the common model that it
// knows, before it was out and alone, it drops or keeps.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "comm/attendance.h"
#include "runtimes/node/driver.h"
#include "runtimes/process/member_messages.h"
#include "runtimes/process/node_loop.h"
#include "runtimes/process/seat.h"
#include "runtimes/process/state_transfer.h"

namespace laconic::process {

// What a worker that was away takes with it: nothing, w := r with r the common model now, or what its strategy has it
// keep (Kept).
enum class Returning { kDrop, kKeep };

// What a worker does that is cut off: nothing, or local steps on its own model, which count where it keeps them.
enum class Alone { kWait, kTrain };

struct MemberOptions {
  std::uint64_t seed = 0;
  Step steps;
  CommOptions comm = {};
  Returning returning = Returning::kDrop;
  // Of the strategy's demands.
  Kept kept = Kept::kDrift;
  CommonPlace common_at = CommonPlace::kCoordinator;
  Timing timing = Timing::kLockStep;
  Alone alone = Alone::kWait;
  std::uint64_t alone_steps = UINT64_MAX;  // at most, each time, and none beyond `steps`
  std::uint64_t max_state = 0;             // bytes of what workers have in common, at most
};

// What a member tells of its run; each may be empty.
struct MemberEvents {
  // It has begun at that step, with the common model or with what it kept.
  std::function<void(const View& view, Step step)> entered = {};
  std::function<void(Step step)> stepped = {};
  std::function<void(const std::string& why)> left = {};
};

class Member final : private Membership {
 public:
  // All that is referred to outlives it. `learner` has the common first parameters.
  Member(const NodeLoop::Parts& parts, const MemberOptions& options, Learner& learner, StrategyEvents& strategy_events,
         StrategyFactory make_strategy, MemberEvents events);
  ~Member() override;

  // As Hub's.
  bool turn();
  Seconds next_event() const;
  bool is_over() const { return is_over_ || error_; }
  std::exception_ptr error() const { return error_; }

  // The coordinator has another incarnation than before: as Hub's.
  void hear_restart() {
    ++coordinators_;
    loop_.defer([this] { restart(); });
  }

  // Local steps that it has taken, by the count of the view that it was in last.
  Step step() { return seat_ ? seat_->node.worker().step() : step_; }
  const Ledger& ledger() { return loop_.local().ledger; }
  // Steps that it has taken alone since it last left.
  std::uint64_t steps_alone() const { return steps_alone_; }

 private:
  enum class State : std::uint8_t {
    kAway,     // it has not said that it is there, or not since it was out
    kJoining,  // it has
    kPresent,
    kDone,
  };
  // Membership
  Standing standing() override;
  void heard(const View& view, const Frame& result) override;
  const View& view() const override { return view_; }
  std::uint32_t coordinators() const override { return coordinators_; }

  bool is_asynchronous() const { return options_.timing == Timing::kAsynchronous; }
  void deliver(const Frame& frame);
  void hear(const Frame& frame);
  void hear_word(const MemberMessage& message);
  void send(const MemberMessage& message);
  void ask();
  Here here();
  void hear_end(const std::string& text);
  void restart();
  void leave(const std::string& why);
  void enter();
  void load_common(std::span<const std::byte> state);
  Join join();
  void give_common();
  void archive_common(Archive& archive);
  bool keeps_common() const { return options_.common_at == CommonPlace::kMembers; }
  Task<void> work();
  Task<void> step_alone();
  void finish(const std::exception_ptr& error);
  void look_after();
  Seconds silence() const { return {options_.comm.deadline.value / 5.0}; }

  NodeLoop loop_;
  NodeLoop::Parts parts_;
  MemberOptions options_;
  Learner& learner_;
  StrategyEvents& strategy_events_;
  StrategyFactory make_strategy_;
  MemberEvents events_;
  Endpoint words_;  // what is said of who is present goes past the strategy's endpoint
  std::uint32_t start_;
  std::vector<float> first_;  // the common first parameters
  State state_ = State::kAway;
  std::optional<Seat> seat_;
  bool is_asked_ = false;    // for what members have in common
  bool is_working_ = false;  // a coroutine of the seat's is there
  StateReceiver state_receiver_;
  // The entry that waits for the round before to end, with the frame that its state is in.
  std::optional<Enter> entry_;
  Frame entry_frame_;
  std::vector<Frame> early_;  // what came behind it
  View view_;
  std::uint32_t history_ = 0;
  std::uint32_t coordinators_ = 1;
  Step round_step_;               // of its round: that it ends with, before or after its exchanges
  Step heard_step_;               // of the newest result
  std::vector<float> left_with_;  // the common model that it left with; empty: it was no member yet
  Step step_;
  std::uint64_t steps_alone_ = 0;  // since it left
  bool is_over_ = false;
  std::exception_ptr error_;
};

}  // namespace laconic::process
