// Of strategies whose members keep what they have in common (CommonPlace::kMembers): who joins gets it from one of them.
//
// It enters with a collective, as the others wait for the result of that: what they have then is what they had after the
// result before, and one of them gives it. Where nobody is present, those go on who have it still, as they tell when they
// join. If nobody has, and each worker is there, the newest result has reached nobody, and those go on who have what was
// before it; what is older than that is never gone back to.
#include <algorithm>

#include "base/error.h"
#include "runtimes/process/hub.h"

namespace laconic::process {

Seconds Hub::allowance(Rank rank) const { return newcomers_.contains(rank) ? options_.comm.deadline : Seconds{}; }

// Whether somebody who is ready can begin with what all had in common.
bool Hub::find_common(bool is_whole) {
  if (!keeps_nothing()) return true;
  const Slot* newest = nullptr;
  for (const Slot& one : slots_) {
    if (one.state != Slot::State::kReady) continue;
    if (newest == nullptr || one.step > newest->step) newest = &one;
  }
  if (newest == nullptr || (has_forgotten_ && newest->step.value == 0)) return false;
  if (has_common(*newest)) return true;
  // A coordinator that was started again may know less than they.
  const bool is_known_again = has_forgotten_ || newest->step > step_;
  const bool was_heard_by_nobody = is_whole && newest->step.value + 1 == step_.value;
  if (!is_known_again && !was_heard_by_nobody) return false;
  has_forgotten_ = false;
  step_ = newest->step;
  history_ = newest->history;
  return true;
}

void Hub::look_after_donor() {
  if (waiting_for_common_.empty()) {
    donor_.reset();
    return;
  }
  if (donor_ && view_.contains(*donor_) && !lost_.contains(*donor_)) return;
  donor_.reset();
  for (const Rank rank : view_.members) {
    if (waiting_for_common_.contains(rank) || lost_.contains(rank)) continue;
    donor_ = rank;
    send(rank, Give{});
    return;
  }
  for (const Rank rank : std::set(waiting_for_common_)) lose(rank, "nobody is left who has what all have in common");
}

// It has heard nothing of its entry, and is as ready as before.
void Hub::stop_waiting(Rank rank) {
  if (waiting_for_common_.erase(rank) > 0) slot(rank).state = Slot::State::kReady;
}

void Hub::hear_given(Rank from, const Given& given) {
  if (donor_ != from) return;
  donor_.reset();
  if (given.step != step_ || given.history != history_) {
    lose(from, "it has heard other results than the rest");
    look_after_donor();
    return;
  }
  for (const Rank rank : std::exchange(waiting_for_common_, {})) enter(rank, given.state);
}

}  // namespace laconic::process
