// The clock of a run over several processes: real time, which stands still while a run is only looked at.
#pragma once

#include <chrono>

#include "base/units.h"

namespace laconic::mpi {

class RunClock {
 public:
  Seconds now() const { return paused_ ? paused_at_ : Seconds{elapsed() - behind_}; }

  // No pause begins inside another.
  void pause() {
    paused_at_ = now();
    paused_ = true;
  }
  void resume() {
    if (paused_) behind_ = elapsed() - paused_at_.value;
    paused_ = false;
  }
  // It is `now`: of a run that goes on.
  void set(Seconds now) { behind_ = elapsed() - now.value; }

 private:
  double elapsed() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  double behind_ = 0.0;  // of the real time since the start
  bool paused_ = false;
  Seconds paused_at_;
};

}  // namespace laconic::mpi
