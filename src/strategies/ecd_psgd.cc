// ECD-PSGD: gossip of compressed extrapolations (Tang et al. 2018, algorithm 2).
//
//   x'_i := sum_j w_ij y_j - eta u(g_i);  z_i := (1 - t/2) x_i + (t/2) x'_i;  exchange C(z_i)
//   y_i := (1 - 2/t) y_i + (2/t) C(z_i), on the node and on its neighbours;  x_i := x'_i;  t = 1, 2, ...
//
//   x_i   params     y_i   replicas_.replica()     sum_j w_ij y_j   y_i + replicas_.difference()     t   the step
//
// Proved for an unbiased operator only, and fails where compression is high: what is extrapolated is as large as the
// step number. Needs a connected undirected graph that does not change. Messages: every step one message to each
// neighbour.

#include "base/error.h"
#include "kernels/vector_ops.h"
#include "mechanisms/finish.h"
#include "mechanisms/replicas.h"
#include "protocol/strategy.h"

namespace laconic {
namespace {

class EcdPsgd final : public Strategy {
 public:
  EcdPsgd(Replicas replicas, std::size_t size) : replicas_(std::move(replicas)), before_(size), extrapolated_(size) {}

  Task<void> round(Worker& self) override {
    const Step step = self.step();
    co_await self.comm().compute(before_.size(), [&] { kernels::copy(self.params(), before_); });
    co_await self.local_step();
    const auto t = static_cast<float>(self.step().value);  // of the step just taken, from 1
    co_await self.compute([&] {
      const std::span<float> params = self.params();
      kernels::axpy_difference(1.0F, replicas_.replica(), before_, params);
      kernels::axpy(1.0F, replicas_.difference(), params);
      kernels::copy(before_, extrapolated_);
      kernels::axpy_difference(t / 2.0F, params, before_, extrapolated_);
    });
    const Frame own = co_await replicas_.encode(self, step, extrapolated_, Traffic::kModel);
    const Replicas::Exchanged exchanged = co_await replicas_.exchange_frames(self, own);
    co_await replicas_.apply(self, exchanged, 1.0F - 2.0F / t, 2.0F / t);
    self.synchronised();
  }

  void archive(Archive& archive) override { replicas_.archive(archive); }

 private:
  Replicas replicas_;
  std::vector<float> before_;        // x, scratch
  std::vector<float> extrapolated_;  // z, scratch
};

const std::vector<OptionSpec> kOptions = {allow_biased_option(), finish_option()};

StrategyFactory make(const Options& options, const StrategySetting& setting) {
  require_unbiased(options, setting);
  const SharedVector start(setting.start);
  return with_finish(options, setting,
                     [start, mixing = setting.mixing, compressor = setting.compressor, size = setting.dimension] {
                       return std::make_unique<EcdPsgd>(Replicas(mixing, compressor(), size, start), size);
                     });
}

TrafficFormula traffic(const Options& options, const StrategySetting& setting) {
  return with_finish(options, setting, message_traffic(setting, Replicas::kPayloadOverhead));
}

Demands demands(const Options& options) {
  return with_finish(options,
                     {.talks = Talks::kGraph, .compression = Compression::kRequired, .memory = {.vectors = 4}});
}

// A worker alone takes its steps from an estimate that is extrapolated and divided again.
const std::vector<Variant> kVariants = {
    {.alone = Variant::Alone::kNearlySerial},
    {.name = "finish", .options = finish_texts(), .alone = Variant::Alone::kNearlySerial}};

// What is proved is of training.
const std::vector<GossipAloneOption> kAloneOptions = {{.name = "allow_biased", .text = "true", .job_decides = true}};

}  // namespace

extern const StrategyRow kEcdPsgd;
const StrategyRow kEcdPsgd = {.name = "ecd_psgd",
                              .help = "gossip of compressed extrapolations, for fine unbiased operators",
                              .source = "Tang et al. 2018, algorithm 2",
                              .options = kOptions,
                              .demands = demands,
                              .variants = kVariants,
                              .alone_options = kAloneOptions,
                              .make = make,
                              .traffic = traffic};

}  // namespace laconic
