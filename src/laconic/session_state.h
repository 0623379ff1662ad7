// What a session holds: the user's tensors, the learner that they are copied to and from, and whose turn it is.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "laconic/loop_learner.h"
#include "laconic/loop_run.h"
#include "laconic/session.h"

namespace laconic {

struct Session::State {
  std::shared_ptr<LoopRun> run;
  int rank;
  std::vector<at::Tensor> parameters;
  LoopLearner& learner;  // the run's
  LoopLearner::Turn turn = LoopLearner::Turn::kStep;
  std::uint64_t steps_done = 0;
  bool has_thrown = false;  // the run's error, which the loop knows

  State(std::shared_ptr<LoopRun> joined, int own_rank, std::vector<at::Tensor> tensors, LoopLearner& own_learner)
      : run(std::move(joined)), rank(own_rank), parameters(std::move(tensors)), learner(own_learner) {}
  // Ends a run that is not done, for all.
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  std::string named() const { return "worker " + std::to_string(rank); }
  // Waits for the loop's next turn, and shows it what the strategy has made of the model.
  void await_turn();
  void refuse_after_end() const;
};

}  // namespace laconic
