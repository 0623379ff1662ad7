#include "in_memory.h"

#include "base/error.h"
#include "links/session/link.h"

namespace laconic::tests {
namespace {

void note_error(ProcessResult& result, const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const PeerLost& lost) {
    result.is_loss = true;
    result.error = lost.what();
  } catch (const Interrupted& interrupted) {
    result.is_interrupted = true;
    result.error = interrupted.what();
  } catch (const std::exception& other) {
    result.error = other.what();
  }
}

}  // namespace

ProcessesResult run_over_processes(const Scenario& scenario, const ProcessesOptions& options) {
  const int size = scenario.problem.workers;
  sim::ProcessWorldOptions world_options = options.world;
  world_options.network.processes = size;
  sim::ProcessWorld world(world_options);
  if (options.plan) options.plan(world);

  ProcessesResult result;
  result.processes.resize(static_cast<std::size_t>(size));
  const auto body = [&](int rank) {
    const auto index = static_cast<std::size_t>(rank);
    ProcessResult& own = result.processes[index];
    const std::unique_ptr<Learner> learner = learner_of(scenario, rank);
    try {
      RunObserver observer;
      if (options.interrupted) observer.interrupted = [&, rank] { return options.interrupted(rank); };
      if (rank == 0) {
        observer.on_measurement = [&](const Measurement& measurement) { result.measurements.push_back(measurement); };
      }
      std::unique_ptr<session::SessionLink> sessions;
      if (options.over_sessions) {
        const session::SessionOptions of_job{.self = rank, .size = size, .seed = 1, .deadline = scenario.deadline};
        sessions = std::make_unique<session::SessionLink>(world.streams(rank), world.host(rank).clock(), of_job);
      }
      node::Link& link = sessions ? static_cast<node::Link&>(*sessions) : world.link(rank);
      process::Process process(link, world.host(rank), scenario.deadline, observer.interrupted);
      process::ProcessOptions run;
      static_cast<RunOptions&>(run) = run_options(scenario);
      run.average = options.average;
      if (!options.keepers.empty()) run.checkpoints.keeper = options.keepers[index];
      if (!options.resume.empty()) run.checkpoints.resume = options.resume[index];
      own.outcome = process.run(run, *learner, strategy_factory(scenario), observer);
      if (own.outcome->error) note_error(own, own.outcome->error);
      if (sessions) result.breaks += sessions->breaks();
    } catch (...) {
      note_error(own, std::current_exception());
    }
    own.params.assign(learner->params().begin(), learner->params().end());
    own.ended = world.events().now();
  };
  try {
    world.run(body);
  } catch (const std::exception& error) {
    result.hang = error.what();
  }
  result.trace_hash = world.trace_hash();
  result.ended = world.events().now();
  result.lost = world.network().lost();
  return result;
}

}  // namespace laconic::tests
