// Supervises work on any thread from the thread of the protocol, which alone may ask and tell the run's observer.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/supervision.h"

namespace laconic {

class SharedSupervisor final : public Supervisor {
 public:
  // Made by the thread of the protocol. `look` is called there alone: by that thread where it waits, and by work that it
  // does itself. It asks whether the run shall end (give_up) and passes on what take() gives.
  explicit SharedSupervisor(std::function<void()> look) : look_(std::move(look)), owner_(std::this_thread::get_id()) {}

  bool interrupted() override {
    if (std::this_thread::get_id() == owner_) look_();
    return given_up_;
  }
  void progress(const Progress& progress) override {
    const std::lock_guard lock(mutex_);
    what_.assign(progress.what);
    newest_ = progress;
  }

  // From now on all work is given up.
  void give_up() { given_up_ = true; }
  bool has_given_up() const { return given_up_; }
  // Calls `tell` with the newest progress, where there is some since the last call.
  void take(const std::function<void(const Progress&)>& tell) {
    std::optional<Progress> newest;
    std::string what;
    {
      const std::lock_guard lock(mutex_);
      newest.swap(newest_);
      what = what_;
    }
    if (!newest) return;
    newest->what = what;
    tell(*newest);
  }

 private:
  std::function<void()> look_;
  std::thread::id owner_;
  std::atomic<bool> given_up_ = false;
  std::mutex mutex_;
  std::string what_;
  std::optional<Progress> newest_;  // its text is in what_
};

// Passes on the wish for an end and says nothing: for the parts of work whose whole is told of.
class QuietSupervisor final : public Supervisor {
 public:
  explicit QuietSupervisor(Supervisor& whole) : whole_(whole) {}
  bool interrupted() override { return whole_.interrupted(); }
  void progress(const Progress&) override {}

 private:
  Supervisor& whole_;
};

}  // namespace laconic
