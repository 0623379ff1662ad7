// The loop of a run: whatever is to be done now, one thing after another, or a short sleep. And the worker, whose
// rounds the loop carries.
#include "runtimes/process/run.h"

#include <asio/co_spawn.hpp>
#include <chrono>
#include <utility>

#include "base/error.h"

namespace laconic::mpi {
namespace {

// A payload is d floats or a state of the strategy's own, of which a large sketch is the largest; a report has a
// model and its buffers.
constexpr std::uint64_t kPayloadSlack = std::uint64_t{16} << 20;
// How long it may take to end after it was asked to; the launcher then kills, after a second or so.
constexpr Seconds kGrace{0.28};
// Vectors of so many elements take a thread's hop as long as the arithmetic on them, more or less.
constexpr std::size_t kInlineLimit = std::size_t{4} << 20;

}  // namespace

Run::Run(Environment& environment, Link& link, Meeting& meeting, Peers peers, const ProcessOptions& options,
         Learner& learner, const StrategyFactory& make_strategy, const RunObserver& observer)
    : options_(options),
      observer_(observer),
      learner_(learner),
      link_(link),
      meeting_(meeting),
      peers_(std::move(peers)),
      rank_(environment.rank()),
      size_(environment.size()),
      max_payload_(learner.layout().size * sizeof(float) + kPayloadSlack),
      local_(rank_, size_, link),
      pool_(options.compute_threads, options.prepare_thread),
      processor_(pool_, bell_, learner.layout().size <= kInlineLimit),
      sums_(sums_pool_, bell_, learner.layout().size <= kInlineLimit),
      control_({rank_}, size_, local_.waits),
      worker_node_({rank_}, local_, sums_, options.comm),
      evaluation_(size_, options.average, model_of(learner)),
      ends_(static_cast<std::size_t>(size_)) {
  worker_node_.strategy = make_strategy();
  worker_.emplace(
      Rank{rank_}, options.seed,
      Worker::Parts{.learner = learner, .comm = worker_node_.comm, .processor = processor_, .events = *this});
  if (leads() && options.with_coordinator) {
    coordinator_.emplace(Rank{size_}, local_, sums_, options.comm);
    coordinator_->strategy = make_strategy();
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
  pool_.stop();
  sums_pool_.stop();
  close();
}

Outcome Run::run() {
  Outcome outcome;
  watchdog_.emplace(Watchdog::Options{.interrupted = observer_.interrupted,
                                      .asked = [this] { look_around(); },
                                      .grace = kGrace,
                                      .patience = deadline(),
                                      .describe = [this] { return lost_text("") + waits_text(); },
                                      .end = options_.end_process});
  begin();
  while (!is_over()) try_turn();
  if (!error_ && !asked_) settle();
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
  outcome.model = evaluation_.last_good_model().params;
  outcome.buffers = evaluation_.last_good_model().buffers;
  outcome.model_step = evaluation_.last_good_step();
  return outcome;
}

void Run::begin() {
  asio::co_spawn(io_.get_executor(), work(), [this](const std::exception_ptr& error) { finish(error); });
  if (coordinator_) {
    asio::co_spawn(io_.get_executor(), coordinator_->strategy->coordinate(coordinator_->coordinator),
                   [this](const std::exception_ptr& error) {
                     if (error) fail(error);
                   });
  }
  // The first step first: what others have sent meanwhile waits in mailboxes.
  continue_coroutines();
  for (Local::Parcel& parcel : meeting_.take_early()) arrive(parcel.from, parcel.to, parcel.frame);
  heard_since_ = link_.now();
  next_beat_ = heard_since_;
}

void Run::finish(const std::exception_ptr& error) {
  done_ = true;
  if (error) fail(error);
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
  bool moved = progress();
  moved = deliver_local() || moved;
  moved = processor_.poll() || moved;
  moved = sums_.poll() || moved;
  const Seconds now = local_.clock.now();
  while (!local_.sleeping.empty() && local_.sleeping.begin()->first <= now) {
    auto sleeper = local_.sleeping.extract(local_.sleeping.begin());
    sleeper.mapped()(true);
    moved = true;
  }
  if (!asked_ && local_.waits.next_deadline() <= now) local_.waits.expire(now);
  continue_coroutines();
  keep_alive();
  if (!asked_ && observer_.interrupted && observer_.interrupted()) be_asked();
  const std::chrono::nanoseconds span = waiter_.next(moved, link_.is_busy());
  if (span.count() > 0) bell_.wait(span);
}

bool Run::progress() {
  bool moved = false;
  {
    const Watchdog::Inside inside(*watchdog_);
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
  if (frame.payload_size().value > max_payload_ || (to.value == size_ && !coordinator_)) {
    local_.ledger.record_refused(to);
    return;
  }
  local_.ledger.record_received(to, frame);
  if (is_control) {
    control_.deliver({.from = from, .frame = frame});
    return;
  }
  Node& node = to.value == size_ ? *coordinator_ : worker_node_;
  node.endpoint.mailbox().deliver({.from = from, .frame = frame});
}

Task<void> Run::work() {
  Worker& self = *worker_;
  while (self.step() < options_.steps) {
    const Step before = self.step();
    synchronised_now_ = false;
    co_await worker_node_.strategy->round(self);
    LACONIC_CHECK(self.step().value == before.value + 1, "a round took other than one step");
    always_synchronised_ = always_synchronised_ && synchronised_now_;
    if (leads() && observer_.on_step) {
      observer_.on_step(self.step(), self.last_loss(), evaluation_.syncs(), local_.ledger.total().framed);
    }
    if (observer_.on_worker_step) {
      observer_.on_worker_step({.rank = self.rank(),
                                .step = self.step(),
                                .result = self.last_step(),
                                .params = self.params(),
                                .time = local_.clock.now(),
                                .ledger = local_.ledger});
    }
    if (options_.evaluates_after(self.step())) co_await report();
    if (leads()) co_await measure_what_is_due();
    if (stopped_) co_return;
    if (options_.saves_after(self.step())) co_await checkpoint();
  }
  if (leads()) co_await await_reports();
}

// Work on the computing thread, whatever its size.
Task<void> Run::compute(std::function<void()> work) {
  Pending pending = processor_.submit(Processor::Cost::kStep, std::move(work));
  co_await pending.done();
}

}  // namespace laconic::mpi
