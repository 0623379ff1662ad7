#include "runtimes/process/member.h"

#include <algorithm>
#include <utility>

#include "base/canary.h"
#include "base/error.h"
#include "comm/crc32c.h"
#include "runtimes/process/messages.h"

namespace laconic::process {

Member::Member(const NodeLoop::Parts& parts, const MemberOptions& options, Learner& learner,
               StrategyEvents& strategy_events, StrategyFactory make_strategy, MemberEvents events)
    : loop_(parts, {.frame = [this](Rank, Rank, const Frame& frame) { hear(frame); },
                    .refused = [this](Rank, Rank to, const std::string&) { loop_.local().ledger.record_refused(to); },
                    .end = [this](int, const std::string& text) { hear_end(text); },
                    .failed =
                        [this](int, const std::string& problem) {
                          if (!error_) error_ = std::make_exception_ptr(RunError(problem));
                        }}),
      parts_(parts),
      options_(options),
      learner_(learner),
      strategy_events_(strategy_events),
      make_strategy_(std::move(make_strategy)),
      events_(std::move(events)),
      words_(node::node_of(loop_.local().process, node::Placement::kCoordinatorApart), loop_.local()),
      start_(crc32c(std::as_bytes(learner.params()))),
      first_(learner.params().begin(), learner.params().end()) {}

Member::~Member() {
  if (seat_) seat_->endpoint.mailbox().clear();
  loop_.continue_coroutines();
}

bool Member::turn() {
  const bool moved = loop_.turn();
  if (!is_over()) look_after();
  loop_.continue_coroutines();
  return moved;
}

Seconds Member::next_event() const {
  Seconds next = loop_.next_event();
  if (!is_over() && state_ == State::kPresent) next = std::min(next, loop_.last_heard(0) + silence());
  return next;
}

void Member::send(const MemberMessage& message) {
  words_.send(kCoordinator, encode(message, loop_.local().world_size));
}

void Member::look_after() {
  const Seconds heard = loop_.last_heard(0);
  const bool is_there = heard.value > 0.0 && loop_.now() - heard < silence();
  if (state_ == State::kPresent && !is_there) leave("nothing was heard of the coordinator for " + to_text(silence()));
  if (state_ == State::kAway && is_there && !is_working_) {
    state_ = State::kJoining;
    send(join());
  }
  if (is_asked_) give_common();
  if (entry_ && !is_working_) {
    try {
      enter();
    } catch (const DecodeError& error) {
      error_ = std::make_exception_ptr(RunError("the state that the coordinator sent: " + std::string(error.what())));
      return;
    }
  }
  const bool is_out = state_ == State::kAway || state_ == State::kJoining;
  const bool may_step = steps_alone_ < options_.alone_steps && step() < options_.steps;
  if (options_.alone == Alone::kTrain && is_out && seat_ && !is_working_ && may_step) {
    is_working_ = true;
    loop_.spawn(step_alone(), [this](const std::exception_ptr& error) { finish(error); });
  }
}

// Where members keep what they have in common: what it had when it left, unless it has gone on alone.
Join Member::join() {
  Join word{.start = start_, .step = {}, .history = 0};
  if (!keeps_common() || !seat_ || steps_alone_ > 0) return word;
  word.step = heard_step_;
  word.history = history_;
  return word;
}

// As it waits for the result of its round, it has what all had after the one before.
void Member::give_common() {
  if (state_ != State::kPresent || seat_->node.comm().pending_part().wire().empty()) return;
  is_asked_ = false;
  Archive archive;
  archive_common(archive);
  const std::vector<std::byte> state = archive.take();
  send(Given{.step = heard_step_, .history = history_, .state = state});
}

void Member::archive_common(Archive& archive) {
  archive.floats("member.params", learner_.params());
  learner_.archive(archive);
}

void Member::hear_end(const std::string& text) {
  if (is_over()) return;
  const EndNotice notice = EndNotice::decode(text);
  const std::string told = "the run is over, as told by the coordinator: " + notice.text;
  error_ = notice.kind == EndNotice::Kind::kLost ? std::make_exception_ptr(PeerLost(told))
                                                 : std::make_exception_ptr(RunError(told));
}

// The coordinator was started again. Who is present says what it has heard, and once more what it waits for an answer
// to; who was joining begins anew.
void Member::restart() {
  if (error_) return;
  if (state_ == State::kJoining) {
    state_ = State::kAway;
    entry_.reset();
    early_.clear();
    state_receiver_.ask_again();
  }
  is_asked_ = false;
  if (state_ != State::kPresent && state_ != State::kDone) return;
  send(here());
  if (state_ == State::kDone) {
    send(Done{.step = step_});
  } else if (const Frame& part = seat_->node.comm().pending_part(); !part.wire().empty()) {
    seat_->endpoint.send(kCoordinator, part);
  }
}

Here Member::here() {
  Comm& comm = seat_->node.comm();
  const Frame& part = comm.pending_part();
  return {.view = view_.number,
          .round = part.wire().empty() ? comm.upcoming_round() : part.header().round,
          .step = is_asynchronous() ? step_ : heard_step_,
          .history = history_};
}

void Member::hear(const Frame& frame) {
  loop_.local().ledger.record_received(words_.self(), frame);
  if (error_) return;
  if (frame.header().tag != Tag::kMembership) {
    if (entry_) {
      if (is_asynchronous()) early_.push_back(frame);
    } else if (seat_ && state_ == State::kPresent) {
      deliver(frame);
    }
    return;
  }
  try {
    const MemberMessage message = decode_member_message(frame, loop_.local().world_size, options_.max_state);
    if (const auto* entry = std::get_if<Enter>(&message)) {
      if (state_ != State::kJoining) return;
      entry_ = *entry;
      entry_frame_ = frame;
    } else {
      hear_word(message);
    }
  } catch (const DecodeError& error) {
    error_ = std::make_exception_ptr(RunError("the coordinator: " + std::string(error.what())));
  }
}

// A result for the round that it has begun, or, on an asynchronous clock, whatever comes; what came for a round before is
// nobody's. That it has come counts, whenever it is taken in.
void Member::deliver(const Frame& frame) {
  if (is_asynchronous() && frame.header().traffic == Traffic::kModel) {
    try {
      view_ = decode_named_view(frame, loop_.local().world_size);
      history_ = next_history(history_, frame, loop_.local().world_size);
    } catch (const DecodeError& error) {
      error_ = std::make_exception_ptr(RunError("the coordinator: " + std::string(error.what())));
      return;
    }
  }
  seat_->endpoint.mailbox().deliver({.from = kCoordinator, .frame = frame});
}

void Member::hear_word(const MemberMessage& message) {
  if (const auto* offer = std::get_if<Offer>(&message)) {
    if (state_ != State::kJoining) return;
    state_receiver_.begin(*offer);
    ask();
  } else if (const auto* piece = std::get_if<StatePiece>(&message)) {
    if (state_ != State::kJoining) return;
    try {
      state_receiver_.take(*piece);
    } catch (const DecodeError&) {
      // Asked for again: a damaged piece is no reason to end.
    }
    ask();
  } else if (const auto* out = std::get_if<Out>(&message)) {
    if (state_ == State::kPresent) {
      leave(out->reason);
    } else if (std::exchange(entry_, std::nullopt)) {
      early_.clear();
      state_ = State::kAway;  // it was too late to enter
    }
    // Else what it left, or had begun to leave, before it said that it is there.
  } else if (const auto* refused = std::get_if<Refused>(&message)) {
    error_ = std::make_exception_ptr(RunError("the coordinator says: " + refused->reason));
  } else if (std::get_if<Give>(&message) != nullptr) {
    is_asked_ = true;
  } else if (std::get_if<Where>(&message) != nullptr) {
    if (state_ == State::kPresent) send(At{.step = step_});
  } else if (std::get_if<Repeat>(&message) != nullptr) {
    if (seat_) send(Heard{.result = seat_->node.comm().newest_result().wire()});
  } else if (std::get_if<End>(&message) != nullptr) {
    is_over_ = true;
  } else {
    throw DecodeError("it said what only a worker says");
  }
}

void Member::ask() {
  while (const std::optional<std::uint32_t> piece = state_receiver_.next_to_ask()) {
    send(Ask{.version = state_receiver_.version(), .piece = *piece});
  }
  if (state_receiver_.is_whole()) send(Ready{.version = state_receiver_.version()});
}

// Out: what its strategy waits for ends, and with it the round.
void Member::leave(const std::string& why) {
  state_ = State::kAway;
  is_asked_ = false;
  entry_.reset();
  early_.clear();
  state_receiver_.ask_again();
  if (seat_) {
    const std::span<const float> common = seat_->node.strategy().common_model();
    left_with_.assign(common.begin(), common.end());
    seat_->endpoint.dismiss();
  }
  steps_alone_ = 0;
  if (events_.left) events_.left(why);
}

// A new seat: nothing of the strategy's that was is in it.
void Member::enter() {
  const Enter entry = *std::exchange(entry_, std::nullopt);
  seat_.reset();
  seat_.emplace(words_.self(), loop_.local(), options_.comm, parts_.steps, parts_.sums);
  seat_->node.become_worker(options_.seed, learner_, strategy_events_, make_strategy_());
  seat_->node.comm().set_membership(this);
  seat_->node.comm().resume_at(entry.round);
  seat_->node.worker().begin_at(entry.step);
  view_ = entry.view;
  history_ = entry.history;
  heard_step_ = entry.step;
  // Who has kept it begins with that.
  const bool has_kept = keeps_common() && !entry.has_state && entry.step.value > 0;
  if (!has_kept) load_common(entry.has_state && !canary(Canary::kWrongState) ? entry.state : state_receiver_.bytes());
  entry_frame_ = {};
  step_ = entry.step;
  state_ = State::kPresent;
  is_working_ = true;
  if (events_.entered) events_.entered(view_, step_);
  for (const Frame& frame : std::exchange(early_, {})) deliver(frame);
  loop_.spawn(work(), [this](const std::exception_ptr& error) { finish(error); });
}

void Member::load_common(std::span<const std::byte> state) {
  if (keeps_common() && !state.empty()) {
    Archive archive(state);
    archive_common(archive);
    archive.expect_end();
    return;
  }
  Strategy& strategy = seat_->node.strategy();
  if (!state.empty()) {
    Archive archive(state);
    strategy.archive_common(archive);
    archive.expect_end();
  }
  const std::span<const float> common = state.empty() ? std::span<const float>(first_) : strategy.common_model();
  const std::span<float> params = learner_.params();
  const bool keeps = options_.returning == Returning::kKeep && left_with_.size() == params.size();
  if (keeps && options_.kept == Kept::kModel) return;
  for (std::size_t i = 0; i < params.size(); ++i) {
    params[i] = keeps ? common[i] + (params[i] - left_with_[i]) : common[i];
  }
}

Task<void> Member::work() {
  Worker& self = seat_->node.worker();
  while (self.step() < options_.steps) {
    if (seat_->endpoint.is_dismissed()) throw Dismissed();
    round_step_ = {self.step().value + 1};
    co_await seat_->node.strategy().round(self);
    step_ = self.step();
    if (events_.stepped) events_.stepped(step_);
  }
}

// On the seat that it has left, whose strategy does nothing any more.
Task<void> Member::step_alone() {
  co_await seat_->node.worker().local_step();
  ++steps_alone_;
  if (events_.stepped) events_.stepped(seat_->node.worker().step());
}

void Member::finish(const std::exception_ptr& error) {
  is_working_ = false;
  if (!error) {
    if (state_ != State::kPresent) return;
    state_ = State::kDone;
    send(Done{.step = step_});
    return;
  }
  try {
    std::rethrow_exception(error);
  } catch (const Dismissed&) {
    // It joins again.
  } catch (...) {
    if (!error_) error_ = error;
  }
}

Standing Member::standing() { return {.step = round_step_, .history = history_, .heard = heard_step_}; }

void Member::heard(const View& view, const Frame& result) {
  view_ = view;
  history_ = next_history(history_, result, loop_.local().world_size);
  heard_step_ = round_step_;
}

}  // namespace laconic::process
