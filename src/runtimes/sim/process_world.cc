#include "runtimes/sim/process_world.h"

#include <limits>
#include <string>
#include <utility>

#include "runtimes/sim/turn_processor.h"

namespace laconic::sim {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

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
