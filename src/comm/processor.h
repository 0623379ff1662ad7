// A node's processor: where arithmetic is handed to, so that a runtime can overlap it with communication and with other
// nodes' work.
#pragma once

#include <cstddef>
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
  // Starts `work` at once, on another thread or later; work of one processor never overlaps with other work of it and is
  // done in the order submitted. To wait for it: Pending::done().
  virtual Pending submit(Cost cost, std::function<void()> work) = 0;
};

// Does all work where it is submitted. Whoever waits for it is not suspended.
class InPlaceProcessor final : public Processor {
 public:
  Pending submit(Cost cost, std::function<void()> work) override;
};

// Arithmetic on fewer elements is done where it stands, whatever the processor: to hand it to another thread and to hear
// of its end takes about as long.
inline constexpr std::size_t kWorthAHop = std::size_t{1} << 14;
constexpr bool is_worth_a_hop(std::size_t elements) { return elements >= kWorthAHop; }

}  // namespace laconic
