// A node's processor: where a strategy hands its arithmetic, so that a runtime can overlap it with communication and
// with other nodes' work.
#pragma once

#include <functional>
#include <memory>

#include "async/task.h"

namespace laconic {

// Work that was submitted and may still be under way. Whoever submitted it waits for it with done() before what the
// work reads or writes goes away.
class Pending {
 public:
  class State {
   public:
    virtual ~State() = default;
    // Returns when the work is done; throws what the work threw.
    virtual Task<void> wait() = 0;
  };
  explicit Pending(std::shared_ptr<State> state) : state_(std::move(state)) {}
  Task<void> done() { return state_->wait(); }

 private:
  std::shared_ptr<State> state_;
};

class Processor {
 public:
  virtual ~Processor() = default;

  enum class Cost {
    kStep,  // takes the time of a local step
    kFree,  // takes no time of the runtime's clock (arithmetic far below a step's)
  };
  // Starts `work` at once, on another thread or later; work of one node never overlaps with other work of that node and
  // is done in the order submitted. To wait for it: Pending::done().
  virtual Pending submit(Cost cost, std::function<void()> work) = 0;
};

}  // namespace laconic
