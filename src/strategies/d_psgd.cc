// D-PSGD: gossip averaging of whole models (Lian et al. 2017, algorithm 1; Koloskova et al. 2020, baseline).
//
//   overlap             x_i := sum_j w_ij x_j - eta u(g_i),  g_i at x_i, computed while the models travel
//   adapt-then-combine  x_i := sum_j w_ij (x_j - eta u(g_j))
//
//   x_i   params     w_ij   mixing     eta u(g)  what the local optimiser step takes off
//
// Needs a connected undirected graph with symmetric, doubly stochastic weights. Invariant (C1): the gossip part leaves
// the average of the models as it is. Messages: every step d float32 to each neighbour.
#include "mechanisms/finish.h"
#include "mechanisms/gossip.h"
#include "protocol/strategy.h"

namespace laconic {
namespace {

class DPsgd final : public Strategy {
 public:
  DPsgd(bool overlap, std::shared_ptr<const MixingMatrix> mixing) : overlap_(overlap), mixing_(std::move(mixing)) {}

  Task<void> round(Worker& self) override {
    const FrameHeader header{.traffic = Traffic::kModel, .tag = Tag::kGossip, .round = self.comm().next_round()};
    if (!overlap_) co_await self.local_step();
    Frame own;
    co_await self.comm().compute(self.params().size(), [&] { own = Frame(header, self.params()); });
    if (overlap_) {
      PendingStep step = self.begin_local_step();
      const std::vector<NeighborFrame> received = co_await exchange(self.comm(), *mixing_, own);
      co_await step.done();
      co_await mix_models(self, own, received);
    } else {
      const std::vector<NeighborFrame> received = co_await exchange(self.comm(), *mixing_, own);
      co_await mix_models(self, own, received);
    }
    self.synchronised();
  }

 private:
  bool overlap_;
  std::shared_ptr<const MixingMatrix> mixing_;
};

const std::vector<OptionSpec> kOptions = {order_option(), finish_option()};

StrategyFactory make(const Options& options, const StrategySetting& setting) {
  const bool overlap = options.text("order") == "overlap";
  return with_finish(options, setting,
                     [overlap, mixing = setting.mixing] { return std::make_unique<DPsgd>(overlap, mixing); });
}

TrafficFormula traffic(const Options& options, const StrategySetting& setting) {
  return with_finish(options, setting, model_traffic(setting));
}

const std::vector<Variant> kVariants = {{},
                                        {.name = "adapt_then_combine", .options = {{"order", "adapt-then-combine"}}},
                                        {.name = "finish", .options = finish_texts()}};

const std::vector<GossipAloneOption> kAloneOptions = {{.name = "order", .text = "adapt-then-combine"}};

}  // namespace

extern const StrategyRow kDPsgd;
const StrategyRow kDPsgd = {
    .name = "d_psgd",
    .help = "average with the neighbours on a graph after every step",
    .source = "Lian et al. 2017, algorithm 1",
    .options = kOptions,
    .demands = [](const Options& options) { return with_finish(options, {.talks = Talks::kGraph}); },
    .variants = kVariants,
    .alone_options = kAloneOptions,
    .make = make,
    .traffic = traffic};

}  // namespace laconic
