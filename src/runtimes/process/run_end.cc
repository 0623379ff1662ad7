// The end of a run that has come to it: the last reports, and leaving together.
#include <asio/co_spawn.hpp>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "kernels/vector_ops.h"
#include "runtimes/node/node_state.h"
#include "runtimes/process/run.h"

namespace laconic::process {

// All steps are done, or the job's end is reached: the last reports, and leaving together.
void Run::settle() {
  ended_ = local_.clock.now();
  processor_->stop();
  sums_->stop();
  close();
  error_ = nullptr;
  done_ = false;
  const bool was_stopped = std::exchange(stopped_, false);
  asio::co_spawn(io_.get_executor(), leads() ? lead_end(was_stopped) : follow_end(was_stopped),
                 [this](const std::exception_ptr& error) { finish(error); });
  continue_coroutines();
  while (!done_ && !error_ && !has_listened()) try_turn();
  stopped_ = was_stopped;
  // Who was asked to end while all agreed that this is the end has come to it.
  if (done_ && !error_) asked_.reset();
  if (!error_ && !asked_) flush(deadline());
}

WorkerScore Run::score_at_end(bool was_stopped) {
  if (!was_stopped || options_.own_models == OwnModels::kNever) return {};
  const Supervision supervision(supervisor_);
  return evaluate_own(true);
}

Task<void> Run::follow_end(bool was_stopped) {
  co_await drain(kEnd);
  EndReport report;
  report.steps = worker().step().value;
  report.own = score_at_end(was_stopped);
  Archive row;
  local_.ledger.archive(row, {rank_});
  report.ledger = row.take();
  ByteWriter out;
  report.encode(out);
  const FrameHeader header{Traffic::kControl, Tag::kReport, kEnd};
  send_report(header, out.bytes());
  co_await take_verdict(kEnd, "on the end");
}

Task<void> Run::lead_end(bool was_stopped) {
  co_await drain(kEnd);
  std::vector<WorkerScore> scores = {score_at_end(was_stopped)};
  all_rows_ = local_.ledger;
  for (Rank rank{1}; rank.value < size_; ++rank.value) {
    const Frame frame = co_await take_report(kEnd, rank, "last report");
    ByteReader in(frame.payload(), "last report of worker " + std::to_string(rank.value));
    const EndReport report = EndReport::decode(in);
    scores.push_back(report.own);
    Archive row(report.ledger);
    all_rows_.archive(row, rank);
    row.expect_end();
  }
  if (stopped_by_) {
    take_scores(std::move(scores), *stopped_by_);
    record(*std::exchange(stopped_by_, std::nullopt));
  }
  const FrameHeader header{Traffic::kControl, Tag::kVerdict, kEnd};
  for (Rank rank{1}; rank.value < size_; ++rank.value) send_verdict(rank, header, {});
}

// What the end found, where it is newer than what was measured and finite: the model last synchronised. Where every round
// synchronises, or none does, that is worker 0's own.
void Run::keep_current_model(Outcome& outcome) {
  processor_->stop();
  sums_->stop();
  const bool is_own = !synchronised_;
  const Step step = is_own ? worker().step() : synchronised_step_;
  Model model = is_own ? model_of(learner_) : *synchronised_;
  if (step <= outcome.model_step || !kernels::all_finite(model.params) || is_divergence(error_)) return;
  for (std::size_t i = 0; i < model.buffers.size(); ++i) {
    // Some are not finite for good, such as a causal mask of -inf.
    if (!std::isfinite(model.buffers[i]) && std::isfinite(outcome.buffers[i])) return;
  }
  outcome.model = std::move(model.params);
  outcome.buffers = std::move(model.buffers);
  outcome.model_step = step;
  outcome.model_source = is_own && !always_synchronised_ ? Outcome::Source::kOfWorker0 : Outcome::Source::kSynchronised;
}

// Unwinds all coroutines; what they compute is done.
void Run::close() {
  processor_->close();
  sums_->close();
  local_.sleeping.clear();
  control_.drop_receives();
  worker_seat_.endpoint.mailbox().clear();
  if (coordinator_) coordinator_->endpoint.mailbox().clear();
  io_.restart();
  io_.poll();
  io_.restart();
}

}  // namespace laconic::process
