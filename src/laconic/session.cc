#include "laconic/session.h"

#include <string>
#include <thread>
#include <utility>

#include "base/error.h"
#include "laconic/desk.h"
#include "laconic/loop_run.h"
#include "laconic/tensors.h"

namespace laconic {

struct Session::State {
  std::shared_ptr<LoopRun> run;
  int rank;
  std::vector<at::Tensor> parameters;
  Desk& desk;  // the run's
  Desk::Turn turn = Desk::Turn::kStep;
  std::uint64_t steps_done = 0;

  State(std::shared_ptr<LoopRun> joined, int own_rank, std::vector<at::Tensor> tensors, Desk& own_desk)
      : run(std::move(joined)), rank(own_rank), parameters(std::move(tensors)), desk(own_desk) {}

  ~State() {
    if (turn == Desk::Turn::kOver) return;
    run->abandon(std::make_exception_ptr(
        RunError(named() + " has left after " + std::to_string(steps_done) + " of " + std::to_string(run->steps()) +
                 " steps; keep its session until step() returns false, or lower job.steps")));
  }

  std::string named() const { return "worker " + std::to_string(rank); }

  // Waits for the loop's next turn, and shows it what the strategy has made of the model.
  void take_turn() {
    turn = desk.take();
    copy_back_values(desk.params(), parameters);
    if (turn == Desk::Turn::kApply) copy_back_gradients(desk.gradient(), parameters);
  }

  void refuse_after_end() const {
    if (turn != Desk::Turn::kOver) return;
    throw UsageError(named() + " has taken all of the job's " + std::to_string(run->steps()) +
                     " steps; leave the loop when step() returns false, or raise job.steps");
  }
};

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

int Session::rank() const { return state_->rank; }
int Session::world_size() const { return state_->run->world_size(); }
std::uint64_t Session::steps_done() const { return state_->steps_done; }
std::uint64_t Session::steps() const { return state_->run->steps(); }
bool Session::finished() const { return state_->turn == Desk::Turn::kOver; }
bool Session::needs_gradient() const { return state_->run->needs_gradient(); }

void Session::gradient_ready() {
  State& state = *state_;
  state.refuse_after_end();
  if (state.turn == Desk::Turn::kStep) return;
  if (state.turn == Desk::Turn::kApply) {
    throw UsageError(state.named() + " calls gradient_ready() a second time in step " +
                     std::to_string(state.steps_done + 1) + "; call step() after the optimiser's step");
  }
  copy_gradients(state.parameters, state.desk.gradient());
  state.desk.hand_back();
  state.take_turn();
}

bool Session::step() {
  State& state = *state_;
  state.refuse_after_end();
  if (state.turn == Desk::Turn::kGradient) {
    throw UsageError(state.named() + " calls step() without gradient_ready() in step " +
                     std::to_string(state.steps_done + 1) +
                     ", which the job's strategy needs; call it between backward() and the optimiser's step");
  }
  copy_values(state.parameters, state.desk.params());
  state.desk.hand_back();
  ++state.steps_done;
  state.take_turn();
  return state.turn != Desk::Turn::kOver;
}

Simulation::Simulation(const std::string& job_file, const std::vector<std::string>& overrides)
    : run_(std::make_shared<LoopRun>(load_job(job_file, overrides, JobLoop::kOwn))) {}

Simulation::~Simulation() {
  run_->end(std::make_exception_ptr(RunError("the simulation was destroyed before its last step")));
}

int Simulation::world_size() const { return run_->world_size(); }

Session Simulation::join(int rank, std::vector<at::Tensor> parameters, const JoinOptions& options) {
  try {
    Layout layout = layout_of_parameters(parameters, "worker " + std::to_string(rank));
    std::vector<float> start(layout.size);
    copy_values(parameters, start);
    Desk& desk = run_->join(rank, std::move(layout), std::move(start), options.samples);
    auto state = std::make_unique<Session::State>(run_, rank, std::move(parameters), desk);
    state->take_turn();
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
