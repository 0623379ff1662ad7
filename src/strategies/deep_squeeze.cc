// DeepSqueeze: gossip of error-compensated compressed models (Tang et al. 2019, algorithm 1).
//
//   x_i -= eta u(g_i);  v_i := x_i + e_i;  c_i := C(v_i);  e_i := v_i - c_i;  exchange c
//   x_i += gamma sum_j (w_ij - [i = j]) c_j
//
//   x_i  params     e_i  feedback_.error()     c_i  a message     C  the job's operator     gamma  options
//
// Needs a connected undirected graph. Invariants: C1 the gossip part leaves the average of the models as it is;
// S3 c + e = v; C8 with C = id and gamma = 1 it is x := W x. Messages: every step one message to each neighbour.
#include "compress/error_feedback.h"
#include "mechanisms/finish.h"
#include "mechanisms/gossip.h"
#include "protocol/strategy.h"

namespace laconic {
namespace {

class DeepSqueeze final : public Strategy {
 public:
  DeepSqueeze(const GammaSchedule& gamma, std::shared_ptr<const MixingMatrix> mixing,
              std::unique_ptr<Compressor> compressor, std::size_t size)
      : gamma_(gamma), mixing_(std::move(mixing)), compressor_(std::move(compressor)), feedback_(*compressor_, size) {}

  Task<void> round(Worker& self) override {
    const Step step = self.step();
    const float gamma = gamma_.at(step);
    co_await self.local_step();
    const FrameHeader header{.traffic = Traffic::kModel, .tag = Tag::kGossip, .round = self.comm().next_round()};
    RandomStream random = self.rng("compression");
    Frame own;
    co_await self.compute([&] {
      compressor_->begin_step(step.value);
      const std::size_t size = feedback_.prepare(self.params(), random);
      own = Frame(header, size, [&](std::span<std::byte> payload) { feedback_.write(payload); });
    });
    const std::vector<NeighborFrame> received = co_await exchange(self.comm(), *mixing_, own);
    co_await self.compute([&] {
      compressor_->decode_add(own.payload(), gamma * (own_weight(*mixing_, self.rank()) - 1.0F), self.params());
      for (const NeighborFrame& neighbor : received) {
        const float weight = gamma * static_cast<float>(neighbor.from.weight);
        read_from(self, neighbor.from.rank,
                  [&] { compressor_->decode_add(neighbor.frame.payload(), weight, self.params()); });
      }
    });
    self.synchronised();
  }

  void archive(Archive& archive) override {
    feedback_.archive(archive);
    compressor_->archive(archive);
  }

 private:
  GammaSchedule gamma_;
  std::shared_ptr<const MixingMatrix> mixing_;
  std::unique_ptr<Compressor> compressor_;
  ErrorFeedback feedback_;
};

const std::vector<OptionSpec> kOptions = {gamma_option("0.1"), finish_option()};

StrategyFactory make(const Options& options, const StrategySetting& setting) {
  const GammaSchedule gamma = read_gamma(options);
  return with_finish(options, setting,
                     [=, mixing = setting.mixing, compressor = setting.compressor, size = setting.dimension] {
                       return std::make_unique<DeepSqueeze>(gamma, mixing, compressor(), size);
                     });
}

TrafficFormula traffic(const Options& options, const StrategySetting& setting) {
  return with_finish(options, setting, message_traffic(setting, 0));
}

Demands demands(const Options& options) {
  return with_finish(options, {.talks = Talks::kGraph,
                               .compression = Compression::kRequired,
                               .gossip = {.stops_at_floor = true},
                               .memory = {.vectors = 1}});
}

const std::vector<Variant> kVariants = {{}, {.name = "finish", .options = finish_texts()}};

const std::vector<GossipAloneOption> kAloneOptions = {finish_alone()};

}  // namespace

extern const StrategyRow kDeepSqueeze;
const StrategyRow kDeepSqueeze = {.name = "deep_squeeze",
                                  .help = "gossip of compressed models with error feedback",
                                  .source = "Tang et al. 2019, algorithm 1",
                                  .options = kOptions,
                                  .demands = demands,
                                  .variants = kVariants,
                                  .alone_options = kAloneOptions,
                                  .make = make,
                                  .traffic = traffic};

}  // namespace laconic
