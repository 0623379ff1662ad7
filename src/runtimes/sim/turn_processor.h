// The processor of a process under a virtual clock: work is done where it is submitted, and counts as done at a time that
// its cost decides.
#pragma once

#include <algorithm>
#include <exception>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "runtimes/node/processor.h"

namespace laconic::sim {

class TurnProcessor final : public PolledProcessor {
 public:
  // `clock` outlives it. `step_cost`: of a local step.
  TurnProcessor(Clock& clock, Seconds step_cost) : clock_(clock), step_cost_(step_cost) {}

  Pending submit(Cost cost, std::function<void()> work) override {
    const Seconds start = std::max(clock_.now(), free_at_);
    free_at_ = cost == Cost::kStep ? start + step_cost_ : start;
    std::exception_ptr error;
    try {
      work();
    } catch (...) {
      error = std::current_exception();
    }
    return Pending(std::make_shared<Computation>(*this, free_at_, error));
  }

  bool poll() override {
    std::vector<Resume<bool>> done;
    while (!waiting_.empty() && waiting_.begin()->first <= clock_.now()) {
      done.push_back(std::move(waiting_.extract(waiting_.begin()).mapped()));
    }
    for (Resume<bool>& resume : done) resume(true);
    return !done.empty();
  }

  Seconds next() const override { return waiting_.empty() ? kNever : waiting_.begin()->first; }
  void stop() override {}
  void close() override { waiting_.clear(); }

 private:
  static constexpr Seconds kNever{std::numeric_limits<double>::infinity()};

  // Does not hold the coroutine that waits for it: that one holds the computation.
  class Computation final : public Pending::State {
   public:
    Computation(TurnProcessor& processor, Seconds done_at, std::exception_ptr error)
        : processor_(processor), done_at_(done_at), error_(std::move(error)) {}
    Task<void> wait() override {
      if (done_at_ > processor_.clock_.now()) {
        co_await suspend<bool>(
            [this](Resume<bool> resume) { processor_.waiting_.emplace(done_at_, std::move(resume)); });
      }
      if (error_) std::rethrow_exception(error_);
    }

   private:
    TurnProcessor& processor_;
    Seconds done_at_;
    std::exception_ptr error_;
  };

  Clock& clock_;
  Seconds step_cost_;
  Seconds free_at_;
  std::multimap<Seconds, Resume<bool>> waiting_;  // by the time when what they wait for is done
};

}  // namespace laconic::sim
