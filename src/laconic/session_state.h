// A session's own: the user's tensors on one side, the desk on the other, and whose turn it is.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "laconic/desk.h"
#include "laconic/loop_run.h"
#include "laconic/session.h"

namespace laconic {

struct Session::State {
  std::shared_ptr<LoopRun> run;
  int rank;
  std::vector<at::Tensor> parameters;
  Desk& desk;  // the run's
  Desk::Turn turn = Desk::Turn::kStep;
  std::uint64_t steps_done = 0;
  bool has_thrown = false;  // the run's error, which the loop knows

  State(std::shared_ptr<LoopRun> joined, int own_rank, std::vector<at::Tensor> tensors, Desk& own_desk)
      : run(std::move(joined)), rank(own_rank), parameters(std::move(tensors)), desk(own_desk) {}
  // Ends a run that is not done, for all.
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  std::string named() const { return "worker " + std::to_string(rank); }
  // Waits for the loop's next turn, and shows it what the strategy has made of the model.
  void take_turn();
  void refuse_after_end() const;
};

}  // namespace laconic
