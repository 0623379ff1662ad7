// Relay: compressed changes that all workers pass on until everybody has everybody's, so that peers without a centre
// average exactly. After RelaySGD (Vogels et al. 2021), which relays sums along a tree; here the messages themselves
// travel, over directed links that may change, and each is compressed once.
//
//   every step:  x_i := local step at x_i;  if t mod period = 0:
//     c_i := C(v),  v = x_i - r + e_i;  e_i := v - c_i
//     rounds of links pass the messages on (topology/relay_plan.h), until all have c_1 ... c_n
//     r := r + (1/n) sum_j c_j, added in the order of ranks;  x_i := r
//
//   x_i  params    r  what all hold alike: codec_.reference()    C, e_i  mechanisms/model_codec.h
//
// Without [compression] the models travel whole, and x_i := (1/n) sum_j x_j. Optimiser state stays local. Needs links
// that join all nodes over time; the rounds of links are counted on from one exchange to the next. Invariants: after an
// exchange all workers hold the same bits (P1); r + (1/n) sum_i e_i is what r would be uncompressed. Messages: n (n - 1)
// in an exchange, each worker getting every other's once.
#include "base/error.h"
#include "kernels/vector_ops.h"
#include "mechanisms/gossip.h"
#include "mechanisms/model_codec.h"
#include "protocol/strategy.h"
#include "topology/relay_plan.h"

namespace laconic {
namespace {

class Relay final : public Strategy {
 public:
  Relay(std::uint64_t period, std::shared_ptr<RelayPlans> plans, const StrategySetting& setting)
      : period_(period),
        plans_(std::move(plans)),
        codec_(setting.compressor, setting.compressor ? SharedVector(setting.start) : SharedVector()) {
    if (setting.compressor) decoder_ = setting.compressor();
  }

  Task<void> round(Worker& self) override {
    co_await self.local_step();
    if (self.step().value % period_ != 0) co_return;
    Frame own;
    RandomStream random = self.rng("compression");
    codec_.begin_step(Step{self.step().value - 1});
    co_await self.compute([&] { own = codec_.encode(header_of(self.rank()), self.params(), random); });
    const std::vector<Frame> all = co_await pass_on(self, own);
    ++exchanges_;
    SharedVector mean;
    co_await self.compute([&] { mean = mean_of(self, all); });
    if (codec_.compresses()) codec_.refer_to(mean);
    co_await self.set_params(mean);
    self.synchronised();
  }

  void archive(Archive& archive) override {
    archive.value("relay.exchanges", exchanges_);
    archive.value("relay.links", link_round_);
    if (codec_.compresses()) codec_.archive(archive);
  }

 private:
  // A message keeps its frame on all its way: its number says which exchange it belongs to and whose it is.
  FrameHeader header_of(Rank origin) const {
    const std::uint64_t number = exchanges_ * plans_->nodes() + static_cast<std::uint64_t>(origin.value);
    return {.traffic = Traffic::kModel, .tag = Tag::kGossip, .round = {number}};
  }

  // The messages of all workers, by rank.
  Task<std::vector<Frame>> pass_on(Worker& self, Frame own) {
    const std::shared_ptr<const RelayPlan> plan = plans_->from(link_round_);
    const auto node = static_cast<std::size_t>(self.rank().value);
    std::vector<Frame> all(plans_->nodes());
    all[node] = std::move(own);
    for (const std::vector<RelayRound>& round : plan->rounds) {
      for (const RelayedMessage& message : round[node].sends) {
        self.comm().send(message.peer, all[static_cast<std::size_t>(message.origin.value)]);
      }
      for (const RelayedMessage& message : round[node].receives) {
        const FrameHeader header = header_of(message.origin);
        Frame frame = co_await self.comm().receive(message.peer, header.tag, header.round);
        all[static_cast<std::size_t>(message.origin.value)] = std::move(frame);
      }
    }
    link_round_ += plan->rounds.size();
    co_return all;
  }

  SharedVector mean_of(const Worker& self, const std::vector<Frame>& all) {
    const std::size_t size = self.layout().size;
    std::vector<float> mean(size);
    if (codec_.compresses()) {
      kernels::copy(codec_.reference(), mean);
      const float part = 1.0F / static_cast<float>(all.size());
      for (Rank rank{0}; rank.value < static_cast<std::int32_t>(all.size()); ++rank.value) {
        const Frame& frame = all[static_cast<std::size_t>(rank.value)];
        read_from(self, rank, [&] { decoder_->decode_add(frame.payload(), part, mean); });
      }
    } else {
      std::vector<double> sum(size, 0.0);
      for (Rank rank{0}; rank.value < static_cast<std::int32_t>(all.size()); ++rank.value) {
        const Frame& frame = all[static_cast<std::size_t>(rank.value)];
        read_from(self, rank, [&] { kernels::accumulate(1.0, frame.floats(size), sum); });
      }
      kernels::finish_mean(sum, static_cast<int>(all.size()), mean);
    }
    return SharedVector(std::move(mean));
  }

  std::uint64_t period_;
  std::shared_ptr<RelayPlans> plans_;
  ModelCodec codec_;
  std::unique_ptr<Compressor> decoder_;  // null: whole models
  std::uint64_t exchanges_ = 0;
  std::uint64_t link_round_ = 0;  // the first of the next exchange
};

const std::vector<OptionSpec> kOptions = {{.name = "period",
                                           .type = OptionType::kInteger,
                                           .default_value = "1",
                                           .minimum = 1,
                                           .help = "local steps between two exchanges"}};

StrategyFactory make(const Options& options, const StrategySetting& setting) {
  const std::uint64_t period = options.integer("period");
  const auto plans = std::make_shared<RelayPlans>(setting.links);
  const auto shared = std::make_shared<const StrategySetting>(setting);
  return [=] { return std::make_unique<Relay>(period, plans, *shared); };
}

TrafficFormula traffic(const Options& options, const StrategySetting& setting) {
  const ModelSize message = model_size(setting);
  const auto workers = static_cast<std::uint64_t>(setting.world_size);
  TrafficFormula formula;
  formula.sync(Traffic::kModel) = workers * (workers - 1) * message.bytes;
  formula.steps_per_sync = options.integer("period");
  formula.depends_on_values = message.depends_on_values;
  return formula;
}

const std::vector<Variant> kVariants = {{}, {.name = "period_3", .options = {{"period", "3"}}}};

const std::vector<GossipAloneOption> kAloneOptions = {{.name = "period", .text = "1"}};

}  // namespace

extern const StrategyRow kRelay;
const StrategyRow kRelay = {
    .name = "relay",
    .help = "exact averages without a centre: compressed changes that all pass on",
    .source = "after Vogels et al. 2021 (RelaySGD); error feedback of Seide et al. 2014",
    .options = kOptions,
    .demands =
        [](const Options&) {
          return Demands{.talks = Talks::kLinks, .compression = Compression::kOptional, .memory = {.vectors = 2}};
        },
    .variants = kVariants,
    .alone_options = kAloneOptions,
    .make = make,
    .traffic = traffic};

}  // namespace laconic
