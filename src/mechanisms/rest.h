// Coming to rest: how workers that wait for nobody, and a coordinator that may ask any of them at any time, come to a
// checkpoint (strategy.h) with nothing on its way.
//
//   worker       After the step, and once nothing of its own waits for an answer, it says that it rests, and how many
//                of the coordinator's frames it has taken in. It takes in what comes, and says so again after each.
//   coordinator  A worker rests that has said so after all that went to it. When all do, nothing is on its way either
//                way, as frames from one node to another keep their order: it tells them that all rest.
//
//   rests := varint n        Tag::kGather, Traffic::kControl; n >= 0 frames taken in, since the run began
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "base/archive.h"
#include "comm/comm.h"

namespace laconic {

// What a worker says that has taken in so many frames.
Frame rest_frame(Round round, std::uint64_t taken_in);

// The coordinator's next frame (Tag::kBroadcast) to a worker that rests. Throws PeerLost when none comes within the
// deadline.
Task<Frame> receive_at_rest(Comm& comm, Round round);

// Which workers rest, as the coordinator knows.
class RestingWorkers {
 public:
  explicit RestingWorkers(std::size_t workers) : sent_(workers, 0) {}

  // A frame goes to a worker, who from now on does not rest until it says so again.
  void sent(Rank worker);
  // A worker says that it rests. Throws DecodeError for a payload that is not that, or of frames that were never sent.
  void said(const Comm& comm, Rank worker, const Frame& frame);

  bool contains(Rank worker) const { return resting_.contains(worker.value); }
  std::size_t count() const { return resting_.size(); }

  void archive(Archive& archive);

 private:
  std::vector<std::uint64_t> sent_;  // frames to each worker
  std::set<std::int32_t> resting_;
};

}  // namespace laconic
