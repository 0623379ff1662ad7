// My strategy: every worker trains alone, and every few steps goes a part of the way to the average of all models
// (Author and Author YEAR, algorithm N).
//
//   every step:  w_k := local step at w_k
//   if t mod b = 0:  w_k := w_k + beta (m - w_k),  m := (1/K) sum_j w_j
//
//   b      period   local steps between two averages
//   beta   mix      part of the way to the average
//
// Other than in the paper: nothing. Assumes that all workers begin with the same model. Invariant: a synchronisation
// leaves the mean of all models as it is. Optimiser state stays local.
// Messages: one average of all models every `period` steps (averaging.h).
#include "kernels/vector_ops.h"
#include "mechanisms/averaging.h"
#include "protocol/strategy.h"

namespace laconic {
namespace {

struct MyOptions {
  std::uint64_t period = 10;
  double mix = 0.5;
};

class MyStrategy final : public Strategy {
 public:
  MyStrategy(const MyOptions& options, const StrategySetting& setting) : options_(options), averaging_(setting) {}

  Task<void> round(Worker& self) override {
    co_await self.local_step();
    if (self.step().value % options_.period != 0) co_return;
    const SharedVector mean = co_await averaging_.mean(self);
    // Arithmetic on whole vectors is handed to the node's processor.
    co_await self.compute([&] {
      kernels::axpy_difference(static_cast<float>(-options_.mix), self.params(), mean, self.params());
    });
    self.synchronised();
  }

  // The coordinator's side. Without one of its own a strategy leaves this out, and the collectives are served.
  Task<void> coordinate(Coordinator& self) override { return averaging_.coordinate(self); }

  // All that the next rounds depend on: saved and loaded by the same text.
  void archive(Archive& archive) override { averaging_.archive(archive); }

 private:
  MyOptions options_;
  Averaging averaging_;
};

MyOptions read(const Options& options) { return {.period = options.integer("period"), .mix = options.number("mix")}; }

const std::vector<OptionSpec> kOptions = {
    {.name = "period",
     .type = OptionType::kInteger,
     .default_value = "10",
     .minimum = 1,
     .help = "local steps between two averages"},
    {.name = "mix",
     .type = OptionType::kNumber,
     .default_value = "0.5",
     .minimum = 0,
     .maximum = 1,
     .help = "part of the way that each model goes to the average"},
};

// The settings that the tests of all rows run: the plain one, and one for whatever changes what is sent or awaited.
const std::vector<Variant> kVariants = {{}, {.name = "often", .options = {{"period", "3"}, {"mix", "1"}}}};

TrafficFormula traffic(const Options& options, const StrategySetting& setting) {
  TrafficFormula formula;
  add_average(formula, setting);
  formula.steps_per_sync = read(options).period;
  return formula;
}

}  // namespace

extern const StrategyRow kMyStrategy;
const StrategyRow kMyStrategy = {
    .name = "my_strategy",
    .help = "every `period` steps go a part of the way to the average of all models",
    .source = "Author and Author YEAR, algorithm N",
    .options = kOptions,
    .demands = [](const Options&) { return Demands{.compression = Compression::kOptional}; },
    .variants = kVariants,
    .make = [](const Options& options, const StrategySetting& setting) -> StrategyFactory {
      return [options = read(options), setting] { return std::make_unique<MyStrategy>(options, setting); };
    },
    .traffic = traffic};

}  // namespace laconic
