// DCD-PSGD: gossip of compressed differences, the models being the replicas themselves (Tang et al. 2018, algorithm 1).
//
//   z_i := sum_j w_ij (xhat_j - xhat_i) - eta u(g_i);  exchange C(z_i)
//   x_i := x_i + C(z_i), and neighbours add the same
//
//   x_i = xhat_i                   params between rounds, replicas_.replica() (C9)
//   sum_j w_ij (xhat_j - xhat_i)   replicas_.difference()
//   C                              the job's operator
//   eta u(g)                       what the local optimiser step takes off
//
// Proved for an unbiased operator of high quality only: it diverges with coarse ones. Needs a connected undirected
// graph that does not change. Messages: every step one message to each neighbour.

#include "base/error.h"
#include "kernels/vector_ops.h"
#include "mechanisms/finish.h"
#include "mechanisms/replicas.h"
#include "protocol/strategy.h"

namespace laconic {
namespace {

class DcdPsgd final : public Strategy {
 public:
  DcdPsgd(Replicas replicas, std::size_t size) : replicas_(std::move(replicas)), change_(size) {}

  Task<void> round(Worker& self) override {
    const Step step = self.step();
    co_await self.local_step();
    co_await self.compute([&] {
      kernels::subtract(self.params(), replicas_.replica(), change_);  // -eta u
      kernels::axpy(1.0F, replicas_.difference(), change_);
    });
    const Frame own = co_await replicas_.encode(self, step, change_, Traffic::kModel);
    const Replicas::Exchanged exchanged = co_await replicas_.exchange_frames(self, own);
    co_await replicas_.apply(self, exchanged);
    co_await self.set_params(replicas_.replica());
    self.synchronised();
  }

  void archive(Archive& archive) override { replicas_.archive(archive); }

 private:
  Replicas replicas_;
  std::vector<float> change_;  // z, scratch
};

const std::vector<OptionSpec> kOptions = {allow_biased_option(), finish_option()};

StrategyFactory make(const Options& options, const StrategySetting& setting) {
  require_unbiased(options, setting);
  const SharedVector start(setting.start);
  return with_finish(options, setting,
                     [start, mixing = setting.mixing, compressor = setting.compressor, size = setting.dimension] {
                       return std::make_unique<DcdPsgd>(Replicas(mixing, compressor(), size, start), size);
                     });
}

TrafficFormula traffic(const Options& options, const StrategySetting& setting) {
  return with_finish(options, setting, message_traffic(setting, Replicas::kPayloadOverhead));
}

Demands demands(const Options& options) {
  return with_finish(options,
                     {.talks = Talks::kGraph, .compression = Compression::kRequired, .memory = {.vectors = 3}});
}

const std::vector<Variant> kVariants = {{}, {.name = "finish", .options = finish_texts()}};

// What is proved is of training.
const std::vector<GossipAloneOption> kAloneOptions = {{.name = "allow_biased", .text = "true", .job_decides = true}};

}  // namespace

extern const StrategyRow kDcdPsgd;
const StrategyRow kDcdPsgd = {.name = "dcd_psgd",
                              .help = "gossip of compressed differences, for fine unbiased operators",
                              .source = "Tang et al. 2018, algorithm 1",
                              .options = kOptions,
                              .demands = demands,
                              .variants = kVariants,
                              .alone_options = kAloneOptions,
                              .make = make,
                              .traffic = traffic};

}  // namespace laconic
