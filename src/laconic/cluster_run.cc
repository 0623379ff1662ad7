#include "laconic/cluster_run.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>
#include <utility>

#include "base/byte_stream.h"
#include "base/error.h"
#include "job/processes.h"
#include "job/wiring.h"
#include "laconic/tensors.h"
#include "links/connection.h"
#include "report/format.h"

namespace laconic {
namespace {

// How long the library's own end may take before the program goes on without it.
constexpr Seconds kFinalize{10.0};
// Dimensions of a tensor that a process says its model has.
constexpr std::uint64_t kMostDimensions = 64;

std::vector<std::byte> encode_shapes(const Layout& layout) {
  ByteWriter out;
  out.varint(layout.tensors.size());
  for (const TensorLayout& tensor : layout.tensors) {
    out.varint(tensor.shape.size());
    for (const std::int64_t size : tensor.shape) out.varint(static_cast<std::uint64_t>(size));
  }
  return out.take();
}

// What require_same_shapes compares with: shapes alone.
Layout decode_shapes(std::span<const std::byte> bytes) {
  ByteReader in(bytes, "shapes of worker 0's model");
  Layout layout;
  for (std::uint64_t left = in.varint(); left > 0; --left) {
    TensorLayout& tensor = layout.tensors.emplace_back();
    const std::uint64_t dimensions = in.varint();
    if (dimensions > kMostDimensions) in.fail(std::to_string(dimensions) + " dimensions");
    for (std::uint64_t i = 0; i < dimensions; ++i) tensor.shape.push_back(static_cast<std::int64_t>(in.varint()));
  }
  in.expect_end();
  return layout;
}

std::string encode_summary(const RunSummary& summary) {
  ByteWriter out;
  for (const std::uint64_t value : {summary.steps, summary.syncs, summary.frames, summary.bytes}) out.u64(value);
  out.f64(summary.seconds);
  const std::span<const std::byte> bytes = out.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

RunSummary decode_summary(const std::string& text) {
  ByteReader in(std::as_bytes(std::span(text)), "summary of worker 0");
  RunSummary summary;
  for (std::uint64_t* value : {&summary.steps, &summary.syncs, &summary.frames, &summary.bytes}) *value = in.u64();
  summary.seconds = in.f64();
  in.expect_end();
  return summary;
}

}  // namespace

std::shared_ptr<ClusterRun> ClusterRun::begin(const std::string& job_file, const std::vector<std::string>& overrides,
                                              NoticeSink notices) {
  static std::atomic<bool> has_begun = false;
  if (has_begun.exchange(true)) {
    throw UsageError(
        "a second run over processes in one program: MPI can be started once only; start the program again");
  }
  std::shared_ptr<ClusterRun> run(new ClusterRun(std::move(notices)));
  // The library may not come back from its end, which the program's does not wait for.
  std::thread([run, job_file, overrides] { run->drive(job_file, overrides); }).detach();
  std::unique_lock lock(run->mutex_);
  run->changed_.wait(lock, [&] { return run->job_ || run->has_ended_; });
  if (run->error_) {
    const std::exception_ptr error = run->error_;
    run->changed_.wait(lock, [&] { return run->has_ended_; });
    std::rethrow_exception(error);
  }
  return run;
}

LoopLearner& ClusterRun::join(Layout layout, std::vector<float> start, std::uint64_t samples) {
  std::unique_lock lock(mutex_);
  if (error_) std::rethrow_exception(error_);
  if (std::exchange(has_joined_, true)) {
    throw UsageError("this process joins a second time; it is one worker, and its session is the one that it has");
  }
  request_ = {.layout = std::move(layout), .start = std::move(start), .samples = samples};
  changed_.notify_all();
  changed_.wait(lock, [this] { return error_ || learner_; });
  if (error_) std::rethrow_exception(error_);
  return *learner_;
}

bool ClusterRun::has_joined() {
  const std::lock_guard lock(mutex_);
  return has_joined_;
}

void ClusterRun::abandon(const std::exception_ptr& error) {
  std::unique_lock lock(mutex_);
  if (!has_ended_ && !error_) {
    error_ = error;
    if (learner_) learner_->fail(error);
    changed_.notify_all();
  }
  changed_.wait(lock, [this] { return has_ended_; });
}

void ClusterRun::tell(const std::string& text) { notify(notices_, Severity::kError, text); }

RunSummary ClusterRun::summary() {
  std::unique_lock lock(mutex_);
  if (!has_joined_ && !error_) throw UsageError("the summary of a run that has not begun; join first");
  changed_.wait(lock, [this] { return error_ || summary_; });
  if (error_) std::rethrow_exception(error_);
  return *summary_;
}

void ClusterRun::set_job(int rank, Job job) {
  const std::lock_guard lock(mutex_);
  rank_ = rank;
  steps_ = job.section("job").integer("steps");
  job_ = std::move(job);
  changed_.notify_all();
}

ClusterRun::JoinRequest ClusterRun::await_join() {
  std::unique_lock lock(mutex_);
  const Seconds patience = patience_of(*job_);
  const bool came =
      changed_.wait_for(lock, std::chrono::duration<double>(patience.value), [this] { return error_ || request_; });
  if (error_) std::rethrow_exception(error_);
  if (!came) {
    throw PeerLost("did not join within " + significant(patience.value, 3) +
                   " s of the others being there; see where the program is, or raise network.deadline");
  }
  if (request_->samples == 0) throw UsageError("joins with no samples; give at least 1");
  return std::exchange(request_, std::nullopt).value();
}

LoopLearner& ClusterRun::make_learner(Layout layout, std::vector<float> start, std::uint64_t samples) {
  const std::lock_guard lock(mutex_);
  if (error_) std::rethrow_exception(error_);
  learner_ =
      std::make_unique<LoopLearner>(Rank{rank_}, std::move(layout), std::move(start), samples, patience_of(*job_));
  changed_.notify_all();
  return *learner_;
}

RunSummary ClusterRun::take_part(process::Process& process, const std::string& job_file,
                                 const std::vector<std::string>& overrides) {
  process::Meeting& meeting = process.meeting();
  Job read = meeting.guarded([&] { return load_job(job_file, overrides, JobLoop::kOwn); });
  agree_on_job(read, process, false);
  set_job(process.rank(), std::move(read));
  const Job& job = *job_;

  JoinRequest own = meeting.guarded([&] { return await_join(); });
  const std::vector<std::byte> shapes = meeting.hear_leader(encode_shapes(own.layout));
  meeting.together([&] {
    require_same_shapes(own.layout, decode_shapes(shapes), "its model", 0);
    return true;
  });
  ModelFacts facts{.layout = std::move(own.layout), .start = {}, .samples = {}, .steps = steps_};
  const std::vector<std::byte> start = meeting.hear_leader(std::as_bytes(std::span(own.start)));
  facts.start.resize(facts.layout.size);
  ByteReader(start, "model of worker 0").floats(facts.start);
  for (const std::string& text : meeting.share(std::to_string(own.samples))) {
    facts.samples.push_back(std::strtoull(text.c_str(), nullptr, 10));
  }
  const JobSetup setup = meeting.guarded([&] { return set_up_own_loop(job, facts); });
  agree_on_start(setup, process);

  LoopLearner& learner = make_learner(facts.layout, facts.start, own.samples);
  const std::string name = job.name + ", worker " + std::to_string(rank_);
  RunObserver observer;
  observer.on_warning = [&](const std::string& text) { notify(notices_, Severity::kWarning, name + ": " + text); };
  const Runtime runtime = [&](const JobSetup&, const StrategyFactory& make_strategy, const RunObserver& recording) {
    return run_process(process, setup, false, learner, make_strategy, recording, end_saying(notices_, name));
  };
  const RunResult result = run_job(job, setup, observer, runtime);
  if (result.outcome.error) std::rethrow_exception(result.outcome.error);
  // Process 0 alone knows what all have sent.
  return decode_summary(meeting.share(encode_summary(summary_of(result))).front());
}

void ClusterRun::drive(const std::string& job_file, const std::vector<std::string>& overrides) {
  std::optional<JobProcess> process;
  std::exception_ptr error;
  std::optional<RunSummary> summary;
  try {
    const std::optional<links::Launch> launch = links::find_launch();
    end_without_library_at_exit(true);
    const std::string name = "worker " + std::to_string(launch ? launch->rank : 0);
    process.emplace(launch, first_deadline(job_file, overrides, JobLoop::kOwn), std::function<bool()>{},
                    end_saying(notices_, name));
    summary = take_part(process->process(), job_file, overrides);
  } catch (...) {
    error = std::current_exception();
  }
  if (process && (summary || process->process().meeting().has_objection())) {
    try {
      process->part(kFinalize, [&] { end(error, summary); });
      end_without_library_at_exit(false);
    } catch (...) {
      if (!error) error = std::current_exception();
    }
  }
  end(error, summary);
}

void ClusterRun::end(const std::exception_ptr& error, const std::optional<RunSummary>& summary) {
  const std::lock_guard lock(mutex_);
  if (has_ended_) return;
  // What ended the run here, as by abandon(), comes before what became of it.
  if (error && !error_) error_ = error;
  if (!error_) summary_ = summary;
  if (learner_ && error_) learner_->fail(error_);
  if (learner_ && !error_) learner_->finish();
  has_ended_ = true;
  changed_.notify_all();
}

}  // namespace laconic
