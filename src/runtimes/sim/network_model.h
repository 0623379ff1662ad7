// When frames arrive, in virtual time.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/archive.h"
#include "base/ids.h"
#include "base/units.h"

namespace laconic::sim {

// A node's full-duplex interface.
struct LinkOptions {
  BitsPerSecond up = {};
  BitsPerSecond down = {};
};

struct NetworkOptions {
  // Every frame passes one channel after another's (radio, a bus), at the rate `channel`; else every node has an
  // interface of its own.
  bool shared_channel = false;
  BitsPerSecond channel = {};
  LinkOptions worker = {};
  LinkOptions coordinator = {};
  Seconds latency = {};

  // Faults. Of the frames that one node sends another, each is lost on its way with probability `loss`: its sender's
  // interface or the channel was busy with it, and nothing arrives. What is not lost comes a second time with
  // probability `duplication`, as if its sender had not learnt that it came: when the first reaches the receiver's side
  // the copy sets out, behind what its sender has sent by then, and takes the same way. So it comes after the first, by
  // its transfer and the latency at least, and other frames, of the same sender too, may come between the two. A copy
  // is neither lost nor doubled. Both are in [0, 1).
  double loss = 0.0;
  double duplication = 0.0;
};

// Frames are stored and forwarded: an interface or channel is busy for the frame's size over its rate, one frame at a
// time in the order they come.
class NetworkModel {
 public:
  virtual ~NetworkModel() = default;
  // A frame handed over at `now`: when it reaches the receiver's side.
  virtual Seconds reach(Seconds now, Rank from, Rank to, Bytes size) = 0;
  // A frame that reached the receiver's side at `now`, in the order of reaching: when the receiver has all of it.
  virtual Seconds arrive(Seconds now, Rank to, Bytes size) = 0;
  virtual void archive(Archive& archive) = 0;
};

// For workers 0 .. world_size-1 and the coordinator.
std::unique_ptr<NetworkModel> make_network(const NetworkOptions& options, int world_size);

}  // namespace laconic::sim
