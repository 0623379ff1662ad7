#include "mechanisms/averaging.h"

#include <utility>

#include "base/error.h"
#include "kernels/vector_ops.h"

namespace laconic {

Averaging::Averaging(const StrategySetting& setting, SharedWeights weights)
    : seed_(setting.seed),
      weights_(std::move(weights)),
      compressor_(setting.compressor),
      up_(compressor_, compressor_ ? SharedVector(setting.start) : SharedVector()) {
  if (setting.comes_and_goes) common_ = SharedVector(setting.start);
}

Task<SharedVector> Averaging::mean(Worker& self) {
  Comm& comm = self.comm();
  if (!compresses()) {
    SharedVector mean = co_await comm.all_reduce_mean(self.params(), *weights_, Traffic::kModel);
    if (common_.size() > 0) common_ = mean;
    co_return mean;
  }
  const Round round = comm.next_round();
  const FrameHeader header{Traffic::kModel, Tag::kGather, round};
  RandomStream random = self.rng("compression");
  Frame own;
  co_await self.compute([&] { own = up_.encode(header, self.params(), random); });
  const bool star = comm.options().collective == Collective::kStar;
  const Rank collector = star ? comm.coordinator() : Rank{0};
  Frame answer;
  if (self.rank() == collector) {
    answer = co_await collect(comm, round, self.rank(), own);
  } else {
    comm.send(collector, own);
    answer = co_await comm.receive(collector, Tag::kBroadcast, round);
  }
  SharedVector mean;
  co_await self.compute([&] { mean = up_.decode(answer); });
  refer_to(mean);
  co_return mean;
}

void Averaging::refer_to(const SharedVector& common) {
  if (compresses()) up_.refer_to(common);
}

Task<Frame> Averaging::collect(Comm& comm, Round round, Rank first_rank, Frame first) {
  const std::size_t dimension = up_.reference().size();
  std::vector<double> sum;
  for (Rank rank{0}; rank.value < comm.world_size(); ++rank.value) {
    Frame frame = first;
    if (rank != first_rank) frame = co_await comm.receive(rank, Tag::kGather, round, comm.collecting_deadline());
    try {
      co_await comm.compute(dimension, [&] {
        if (!down_) down_.emplace(compressor_, SharedVector(std::vector<float>(dimension)));
        if (sum.empty()) sum.resize(dimension, 0.0);
        kernels::accumulate(weights_->of(rank), down_->decode(frame), sum);
      });
    } catch (const DecodeError& error) {
      throw DecodeError("the model of " + comm.name(rank) + " for " + comm.name(comm.self()) + ": " + error.what());
    }
  }
  RandomStream random(seed_, "compression of averages", {round.value});
  const FrameHeader header{Traffic::kModel, Tag::kBroadcast, round};
  Frame answer;
  co_await comm.compute(dimension, [&] {
    std::vector<float> mean(dimension);
    kernels::finish_mean(sum, weights_->sum(), mean);
    answer = down_->encode(header, mean, random);
  });
  for (Rank rank{0}; rank.value < comm.world_size(); ++rank.value) {
    if (rank != comm.self()) comm.send(rank, answer);
  }
  co_return answer;
}

Task<void> Averaging::coordinate(Coordinator& self, Follow follow) {
  Comm& comm = self.comm();
  Reductions reductions(comm, weights_);
  const TagSet tags{Tag::kReduceMean, Tag::kReduceSum, Tag::kReduceAny, Tag::kReduceWeightedMean, Tag::kGather};
  if (!follow) {
    follow = [this](const CollectiveResult& result) -> Task<bool> {
      if (result.traffic != Traffic::kModel) co_return false;
      common_ = result.values;
      co_return true;
    };
  }
  for (;;) {
    const Arrival first = co_await comm.receive_when_idle(tags, comm.upcoming_round());
    const Round round = comm.next_round();
    if (first.frame.header().tag != Tag::kGather) {
      co_await reductions.serve(round, first, follow);
    } else {
      co_await collect(comm, round, first.from, first.frame);
    }
  }
}

void Averaging::archive_common(Archive& archive) {
  archive_shared(archive, "averaging.common", common_, common_.size());
}

void Averaging::archive(Archive& archive) {
  if (!compresses()) return;
  up_.archive(archive);
  bool collects = down_.has_value();
  archive.value("averaging.collects", collects);
  if (!collects) return;
  if (!down_) down_.emplace(compressor_, SharedVector(std::vector<float>(up_.reference().size())));
  down_->archive(archive);
}

void add_average(TrafficFormula& formula, const StrategySetting& setting) {
  if (!setting.compressor) {
    formula.sync(Traffic::kModel) +=
        all_reduce_payload(setting.collective, setting.world_size, setting.dimension).value;
    return;
  }
  const ModelSize model = model_size(setting);
  const auto workers = static_cast<std::uint64_t>(setting.world_size);
  const std::uint64_t messages = setting.collective == Collective::kStar ? 2 * workers : 2 * (workers - 1);
  formula.sync(Traffic::kModel) += messages * model.bytes;
  formula.depends_on_values = formula.depends_on_values || model.depends_on_values;
}

}  // namespace laconic
