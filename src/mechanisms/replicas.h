// What a node and its neighbours know of each other's vectors when only compressed messages travel.
//
//   xhat_i   replica()            what all neighbours hold as node i's vector
//   D_i      difference()         sum_j w_ij (xhat_j - xhat_i) over the neighbours
//   q_i      a message C(v), applied by everyone alike:  xhat_i := keep xhat_i + scale C(v)
//
// Two forms:
//   kSum   the copies of the neighbours are never held apart, so that a node keeps two vectors whatever its degree
//          (Koloskova et al. 2020, algorithm 6), and needs weights that stay. Kept is D_i and not the paper's
//          s_i = D_i + xhat_i: what is rounded is then as large as the nodes differ, not as their models are. Still the
//          roundings of early rounds stay in it, and move the average of the models a little in every later round.
//   kEach  every copy is held (2020, algorithm 2), and D_i is new in every round. What i takes from j is then, to the
//          bit, what j gives to i, and no rounding is ever added to another.
//
//   payload := chain flags message
//   chain   := u32    crc32c over all messages the sender sent before this one; of none: 0
//   flags   := u8     bit 0: the sender asks its neighbours for their replicas
//
// A node whose q is 0 may be silent: an empty payload, as control, and xhat_i as it was. Its chain is that of what it
// sent before.
//
// A receiver that finds another chain than its own over the sender's messages has missed one or has another: what it
// holds is no longer what the sender's neighbours should. It says so (Worker::warn), and asks with its next message;
// each neighbour answers with a frame of Tag::kReplica (chain, then xhat as d float32) in that round, from which that
// is rebuilt.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "mechanisms/gossip.h"

namespace laconic {

class Replicas {
 public:
  // Bytes of a payload beside the message.
  static constexpr std::uint64_t kPayloadOverhead = 5;

  enum class Form { kSum, kEach };
  // `start`: xhat of every node before the first message; empty stands for 0.
  Replicas(std::shared_ptr<const MixingMatrix> mixing, std::unique_ptr<Compressor> compressor, std::size_t size,
           std::span<const float> start, Form form = Form::kSum);

  std::span<const float> replica() const { return replica_; }
  std::span<const float> difference() const { return difference_; }

  // The frame that tells the neighbours C(v) in the next round, which is that of `step`, counted from 0.
  Task<Frame> encode(Worker& self, Step step, std::span<const float> v, Traffic traffic);
  // The frame that stands for q = 0; only where asks() is false.
  Frame silence(Worker& self);
  // Whether this node's next message has to ask its neighbours for their replicas.
  bool asks() const { return parted_; }

  // What came from the neighbours for a frame of encode().
  struct Exchanged {
    Frame own;
    std::vector<NeighborFrame> received;
  };
  // Sends it and waits for theirs. A local step may be under way.
  Task<Exchanged> exchange_frames(Worker& self, const Frame& own);
  // xhat := keep xhat + scale q for this node's and the neighbours' messages; with keep = scale = 1 as in CHOCO. Then
  // repairs what was asked for in this round.
  Task<void> apply(Worker& self, const Exchanged& exchanged, float keep = 1.0F, float scale = 1.0F);

  void archive(Archive& archive);

 private:
  struct Payload;
  static bool silent(const Frame& frame);
  static Payload parse(const Frame& frame);
  Task<void> check_chains(Worker& self, const Exchanged& exchanged);
  // xhat_i and either D_i or the neighbours' copies move on.
  void decode(Worker& self, const Exchanged& exchanged, float keep, float scale);
  // D_i from the copies of the neighbours that `copy_of` gives.
  void sum_differences(std::span<const WeightedNeighbor> neighbors,
                       const std::function<std::span<const float>(std::size_t)>& copy_of);
  Task<void> repair(Worker& self, const Exchanged& exchanged, bool asked);

  std::shared_ptr<const MixingMatrix> mixing_;
  std::unique_ptr<Compressor> compressor_;
  std::vector<float> replica_;
  std::vector<float> difference_;
  Form form_;
  std::vector<std::vector<float>> copies_;  // of each neighbour, in the order of ranks; kEach only
  std::uint32_t own_chain_ = 0;
  std::vector<std::uint32_t> chains_;  // of each neighbour, in the order of ranks
  bool parted_ = false;                // a neighbour's chain was not the one expected: to be asked for
  bool asked_ = false;                 // in the frame encoded last
};

}  // namespace laconic
