// Periodic averaging: local SGD with the models averaged every `period` steps (`periodic`), and its special case of
// every step (`synchronous`).
//
//   every step:  w_k := local step at w_k;  if t mod period = 0:  w_k := sum_k a_k w_k / sum_k a_k
//
//   a_k  1, or worker k's training samples: `weights`
//
// Synchronous is the baseline of Theologitis et al. 2025, periodic(b) and continuous those of Kamp et al. 2018.
// Optimiser state stays local. Invariant: after a synchronisation all workers hold the same bits, the mean of the
// models (P1), weighted or not. Messages: one average of all models every `period` steps (averaging.h).
#include "mechanisms/averaging.h"
#include "mechanisms/weights_option.h"
#include "protocol/strategy.h"

namespace laconic {
namespace {

class Periodic final : public Strategy {
 public:
  Periodic(std::uint64_t period, const StrategySetting& setting, const SharedWeights& weights)
      : period_(period), comes_and_goes_(setting.comes_and_goes), averaging_(setting, weights) {}

  Task<void> round(Worker& self) override {
    co_await self.local_step();
    if (self.step().value % period_ != 0) co_return;
    const SharedVector mean = co_await averaging_.mean(self);
    co_await self.set_params(mean);
    self.synchronised();
  }

  Task<void> coordinate(Coordinator& self) override { return averaging_.coordinate(self); }
  void archive(Archive& archive) override {
    averaging_.archive(archive);
    if (comes_and_goes_) averaging_.archive_common(archive);
  }
  void archive_common(Archive& archive) override { averaging_.archive_common(archive); }
  std::span<const float> common_model() const override { return averaging_.common(); }

 private:
  std::uint64_t period_;
  bool comes_and_goes_;
  Averaging averaging_;
};

StrategyFactory make_periodic(std::uint64_t period, const Options& options, const StrategySetting& setting) {
  const SharedWeights weights = read_weights(options, setting);
  return [=] { return std::make_unique<Periodic>(period, setting, weights); };
}

TrafficFormula traffic_of(const StrategySetting& setting, std::uint64_t period) {
  TrafficFormula formula;
  add_average(formula, setting);
  formula.steps_per_sync = period;
  return formula;
}

const std::vector<OptionSpec> kOptions = {
    {.name = "period",
     .type = OptionType::kInteger,
     .default_value = "10",
     .minimum = 1,
     .help = "local steps between two averages"},
    weights_option(),
};
const std::vector<Variant> kVariants = {{}, {.name = "samples", .options = {{"period", "4"}, {"weights", "samples"}}}};
const std::vector<OptionSpec> kSynchronousOptions = {weights_option()};
const std::vector<Variant> kSynchronousVariants = {{}, {.name = "samples", .options = {{"weights", "samples"}}}};

Demands demands(const Options&) {
  return {.compression = Compression::kOptional, .tolerates_absence = true, .common_is_mean = true};
}

}  // namespace

extern const StrategyRow kPeriodic;
const StrategyRow kPeriodic = {
    .name = "periodic",
    .help = "average the models every `period` steps (local SGD)",
    .source = "Kamp et al. 2018 (periodic); McDonald et al. 2009",
    .options = kOptions,
    .demands = demands,
    .variants = kVariants,
    .make = [](const Options& options,
               const StrategySetting& setting) { return make_periodic(options.integer("period"), options, setting); },
    .traffic = [](const Options& options,
                  const StrategySetting& setting) { return traffic_of(setting, options.integer("period")); }};

extern const StrategyRow kSynchronous;
const StrategyRow kSynchronous = {
    .name = "synchronous",
    .help = "average the models after every step",
    .source = "Theologitis et al. 2025 (Synchronous); Kamp et al. 2018 (continuous)",
    .file = "periodic.cc",
    .options = kSynchronousOptions,
    .demands = demands,
    .variants = kSynchronousVariants,
    .paper_bytes = [](const Options&, const StrategySetting& setting, std::uint64_t steps,
                      std::uint64_t) -> std::optional<double> {
      return static_cast<double>(steps) * 8.0 * static_cast<double>(setting.dimension) * setting.world_size;
    },
    .make = [](const Options& options, const StrategySetting& setting) { return make_periodic(1, options, setting); },
    .traffic = [](const Options&, const StrategySetting& setting) { return traffic_of(setting, 1); }};

}  // namespace laconic
