// Data-parallel SGD: the gradients are averaged before every step, as PyTorch's DistributedDataParallel does.
//
//   g_k := gradient at w;  g := (1/K) sum_k g_k;  w := optimiser step with g
//
// All workers start alike and take the same steps, so their models and optimiser states stay bit-identical.
// Messages: one all-reduce of d floats every step.
#include "kernels/vector_ops.h"
#include "protocol/strategy.h"

namespace laconic {
namespace {

class AllReduce final : public Strategy {
 public:
  Task<void> round(Worker& self) override {
    co_await self.compute_gradient();
    const SharedVector mean = co_await self.comm().all_reduce_mean(self.gradient(), Traffic::kGradient);
    co_await self.comm().compute(mean.size(), [&] { kernels::copy(mean, self.gradient()); });
    co_await self.apply_gradient();
    self.synchronised();
  }
};

}  // namespace

extern const StrategyRow kAllReduce;
const StrategyRow kAllReduce = {
    .name = "all_reduce",
    .help = "average the gradients before every step (data parallel)",
    .source = "Li et al. 2020 (PyTorch Distributed)",
    .options = {},
    .demands = [](const Options&) { return Demands{.drive = LoopDrive::kGradient}; },
    .make = [](const Options&, const StrategySetting&) -> StrategyFactory {
      return [] { return std::make_unique<AllReduce>(); };
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
