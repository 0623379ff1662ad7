#include "runtimes/mpi/process.h"

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <cmath>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "kernels/vector_ops.h"
#include "runtimes/common/node_state.h"
#include "runtimes/mpi/evaluation.h"
#include "runtimes/mpi/messages.h"
#include "runtimes/mpi/node.h"
#include "runtimes/mpi/peers.h"
#include "runtimes/mpi/processor.h"
#include "runtimes/mpi/waiter.h"
#include "runtimes/mpi/watchdog.h"
#include "strategies/worker.h"

namespace laconic::mpi {
namespace {

// Signs of life in a deadline, each way.
constexpr double kBeats = 8.0;
// The part of a deadline after which silence is a loss: a stall that begins right after a sign of life is then noticed
// within the deadline.
constexpr double kSilence = 0.9;
// How long a process that was asked to end listens for the others, which the launcher asks at the same time.
constexpr Seconds kListening{0.25};
// How long it may take to end after it was asked to; the launcher then kills, after a second or so.
constexpr Seconds kGrace{0.35};
// How long the news of an end may take to leave.
constexpr Seconds kFarewell{0.3};
// How long a checkpoint waits until it counts again.
constexpr Seconds kRecount{0.002};
// Vectors of so many elements take a thread's hop as long as the arithmetic on them, more or less.
constexpr std::size_t kInlineLimit = std::size_t{4} << 20;

Seconds operator*(double factor, Seconds span) { return {factor * span.value}; }

class Run final : private StrategyEvents {
 public:
  Run(Environment& environment, Link& link, Meeting& meeting, Peers peers, const ProcessOptions& options,
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
        control_({rank_}, size_, local_.waits),
        worker_node_({rank_}, local_, options.comm),
        evaluation_(size_, options.average, model_of(learner)),
        ends_(static_cast<std::size_t>(size_)) {
    worker_node_.strategy = make_strategy();
    worker_.emplace(
        Rank{rank_}, options.seed,
        Worker::Parts{.learner = learner, .comm = worker_node_.comm, .processor = processor_, .events = *this});
    if (leads() && options.with_coordinator) {
      coordinator_.emplace(Rank{size_}, local_, options.comm);
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

  ~Run() override {
    pool_.stop();
    close();
  }

  // The process whose loss ended the run, as far as this one knows by itself.
  std::optional<int> lost() const { return lost_; }

  Outcome run() {
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
    if (error_ || asked_) outcome.ledger = local_.ledger;
    outcome.time = local_.clock.now();
    outcome.syncs = evaluation_.syncs();
    outcome.model = evaluation_.last_good_model().params;
    outcome.buffers = evaluation_.last_good_model().buffers;
    outcome.model_step = evaluation_.last_good_step();
    return outcome;
  }

 private:
  // A payload is d floats or a state of the strategy's own, of which a large sketch is the largest; a report has a
  // model and its buffers.
  static constexpr std::uint64_t kPayloadSlack = std::uint64_t{16} << 20;

  struct Node {
    Node(Rank rank, Local& local, const CommOptions& options) : endpoint(rank, local), comm(endpoint, options) {}
    Endpoint endpoint;
    Comm comm;
    std::unique_ptr<Strategy> strategy;
  };

  static Model model_of(Learner& learner) {
    return {.params = {learner.params().begin(), learner.params().end()},
            .buffers = {learner.buffers().begin(), learner.buffers().end()}};
  }

  bool leads() const { return rank_ == 0; }
  Seconds deadline() const { return options_.comm.deadline; }
  std::string name() const { return "worker " + std::to_string(rank_); }

  // ---- the loop

  void begin() {
    asio::co_spawn(io_.get_executor(), work(), [this](const std::exception_ptr& error) { finish(error); });
    if (coordinator_) {
      asio::co_spawn(io_.get_executor(), coordinator_->strategy->coordinate(coordinator_->comm),
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

  void finish(const std::exception_ptr& error) {
    done_ = true;
    if (error) fail(error);
  }

  void fail(const std::exception_ptr& error) {
    if (!error_) error_ = error;
  }

  bool is_over() const { return done_ || stopped_ || error_ || (asked_ && link_.now() > *asked_ + kListening); }

  void try_turn() {
    try {
      turn();
    } catch (...) {
      fail(std::current_exception());
    }
  }

  // Whatever is to be done now, or a short sleep.
  void turn() {
    bool moved = progress();
    moved = deliver_local() || moved;
    moved = processor_.poll() || moved;
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

  bool progress() {
    bool moved = false;
    {
      const Watchdog::Inside inside(*watchdog_);
      moved = link_.progress(handlers_);
    }
    for (Local::Parcel& parcel : std::exchange(parcels_, {})) arrive(parcel.from, parcel.to, parcel.frame);
    for (const auto& news : std::exchange(news_, {})) news();
    return moved;
  }

  void continue_coroutines() {
    io_.poll();
    io_.restart();
  }

  bool deliver_local() {
    const bool any = !local_.parcels.empty();
    for (Local::Parcel& parcel : std::exchange(local_.parcels, {})) arrive(parcel.from, parcel.to, parcel.frame);
    return any;
  }

  void arrive(Rank from, Rank to, const Frame& frame) {
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

  // ---- who is there

  void keep_alive() {
    const Seconds now = link_.now();
    if (now >= next_beat_) {
      link_.beat();
      next_beat_ = now + (1.0 / kBeats) * deadline();
    }
    if (asked_ || error_) return;
    const int last = leads() ? size_ - 1 : 0;
    for (int process = leads() ? 1 : 0; process <= last; ++process) {
      const Seconds since = std::max(link_.last_heard(process), heard_since_);
      if (now - since <= kSilence * deadline()) continue;
      lost_ = process;
      fail(std::make_exception_ptr(PeerLost(name() + " has heard nothing of worker " + std::to_string(process) +
                                            " for " + to_text(now - since) + waits_text() +
                                            "; see whether that process still runs, or raise network.deadline (" +
                                            to_text(deadline()) + ")")));
      return;
    }
  }

  // "; worker 3 waits for the result of a reduction (round 17) from the coordinator since 12.3 s"
  std::string waits_text() const {
    std::string text;
    for (const std::string& line : local_.waits.describe(false)) text += "; " + line;
    return text;
  }

  void hear_end(int process, const EndNotice& notice) {
    ends_[static_cast<std::size_t>(process)] = true;
    const std::string told = "worker " + std::to_string(process) + ": " + notice.text;
    switch (notice.kind) {
      case EndNotice::Kind::kStop:
        stopped_ = true;
        return;
      case EndNotice::Kind::kAsked:
        if (!asked_) be_asked();
        return;
      case EndNotice::Kind::kLost:
        told_ = true;
        fail(std::make_exception_ptr(PeerLost("the run is over, as told by " + told + waits_text())));
        return;
      case EndNotice::Kind::kFailed:
        told_ = true;
        fail(std::make_exception_ptr(RunError("the run is over, as told by " + told)));
        return;
    }
  }

  void hear_failure(int process, const std::string& problem) {
    if (asked_) return;
    // The launcher asks us to end in a moment; who else is there will tell by then.
    lost_ = process;
    lost_problem_ = problem;
    be_asked();
  }

  // By the user, who wants an end, or by the launcher, which asks all that are left when one of them has died. Who is
  // left says so to the others.
  void be_asked() {
    look_around();
    asked_ = link_.now();
    waits_when_asked_ = waits_text();
    told_ = true;
    link_.broadcast_end(EndNotice{.kind = EndNotice::Kind::kAsked, .text = "asked to end"}.encode());
  }

  // Those of whom nothing was heard after this process was asked to end.
  std::string silent() const {
    std::string text;
    for (int process = 0; process < size_; ++process) {
      if (process == rank_ || ends_[static_cast<std::size_t>(process)]) continue;
      text += (text.empty() ? "worker " : ", worker ") + std::to_string(process);
    }
    return text;
  }

  // Who is gone when this process is first asked to end; a moment later all are on their way out. Any thread.
  void look_around() {
    const std::lock_guard lock(gone_mutex_);
    if (!gone_) gone_ = peers_.gone();
  }

  // "; worker 2 is lost: ...", or empty. `silent`: the ones that did not speak.
  std::string lost_text(const std::string& silent) const {
    const std::lock_guard lock(gone_mutex_);
    if (const std::string gone = gone_.value_or(peers_.gone()); !gone.empty())
      return "; lost: " + gone + ", no longer there";
    if (lost_) return "; lost: worker " + std::to_string(*lost_) + " (" + lost_problem_ + ")";
    return silent.empty() ? std::string() : "; lost: " + silent + ", of which nothing is heard any more";
  }

  Outcome::End end_of_run() {
    if (asked_ && !error_) {
      const std::string lost = lost_text(silent());
      if (lost.empty()) return Outcome::End::kInterrupted;
      fail(std::make_exception_ptr(PeerLost(name() + " was asked to end" + lost + waits_when_asked_)));
    }
    if (error_) return Outcome::End::kFailed;
    return stopped_ ? Outcome::End::kUntil : Outcome::End::kSteps;
  }

  void tell_end() {
    told_ = true;
    EndNotice notice;
    try {
      std::rethrow_exception(error_);
    } catch (const PeerLost& error) {
      notice = {.kind = EndNotice::Kind::kLost, .text = error.what()};
    } catch (const std::exception& error) {
      notice = {.kind = EndNotice::Kind::kFailed, .text = error.what()};
    }
    link_.broadcast_end(notice.encode());
    flush(kFarewell);
  }

  // Lets what was said last leave.
  void flush(Seconds limit) {
    Handlers ignore = handlers_;
    ignore.end = [](int, const std::string&) {};
    ignore.failed = [](int, const std::string&) {};
    ignore.frame = [this](Rank from, Rank to, Frame frame) {
      if (Meeting::is_word(frame)) meeting_.keep({.from = from, .to = to, .frame = std::move(frame)});
    };
    link_.flush(limit, ignore);
  }

  // ---- the worker

  Task<void> work() {
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
  Task<void> compute(std::function<void()> work) {
    Pending pending = processor_.submit(Processor::Cost::kStep, std::move(work));
    co_await pending.done();
  }

  void send_report(const FrameHeader& header, std::span<const std::byte> payload) {
    const Frame frame(header, payload);
    local_.ledger.record_sent({rank_}, frame);
    link_.send({rank_}, {0}, frame);
  }

  void send_verdict(Rank to, const FrameHeader& header, std::span<const std::byte> payload) {
    const Frame frame(header, payload);
    local_.ledger.record_sent({0}, frame);
    link_.send({0}, to, frame);
  }

  Task<std::optional<Arrival>> take(Tag tag, Round round, std::optional<Rank> from, Seconds patience) {
    const Pattern pattern{.from = from, .tags = tag, .round = round};
    return control_.receive(pattern, local_.clock.now(), patience);
  }

  Task<Frame> take_report(Round round, Rank from, std::string_view what) {
    std::optional<Arrival> arrival = co_await take(Tag::kReport, round, from, deadline());
    if (!arrival) {
      throw PeerLost("worker 0 got no " + std::string(what) + " from worker " + std::to_string(from.value) +
                     " within " + to_text(deadline()) +
                     "; see whether that process still runs and how far it is behind, or raise network.deadline");
    }
    co_return std::move(arrival->frame);
  }

  // Worker 0 keeps others waiting for as long as it may wait for one of them itself.
  Task<Frame> take_verdict(Round round, std::string_view what) {
    const Seconds patience = 2.0 * deadline();
    std::optional<Arrival> arrival = co_await take(Tag::kVerdict, round, Rank{0}, patience);
    if (!arrival) {
      throw PeerLost(name() + " got no word from worker 0 " + std::string(what) + " within " + to_text(patience) +
                     "; see whether that process still runs, or raise network.deadline");
    }
    co_return std::move(arrival->frame);
  }

  // ---- evaluation

  bool measures_own(Step step) const {
    return options_.own_models == OwnModels::kAlways ||
           (options_.own_models == OwnModels::kAtEnd && step == options_.steps);
  }

  // Nothing where the test split is at another site.
  std::optional<double> evaluate_own() {
    const Evaluation own = learner_.evaluate(learner_.params(), learner_.buffers(), Split::kTest);
    return own.samples == 0 ? std::nullopt : std::optional(own.accuracy);
  }

  Task<std::optional<double>> own_accuracy() {
    std::optional<double> accuracy;
    local_.clock.pause();
    co_await compute([&] { accuracy = evaluate_own(); });
    local_.clock.resume();
    co_return accuracy;
  }

  Task<void> report() {
    Worker& self = *worker_;
    EvaluationReport report;
    report.step = self.step();
    const Worker::MeanLoss loss = self.take_loss();
    report.loss_sum = loss.sum;
    report.loss_steps = loss.steps;
    report.tested = loss.tested;
    report.squared_norm = kernels::squared_norm(self.params());
    if (measures_own(self.step())) report.own_accuracy = co_await own_accuracy();
    for (std::size_t kind = 0; kind < kTrafficKinds; ++kind) {
      report.traffic[kind] = local_.ledger.total(static_cast<Traffic>(kind));
    }
    if (options_.average) {
      Model model = model_of(learner_);
      report.params = std::move(model.params);
      report.buffers = std::move(model.buffers);
    }
    if (leads()) {
      if (!options_.average) evaluation_.set_model(report.step, model_to_measure());
      evaluation_.add({0}, std::move(report), local_.clock.now());
      co_return;
    }
    ByteWriter out;
    report.encode(out);
    const FrameHeader header{Traffic::kEvaluation, Tag::kReport, kEvaluations};
    send_report(header, out.bytes());
  }

  // The model that worker 0 last took part in synchronising; its own where it never did, or did just now.
  Model model_to_measure() const {
    if (synchronised_now_ || !synchronised_) return model_of(learner_);
    return *synchronised_;
  }

  void take_in(const Arrival& arrival) {
    ByteReader in(arrival.frame.payload(), "report of worker " + std::to_string(arrival.from.value));
    evaluation_.add(arrival.from, EvaluationReport::decode(in, learner_.layout().size, learner_.buffers().size()),
                    local_.clock.now());
  }

  // Worker 0, between two steps: measures the models of steps that all have reported.
  Task<void> measure_what_is_due() {
    while (const std::optional<Arrival> arrival = co_await take(Tag::kReport, kEvaluations, std::nullopt, Seconds{})) {
      take_in(*arrival);
    }
    while (!stopped_) {
      std::optional<Evaluator::Due> due = evaluation_.take_due();
      if (!due) co_return;
      co_await measure(*due);
    }
  }

  Task<void> await_reports() {
    co_await measure_what_is_due();
    while (!stopped_) {
      const std::optional<Rank> missing = evaluation_.missing();
      if (!missing) co_return;
      const Frame frame = co_await take_report(kEvaluations, *missing, "report of its last steps");
      const Arrival arrival{*missing, frame};
      take_in(arrival);
      co_await measure_what_is_due();
    }
  }

  Task<void> measure(Evaluator::Due& due) {
    Measurement& measurement = due.measurement;
    local_.clock.pause();
    co_await compute([&] {
      measurement.test = learner_.evaluate(due.model.params, due.model.buffers, Split::kTest);
      measurement.validation = learner_.evaluate(due.model.params, due.model.buffers, Split::kValidation);
    });
    local_.clock.resume();
    const bool is_good = evaluation_.measured(due);
    if (!is_good && due.step == options_.steps) {
      record(measurement);
      throw divergence(due.broken, due.step);
    }
    if (options_.until && options_.until(measurement)) {
      stopped_ = true;
      stopped_by_ = measurement;
      link_.broadcast_end(EndNotice{.kind = EndNotice::Kind::kStop, .text = "the end of the job is reached"}.encode());
      co_return;
    }
    record(measurement);
  }

  void record(const Measurement& measurement) {
    if (observer_.on_measurement) observer_.on_measurement(measurement);
  }

  // ---- checkpoints

  // Every process stops here until no frame of the strategies is on its way; worker 0 counts.
  Task<void> drain(Round exchange) { return leads() ? lead_drain(exchange) : follow_drain(exchange); }

  // Says how much has been sent and delivered here until worker 0 is content.
  Task<void> follow_drain(Round exchange) {
    for (;;) {
      const DrainReport report{.step = worker_->step(), .sent = local_.sent, .delivered = local_.delivered};
      ByteWriter out;
      report.encode(out);
      const FrameHeader header{Traffic::kControl, Tag::kReport, exchange};
      send_report(header, out.bytes());
      const DrainVerdict verdict = co_await take_drain_verdict(exchange);
      if (verdict == DrainVerdict::kGoOn) co_return;
    }
  }

  Task<DrainVerdict> take_drain_verdict(Round exchange) {
    const Frame frame = co_await take_verdict(exchange, "on where all have stopped");
    ByteReader in(frame.payload(), "word on where all have stopped");
    co_return decode_drain_verdict(in);
  }

  void tell_all(Round exchange, DrainVerdict verdict) {
    const std::byte byte{static_cast<std::uint8_t>(verdict)};
    const FrameHeader header{Traffic::kControl, Tag::kVerdict, exchange};
    for (Rank rank{1}; rank.value < size_; ++rank.value) send_verdict(rank, header, std::span(&byte, 1));
  }

  // All have stopped, and then only the coordinator speaks, when something comes for it. A count of what workers have
  // got is older than the one of what was sent; where the two are equal nothing is on its way.
  Task<void> lead_drain(Round exchange) {
    for (;;) {
      std::uint64_t sent = 0;
      std::uint64_t delivered = 0;
      for (Rank rank{1}; rank.value < size_; ++rank.value) {
        const Frame frame = co_await take_report(exchange, rank, "word that it has come to where all stop");
        ByteReader in(frame.payload(), "report of worker " + std::to_string(rank.value));
        const DrainReport report = DrainReport::decode(in);
        if (exchange == kCheckpoints && report.step != worker_->step()) in.fail("it is at another step's checkpoint");
        sent += report.sent;
        delivered += report.delivered;
      }
      sent += local_.sent;
      delivered += local_.delivered;
      const bool is_idle = exchange == kEnd || !coordinator_ || coordinator_->endpoint.mailbox().is_idle();
      if (sent == delivered && is_idle) break;
      co_await worker_node_.endpoint.sleep(kRecount);
      tell_all(exchange, DrainVerdict::kCountAgain);
    }
    tell_all(exchange, DrainVerdict::kGoOn);
  }

  Task<void> checkpoint() {
    co_await drain(kCheckpoints);
    if (leads()) {
      co_await measure_what_is_due();
      if (stopped_) co_return;
    }
    if (options_.checkpoints.keeper == nullptr) co_return;
    if (leads()) {
      co_await lead_save(*options_.checkpoints.keeper);
    } else {
      co_await follow_save();
    }
  }

  // Nobody goes on before the checkpoint is whole: what comes for a process must not change what it saves.
  Task<void> follow_save() {
    const DrainVerdict begin = co_await take_drain_verdict(kCheckpoints);
    LACONIC_CHECK(begin == DrainVerdict::kSave, "a checkpoint that is not to be saved");
    ByteWriter out;
    encode_part(out, save_worker());
    const FrameHeader header{Traffic::kControl, Tag::kReport, kCheckpoints};
    send_report(header, out.bytes());
    const Frame frame = co_await take_verdict(kCheckpoints, "that the checkpoint is whole");
    ByteReader in(frame.payload(), "word that the checkpoint is whole");
    const std::vector<Step> kept = decode_kept(in);
    options_.checkpoints.keeper->keep_only(kept);
  }

  Task<void> lead_save(CheckpointKeeper& keeper) {
    const Step step = worker_->step();
    tell_all(kCheckpoints, DrainVerdict::kSave);
    std::vector<PartRecord> parts = {save_worker()};
    if (coordinator_) {
      Archive part;
      archive_coordinator(part);
      parts.push_back(keeper.save(step, part_name({size_}, size_), part.take()));
    }
    Archive run;
    archive_run(run);
    parts.push_back(keeper.save(step, kRunPart, run.take()));
    for (Rank rank{1}; rank.value < size_; ++rank.value) {
      const Frame frame = co_await take_report(kCheckpoints, rank, "word that its part of the checkpoint is saved");
      parts.push_back(decode_part(frame.payload()));
      if (parts.back().name != part_name(rank, size_)) {
        throw DecodeError("worker " + std::to_string(rank.value) + " saved part '" + parts.back().name + "'");
      }
    }
    const std::vector<Step> kept = keeper.complete(step, std::move(parts));
    ByteWriter out;
    encode_kept(out, kept);
    const FrameHeader header{Traffic::kControl, Tag::kVerdict, kCheckpoints};
    for (Rank rank{1}; rank.value < size_; ++rank.value) send_verdict(rank, header, out.bytes());
  }

  PartRecord save_worker() {
    Archive part;
    archive_worker(part);
    return options_.checkpoints.keeper->save(worker_->step(), part_name({rank_}, size_), part.take());
  }

  void archive_worker(Archive& part) {
    laconic::archive_worker(part, *worker_, learner_, *worker_node_.strategy, worker_node_.comm,
                            worker_node_.endpoint.mailbox());
    local_.ledger.archive(part, {rank_});
    part.value("process.sent", local_.sent);
    part.value("process.delivered", local_.delivered);
    Seconds now = local_.clock.now();
    part.value("process.now", now.value);
    if (part.loading()) local_.clock.set(now);
  }

  void archive_coordinator(Archive& part) {
    laconic::archive_coordinator(part, *coordinator_->strategy, coordinator_->comm, coordinator_->endpoint.mailbox());
    local_.ledger.archive(part, {size_});
  }

  void archive_run(Archive& part) {
    evaluation_.archive(part);
    part.value("run.always_synchronised", always_synchronised_);
    bool has_model = synchronised_.has_value();
    part.value("run.has_model", has_model);
    if (has_model) {
      if (!synchronised_) synchronised_ = model_of(learner_);
      part.floats("run.params", synchronised_->params);
      part.floats("run.buffers", synchronised_->buffers);
    }
    if (observer_.archive) observer_.archive(part);
  }

  void load(const ResumePoint& point) {
    const auto read = [&](std::string_view name, auto&& archive) {
      const std::vector<std::byte> bytes = point.part(name);
      Archive part(bytes);
      archive(part);
      part.expect_end();
    };
    read(part_name({rank_}, size_), [&](Archive& part) { archive_worker(part); });
    if (worker_->step() != point.step) throw DecodeError("state: a worker of another step");
    if (coordinator_) read(part_name({size_}, size_), [&](Archive& part) { archive_coordinator(part); });
    if (leads()) read(kRunPart, [&](Archive& part) { archive_run(part); });
  }

  // ---- the end

  // All steps are done, or the job's end is reached: the last reports, and leaving together.
  void settle() {
    pool_.stop();
    close();
    error_ = nullptr;
    done_ = false;
    const bool was_stopped = std::exchange(stopped_, false);
    asio::co_spawn(io_.get_executor(), leads() ? lead_end(was_stopped) : follow_end(was_stopped),
                   [this](const std::exception_ptr& error) { finish(error); });
    continue_coroutines();
    while (!done_ && !error_ && !(asked_ && link_.now() > *asked_ + kListening)) try_turn();
    stopped_ = was_stopped;
    if (!error_ && !asked_) flush(deadline());
  }

  std::optional<double> accuracy_at_end(bool was_stopped) {
    if (!was_stopped || options_.own_models == OwnModels::kNever) return std::nullopt;
    return evaluate_own();
  }

  Task<void> follow_end(bool was_stopped) {
    co_await drain(kEnd);
    EndReport report;
    report.steps = worker_->step().value;
    report.own_accuracy = accuracy_at_end(was_stopped);
    Archive row;
    local_.ledger.archive(row, {rank_});
    report.ledger = row.take();
    ByteWriter out;
    report.encode(out);
    const FrameHeader header{Traffic::kControl, Tag::kReport, kEnd};
    send_report(header, out.bytes());
    co_await take_verdict(kEnd, "on the end");
  }

  Task<void> lead_end(bool was_stopped) {
    co_await drain(kEnd);
    std::vector<double> accuracies;
    if (const std::optional<double> own = accuracy_at_end(was_stopped)) accuracies.push_back(*own);
    all_rows_ = local_.ledger;
    for (Rank rank{1}; rank.value < size_; ++rank.value) {
      const Frame frame = co_await take_report(kEnd, rank, "last report");
      ByteReader in(frame.payload(), "last report of worker " + std::to_string(rank.value));
      const EndReport report = EndReport::decode(in);
      if (report.own_accuracy) accuracies.push_back(*report.own_accuracy);
      Archive row(report.ledger);
      all_rows_.archive(row, rank);
      row.expect_end();
    }
    if (stopped_by_) {
      if (static_cast<int>(accuracies.size()) == size_) stopped_by_->workers = summary_of(accuracies);
      record(*stopped_by_);
    }
    const FrameHeader header{Traffic::kControl, Tag::kVerdict, kEnd};
    for (Rank rank{1}; rank.value < size_; ++rank.value) send_verdict(rank, header, {});
  }

  // Unwinds all coroutines; what they compute is done.
  void close() {
    processor_.close();
    local_.sleeping.clear();
    control_.drop_receives();
    worker_node_.endpoint.mailbox().clear();
    if (coordinator_) coordinator_->endpoint.mailbox().clear();
    io_.restart();
    io_.poll();
    io_.restart();
  }

  // ---- what the strategy tells

  void synchronised(Rank rank, Step step) override {
    if (rank.value != 0 || !leads()) return;
    evaluation_.count_sync();
    synchronised_now_ = true;
    // One that synchronises in every step is measured as it is.
    if (!always_synchronised_) synchronised_ = model_of(learner_);
    if (observer_.on_sync) observer_.on_sync(step, evaluation_.watched());
  }

  void measured(Rank rank, Step, std::string_view name, double value) override {
    if (rank.value == 0) evaluation_.watch(name, value);
  }

  void warned(Rank, Step, const std::string& text) override {
    if (observer_.on_warning) observer_.on_warning(text);
  }

  const ProcessOptions& options_;
  const RunObserver& observer_;
  Learner& learner_;
  Link& link_;
  Meeting& meeting_;
  Peers peers_;
  int rank_;
  int size_;
  std::uint64_t max_payload_;
  asio::io_context io_{1};
  Local local_;
  Doorbell bell_;
  ThreadPool pool_;
  RealProcessor processor_;
  Mailbox control_;  // reports and verdicts
  Node worker_node_;
  std::optional<Node> coordinator_;
  std::optional<Worker> worker_;
  Evaluator evaluation_;  // process 0's
  Handlers handlers_;
  std::deque<Local::Parcel> parcels_;       // from other processes, not delivered yet
  std::deque<std::function<void()>> news_;  // the same, of what is no frame
  std::optional<Watchdog> watchdog_;
  Waiter waiter_;
  std::vector<bool> ends_;  // of each process: it says that it was asked to end
  Ledger all_rows_{0};
  Seconds heard_since_;
  Seconds next_beat_;
  // Worker 0's model as last synchronised, where not every step has done so.
  std::optional<Model> synchronised_;
  bool synchronised_now_ = false;  // in the round under way
  bool always_synchronised_ = true;
  std::optional<Measurement> stopped_by_;
  bool done_ = false;     // the worker's coroutine has returned
  bool stopped_ = false;  // by `until`
  bool told_ = false;     // the others know of the end
  std::optional<Seconds> asked_;
  std::string waits_when_asked_;
  mutable std::mutex gone_mutex_;
  std::optional<std::string> gone_;  // see look_around
  std::optional<int> lost_;
  std::string lost_problem_;
  std::exception_ptr error_;
};

}  // namespace

Process::Process(const std::optional<runtime::Launch>& launch, Seconds deadline, std::function<bool()> interrupted)
    : environment_(launch),
      link_(environment_, kMaxPayloadSize),
      meeting_(environment_, link_, {.deadline = deadline, .interrupted = std::move(interrupted)}) {}

Outcome Process::run(const ProcessOptions& options, Learner& learner, const StrategyFactory& make_strategy,
                     const RunObserver& observer) {
  LACONIC_CHECK(options.steps.value > 0, "no steps");
  LACONIC_CHECK(options.end_process != nullptr, "a process that cannot be ended");
  Peers peers(meeting_.share(Peers::self()), rank());
  Run run(environment_, link_, meeting_, std::move(peers), options, learner, make_strategy, observer);
  Outcome outcome = run.run();
  has_lost_leader_ = run.lost() == 0;
  return outcome;
}

}  // namespace laconic::mpi
