#include "laconic/simulated_run.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "base/error.h"
#include "laconic/tensors.h"
#include "report/format.h"
#include "runtimes/sim/simulation.h"

namespace laconic {
namespace {

std::string named(int rank) { return "worker " + std::to_string(rank); }

}  // namespace

SimulatedRun::SimulatedRun(Job job, NoticeSink notices)
    : job_(std::move(job)),
      steps_(job_.section("job").integer("steps")),
      patience_(patience_of(job_)),
      notices_(std::move(notices)),
      workers_(job_.workers) {}

SimulatedRun::~SimulatedRun() { end(std::make_exception_ptr(RunError("the simulation was destroyed"))); }

LoopLearner& SimulatedRun::join(int rank, Layout layout, std::vector<float> start, std::vector<MemoryRange> memory,
                                std::uint64_t samples) {
  std::unique_lock lock(mutex_);
  if (error_) std::rethrow_exception(error_);
  admit(rank,
        {.layout = std::move(layout), .start = std::move(start), .memory = std::move(memory), .samples = samples});
  if (std::ranges::all_of(workers_, &std::optional<JoinedWorker>::has_value)) {
    begin();
    changed_.notify_all();
  }
  const bool came = changed_.wait_for(lock, std::chrono::duration<double>(patience_.value),
                                      [this] { return error_ || !learners_.empty(); });
  if (error_) std::rethrow_exception(error_);
  if (!came) {
    throw PeerLost(missing() + " did not join within " + significant(patience_.value, 3) +
                   " s; join from a thread for each worker, or raise network.deadline");
  }
  return *learners_[static_cast<std::size_t>(rank)];
}

void SimulatedRun::admit(int rank, JoinedWorker worker) {
  if (rank < 0 || rank >= world_size()) {
    throw UsageError(named(rank) + " joins a job whose ranks are 0 to " + std::to_string(world_size() - 1) +
                     "; give another rank, or raise workers.count");
  }
  std::optional<JoinedWorker>& own = workers_[static_cast<std::size_t>(rank)];
  if (own) throw UsageError(named(rank) + " joins a second time; give each thread a rank of its own");
  if (worker.samples == 0) throw UsageError(named(rank) + " joins with no samples; give at least 1");
  for (int other = 0; other < world_size(); ++other) {
    const std::optional<JoinedWorker>& known = workers_[static_cast<std::size_t>(other)];
    if (!known) continue;
    require_same_shapes(worker.layout, known->layout, named(rank), other);
    if (have_common_memory(worker.memory, known->memory)) {
      throw UsageError(named(rank) + " joins with parameters of " + named(other) +
                       "; give each worker a model of its own");
    }
  }
  own = std::move(worker);
}

bool SimulatedRun::has_joined(int rank) {
  const std::lock_guard lock(mutex_);
  return workers_.at(static_cast<std::size_t>(rank)).has_value();
}

std::string SimulatedRun::missing() const {
  std::string names;
  for (int rank = 0; rank < world_size(); ++rank) {
    if (!workers_[static_cast<std::size_t>(rank)]) names += (names.empty() ? "" : ", ") + named(rank);
  }
  return names;
}

// With the mutex held.
void SimulatedRun::begin() {
  ModelFacts facts{.layout = workers_.front()->layout, .start = workers_.front()->start, .steps = steps_};
  for (const std::optional<JoinedWorker>& worker : workers_) facts.samples.push_back(worker->samples);
  setup_ = set_up_own_loop(job_, facts);
  for (int rank = 0; rank < world_size(); ++rank) {
    std::optional<JoinedWorker>& worker = workers_[static_cast<std::size_t>(rank)];
    learners_.push_back(
        std::make_unique<LoopLearner>(Rank{rank}, facts.layout, facts.start, worker->samples, patience_));
    worker->start = {};
  }
  protocol_ = std::thread([this] { drive(); });
}

void SimulatedRun::drive() {
  try {
    const Runtime runtime = [this](const JobSetup& setup, const StrategyFactory& make_strategy,
                                   const RunObserver& observer) {
      std::vector<Learner*> learners;
      for (const auto& learner : learners_) learners.push_back(learner.get());
      return sim::simulate(setup.simulation, learners, make_strategy, observer);
    };
    RunObserver observer;
    observer.on_warning = [this](const std::string& text) {
      notify(notices_, Severity::kWarning, job_.name + ": " + text);
    };
    const RunResult result = run_job(job_, setup_, observer, runtime);
    if (result.outcome.error) std::rethrow_exception(result.outcome.error);
    const std::lock_guard lock(mutex_);
    if (error_) return;
    summary_ = summary_of(result);
    for (const auto& learner : learners_) learner->finish();
    changed_.notify_all();
  } catch (...) {
    abandon(std::current_exception());
  }
}

void SimulatedRun::abandon(const std::exception_ptr& error) {
  const std::lock_guard lock(mutex_);
  if (error_ || summary_) return;
  error_ = error;
  for (const auto& learner : learners_) learner->fail(error);
  changed_.notify_all();
}

void SimulatedRun::end(const std::exception_ptr& error) {
  abandon(error);
  std::thread protocol;
  {
    const std::lock_guard lock(mutex_);
    protocol.swap(protocol_);
  }
  if (protocol.joinable()) protocol.join();
}

RunSummary SimulatedRun::summary() {
  std::unique_lock lock(mutex_);
  if (learners_.empty() && !error_) throw UsageError("the summary of a run that has not begun; join all workers first");
  changed_.wait(lock, [this] { return error_ || summary_; });
  if (error_) std::rethrow_exception(error_);
  return *summary_;
}

std::exception_ptr SimulatedRun::error() {
  const std::lock_guard lock(mutex_);
  return error_;
}

}  // namespace laconic
