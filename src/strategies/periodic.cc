// Periodic averaging: local SGD with the models averaged every `period` steps (`periodic`), and its special case of
// every step (`synchronous`).
//
//   every step:  w_k := local step at w_k;  if t mod period = 0:  w_k := (1/K) sum_k w_k
//
// Synchronous is the baseline of Theologitis et al. 2025, periodic(b) and continuous those of Kamp et al. 2018.
// Optimiser state stays local. Invariant: after a synchronisation all workers hold the same bits, the mean of the
// models (P1). Messages: one all-reduce of d floats every `period` steps.
#include <algorithm>

#include "strategies/rows.h"

namespace laconic {
namespace {

class Periodic final : public Strategy {
 public:
  explicit Periodic(std::uint64_t period) : period_(period) {}

  Task<void> round(Worker& self) override {
    co_await self.local_step();
    if (self.step().value % period_ != 0) co_return;
    const SharedVector mean = co_await self.comm().all_reduce_mean(self.params(), Traffic::kModel);
    std::copy(mean.values().begin(), mean.values().end(), self.params().begin());
    self.synchronised();
  }

 private:
  std::uint64_t period_;
};

StrategyFactory make_periodic(std::uint64_t period) {
  return [period] { return std::make_unique<Periodic>(period); };
}

TrafficFormula traffic_of(const StrategySetting& setting, std::uint64_t period) {
  TrafficFormula formula;
  formula.sync(Traffic::kModel) = all_reduce_payload(setting.collective, setting.world_size, setting.dimension).value;
  formula.steps_per_sync = period;
  return formula;
}

const std::vector<OptionSpec> kOptions = {
    {.name = "period",
     .type = OptionType::kInteger,
     .default_value = "10",
     .minimum = 1,
     .help = "local steps between two averages"},
};

}  // namespace

const StrategyRow kPeriodic = {
    .name = "periodic",
    .help = "average the models every `period` steps (local SGD)",
    .source = "Kamp et al. 2018 (periodic); McDonald et al. 2009",
    .options = kOptions,
    .make = [](const Options& options, const StrategySetting&) { return make_periodic(options.integer("period")); },
    .traffic = [](const Options& options,
                  const StrategySetting& setting) { return traffic_of(setting, options.integer("period")); }};

const StrategyRow kSynchronous = {
    .name = "synchronous",
    .help = "average the models after every step",
    .source = "Theologitis et al. 2025 (Synchronous); Kamp et al. 2018 (continuous)",
    .options = {},
    .make = [](const Options&, const StrategySetting&) { return make_periodic(1); },
    .traffic = [](const Options&, const StrategySetting& setting) { return traffic_of(setting, 1); }};

}  // namespace laconic
