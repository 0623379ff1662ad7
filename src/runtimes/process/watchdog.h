// Sees to it that a process ends though the thread that should end it is held up: by a link whose library does not
// come back from a call once a peer has died, or by a long computation.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "base/units.h"

namespace laconic::process {

class Watchdog {
 public:
  struct Options {
    std::function<bool()> interrupted;  // whether the process was asked to end; called on the watchdog's thread
    std::function<void()> asked = {};   // called once, on the same, as soon as it was
    Seconds grace;                      // how long the thread may take to end after that
    Seconds patience;                   // how long a call of the library may take
    // What is to be said of a thread that is inside the library: called while it is.
    std::function<std::string()> describe;
    // Ends the process, having said why. Called once, on the watchdog's thread.
    std::function<void(const std::string& why)> end;
    std::string library;  // as messages name it: node::Link::held_up_by()
  };
  // Begins to watch the calling thread, outside the library.
  explicit Watchdog(Options options);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // While one lives the watched thread is in a call of the library, and changes nothing that describe() reads.
  class Inside {
   public:
    // Null: nobody watches.
    explicit Inside(Watchdog* watchdog) : watchdog_(watchdog) {
      if (watchdog_ != nullptr) watchdog_->enter();
    }
    ~Inside() {
      if (watchdog_ != nullptr) watchdog_->leave();
    }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

   private:
    Watchdog* watchdog_;
  };

 private:
  void enter();
  void leave();
  void watch();

  Options options_;
  std::mutex state_;  // held by the watched thread outside the library
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  unsigned long calls_ = 0;  // of the library; under state_
  std::thread thread_;
};

}  // namespace laconic::process
