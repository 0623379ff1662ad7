// The loop of a run: whatever is to be done now, one thing after another, or a short sleep. And the worker, whose
// rounds the loop carries.
#include "runtimes/process/run.h"

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <limits>
#include <utility>

#include "base/error.h"
#include "runtimes/node/waiting.h"

namespace laconic::process {
namespace {

// How long it may take to end after it was asked to; the launcher then kills, after a second or so.
constexpr Seconds kGrace{0.28};
// How often it is asked whether the program was interrupted, where the link would sleep for longer.
constexpr Seconds kLook{0.05};

}  // namespace

Run::Run(node::Link& link, Host& host, Meeting& meeting, Peers peers, const ProcessOptions& options, Learner& learner,
         const StrategyFactory& make_strategy, const RunObserver& observer)
    : options_(options),
      observer_(observer),
      learner_(learner),
      link_(link),
      host_(host),
      clock_(host.clock()),
      meeting_(meeting),
      peers_(std::move(peers)),
      rank_(link.self()),
      size_(link.size()),
      max_payload_(largest_payload(learner)),
      local_(link, clock_),
      processor_(host.processor(options, learner.layout().size)),
      sums_(host.processor_of_sums(learner.layout().size)),
      control_({rank_}, size_, local_.waits),
      evaluation_(size_, options.average, model_of(learner), options),
      narrator_(evaluation_, observer),
      worker_seat_({rank_}, local_, options.comm, *processor_, *sums_),
      ends_(static_cast<std::size_t>(size_)) {
  narrator_.on_sync = [this] {
    synchronised_now_ = true;
    // One that synchronises in every step is measured as it is.
    if (always_synchronised_) return;
    synchronised_ = model_of(learner_);
    synchronised_step_ = worker().step();
  };
  worker_seat_.node.become_worker(options.seed, learner, narrator_, make_strategy());
  if (leads() && options.with_coordinator) {
    coordinator_.emplace(kCoordinator, local_, options.comm, *processor_, *sums_);
    coordinator_->node.become_coordinator(make_strategy());
  }
  // What comes is dealt with outside the library.
  handlers_ = {
      .frame = [this](Rank from, Rank to,
                      Frame frame) { parcels_.push_back({.from = from, .to = to, .frame = std::move(frame)}); },
      .refused =
          [this](Rank, Rank to, const std::string&) {
            news_.emplace_back([this, to] {
              ++local_.delivered;
              local_.ledger.record_refused(to);
            });
          },
      .end =
          [this](int process, const std::string& text) {
            news_.emplace_back([this, process, text] { hear_end(process, EndNotice::decode(text)); });
          },
      .failed =
          [this](int process, const std::string& problem) {
            news_.emplace_back([this, process, problem] { hear_failure(process, problem); });
          }};
  if (options.checkpoints.resume) load(*options.checkpoints.resume);
}

Run::~Run() {
  processor_->stop();
  sums_->stop();
  close();
}

Outcome Run::run() {
  Outcome outcome;
  watchdog_ = host_.watch(Watchdog::Options{.interrupted = observer_.interrupted,
                                            .asked = [this] { look_around(); },
                                            .grace = kGrace,
                                            .patience = deadline(),
                                            .describe = [this] { return lost_text("") + waits_text(); },
                                            .end = options_.end_process,
                                            .library = link_.held_up_by()});
  begin();
  while (!is_over()) try_turn();
  if (!error_ && !asked_) settle();
  // Asked to end when its steps were done: what others have to say to that is heard all the same.
  while (asked_ && !error_ && !has_listened()) try_turn();
  outcome.end = end_of_run();
  outcome.error = error_;
  if (error_ && !told_) tell_end();
  watchdog_.reset();
  outcome.ledger = leads() ? all_rows_ : local_.ledger;
  if (error_ || asked_) {
    outcome.ledger = local_.ledger;
    outcome.ledger_is_whole = false;
  }
  outcome.time = ended_.value_or(local_.clock.now());
  outcome.syncs = evaluation_.syncs();
  // Measured, while own models were not to the end.
  if (stopped_by_) record(*std::exchange(stopped_by_, std::nullopt));
  evaluation_.give(outcome);
  if (leads() && (outcome.end == Outcome::End::kInterrupted || outcome.end == Outcome::End::kFailed)) {
    keep_current_model(outcome);
  }
  return outcome;
}

void Run::begin() {
  asio::co_spawn(io_.get_executor(), work(), [this](const std::exception_ptr& error) { finish(error); });
  if (coordinator_) {
    asio::co_spawn(io_.get_executor(), coordinator_->node.coordinate(), [this](const std::exception_ptr& error) {
      if (error) fail(error);
    });
  }
  // The first step first: what others have sent meanwhile waits in mailboxes.
  continue_coroutines();
  for (Local::Parcel& parcel : meeting_.take_early()) arrive(parcel.from, parcel.to, parcel.frame);
  heard_since_ = clock_.now();
  next_beat_ = heard_since_;
}

void Run::finish(const std::exception_ptr& error) {
  if (!error) {
    done_ = true;
    return;
  }
  try {
    std::rethrow_exception(error);
  } catch (const Interrupted&) {
    // Work was given up, which is no end of the steps: the run was asked to end, or hears of it now.
    if (!asked_) be_asked();
  } catch (...) {
    done_ = true;
    fail(error);
  }
}

void Run::fail(const std::exception_ptr& error) {
  if (!error_) error_ = error;
}

void Run::try_turn() {
  try {
    turn();
  } catch (...) {
    fail(std::current_exception());
  }
}

// Whatever is to be done now, or a short sleep.
void Run::turn() {
  const bool was_over = is_over();
  bool moved = progress();
  moved = deliver_local() || moved;
  moved = processor_->poll() || moved;
  moved = sums_->poll() || moved;
  const Seconds now = local_.clock.now();
  while (!local_.sleeping.empty() && local_.sleeping.begin()->first <= now) {
    auto sleeper = local_.sleeping.extract(local_.sleeping.begin());
    sleeper.mapped()(true);
    moved = true;
  }
  if (!asked_ && local_.waits.next_deadline() <= now) local_.waits.expire(now);
  continue_coroutines();
  keep_alive();
  look();
  if (!asked_ && supervisor_.has_given_up()) be_asked();
  // What coroutines have just said to a node of this process, or that they have come to an end, needs no news.
  const bool has_just_ended = !was_over && is_over();
  if (!has_just_ended && local_.parcels.empty()) node::wait_for_link(link_, clock_, moved, next_event());
}

// When there is something to do though nothing comes.
Seconds Run::next_event() const {
  constexpr double kNever = std::numeric_limits<double>::infinity();
  const double now = clock_.now().value;
  double next = std::min({next_beat_.value, silence_ends().value, processor_->next().value, sums_->next().value});
  if (asked_) next = std::min(next, listening_ends().value);
  if (!local_.clock.is_paused()) {
    const double sleeper = local_.sleeping.empty() ? kNever : local_.sleeping.begin()->first.value;
    const double wait = asked_ ? kNever : local_.waits.next_deadline().value;
    next = std::min(next, now + std::min(sleeper, wait) - local_.clock.now().value);
  }
  if (observer_.interrupted) next = std::min(next, now + kLook.value);
  return {next};
}

bool Run::progress() {
  bool moved = false;
  {
    const Watchdog::Inside inside(watchdog_.get());
    moved = link_.progress(handlers_);
  }
  for (Local::Parcel& parcel : std::exchange(parcels_, {})) arrive(parcel.from, parcel.to, parcel.frame);
  for (const auto& news : std::exchange(news_, {})) news();
  return moved;
}

void Run::continue_coroutines() {
  io_.poll();
  io_.restart();
}

bool Run::deliver_local() {
  const bool any = !local_.parcels.empty();
  for (Local::Parcel& parcel : std::exchange(local_.parcels, {})) arrive(parcel.from, parcel.to, parcel.frame);
  return any;
}

void Run::arrive(Rank from, Rank to, const Frame& frame) {
  if (Meeting::is_word(frame)) {
    meeting_.keep({.from = from, .to = to, .frame = frame});
    return;
  }
  const Tag tag = frame.header().tag;
  const bool is_control = tag == Tag::kReport || tag == Tag::kVerdict;
  if (!is_control) ++local_.delivered;
  if (frame.payload_size().value > max_payload_ || (to == kCoordinator && !coordinator_)) {
    local_.ledger.record_refused(to);
    return;
  }
  local_.ledger.record_received(to, frame);
  if (is_control) {
    control_.deliver({.from = from, .frame = frame});
    return;
  }
  Seat& seat = to == kCoordinator ? *coordinator_ : worker_seat_;
  seat.endpoint.mailbox().deliver({.from = from, .frame = frame});
}

Task<void> Run::work() {
  const RunAccount account{
      .evaluator = evaluation_, .ledger = local_.ledger, .time = [this] { return local_.clock.now(); }};
  co_await drive(worker_seat_.node, options_, observer_, *this, account);
  if (leads() && !stopped_) co_await await_reports();
}

// Work on the computing thread, whatever its size.
Task<void> Run::compute(std::function<void()> work) {
  Pending pending = processor_->submit(Processor::Cost::kStep, [this, work = std::move(work)] {
    const Supervision supervision(supervisor_);
    work();
  });
  co_await pending.done();
}

// Between events, and within work of this thread's own.
void Run::look() {
  if (observer_.interrupted && observer_.interrupted()) supervisor_.give_up();
  if (observer_.on_progress) supervisor_.take(observer_.on_progress);
}

}  // namespace laconic::process
