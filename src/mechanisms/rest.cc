#include "mechanisms/rest.h"

#include <optional>
#include <string>

#include "base/byte_stream.h"
#include "base/error.h"

namespace laconic {

Frame rest_frame(Round round, std::uint64_t taken_in) {
  ByteWriter out;
  out.varint(taken_in);
  return Frame(FrameHeader{Traffic::kControl, Tag::kGather, round}, out.bytes());
}

Task<Frame> receive_at_rest(Comm& comm, Round round) {
  const Seconds since = comm.now();
  const Seconds deadline = comm.options().deadline;
  const Pattern pattern{.from = comm.coordinator(), .tags = Tag::kBroadcast, .round = round};
  std::optional<Arrival> arrival = co_await comm.transport().receive(pattern, deadline);
  if (!arrival) {
    throw PeerLost(comm.name(comm.self()) + " rests at a checkpoint, and got no word from " +
                   comm.name(comm.coordinator()) + " that all workers do within " + to_text(deadline) +
                   ", waiting since " + moment_text(since) +
                   "; see whether the others still run, or raise network.deadline above the time by which the slowest "
                   "of them is behind");
  }
  co_return std::move(arrival->frame);
}

void RestingWorkers::sent(Rank worker) {
  ++sent_.at(static_cast<std::size_t>(worker.value));
  resting_.erase(worker.value);
}

void RestingWorkers::said(const Comm& comm, Rank worker, const Frame& frame) {
  const std::string what = "rest of " + comm.name(worker);
  ByteReader in(frame.payload(), what);
  const std::uint64_t taken_in = in.varint();
  in.expect_end();
  const std::uint64_t sent = sent_.at(static_cast<std::size_t>(worker.value));
  if (taken_in > sent) {
    in.fail("after " + std::to_string(taken_in) + " frames, of which " + std::to_string(sent) + " were sent");
  }
  if (taken_in == sent) resting_.insert(worker.value);  // else more is on its way to it, and it will say so again
}

void RestingWorkers::archive(Archive& archive) {
  for (std::size_t k = 0; k < sent_.size(); ++k) {
    const auto worker = static_cast<std::int32_t>(k);
    archive.value("resting.sent", sent_[k]);
    bool rests = resting_.contains(worker);
    archive.value("resting.rests", rests);
    if (rests) resting_.insert(worker);
  }
}

}  // namespace laconic
