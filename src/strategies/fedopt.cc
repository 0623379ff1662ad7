// Federated optimisation: the models are averaged every `period` steps, and the common model takes a step of an
// optimiser of its own towards the average (Reddi et al. 2021, algorithm 2; DiLoCo: Douillard et al. 2023).
//
//   every step:  w_k := local step at w_k
//   every b steps:  w := server step from w towards sum_k a_k w_k / sum_k a_k;  w_k := w
//
//   w  reference_, the last common model      b  period      server step  server_optimizer.h
//   a_k  1, or worker k's training samples: `weights`
//
// Buffers that travel are averaged. With server = "average" and rate 1 it is `periodic`. Optimiser state of the workers
// stays local. Invariant: after a round all workers hold the same bits. Messages: one average of all models every
// `period` steps (averaging.h).
#include <utility>

#include "kernels/vector_ops.h"
#include "mechanisms/averaging.h"
#include "mechanisms/server_optimizer.h"
#include "mechanisms/weights_option.h"
#include "protocol/strategy.h"

namespace laconic {
namespace {

class FedOpt final : public Strategy {
 public:
  FedOpt(std::uint64_t period, const ServerOptions& options, const StrategySetting& setting,
         const SharedWeights& weights)
      : period_(period),
        trained_(setting.trained),
        server_(options),
        averaging_(setting, weights),
        reference_(setting.start) {}

  Task<void> round(Worker& self) override {
    co_await self.local_step();
    if (self.step().value % period_ != 0) co_return;
    const SharedVector mean = co_await averaging_.mean(self);
    co_await self.compute([&] {
      server_.step(mean, reference_, self.trained_size());
      kernels::copy(reference_, self.params());
      if (averaging_.compresses()) averaging_.refer_to(SharedVector(reference_));
    });
    self.synchronised();
  }

  // Where workers come and go the coordinator takes the same steps.
  Task<void> coordinate(Coordinator& self) override {
    return averaging_.coordinate(self, [this, &self](const CollectiveResult& result) { return follow(self, result); });
  }

  void archive_common(Archive& archive) override {
    archive.vector("fedopt.reference", reference_, reference_.size());
    server_.archive(archive, reference_.size());
    if (archive.loading() && averaging_.compresses()) averaging_.refer_to(SharedVector(reference_));
  }
  std::span<const float> common_model() const override { return reference_; }

  void archive(Archive& archive) override {
    averaging_.archive(archive);
    archive.vector("fedopt.reference", reference_, reference_.size());
    server_.archive(archive, reference_.size());
  }

 private:
  Task<bool> follow(Coordinator& self, const CollectiveResult& result) {
    if (result.traffic != Traffic::kModel) co_return false;
    ServerOptimizer server = server_;
    std::vector<float> common;
    SharedVector reference;
    co_await self.compute(reference_.size(), [&] {
      common = reference_;
      server.step(result.values, common, trained_);
      if (averaging_.compresses()) reference = SharedVector(common);
    });
    server_ = std::move(server);
    reference_ = std::move(common);
    averaging_.refer_to(reference);
    co_return true;
  }

  std::uint64_t period_;
  std::size_t trained_;
  ServerOptimizer server_;
  Averaging averaging_;
  std::vector<float> reference_;
};

std::vector<OptionSpec> make_options() {
  std::vector<OptionSpec> options = server_options("nesterov");
  options.insert(options.begin(), {.name = "period",
                                   .type = OptionType::kInteger,
                                   .default_value = "10",
                                   .minimum = 1,
                                   .help = "local steps between two rounds"});
  options.push_back(weights_option());
  return options;
}
const std::vector<OptionSpec> kOptions = make_options();
// Any other server than the average moves a worker that is alone, too.
const std::vector<Variant> kVariants = {
    {.options = {{"server", "average"}, {"period", "3"}}},
    {.name = "adam", .options = {{"server", "adam"}, {"period", "3"}}, .alone = Variant::Alone::kOther},
    {.name = "samples", .options = {{"server", "average"}, {"period", "3"}, {"weights", "samples"}}}};

}  // namespace

extern const StrategyRow kFedOpt;
const StrategyRow kFedOpt = {
    .name = "fedopt",
    .help = "every `period` steps average the models, and take a server optimizer's step towards the average",
    .source =
        "Reddi et al. 2021 (FedAdam, FedYogi, FedAdagrad); Hsu et al. 2019 (FedAvgM); Douillard et al. 2023 (DiLoCo)",
    .options = kOptions,
    .demands =
        [](const Options&) {
          return Demands{.compression = Compression::kOptional, .memory = {.vectors = 3}, .tolerates_absence = true};
        },
    .variants = kVariants,
    .make = [](const Options& options, const StrategySetting& setting) -> StrategyFactory {
      const ServerOptions server = read_server_options(options);
      const SharedWeights weights = read_weights(options, setting);
      return [=, period = options.integer("period")] {
        return std::make_unique<FedOpt>(period, server, setting, weights);
      };
    },
    .traffic =
        [](const Options& options, const StrategySetting& setting) {
          TrafficFormula formula;
          add_average(formula, setting);
          formula.steps_per_sync = options.integer("period");
          return formula;
        }};

}  // namespace laconic
