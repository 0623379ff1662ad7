#include "mechanisms/averaging.h"

#include <map>
#include <string>
#include <utility>

#include "base/error.h"
#include "comm/present_exchange.h"
#include "kernels/vector_ops.h"

namespace laconic {

Averaging::Averaging(const StrategySetting& setting, SharedWeights weights)
    : seed_(setting.seed),
      weights_(std::move(weights)),
      compressor_(setting.compressor),
      up_(compressor_, compressor_ ? SharedVector(setting.start) : SharedVector()) {
  if (setting.comes_and_goes && !compressor_) common_ = SharedVector(setting.start);
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
  const std::vector<std::byte> standing = comm.standing(header);
  co_await self.compute([&] { own = up_.encode(header, self.params(), random, standing); });
  const bool star = comm.options().collective == Collective::kStar;
  const Rank collector = star ? comm.coordinator() : Rank{0};
  Frame answer;
  std::size_t behind = 0;
  if (comm.is_member()) {
    answer = co_await comm.exchange_present(own);
    behind = named_view_size(comm.world_size());
  } else if (self.rank() == collector) {
    answer = co_await collect(comm, round, self.rank(), own);
  } else {
    comm.send(collector, own);
    answer = co_await comm.receive(collector, Tag::kBroadcast, round);
  }
  SharedVector mean;
  co_await self.compute([&] { mean = up_.decode(answer, behind); });
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
        begin_collecting();
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

// Over those who are present: whose message cannot be read is none of them. What a worker has not told yet is lost with
// it; what the collector has not told yet stays.
Task<void> Averaging::collect_present(Comm& comm, Attendance& attendance, Round round, Arrival first,
                                      const Follow& follow) {
  const std::size_t dimension = up_.reference().size();
  PresentExchange exchange(comm, attendance);
  const auto alike = [](Rank, const Frame&, std::size_t) -> std::uint64_t { return 0; };
  if (!co_await exchange.collect(round, std::move(first), Tag::kGather, alike)) co_return;
  std::vector<double> sum;
  double divisor = 0.0;
  std::map<Rank, std::string> unread;
  co_await comm.compute(dimension, [&] {
    begin_collecting();
    sum.assign(dimension, 0.0);
    for (const auto& [rank, part] : exchange.parts()) {
      try {
        kernels::accumulate(weights_->of(rank), down_->decode(part, standing_size(part)), sum);
        divisor += weights_->of(rank);
      } catch (const DecodeError& error) {
        unread[rank] = error.what();
      }
    }
  });
  for (const auto& [rank, why] : unread) exchange.leave_out(rank, why);
  if (!exchange.goes_on()) co_return;
  const std::vector<std::byte> behind = exchange.behind(/*named=*/true);
  RandomStream random(seed_, "compression of averages", {round.value});
  const FrameHeader header{Traffic::kModel, Tag::kBroadcast, round};
  Frame answer;
  CollectiveResult result{.step = exchange.step(), .traffic = Traffic::kModel, .values = {}};
  co_await comm.compute(dimension, [&] {
    std::vector<float> mean(dimension);
    kernels::finish_mean(sum, divisor, mean);
    answer = down_->encode(header, mean, random, behind);
    result.values = up_.decode(answer, behind.size());
  });
  const bool changes_common = co_await follow(result);
  exchange.commit(answer, changes_common);
}

void Averaging::begin_collecting() {
  if (!down_) down_.emplace(compressor_, SharedVector(std::vector<float>(up_.reference().size())));
}

Task<void> Averaging::coordinate(Coordinator& self, Follow follow) {
  Comm& comm = self.comm();
  Reductions reductions(comm, weights_);
  const TagSet tags = reduction_tags() | Tag::kGather;
  if (!follow) {
    follow = [this](const CollectiveResult& result) -> Task<bool> {
      if (result.traffic != Traffic::kModel) co_return false;
      refer_to(result.values);
      if (!compresses()) common_ = result.values;
      co_return true;
    };
  }
  for (;;) {
    const Arrival first = co_await comm.receive_when_idle(tags, comm.upcoming_round());
    const Round round = comm.next_round();
    if (first.frame.header().tag != Tag::kGather) {
      co_await reductions.serve(round, first, follow);
    } else if (Attendance* attendance = comm.attendance()) {
      co_await collect_present(comm, *attendance, round, first, follow);
    } else {
      co_await collect(comm, round, first.from, first.frame);
    }
  }
}

void Averaging::archive_common(Archive& archive) {
  SharedVector common = compresses() ? up_.reference() : common_;
  archive_shared(archive, "averaging.common", common, common.size());
  if (!archive.loading()) return;
  if (!compresses()) common_ = common;
  refer_to(common);
}

void Averaging::archive(Archive& archive) {
  if (!compresses()) return;
  up_.archive(archive);
  bool collects = down_.has_value();
  archive.value("averaging.collects", collects);
  if (!collects) return;
  begin_collecting();
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
