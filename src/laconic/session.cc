#include "laconic/session.h"

#include <exception>
#include <string>
#include <utility>

#include "base/error.h"
#include "laconic/session_state.h"
#include "laconic/tensors.h"

namespace laconic {

Session::State::~State() {
  if (turn == LoopLearner::Turn::kOver) return;
  const std::string text = named() + " has left after " + std::to_string(steps_done) + " of " +
                           std::to_string(run->steps()) +
                           " steps; keep its session until step() returns false, or lower job.steps";
  // What the loop has thrown, or been told before, says more.
  if (std::uncaught_exceptions() == 0 && !has_thrown) run->tell(text);
  run->abandon(std::make_exception_ptr(RunError(text)));
}

void Session::State::await_turn() {
  has_thrown = true;
  turn = learner.await_turn();
  has_thrown = false;
  // Between the gradient and the step nobody but the loop changes the model.
  if (turn == LoopLearner::Turn::kApply) {
    copy_back_gradients(learner.gradient(), parameters, learner.layout(), named());
  } else {
    copy_back_values(learner.params(), parameters, learner.layout(), named());
  }
}

void Session::State::refuse_after_end() const {
  if (turn != LoopLearner::Turn::kOver) return;
  throw UsageError(named() + " has taken all of the job's " + std::to_string(run->steps()) +
                   " steps; leave the loop when step() returns false, or raise job.steps");
}

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Session::State& Session::state() const {
  if (state_) return *state_;
  throw UsageError("a session that was moved from, or is not there, is used; take the one that it was moved to");
}

int Session::rank() const { return state().rank; }
int Session::world_size() const { return state().run->world_size(); }
std::uint64_t Session::steps_done() const { return state().steps_done; }
std::uint64_t Session::steps() const { return state().run->steps(); }
bool Session::finished() const { return state().turn == LoopLearner::Turn::kOver; }
bool Session::needs_gradient() const { return state().run->needs_gradient(); }

void Session::gradient_ready() {
  State& state = this->state();
  state.refuse_after_end();
  if (state.turn == LoopLearner::Turn::kStep) return;
  if (state.turn == LoopLearner::Turn::kApply) {
    throw UsageError(state.named() + " calls gradient_ready() a second time in step " +
                     std::to_string(state.steps_done + 1) + "; call step() after the optimiser's step");
  }
  copy_gradients(state.parameters, state.learner.layout(), state.learner.gradient(), state.named());
  state.learner.end_turn();
  state.await_turn();
}

bool Session::step() {
  State& state = this->state();
  state.refuse_after_end();
  if (state.turn == LoopLearner::Turn::kGradient) {
    throw UsageError(state.named() + " calls step() without gradient_ready() in step " +
                     std::to_string(state.steps_done + 1) +
                     ", which the job's strategy needs; call it between backward() and the optimiser's step");
  }
  copy_values(state.parameters, state.learner.layout(), state.learner.params(), state.named());
  state.learner.end_turn();
  ++state.steps_done;
  state.await_turn();
  return state.turn != LoopLearner::Turn::kOver;
}

RunSummary Session::summary() {
  if (!finished()) {
    throw UsageError(state().named() +
                     " asks for the summary of a run that goes on; ask when step() has returned false");
  }
  return state_->run->summary();
}

}  // namespace laconic
