// Federated averaging (McMahan et al. 2017), as the baseline fedavg(b, C) of Kamp et al. 2018.
//
//   every b steps:  S := ceil(C K) workers, drawn at random;  w := sum_{i in S} a_i w_i / sum_{i in S} a_i
//                   the chosen send their models, all workers receive w
//
//   b   period      local steps between two rounds
//   C   fraction    of the workers whose models are averaged
//   a_i  weights    training samples of worker i, as in the paper, or 1
//
// Everyone draws S from the same seeded stream, so choosing costs no bytes. A chosen worker that is late by more than
// the deadline is left out of the mean. Optimiser state stays local.
// Messages a round: ceil(C K) models up, K models down (model_codec.h).
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "kernels/vector_ops.h"
#include "mechanisms/model_codec.h"
#include "mechanisms/weights_option.h"
#include "protocol/strategy.h"

namespace laconic {
namespace {

struct FedAvgOptions {
  std::uint64_t period = 10;
  double fraction = 1.0;
};

std::size_t chosen_count(double fraction, int world_size) {
  return std::clamp<std::size_t>(static_cast<std::size_t>(std::ceil(fraction * world_size)), 1,
                                 static_cast<std::size_t>(world_size));
}

class FedAvg final : public Strategy {
 public:
  FedAvg(const FedAvgOptions& options, const StrategySetting& setting, SharedWeights weights)
      : options_(options),
        seed_(setting.seed),
        weights_(std::move(weights)),
        codec_(setting.compressor, SharedVector(setting.start)) {}

  Task<void> round(Worker& self) override {
    co_await self.local_step();
    if (self.step().value % options_.period != 0) co_return;
    Comm& comm = self.comm();
    const Round round = comm.next_round();
    const std::vector<Rank> group = chosen(round);
    if (std::binary_search(group.begin(), group.end(), self.rank())) {
      const FrameHeader header{Traffic::kModel, Tag::kGather, round};
      RandomStream random = self.rng("compression");
      Frame own;
      co_await self.compute([&] { own = codec_.encode(header, self.params(), random); });
      comm.send(comm.coordinator(), own);
    }
    const Frame frame = co_await comm.receive(comm.coordinator(), Tag::kBroadcast, round);
    SharedVector mean;
    co_await self.compute([&] {
      mean = codec_.decode(frame);
      kernels::copy(mean, self.params());
    });
    codec_.refer_to(mean);
    self.synchronised();
  }

  Task<void> coordinate(Coordinator& self) override {
    Comm& comm = self.comm();
    std::vector<double> sum;
    const std::size_t dimension = codec_.reference().size();
    std::vector<float> mean(dimension);
    for (;;) {
      const Round round = comm.upcoming_round();
      const std::vector<Contribution> parts = co_await comm.gather_when_idle(chosen(round), round);
      comm.next_round();
      co_await self.compute(dimension, [&] { sum.assign(dimension, 0.0); });
      double divisor = 0.0;
      for (const Contribution& part : parts) {
        const double weight = weights_->of(part.from);
        co_await self.compute(dimension, [&] { kernels::accumulate(weight, codec_.decode(part.frame), sum); });
        divisor += weight;
      }
      const FrameHeader header{Traffic::kModel, Tag::kBroadcast, round};
      RandomStream random(seed_, "compression of averages", {round.value});
      Frame frame;
      co_await self.compute(dimension, [&] {
        kernels::finish_mean(sum, divisor, mean);
        frame = codec_.encode(header, mean, random);
        codec_.refer_to(codec_.decode(frame));
      });
      for (Rank rank{0}; rank.value < comm.world_size(); ++rank.value) comm.send(rank, frame);
    }
  }

  void archive(Archive& archive) override { codec_.archive(archive); }

 private:
  // S, in the order of ranks.
  std::vector<Rank> chosen(Round round) const {
    RandomStream stream(seed_, "fedavg", {round.value});
    const auto world_size = static_cast<std::uint32_t>(weights_->of_worker().size());
    const auto count = static_cast<std::uint32_t>(chosen_count(options_.fraction, static_cast<int>(world_size)));
    std::vector<Rank> group;
    for (const std::uint32_t rank : random_subset(stream, count, world_size)) {
      group.push_back({static_cast<std::int32_t>(rank)});
    }
    std::sort(group.begin(), group.end());
    return group;
  }

  FedAvgOptions options_;
  std::uint64_t seed_;
  SharedWeights weights_;
  ModelCodec codec_;
};

FedAvgOptions read(const Options& options) {
  return {.period = options.integer("period"), .fraction = options.number("fraction")};
}

const std::vector<OptionSpec> kOptions = {
    {.name = "period",
     .type = OptionType::kInteger,
     .default_value = "10",
     .minimum = 1,
     .help = "local steps between two rounds"},
    {.name = "fraction",
     .type = OptionType::kNumber,
     .default_value = "1",
     .minimum = 1e-6,
     .maximum = 1,
     .help = "fraction of the workers whose models are averaged in a round"},
    weights_option("samples"),
};
const std::vector<Variant> kVariants = {
    {.options = {{"period", "3"}, {"fraction", "0.4"}}},
    {.name = "equal", .options = {{"period", "3"}, {"fraction", "0.4"}, {"weights", "equal"}}}};

}  // namespace

extern const StrategyRow kFedAvg;
const StrategyRow kFedAvg = {
    .name = "fedavg",
    .help = "every `period` steps average the models of a random fraction of the workers, weighted by samples",
    .source = "McMahan et al. 2017; Kamp et al. 2018 (fedavg)",
    .options = kOptions,
    .demands =
        [](const Options&) { return Demands{.talks = Talks::kCoordinator, .compression = Compression::kOptional}; },
    .variants = kVariants,
    .make = [](const Options& options, const StrategySetting& setting) -> StrategyFactory {
      return [options = read(options), setting, weights = read_weights(options, setting)] {
        return std::make_unique<FedAvg>(options, setting, weights);
      };
    },
    .traffic =
        [](const Options& options, const StrategySetting& setting) {
          const FedAvgOptions values = read(options);
          const ModelSize model = model_size(setting);
          TrafficFormula formula;
          formula.sync(Traffic::kModel) =
              (chosen_count(values.fraction, setting.world_size) + static_cast<std::uint64_t>(setting.world_size)) *
              model.bytes;
          formula.depends_on_values = model.depends_on_values;
          formula.steps_per_sync = values.period;
          return formula;
        }};

}  // namespace laconic
