// One run of a process: process.h from its inside.
//
// One object, whose parts stand in files of their own: the loop that carries messages, timers and coroutines (run.cc);
// who is there, and how the news of an end spreads (run_presence.cc); how processes report to worker 0 and hear from
// it, and stop together (run_exchange.cc); what is measured (run_evaluation.cc); what is saved (run_checkpoint.cc); and
// the end of a run that has come to it (run_end.cc).
//
// All of it is one thread's, but for look_around() and the texts that the watchdog asks for.
#pragma once

#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "protocol/strategy.h"
#include "protocol/worker.h"
#include "runtimes/node/driver.h"
#include "runtimes/node/evaluation.h"
#include "runtimes/node/link.h"
#include "runtimes/node/shared_supervisor.h"
#include "runtimes/process/host.h"
#include "runtimes/process/meeting.h"
#include "runtimes/process/messages.h"
#include "runtimes/process/node.h"
#include "runtimes/process/peers.h"
#include "runtimes/process/process.h"
#include "runtimes/process/seat.h"
#include "runtimes/process/watchdog.h"

namespace laconic::process {

class Run final : private Gathering {
 public:
  // All but `peers` outlive it.
  Run(node::Link& link, Host& host, Meeting& meeting, Peers peers, const ProcessOptions& options, Learner& learner,
      const StrategyFactory& make_strategy, const RunObserver& observer);
  ~Run() override;
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  // To its end; once. Process::run.
  Outcome run();
  // The process whose loss ended the run, as far as this one knows by itself.
  std::optional<int> lost() const { return lost_; }

 private:
  Worker& worker() { return worker_seat_.node.worker(); }
  bool leads() const { return rank_ == 0; }
  Seconds deadline() const { return options_.comm.deadline; }
  Seconds of_deadline(double part) const { return {part * deadline().value}; }
  std::string name() const { return "worker " + std::to_string(rank_); }

  // run.cc: the loop, and the worker

  void begin();
  void finish(const std::exception_ptr& error);
  void fail(const std::exception_ptr& error);
  Seconds next_event() const;
  bool is_over() const { return done_ || stopped_ || error_ || has_listened(); }
  void try_turn();
  void turn();
  bool progress();
  void continue_coroutines();
  bool deliver_local();
  void arrive(Rank from, Rank to, const Frame& frame);
  Task<void> work();
  void begin_round(Node&) override { synchronised_now_ = false; }
  void end_round(Node&) override { always_synchronised_ = always_synchronised_ && synchronised_now_; }
  bool stopped() const override { return stopped_; }
  Task<void> compute(std::function<void()> work);
  void look();

  // run_presence.cc: who is there, and the news of an end

  void keep_alive();
  std::string waits_text() const;
  void hear_end(int process, const EndNotice& notice);
  void hear_failure(int process, const std::string& problem);
  void be_asked();
  Seconds silence_ends() const;
  Seconds listening_ends() const;
  bool has_listened() const;
  std::string silent() const;
  void look_around();
  std::string lost_text(const std::string& silent) const;
  Outcome::End end_of_run();
  void keep_current_model(Outcome& outcome);
  void tell_end();
  void flush(Seconds limit);

  // run_exchange.cc: reports and verdicts, and stopping together

  void send_report(const FrameHeader& header, std::span<const std::byte> payload);
  void send_verdict(Rank to, const FrameHeader& header, std::span<const std::byte> payload);
  Task<std::optional<Arrival>> take(Tag tag, Round round, std::optional<Rank> from, Seconds patience);
  Task<Frame> take_report(Round round, Rank from, std::string_view what);
  Task<Frame> take_verdict(Round round, std::string_view what);
  // Every process stops here until no frame of the strategies is on its way; worker 0 counts.
  Task<void> drain(Round exchange) { return leads() ? lead_drain(exchange) : follow_drain(exchange); }
  Task<void> follow_drain(Round exchange);
  Task<DrainVerdict> take_drain_verdict(Round exchange);
  void tell_all(Round exchange, DrainVerdict verdict);
  Task<void> lead_drain(Round exchange);
  std::string drain_text(std::uint64_t sent, std::uint64_t delivered);

  // run_evaluation.cc: reports of the workers and what is measured

  bool measures_own(Step step) const;
  WorkerScore evaluate_own(bool is_at_end);
  Task<WorkerScore> own_score(bool is_at_end);
  Task<void> evaluate(Node& node) override;
  Model model_to_measure() const;
  void take_in(const Arrival& arrival);
  bool measures(Node&) const override { return leads(); }
  Task<void> measure_what_is_due(Node& node) override;
  Task<void> measure_what_is_due() { return measure_what_is_due(worker_seat_.node); }
  Task<void> await_reports();
  Task<void> measure(Evaluator::Due& due);
  void record(const Measurement& measurement);

  // run_checkpoint.cc: what is saved and loaded

  Task<void> checkpoint(Node& node) override;
  Task<void> follow_save();
  Task<void> lead_save(CheckpointKeeper& keeper);
  PartRecord save_worker();
  void archive_worker(Archive& part);
  void archive_coordinator(Archive& part);
  void archive_run(Archive& part);
  void load(const ResumePoint& point);

  // run_end.cc: leaving together

  void settle();
  WorkerScore score_at_end(bool was_stopped);
  Task<void> follow_end(bool was_stopped);
  Task<void> lead_end(bool was_stopped);
  void close();

  const ProcessOptions& options_;
  const RunObserver& observer_;
  Learner& learner_;
  node::Link& link_;
  Host& host_;
  Clock& clock_;
  Meeting& meeting_;
  Peers peers_;
  int rank_;
  int size_;
  std::uint64_t max_payload_;
  asio::io_context io_{1};
  Local local_;
  std::unique_ptr<PolledProcessor> processor_;  // of the worker's steps
  // Of sums and copies of whole vectors, which go on while the worker's gradient is computed.
  std::unique_ptr<PolledProcessor> sums_;
  Mailbox control_;       // reports and verdicts
  Evaluator evaluation_;  // process 0's
  SharedSupervisor supervisor_{[this] { look(); }};
  Narrator narrator_;
  Seat worker_seat_;
  std::optional<Seat> coordinator_;
  node::LinkHandlers handlers_;
  std::deque<Local::Parcel> parcels_;       // from other processes, not delivered yet
  std::deque<std::function<void()>> news_;  // the same, of what is no frame
  std::unique_ptr<Watchdog> watchdog_;      // null: nobody watches
  std::vector<bool> ends_;                  // of each process: it says that it was asked to end
  Ledger all_rows_{0};
  Seconds heard_since_;
  Seconds next_beat_;
  // Worker 0's model as last synchronised, where not every step has done so.
  std::optional<Model> synchronised_;
  Step synchronised_step_;
  bool synchronised_now_ = false;  // in the round under way
  bool always_synchronised_ = true;
  std::optional<Measurement> stopped_by_;
  bool done_ = false;             // the worker's coroutine has returned
  std::optional<Seconds> ended_;  // when the steps were done
  bool stopped_ = false;          // by `until`
  bool told_ = false;             // the others know of the end
  std::optional<Seconds> asked_;
  std::string waits_when_asked_;
  mutable std::mutex gone_mutex_;
  std::optional<std::string> gone_;  // see look_around
  std::optional<int> lost_;
  std::string lost_problem_;
  std::exception_ptr error_;
};

}  // namespace laconic::process
