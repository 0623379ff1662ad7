// Of strategies on an asynchronous clock: workers are at steps of their own, and results go to some of them. Each is in the
// log before anybody hears of it, so nobody has heard of one that the log has not; who has not heard the newest that went
// to it, and nothing else, is told it again by a coordinator that was started again. What was on its way to the one before
// is void, as the strategy tells (mechanisms/asynchronous.h).
#include <algorithm>
#include <functional>

#include "base/error.h"
#include "runtimes/process/hub.h"

namespace laconic::process {
namespace {

constexpr const char* kNotItsEnd = "it has said that it had taken its last step, and there is more to do";

}  // namespace

// Who has taken its last step answers nothing any more.
bool Hub::is_there(Rank rank) const {
  const bool is_done = is_asynchronous() && slots_[static_cast<std::size_t>(rank.value)].state == Slot::State::kDone;
  return view_.contains(rank) && !lost_.contains(rank) && !is_done;
}

void Hub::hear_done(Rank from, Step step) {
  if (options_.steps.value != UINT64_MAX && step != options_.steps) {
    throw DecodeError("it says that its last step was " + std::to_string(step.value) + " of " +
                      std::to_string(options_.steps.value));
  }
  const bool is_member = view_.contains(from);
  if (!is_member && !has_begun_) throw DecodeError("it says that it has taken its last step, and nobody has begun");
  slot(from).state = Slot::State::kDone;
  // Of one that was sent away a moment ago it ends nothing: the others go on when there are enough again.
  const auto is_done = [](const Slot& one) { return one.state == Slot::State::kDone; };
  if ((is_member && !is_asynchronous()) || std::ranges::all_of(slots_, is_done)) is_ending_ = true;
  if (is_asynchronous()) seat_->endpoint.mailbox().give_up(from);
}

// Who has taken its last step has no part to give, nor has anybody else in rounds that all begin together.
void Hub::refute_ends() {
  for (const Rank rank : std::vector(view_.members)) {
    if (slot(rank).state != Slot::State::kDone) continue;
    slot(rank).state = Slot::State::kPresent;
    dismiss(rank, kNotItsEnd);
    is_ending_ = false;
  }
}

void Hub::refute_end(Rank rank) {
  slot(rank).state = Slot::State::kPresent;
  lose(rank, kNotItsEnd);
}

// They need not be present any more for the others to be enough.
int Hub::done_and_out() const {
  int count = 0;
  for (Rank rank{0}; rank.value < workers(); ++rank.value) {
    const bool is_done = slots_[static_cast<std::size_t>(rank.value)].state == Slot::State::kDone;
    count += is_done && !view_.contains(rank) ? 1 : 0;
  }
  return count;
}

void Hub::begin_average() {
  is_collecting_ = true;
  remove_lost();
}

// Who joins begins at the step of the second fastest.
void Hub::ask_for_steps() {
  if (!is_asynchronous()) return;
  for (const Rank rank : view_.members) send(rank, Where{});
}

// Of those who are there the second largest step that is known, so that one who lies moves nobody; of two the largest.
Step Hub::step_of_most() const {
  std::vector<Step> steps;
  for (const Rank rank : view_.members) {
    if (is_there(rank)) steps.push_back(slots_[static_cast<std::size_t>(rank.value)].at);
  }
  std::ranges::sort(steps, std::greater());
  return steps.empty() ? Step() : steps.size() < 3 ? steps.front() : steps[1];
}

void Hub::hear_at(Rank from, Step step) {
  if (step > options_.steps) {
    throw DecodeError("it says that it is at step " + std::to_string(step.value) + " of " +
                      std::to_string(options_.steps.value));
  }
  if (!is_asynchronous() || !view_.contains(from)) return;
  slot(from).at = step;
  step_ = std::max(step_, step_of_most());
}

void Hub::note_told(std::span<const Answer> result) {
  if (!is_asynchronous()) return;
  for (const Answer& answer : result) {
    for (const Rank rank : answer.to) {
      Slot& one = slot(rank);
      one.told_before = one.told;
      one.told = next_history(one.told, answer.frame, workers());
    }
  }
}

void Hub::archive_told(Archive& archive) {
  if (!is_asynchronous()) return;
  for (Slot& one : slots_) {
    std::uint64_t told = one.told;
    std::uint64_t before = one.told_before;
    archive.value("hub.told", told);
    archive.value("hub.told_before", before);
    one.told = static_cast<std::uint32_t>(told);
    one.told_before = static_cast<std::uint32_t>(before);
  }
}

void Hub::bring_each_to_its_own() {
  for (const auto& [rank, here] : std::map(recovery_->here)) {
    Slot& one = slot(rank);
    // Who entered after the newest result has heard nothing since.
    if (here.history == history_) one.told = history_;
    if (here.history == one.told) continue;
    const auto own = std::ranges::find_if(logged_result_, [rank = rank](const Answer& answer) {
      return std::ranges::find(answer.to, rank) != answer.to.end();
    });
    const bool lacks_one = own != logged_result_.end() && here.history == one.told_before;
    if (lacks_one) {
      seat_->endpoint.send(rank, own->frame);
    } else {
      dismiss(rank, "it has heard other results than those that went to it");
    }
  }
}

}  // namespace laconic::process
