// My strategy: every worker trains alone, and every few steps the common model goes a part of the way to the average of
// all models (Author and Author YEAR, algorithm N).
//
//   every step:  w_k := local step at w_k
//   if t mod b = 0:  s := s + beta (m - s),  m := sum_j a_j w_j / sum_j a_j;  w_k := s
//
//   s      common_  the common model, the same on all workers; at first the start
//   b      period   local steps between two averages
//   beta   mix      part of the way to the average
//   a_j    weights  1, or worker j's number of training samples
//
// Other than in the paper: nothing. Assumes that all workers begin with the same model. Invariant: after a
// synchronisation all workers hold the same bits. Optimiser state stays local.
// Messages: one average of all models every `period` steps (averaging.h).
#include "kernels/vector_ops.h"
#include "mechanisms/averaging.h"
#include "mechanisms/weights_option.h"
#include "protocol/strategy.h"

namespace laconic {
namespace {

struct MyOptions {
  std::uint64_t period = 10;
  double mix = 0.5;
};

class MyStrategy final : public Strategy {
 public:
  MyStrategy(const MyOptions& options, const StrategySetting& setting, const SharedWeights& weights)
      : options_(options), averaging_(setting, weights), common_(setting.start) {}

  Task<void> round(Worker& self) override {
    co_await self.local_step();
    if (self.step().value % options_.period != 0) co_return;
    const SharedVector mean = co_await averaging_.mean(self);
    // Arithmetic on whole vectors is handed to the node's processor.
    co_await self.compute([&] {
      // axpy_difference(alpha, a, b, y): y may be a or, as here, b. Each element is read before it is written.
      kernels::axpy_difference(static_cast<float>(options_.mix), mean, common_, common_);
      kernels::copy(common_, self.params());
      // Compressed changes are then those from the common model; without this line, from the last average.
      if (averaging_.compresses()) averaging_.refer_to(SharedVector(common_));
    });
    self.synchronised();
  }

  // The coordinator's side. Without one of its own a strategy leaves this out, and the collectives are served.
  Task<void> coordinate(Coordinator& self) override { return averaging_.coordinate(self); }

  // All that the next rounds depend on: saved and loaded by the same text. Names are unique in the strategy. A vector of
  // d elements that the constructor has made is `floats`; one whose size changes is `vector`. What a round makes anew
  // before it reads it is left out.
  void archive(Archive& archive) override {
    averaging_.archive(archive);
    archive.floats("my_strategy.common", common_);
  }

 private:
  MyOptions options_;
  Averaging averaging_;
  std::vector<float> common_;
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
     .help = "part of the way that the common model goes to the average"},
    weights_option(),
};

// The settings that the tests of all rows run: the plain one, and one for whatever changes what is sent or awaited.
// `alone` says what one worker makes of them. It is left out where that is plain training to the bit; here a worker that
// is alone goes only a part of the way too. kNearlySerial is plain training except for rounding.
const std::vector<Variant> kVariants = {
    {.alone = Variant::Alone::kOther},
    {.name = "often", .options = {{"period", "3"}, {"mix", "0.25"}}, .alone = Variant::Alone::kOther}};

// memory.vectors counts the vectors of d elements that a worker holds beside its model, scratch included: common_. Those
// of Averaging are not counted here. `--dry-run` and docs/strategies.md state the number.
Demands demands(const Options&) { return {.compression = Compression::kOptional, .memory = {.vectors = 1}}; }

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
    .help = "every `period` steps the common model goes a part of the way to the average of all models",
    .source = "Author and Author YEAR, algorithm N",
    .options = kOptions,
    .demands = demands,
    .variants = kVariants,
    .make = [](const Options& options, const StrategySetting& setting) -> StrategyFactory {
      return [options = read(options), setting, weights = read_weights(options, setting)] {
        return std::make_unique<MyStrategy>(options, setting, weights);
      };
    },
    .traffic = traffic};

}  // namespace laconic
