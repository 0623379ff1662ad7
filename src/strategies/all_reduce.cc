// Data-parallel SGD: the gradients are averaged before every step, as PyTorch's DistributedDataParallel does.
//
//   g_k := gradient at w;  g := sum_k a_k g_k / sum_k a_k;  w := optimiser step with g
//
//   a_k  1, or worker k's training samples: `weights`
//
// All workers start alike and take the same steps, so their models and optimiser states stay bit-identical. Where workers
// come and go a mean is one over those present, and who joins gets both from one of them.
// Messages: one all-reduce of d floats every step.
#include "kernels/vector_ops.h"
#include "mechanisms/weights_option.h"
#include "protocol/strategy.h"

namespace laconic {
namespace {

class AllReduce final : public Strategy {
 public:
  explicit AllReduce(SharedWeights weights) : weights_(std::move(weights)) {}

  Task<void> round(Worker& self) override {
    co_await self.compute_gradient();
    const SharedVector mean = co_await self.comm().all_reduce_mean(self.gradient(), *weights_, Traffic::kGradient);
    co_await self.comm().compute(mean.size(), [&] { kernels::copy(mean, self.gradient()); });
    co_await self.apply_gradient();
    self.synchronised();
  }

  Task<void> coordinate(Coordinator& self) override { return serve_collectives(self.comm(), weights_); }
  // Each worker's learner has it.
  std::span<const float> common_model() const override { return {}; }

 private:
  SharedWeights weights_;
};

const std::vector<OptionSpec> kOptions = {weights_option()};
const std::vector<Variant> kVariants = {{}, {.name = "samples", .options = {{"weights", "samples"}}}};

}  // namespace

extern const StrategyRow kAllReduce;
const StrategyRow kAllReduce = {
    .name = "all_reduce",
    .help = "average the gradients before every step (data parallel)",
    .source = "Li et al. 2020 (PyTorch Distributed)",
    .options = kOptions,
    .demands =
        [](const Options&) {
          return Demands{.tolerates_absence = true, .common_at = CommonPlace::kMembers, .drive = LoopDrive::kGradient};
        },
    .variants = kVariants,
    .make = [](const Options& options, const StrategySetting& setting) -> StrategyFactory {
      return [weights = read_weights(options, setting)] { return std::make_unique<AllReduce>(weights); };
    },
    .traffic =
        [](const Options&, const StrategySetting& setting) {
          TrafficFormula formula;
          formula.sync(Traffic::kGradient) =
              all_reduce_payload(setting.collective, setting.world_size, setting.dimension).value;
          formula.steps_per_sync = 1;
          return formula;
        }};

}  // namespace laconic
