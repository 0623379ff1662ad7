// The time of a node, and how its thread waits for what comes next.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "base/units.h"

namespace laconic {

class Clock {
 public:
  virtual ~Clock() = default;
  // Time since the clock was made.
  virtual Seconds now() const = 0;
  // Returns when `span` has passed, or when wake() has been called since the last wait. May return sooner. For the
  // thread that owns the clock.
  virtual void wait(Seconds span) = 0;
  // Any thread.
  virtual void wake() = 0;
};

// Real time.
class SteadyClock final : public Clock {
 public:
  Seconds now() const override {
    return {std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count()};
  }
  void wait(Seconds span) override;
  void wake() override;

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::mutex mutex_;
  std::condition_variable woken_;
  bool is_woken_ = false;
};

// The clock of a run on a node's clock: it stands still while a run is only looked at.
class RunClock {
 public:
  // `clock` outlives it.
  explicit RunClock(const Clock& clock) : clock_(clock), behind_(clock.now().value) {}

  Seconds now() const { return paused_ ? paused_at_ : Seconds{clock_.now().value - behind_}; }
  // No pause begins inside another.
  void pause() {
    paused_at_ = now();
    paused_ = true;
  }
  void resume() {
    if (paused_) behind_ = clock_.now().value - paused_at_.value;
    paused_ = false;
  }
  bool is_paused() const { return paused_; }
  // It is `now`: of a run that goes on.
  void set(Seconds now) { behind_ = clock_.now().value - now.value; }

 private:
  const Clock& clock_;
  double behind_;  // the node's clock
  bool paused_ = false;
  Seconds paused_at_;
};

}  // namespace laconic
