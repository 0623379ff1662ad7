#include "mechanisms/dma_node.h"

#include <algorithm>

#include "base/byte_stream.h"
#include "base/error.h"
#include "kernels/vector_ops.h"

namespace laconic {

DmaNode::DmaNode(const DmaJob& job, std::size_t behind_model, std::size_t behind_mean)
    : threshold_(job.options.threshold),
      options_(job.options),
      nodes_(static_cast<std::size_t>(job.setting.world_size)),
      seed_(job.setting.seed),
      behind_model_(behind_model),
      behind_mean_(behind_mean),
      weights_(job.weights),
      codec_(job.setting.compressor, job.start),
      present_(nodes_) {}

void DmaNode::archive(Archive& archive) {
  codec_.archive(archive);
  archive.value("dma.references", references_);
  archive.value("dma.violations", violations_);
}

void DmaNode::archive_common(Archive& archive) {
  SharedVector reference = codec_.reference();
  archive_shared(archive, "dma.reference", reference, dimension());
  archive.value("dma.references", references_);
  if (archive.loading()) codec_.refer_to(reference);
}

std::vector<Rank> DmaNode::everyone() const {
  std::vector<Rank> result;
  for (Rank node{0}; node.value < static_cast<std::int32_t>(nodes_); ++node.value) result.push_back(node);
  return result;
}

// ---- a worker

Task<double> DmaNode::distance(Worker& self) {
  double result = 0.0;
  co_await self.compute([&] { result = kernels::squared_distance(self.params(), codec_.reference()); });
  co_return result;
}

Task<DmaNode::Told> DmaNode::tell_model(Worker& self, Round round, std::span<const std::byte> behind) {
  const FrameHeader header{Traffic::kModel, Tag::kGather, round};
  RandomStream random = self.rng("compression");
  Told told;
  co_await self.compute([&] {
    told.frame = codec_.encode(header, self.params(), random, behind);
    if (!codec_.compresses()) return;
    told.model = codec_.decode(told.frame, behind.size());
    codec_.drop_untold();
  });
  co_return told;
}

void DmaNode::after_balance(Worker& self, const Frame& frame, const SharedVector& mean) {
  const std::byte flag = frame.payload().last(behind_mean_).front();
  if (flag == std::byte{0}) return;  // of some workers: the reference stays
  codec_.refer_to(mean);
  ++references_;
  self.synchronised();
}

// ---- the coordinator

DmaNode::Notice DmaNode::read_notice(const Comm&, Rank, const Frame&) { return Notice::kNone; }

bool DmaNode::is_of_other_reference(const Frame&) const { return false; }

Task<DmaVerdict> DmaNode::take(Comm& comm, Balance& balance, Rank node, const Frame& frame) {
  if (frame.payload().size() < behind_model_) co_return DmaVerdict::kMalformed;
  if (is_of_other_reference(frame)) co_return DmaVerdict::kOtherReference;
  bool finite = false;
  try {
    co_await comm.compute(dimension(), [&] {
      SharedVector model = codec_.decode(frame, behind_model_);
      finite = kernels::all_finite(model);
      if (finite) balance.add(node, std::move(model));
    });
  } catch (const DecodeError&) {
    co_return DmaVerdict::kMalformed;
  }
  co_return finite ? DmaVerdict::kGoOn : DmaVerdict::kNotFinite;
}

bool DmaNode::too_many(std::uint64_t violators) {
  violations_ += violators;
  if (violations_ < present_) return false;
  violations_ = 0;
  return true;
}

Task<bool> DmaNode::enough(Comm& comm, const Balance& balance) const {
  if (balance.size() == present_) co_return true;
  // One violator's mean is its model, which is known to be too far away.
  if (balance.size() <= 1) co_return false;
  double distance = 0.0;
  co_await comm.compute(dimension(), [&] { distance = balance.distance(); });
  co_return distance <= threshold_;
}

// Who said that it rests before the request came to it sends its model behind that.
Task<void> DmaNode::enlarge(Comm& comm, Balance& balance, bool to_all, std::vector<Rank> rest, Round round,
                            std::function<void(Rank, DmaVerdict)> refuse) {
  const Seconds end = comm.now() + comm.collecting_deadline();
  while (!rest.empty() && balance.size() > 0) {
    const bool stops = to_all ? false : co_await enough(comm, balance);
    if (stops) break;
    const std::size_t wanted = to_all ? rest.size() : augment(options_.augmentation, balance.size(), present_);
    std::vector<Rank> group(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(std::min(wanted, rest.size())));
    rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(group.size()));
    std::sort(group.begin(), group.end());
    for (const Rank node : group) tell(comm, node, round, DmaVerdict::kSend);
    while (!group.empty()) {
      const std::vector<Contribution> replies = co_await replies_of(comm, group, round, end);
      group.clear();
      for (const Contribution& reply : replies) {
        const Notice notice = read_notice(comm, reply.from, reply.frame);
        if (notice == Notice::kOwes) group.push_back(reply.from);
        if (notice != Notice::kNone) continue;
        const DmaVerdict verdict = co_await take(comm, balance, reply.from, reply.frame);
        if (verdict != DmaVerdict::kGoOn) refuse(reply.from, verdict);
      }
    }
  }
}

Task<std::vector<Contribution>> DmaNode::replies_of(Comm& comm, std::vector<Rank> group, Round round, Seconds end) {
  co_return co_await comm.gather(group, round, end);
}

Task<Frame> DmaNode::answer(Comm& comm, const Balance& balance, Round round, std::uint64_t number,
                            std::span<const std::byte> behind) {
  const bool full = balance.size() == present_;
  const FrameHeader header{Traffic::kModel, Tag::kBroadcast, round};
  std::vector<std::byte> flagged(1 + behind.size());
  flagged.front() = std::byte{static_cast<unsigned char>(full ? 1 : 0)};
  std::copy(behind.begin(), behind.end(), flagged.begin() + 1);
  RandomStream random(seed_, "compression of averages", {round.value, number});
  Frame frame;
  SharedVector reference;
  co_await comm.compute(dimension(), [&] {
    frame = codec_.encode(header, balance.mean(), random, flagged, balance.weight());
    if (full) reference = codec_.decode(frame, behind_mean_);
  });
  // Here and not on another thread: a worker may join meanwhile.
  if (full) {
    codec_.refer_to(reference);
    ++references_;
    violations_ = 0;
  }
  for (const Rank node : balance.members()) send_down(comm, node, frame);
  co_return frame;
}

}  // namespace laconic
