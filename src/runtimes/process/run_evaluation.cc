// Reports of the workers after the steps that are measured, and the measuring by worker 0.
#include <utility>

#include "base/error.h"
#include "kernels/vector_ops.h"
#include "runtimes/node/node_state.h"
#include "runtimes/process/run.h"

namespace laconic::process {

bool Run::measures_own(Step step) const {
  return options_.own_models == OwnModels::kAlways ||
         (options_.own_models == OwnModels::kAtEnd && step == options_.steps);
}

// On the test split, unless that is at another site; at the end of the run on the worker's own data too.
WorkerScore Run::evaluate_own(bool is_at_end) {
  WorkerScore own;
  const Evaluation test = learner_.evaluate(learner_.params(), learner_.buffers(), Split::kTest);
  if (test.samples > 0) own.test = test.score();
  if (is_at_end) take_own_data(learner_.evaluate_on_data_of({rank_}, learner_.params(), learner_.buffers()), own);
  return own;
}

Task<WorkerScore> Run::own_score(bool is_at_end) {
  WorkerScore own;
  local_.clock.pause();
  co_await compute([&] { own = evaluate_own(is_at_end); });
  local_.clock.resume();
  co_return own;
}

Task<void> Run::evaluate(Node& node) {
  Worker& self = node.worker();
  EvaluationReport report{report_of(self), {}, {}};
  if (measures_own(self.step())) report.own = co_await own_score(self.step() == options_.steps);
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
    evaluation_.add({0}, report, report.params, report.buffers, local_.clock.now());
    co_return;
  }
  ByteWriter out;
  report.encode(out);
  const FrameHeader header{Traffic::kEvaluation, Tag::kReport, kEvaluations};
  send_report(header, out.bytes());
}

// The model that worker 0 last took part in synchronising; its own where it never did, or did just now.
Model Run::model_to_measure() const {
  if (synchronised_now_ || !synchronised_) return model_of(learner_);
  return *synchronised_;
}

void Run::take_in(const Arrival& arrival) {
  ByteReader in(arrival.frame.payload(), "report of worker " + std::to_string(arrival.from.value));
  const EvaluationReport report = EvaluationReport::decode(in, learner_.layout().size, learner_.buffers().size());
  evaluation_.add(arrival.from, report, report.params, report.buffers, local_.clock.now());
}

// Worker 0, between two steps: measures the models of steps that all have reported.
Task<void> Run::measure_what_is_due(Node&) {
  const Seconds at_once;
  while (const std::optional<Arrival> arrival = co_await take(Tag::kReport, kEvaluations, std::nullopt, at_once)) {
    take_in(*arrival);
  }
  while (!stopped_) {
    std::optional<Evaluator::Due> due = evaluation_.take_due();
    if (!due) co_return;
    co_await measure(*due);
  }
}

Task<void> Run::await_reports() {
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

Task<void> Run::measure(Evaluator::Due& due) {
  Measurement& measurement = due.measurement;
  local_.clock.pause();
  co_await compute([&] { Evaluator::measure(due, learner_); });
  local_.clock.resume();
  const bool is_good = evaluation_.measured(due);
  if (!is_good && due.step == options_.steps) {
    record(measurement);
    throw divergence(due.broken, due.step);
  }
  if ((options_.until && options_.until(measurement)) || evaluation_.is_out_of_patience()) {
    stopped_ = true;
    stopped_by_ = measurement;
    link_.broadcast_end(EndNotice{.kind = EndNotice::Kind::kStop, .text = "the end of the job is reached"}.encode());
    co_return;
  }
  record(measurement);
}

void Run::record(const Measurement& measurement) {
  if (observer_.on_measurement) observer_.on_measurement(measurement);
}

}  // namespace laconic::process
