// What a process stands on beside its link: time, threads that compute, and what its machine knows of processes.
#pragma once

#include <memory>
#include <string>

#include "runtimes/node/clock.h"
#include "runtimes/node/processor.h"
#include "runtimes/node/run.h"
#include "runtimes/process/watchdog.h"

namespace laconic::process {

class Host {
 public:
  virtual ~Host() = default;
  virtual Clock& clock() = 0;
  // The processor of a run on vectors of `dimension` elements. The host outlives it.
  virtual std::unique_ptr<PolledProcessor> processor(const RunOptions& options, std::size_t dimension) = 0;
  // A processor for sums and copies of vectors of so many elements, beside the one above: a thread of its own, in the
  // state of the thread that calls this and not of those that compute gradients.
  virtual std::unique_ptr<PolledProcessor> processor_of_sums(std::size_t dimension) = 0;
  // What this process tells all others of itself, so that they see whether it has ended.
  virtual std::string self() const = 0;
  // Whether the process that told `other` is known to have ended; `own`: what this one told.
  virtual bool has_ended(const std::string& own, const std::string& other) const = 0;
  // Watches the calling thread; null where nothing can hold it up.
  virtual std::unique_ptr<Watchdog> watch(Watchdog::Options options) = 0;
};

// A process of the operating system, in real time.
class MachineHost final : public Host {
 public:
  Clock& clock() override { return clock_; }
  std::unique_ptr<PolledProcessor> processor(const RunOptions& options, std::size_t dimension) override;
  std::unique_ptr<PolledProcessor> processor_of_sums(std::size_t dimension) override;
  std::string self() const override;
  bool has_ended(const std::string& own, const std::string& other) const override;
  std::unique_ptr<Watchdog> watch(Watchdog::Options options) override {
    return std::make_unique<Watchdog>(std::move(options));
  }

 private:
  SteadyClock clock_;
};

}  // namespace laconic::process
