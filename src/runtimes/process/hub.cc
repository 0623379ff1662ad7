#include "runtimes/process/hub.h"

#include <algorithm>

#include "base/canary.h"
#include "base/error.h"
#include "comm/crc32c.h"
#include "runtimes/process/messages.h"

namespace laconic::process {
namespace {

// How many states a worker that joins is offered while newer ones come. Then it enters with the newest in its entry, for
// which all others wait.
constexpr int kMostOffers = 3;
// How often it may ask for a piece of one.
constexpr std::uint64_t kMostAsks = 4;

}  // namespace

Hub::Hub(const NodeLoop::Parts& parts, const HubOptions& options, const StrategyFactory& make_strategy,
         HubEvents events)
    : loop_(parts,
            {.frame = [this](Rank from, Rank, const Frame& frame) { hear(from, frame); },
             .refused = [this](Rank, Rank, const std::string&) { loop_.local().ledger.record_refused(kCoordinator); },
             .end = [](int, const std::string&) {},
             .failed = [](int, const std::string&) {}}),
      options_(options),
      events_(std::move(events)),
      slots_(static_cast<std::size_t>(loop_.local().world_size)) {
  LACONIC_CHECK(options.least >= 1 && options.least <= workers(), options.least << " of " << workers() << " workers");
  seat_.emplace(kCoordinator, loop_.local(), options.comm, parts.steps, parts.sums);
  seat_->node.become_coordinator(make_strategy());
  seat_->node.comm().set_attendance(this);
  waiting_since_ = loop_.now();
  incarnations_.resize(slots_.size());
  if (options_.log != nullptr) load_log();
  if (!recovery_) start_coordinating();
}

void Hub::start_coordinating() {
  loop_.spawn(seat_->node.coordinate(), [this](const std::exception_ptr& error) {
    if (error) fail(error);
  });
}

Hub::~Hub() { seat_->endpoint.mailbox().clear(); }

bool Hub::turn() {
  const bool moved = loop_.turn();
  if (!is_over()) look_after();
  loop_.continue_coroutines();
  return moved;
}

Seconds Hub::next_event() const {
  Seconds next = loop_.next_event();
  if (is_over()) return next;
  for (const Rank rank : view_.members) {
    if (lost_.contains(rank)) continue;
    next = std::min(next, loop_.last_heard(process_of(rank)) + silence());
  }
  if (waiting_since_) next = std::min(next, *waiting_since_ + options_.patience);
  if (recovery_) next = std::min(next, recovery_->asked ? recovery_->answer_until : recovery_->until);
  return next;
}

// The view is another one: it is in the log before anybody hears of it.
void Hub::change_view() {
  ++view_.number;
  if (options_.log == nullptr) return;
  options_.log->append(LoggedView{.number = view_.number, .present = view_.members, .incarnations = incarnations_});
}

std::uint64_t Hub::give_incarnation(int process) {
  const std::uint64_t next = ++incarnations_[static_cast<std::size_t>(worker_of(process).value)];
  change_view();
  return next;
}

std::uint64_t Hub::newest_incarnation(int process) {
  return incarnations_[static_cast<std::size_t>(worker_of(process).value)];
}

void Hub::send(Rank to, const MemberMessage& message) { seat_->endpoint.send(to, encode(message, workers())); }

void Hub::hear(Rank from, const Frame& frame) {
  loop_.local().ledger.record_received(kCoordinator, frame);
  if (error_) {
    // Who was started since has not heard it.
    if (frame.header().tag == Tag::kMembership) send(from, Refused{.reason = end_text_});
    return;
  }
  if (is_over_) {
    // Who comes when all is over has nothing to join.
    if (frame.header().tag == Tag::kMembership && !canary(Canary::kUntoldEnd)) send(from, End{});
    return;
  }
  if (frame.header().tag == Tag::kMembership) {
    try {
      hear_word(from, decode_member_message(frame, workers(), options_.max_state));
    } catch (const DecodeError& error) {
      lose(from, error.what());
    }
    return;
  }
  // What a worker said that is out by now is nobody's.
  if (view_.contains(from) && !lost_.contains(from)) {
    if (slot(from).state == Slot::State::kDone) {
      if (is_asynchronous()) refute_end(from);
      return;
    }
    if (!may_come(frame.header())) {
      return lose(from, "it sends a frame (" + std::string(to_text(frame.header().tag)) + ") of round " +
                            std::to_string(frame.header().round.value) + ", which nobody asks for");
    }
    seat_->endpoint.mailbox().deliver({.from = from, .frame = frame});
  }
}

// A member gives its part of a round when it has the result of the one before: what nobody will ask for is not kept.
bool Hub::may_come(const FrameHeader& header) {
  if (is_asynchronous()) return header.tag == Tag::kGather && header.round.value == 0;
  return recovery_ || header.round.value <= seat_->node.comm().upcoming_round().value + 1;
}

void Hub::hear_word(Rank from, const MemberMessage& message) {
  if (const auto* word = std::get_if<Join>(&message)) {
    join(from, *word);
  } else if (const auto* ask = std::get_if<Ask>(&message)) {
    if (!may_ask(from)) return;
    const std::span<const std::byte> bytes =
        snapshot_ && snapshot_->version() == ask->version ? snapshot_->piece(ask->piece) : std::span<const std::byte>();
    if (bytes.empty()) {
      send(from, snapshot().offer());  // of what there is now
    } else {
      send(from, StatePiece{.version = ask->version, .piece = ask->piece, .bytes = bytes});
    }
  } else if (const auto* ready = std::get_if<Ready>(&message)) {
    if (slot(from).state != Slot::State::kJoining) return;
    slot(from).state = Slot::State::kReady;
    slot(from).version = ready->version;
    offer_newer();
  } else if (const auto* done = std::get_if<Done>(&message)) {
    hear_done(from, done->step);
  } else if (const auto* at = std::get_if<At>(&message)) {
    hear_at(from, at->step);
  } else if (const auto* given = std::get_if<Given>(&message)) {
    hear_given(from, *given);
  } else if (const auto* here = std::get_if<Here>(&message)) {
    hear_here(from, *here);
  } else if (const auto* heard = std::get_if<Heard>(&message)) {
    hear_heard(from, *heard);
  } else {
    throw DecodeError("worker " + std::to_string(from.value) + " said what only a coordinator says");
  }
}

void Hub::join(Rank rank, const Join& word) {
  if (word.start != options_.start) {
    send(rank, Refused{.reason = "worker " + std::to_string(rank.value) +
                                 " has other first parameters than the coordinator; start both with the same job "
                                 "file"});
    lose(rank, "it has other first parameters than the coordinator");
    return;
  }
  if (view_.contains(rank)) lose(rank, "it began to join again");
  if (slot(rank).state != Slot::State::kJoining) ask_for_steps();
  slot(rank) = {};
  slot(rank).step = word.step;
  slot(rank).history = word.history;
  offer(rank);
}

// Only who joins, and each piece a few times: what it is sent waits here until it has gone.
bool Hub::may_ask(Rank rank) {
  Slot& one = slot(rank);
  const bool joins = one.state == Slot::State::kJoining || one.state == Slot::State::kReady;
  const std::size_t pieces = snapshot_ ? snapshot_->offer().checksums.size() : 0;
  return joins && one.asked++ < kMostAsks * (1 + pieces);
}

void Hub::offer(Rank rank) {
  slot(rank).state = Slot::State::kJoining;
  slot(rank).asked = 0;
  ++slot(rank).offers;
  send(rank, snapshot().offer());
}

// Who is ready with an older state takes the newer one while the others train.
void Hub::offer_newer() {
  for (Rank rank{0}; rank.value < workers(); ++rank.value) {
    const Slot& one = slot(rank);
    if (one.state == Slot::State::kReady && one.version != version_ && one.offers < kMostOffers) offer(rank);
  }
}

// What workers have in common, as it is now.
const StateSnapshot& Hub::snapshot() {
  if (!snapshot_ || snapshot_->version() != version_) {
    std::vector<std::byte> bytes;
    if (version_ > 0) {
      Archive archive;
      strategy().archive_common(archive);
      bytes = archive.take();
    }
    snapshot_.emplace(version_, std::move(bytes));
  }
  return *snapshot_;
}

void Hub::restart(int process) {
  const Rank rank = worker_of(process);
  if (view_.contains(rank)) lose(rank, "it was started again");
  slot(rank) = {};
}

// It is not there any more. It stays in the view until the next collective begins, so that what it has given counts.
void Hub::lose(Rank rank, const std::string& why) {
  if (!view_.contains(rank) || !lost_.emplace(rank, why).second) return;
  if (events_.lost) events_.lost(rank);
  if (recovery_) forget_in_recovery(rank);
  if (slot(rank).state != Slot::State::kDone) slot(rank).state = Slot::State::kAway;
  stop_waiting(rank);
  if (canary(Canary::kStalePart)) remove_lost();
  seat_->endpoint.mailbox().give_up(rank);
}

void Hub::remove_lost() {
  for (const auto& [rank, why] : std::exchange(lost_, {})) {
    if (!view_.contains(rank)) continue;
    std::erase(view_.members, rank);
    change_view();
    tell_out(rank, why);
  }
}

void Hub::dismiss(Rank rank, const std::string& why) {
  const auto lost = lost_.find(rank);
  const std::string reason = lost == lost_.end() ? why : lost->second;
  if (lost != lost_.end()) lost_.erase(lost);
  std::erase(view_.members, rank);
  change_view();
  stop_waiting(rank);
  seat_->endpoint.mailbox().give_up(rank);
  tell_out(rank, reason);
}

// A worker that is out of the view hears of it, where it was only cut off once it is back; not one that has begun to
// join again.
void Hub::tell_out(Rank rank, const std::string& reason) {
  if (events_.left) events_.left(rank, reason);
  Slot::State& state = slot(rank).state;
  if (state != Slot::State::kPresent && state != Slot::State::kAway) return;
  state = Slot::State::kAway;
  send(rank, Out{.reason = reason});
}

bool Hub::is_enough() const {
  return is_ending_ || static_cast<int>(view_.size()) + done_and_out() >= options_.least || canary(Canary::kTooFew);
}

void Hub::give_up() {
  is_collecting_ = false;
  newcomers_.clear();
  for (const Rank rank : std::vector(view_.members)) {
    dismiss(rank, "too few workers are present, and the round begins anew when there are enough");
  }
}

void Hub::begin(const Frame& first) {
  is_collecting_ = true;
  remove_lost();
  refute_ends();
  Step step;
  try {
    step = decode_standing(first, step_).step;
  } catch (const DecodeError&) {
    return;  // whose part that is will be dismissed
  }
  if (step > step_) admit_ready();
}

// Whose models became another, where not all of them did.
std::vector<Rank> Hub::balanced_in(std::span<const Answer> result) const {
  if (is_asynchronous()) return result.front().to;
  const bool is_of_some = result.size() > 1 && result.front().frame.header().traffic == Traffic::kModel;
  return is_of_some ? result.front().to : std::vector<Rank>();
}

void Hub::commit(Round round, Step step, std::span<const Answer> result, bool changes_model) {
  is_collecting_ = false;
  newcomers_.clear();
  const Frame& first = result.front().frame;
  history_ = next_history(history_, first, workers());
  step_ = is_asynchronous() ? std::max(step_, step) : step;
  note_told(result);
  told_view_ = view_.number;
  if (changes_model) ++version_;
  // A mean of models may be kept by the strategy until the next exchange of the round: it is in the log too. So is a
  // result of several frames: a member that has heard one could not tell the others.
  const bool is_worth_it = changes_model || first.header().traffic == Traffic::kModel || result.size() > 1;
  const bool is_logged = options_.log != nullptr && is_worth_it;
  if (is_logged) {
    const Synchronisation synchronisation{.number = ++logged_,
                                          .view = view_.number,
                                          .step = step_,
                                          .round = {round.value + 1},
                                          .model = crc32c(std::as_bytes(strategy().common_model())),
                                          .state = {}};
    if (!canary(Canary::kForgottenWrite)) options_.log->append(synchronisation, state_to_log(result, changes_model));
  }
  if (changes_model) offer_newer();
  if (events_.committed) {
    events_.committed({.step = step_,
                       .view = view_,
                       .changes_model = changes_model,
                       .traffic = first.header().traffic,
                       .over = balanced_in(result),
                       .logged = is_logged ? logged_ : 0});
  }
}

// At the beginning of a round.
void Hub::admit_ready() {
  if (is_ending_) return;
  std::vector<Rank> entering;
  for (Rank rank{0}; rank.value < workers(); ++rank.value) {
    if (slot(rank).state == Slot::State::kReady) entering.push_back(rank);
  }
  if (entering.empty()) return;
  view_.members.insert(view_.members.end(), entering.begin(), entering.end());
  std::sort(view_.members.begin(), view_.members.end());
  change_view();
  for (const Rank rank : entering) {
    slot(rank).state = Slot::State::kPresent;
    slot(rank).told = history_;
    slot(rank).entry = ++entries_;
    slot(rank).at = step_;
    if (keeps_nothing()) newcomers_.insert(rank);
    if (keeps_nothing() && !has_common(slot(rank))) {
      waiting_for_common_.insert(rank);
    } else {
      const bool is_current = slot(rank).version == version_;
      enter(rank, is_current ? std::nullopt : std::optional(snapshot().bytes()));
    }
    if (events_.entered) events_.entered(rank, step_, view_);
  }
  look_after_donor();
}

// With a state, unless it has it.
void Hub::enter(Rank rank, std::optional<std::span<const std::byte>> state) {
  // A collective that is under way has taken its number.
  const Round next = seat_->node.comm().upcoming_round();
  send(rank, Enter{.view = view_,
                   .round = is_collecting_ ? Round{next.value - 1} : next,
                   .step = {step_.value - (canary(Canary::kStepBack) && step_.value > 0 ? 1 : 0)},
                   .history = history_,
                   .version = version_,
                   .has_state = state.has_value(),
                   .state = state.value_or(std::span<const std::byte>())});
}

// "workers 2 and 5": those who are not there.
std::string Hub::missing() const {
  View others;
  for (Rank rank{0}; rank.value < workers(); ++rank.value) {
    if (slots_[static_cast<std::size_t>(rank.value)].state == Slot::State::kAway) others.members.push_back(rank);
  }
  return to_text(others);
}

// The run cannot go on, and all who are there are told.
void Hub::fail(const std::exception_ptr& error) {
  if (error_) return;
  error_ = error;
  EndNotice notice;
  try {
    std::rethrow_exception(error);
  } catch (const PeerLost& known) {
    notice = {.kind = EndNotice::Kind::kLost, .text = known.what()};
  } catch (const std::exception& known) {
    notice = {.kind = EndNotice::Kind::kFailed, .text = known.what()};
  }
  end_text_ = ("the run is over: " + notice.text).substr(0, kMaxReason);
  loop_.link().broadcast_end(notice.encode());
}

void Hub::look_after() {
  if (recovery_) {
    look_after_recovery();
    return;
  }
  const Seconds now = loop_.now();
  for (const Rank rank : std::vector(view_.members)) {
    const Seconds heard = loop_.last_heard(process_of(rank));
    if (now - heard >= silence()) lose(rank, "nothing was heard of it for " + to_text(silence()));
  }
  end_if_done();
  if (is_over()) return;
  look_after_donor();
  if (!is_collecting_) {
    remove_lost();
    if (!is_ending_ && has_begun_ && !view_.members.empty() && !is_enough()) give_up();
    if (is_asynchronous() && !view_.members.empty()) admit_ready();
    if (view_.members.empty()) {
      if (!waiting_since_) waiting_since_ = now;
      int ready = done_and_out();
      int joining = 0;
      for (const Slot& one : slots_) {
        ready += one.state == Slot::State::kReady ? 1 : 0;
        joining += one.state == Slot::State::kJoining ? 1 : 0;
      }
      const bool is_late = now - *waiting_since_ >= options_.patience || (has_begun_ && canary(Canary::kImpatient));
      const bool is_whole = ready == workers() || (has_begun_ && ready >= options_.least && joining == 0);
      const bool is_time = is_whole || (is_late && ready >= options_.least);
      const bool has_common = !is_time || find_common(ready == workers());
      if (is_time && has_common) {
        waiting_since_.reset();
        has_begun_ = true;
        admit_ready();
      } else if (is_late && !has_common) {
        fail(std::make_exception_ptr(PeerLost("nobody who is there has the models of step " +
                                              std::to_string(step_.value) +
                                              ", which workers keep among "
                                              "themselves, and " +
                                              to_text(options_.patience) + " have passed (workers.patience)")));
      } else if (is_late) {
        fail(std::make_exception_ptr(PeerLost("the coordinator waits for " + missing() + ": " + std::to_string(ready) +
                                              " of " + std::to_string(workers()) + " workers are there, at least " +
                                              std::to_string(options_.least) + " have to be (workers.least), and " +
                                              to_text(options_.patience) + " have passed (workers.patience)")));
      }
    }
  }
}

// All who are present have taken their last step. From the first that has on nobody enters, and it does not matter how
// few they are.
void Hub::end_if_done() {
  const auto is_done = [this](Rank rank) { return slot(rank).state == Slot::State::kDone; };
  if (!is_ending_ && std::ranges::none_of(view_.members, is_done)) return;
  if (is_asynchronous() && is_collecting_) return;  // an average of some who gave their models and are lost now
  for (const Rank rank : view_.members) {
    if (!lost_.contains(rank) && !is_done(rank)) return;
  }
  remove_lost();  // they are in the last result, and may not have heard it
  is_over_ = true;
  // Who is away hears of it when it is back.
  for (Rank rank{0}; rank.value < workers(); ++rank.value) {
    if (view_.contains(rank) || !canary(Canary::kUntoldEnd)) send(rank, End{});
  }
}

}  // namespace laconic::process
