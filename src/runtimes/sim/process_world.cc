#include "runtimes/sim/process_world.h"

#include <algorithm>
#include <exception>
#include <limits>
#include <map>
#include <string>
#include <utility>

namespace laconic::sim {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

// Work is done where it is submitted, and counts as done at a time that its cost decides.
class TurnProcessor final : public PolledProcessor {
 public:
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

  Seconds next() const override { return waiting_.empty() ? Seconds{kNever} : waiting_.begin()->first; }
  void stop() override {}
  void close() override { waiting_.clear(); }

 private:
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

class TurnHost final : public process::Host {
 public:
  TurnHost(Clock& clock, Seconds step_cost) : clock_(clock), step_cost_(step_cost) {}
  Clock& clock() override { return clock_; }
  std::unique_ptr<PolledProcessor> processor(const RunOptions&, std::size_t) override {
    return std::make_unique<TurnProcessor>(clock_, step_cost_);
  }
  std::unique_ptr<PolledProcessor> processor_of_sums(std::size_t) override {
    return std::make_unique<TurnProcessor>(clock_, step_cost_);
  }
  // Of each other these processes know what they say.
  std::string self() const override { return {}; }
  bool has_ended(const std::string&, const std::string&) const override { return false; }
  std::unique_ptr<process::Watchdog> watch(process::Watchdog::Options) override { return nullptr; }

 private:
  Clock& clock_;
  Seconds step_cost_;
};

}  // namespace

ProcessWorld::ProcessWorld(const ProcessWorldOptions& options)
    : options_(options),
      turns_(events_, options.network.processes),
      network_(options.network, events_, trace_, [this](int process) -> Clock& { return turns_.clock(process); }),
      streams_({.processes = options.network.processes,
                .interface = options.network.interface,
                .latency = options.network.latency,
                .buffer = options.stream_buffer},
               events_, trace_, [this](int process) -> Clock& { return turns_.clock(process); }) {
  for (int process = 0; process < options.network.processes; ++process) {
    hosts_.push_back(std::make_unique<TurnHost>(turns_.clock(process), options.step_cost));
  }
}

ProcessWorld::~ProcessWorld() = default;

void ProcessWorld::crash(int process) {
  network_.cut_off(process);
  streams_.crash(process, /*tells=*/false);
  turns_.stall(process, {kNever});
}

}  // namespace laconic::sim
