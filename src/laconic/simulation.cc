#include <thread>
#include <utility>

#include "base/error.h"
#include "laconic/notice_handler.h"
#include "laconic/session_state.h"
#include "laconic/simulated_run.h"
#include "laconic/tensors.h"

namespace laconic {

Simulation::Simulation(const std::string& job_file, const std::vector<std::string>& overrides, NoticeHandler on_notice)
    : run_(std::make_shared<SimulatedRun>(load_job(job_file, overrides, JobLoop::kOwn),
                                          sink_of(std::move(on_notice)))) {}

Simulation::~Simulation() {
  run_->end(std::make_exception_ptr(RunError("the simulation was destroyed before its last step")));
}

int Simulation::world_size() const { return run_->world_size(); }

Session Simulation::join(int rank, std::vector<at::Tensor> parameters, const JoinOptions& options) {
  try {
    Layout layout = layout_of_parameters(parameters, "worker " + std::to_string(rank));
    std::vector<float> start = start_of(parameters, layout, "worker " + std::to_string(rank));
    LoopLearner& learner =
        run_->join(rank, std::move(layout), std::move(start), memory_of(parameters), options.samples);
    auto state = std::make_unique<Session::State>(run_, rank, std::move(parameters), learner);
    state->await_turn();
    return Session(std::move(state));
  } catch (...) {
    run_->abandon(std::current_exception());
    throw;
  }
}

void Simulation::run(const std::function<void(int rank)>& loop) {
  std::vector<std::exception_ptr> errors(static_cast<std::size_t>(world_size()));
  const auto take_part = [&](int rank) {
    try {
      loop(rank);
      if (run_->has_joined(rank)) return;
      throw RunError("the loop of worker " + std::to_string(rank) + " ended without joining; call join() in it");
    } catch (...) {
      errors[static_cast<std::size_t>(rank)] = std::current_exception();
      run_->abandon(std::current_exception());
    }
  };
  std::vector<std::thread> threads;
  for (int rank = 0; rank < world_size(); ++rank) threads.emplace_back(take_part, rank);
  for (std::thread& thread : threads) thread.join();
  // A loop's own error comes before what the others were told of it.
  const std::exception_ptr common = run_->error();
  for (const std::exception_ptr& error : errors) {
    if (error && error != common) std::rethrow_exception(error);
  }
  if (common) std::rethrow_exception(common);
}

RunSummary Simulation::summary() { return run_->summary(); }

}  // namespace laconic
