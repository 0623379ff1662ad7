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
//
// Where workers come and go a round begins with a vote about nothing, whose result tells all over whom it is: S is then
// ceil(C |A|) of those present, A. The others' parts are empty, so that the coordinator hears of everyone.
#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "base/error.h"
#include "comm/present_exchange.h"
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
    if (comm.is_member()) {
      co_await present_round(self);
      co_return;
    }
    const Round round = comm.next_round();
    const std::vector<Rank> group = chosen(round.value, everyone());
    if (std::binary_search(group.begin(), group.end(), self.rank())) {
      const FrameHeader header{Traffic::kModel, Tag::kGather, round};
      RandomStream random = self.rng("compression");
      Frame own;
      co_await self.compute([&] { own = codec_.encode(header, self.params(), random); });
      comm.send(comm.coordinator(), own);
    }
    const Frame frame = co_await comm.receive(comm.coordinator(), Tag::kBroadcast, round);
    co_await take(self, frame, 0);
  }

  Task<void> coordinate(Coordinator& self) override {
    Comm& comm = self.comm();
    if (Attendance* attendance = comm.attendance()) {
      co_await coordinate_present(self, *attendance);
      co_return;
    }
    std::vector<double> sum;
    const std::size_t dimension = codec_.reference().size();
    std::vector<float> mean(dimension);
    for (;;) {
      const Round round = comm.upcoming_round();
      const std::vector<Contribution> parts = co_await comm.gather_when_idle(chosen(round.value, everyone()), round);
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
  void archive_common(Archive& archive) override {
    SharedVector reference = codec_.reference();
    archive_shared(archive, "fedavg.reference", reference, reference.size());
    if (archive.loading()) codec_.refer_to(reference);
  }
  std::span<const float> common_model() const override { return codec_.reference(); }

 private:
  std::vector<Rank> everyone() const {
    std::vector<Rank> all;
    const auto world_size = static_cast<std::int32_t>(weights_->of_worker().size());
    for (Rank rank{0}; rank.value < world_size; ++rank.value) all.push_back(rank);
    return all;
  }

  // S of round `number`, of those `present`, in the order of ranks.
  std::vector<Rank> chosen(std::uint64_t number, const std::vector<Rank>& present) const {
    RandomStream stream(seed_, "fedavg", {number});
    const auto size = static_cast<std::uint32_t>(present.size());
    const auto count = static_cast<std::uint32_t>(chosen_count(options_.fraction, static_cast<int>(size)));
    std::vector<Rank> group;
    for (const std::uint32_t index : random_subset(stream, count, size)) group.push_back(present[index]);
    std::sort(group.begin(), group.end());
    return group;
  }

  // The mean in a frame of the coordinator's, with so many bytes behind it.
  Task<void> take(Worker& self, Frame frame, std::size_t behind) {
    SharedVector mean;
    co_await self.compute([&] {
      mean = codec_.decode(frame, behind);
      kernels::copy(mean, self.params());
    });
    codec_.refer_to(mean);
    self.synchronised();
  }

  // ---- where workers come and go

  // The number of the round that ends at that step.
  std::uint64_t number_at(Step step) const { return step.value / options_.period - 1; }

  Task<void> present_round(Worker& self) {
    Comm& comm = self.comm();
    co_await comm.all_reduce_any(false, Traffic::kControl);
    const std::vector<Rank> group = chosen(number_at(self.step()), comm.present().members);
    const Round round = comm.next_round();
    const FrameHeader nothing{Traffic::kControl, Tag::kGather, round};
    Frame own(nothing, comm.standing(nothing));
    if (std::binary_search(group.begin(), group.end(), self.rank())) {
      RandomStream random = self.rng("compression");
      const FrameHeader header{Traffic::kModel, Tag::kGather, round};
      const std::vector<std::byte> standing = comm.standing(header);
      co_await self.compute([&] { own = codec_.encode(header, self.params(), random, standing); });
    }
    const Frame answer = co_await comm.exchange_present(own);
    co_await take(self, answer, named_view_size(comm.world_size()));
  }

  Task<void> coordinate_present(Coordinator& self, Attendance& attendance) {
    Comm& comm = self.comm();
    Reductions votes(comm);
    const TagSet tags{Tag::kReduceAny, Tag::kGather};
    for (;;) {
      const Arrival first = co_await comm.receive_when_idle(tags, comm.upcoming_round());
      const Round round = comm.next_round();
      if (first.frame.header().tag == Tag::kReduceAny) {
        co_await votes.serve(round, first);
      } else {
        co_await average_present(self, attendance, round, first);
      }
    }
  }

  Task<void> average_present(Coordinator& self, Attendance& attendance, Round round, Arrival first) {
    const std::size_t dimension = codec_.reference().size();
    PresentExchange exchange(self.comm(), attendance);
    const auto look = [](Rank, const Frame& part, std::size_t size) -> std::uint64_t {
      if (part.header().traffic != Traffic::kModel && size > 0) throw DecodeError("its part is no model, nor empty");
      return 0;
    };
    if (!co_await exchange.collect(round, std::move(first), Tag::kGather, look)) co_return;
    std::vector<double> sum;
    double divisor = 0.0;
    std::map<Rank, std::string> unread;
    co_await self.compute(dimension, [&] {
      sum.assign(dimension, 0.0);
      for (const auto& [rank, part] : exchange.parts()) {
        if (part.header().traffic != Traffic::kModel) continue;
        try {
          kernels::accumulate(weights_->of(rank), codec_.decode(part, standing_size(part)), sum);
          divisor += weights_->of(rank);
        } catch (const DecodeError& error) {
          unread[rank] = error.what();
        }
      }
    });
    for (const auto& [rank, why] : unread) exchange.leave_out(rank, why);
    // Who was chosen may be gone, all of them: then there is nothing to go on with.
    if (divisor == 0.0) exchange.give_up();
    if (divisor == 0.0 || !exchange.goes_on()) co_return;
    const std::vector<std::byte> behind = exchange.behind(/*named=*/true);
    const FrameHeader header{Traffic::kModel, Tag::kBroadcast, round};
    RandomStream random(seed_, "compression of averages", {number_at(exchange.step())});
    Frame answer;
    SharedVector reference;
    co_await self.compute(dimension, [&] {
      std::vector<float> mean(dimension);
      kernels::finish_mean(sum, divisor, mean);
      answer = codec_.encode(header, mean, random, behind);
      reference = codec_.decode(answer, behind.size());
    });
    codec_.refer_to(reference);
    exchange.commit(answer, /*changes_common=*/true);
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
        [](const Options&) {
          return Demands{
              .talks = Talks::kCoordinator, .compression = Compression::kOptional, .tolerates_absence = true};
        },
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
