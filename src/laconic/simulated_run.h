// A run in the simulator: who has joined, the desks between the loops and the protocol, the thread that runs the
// protocol, and how all of it ends.
#pragma once

#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "job/job.h"
#include "job/wiring.h"
#include "laconic/desk.h"
#include "laconic/loop_run.h"
#include "laconic/tensors.h"

namespace laconic {

// Every method may be called from any thread.
class SimulatedRun final : public LoopRun {
 public:
  // A job of JobLoop::kOwn.
  explicit SimulatedRun(Job job);
  ~SimulatedRun() override;
  SimulatedRun(const SimulatedRun&) = delete;
  SimulatedRun& operator=(const SimulatedRun&) = delete;

  int world_size() const override { return static_cast<int>(seats_.size()); }
  std::uint64_t steps() const override { return steps_; }
  bool needs_gradient() const override { return job_.demands().drive == LoopDrive::kGradient; }

  // Takes a worker's seat and waits until all have; the last one begins the run. What is wrong with one of them is
  // thrown in all. The desk lives as long as the run.
  Desk& join(int rank, Layout layout, std::vector<float> start, std::vector<MemoryRange> memory, std::uint64_t samples);
  bool has_joined(int rank);

  void abandon(const std::exception_ptr& error) override;
  // The same, and waits until nothing of the protocol is under way.
  void end(const std::exception_ptr& error);
  RunSummary summary() override;
  std::exception_ptr error();

 private:
  struct Seat {
    bool taken = false;
    Layout layout = {};
    std::vector<float> start = {};
    std::vector<MemoryRange> memory = {};
    std::uint64_t samples = 0;
  };
  void take(int rank, Seat seat);
  void begin();
  void drive();
  std::string absent() const;

  const Job job_;
  const std::uint64_t steps_;
  const Seconds patience_;  // on the wall clock

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Seat> seats_;
  JobSetup setup_;                            // once all have joined
  std::vector<std::unique_ptr<Desk>> desks_;  // likewise
  std::thread protocol_;
  std::exception_ptr error_;
  std::optional<RunSummary> summary_;
};

}  // namespace laconic
