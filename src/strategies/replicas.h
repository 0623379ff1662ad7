// What a node and its neighbours know of each other's vectors when only compressed messages travel.
//
//   xhat_i   replica()            what all neighbours hold as node i's vector
//   s_i      neighborhood_sum()   sum_j w_ij xhat_j over the neighbours and node i itself
//   q_i      a message C(v), applied by everyone alike:  xhat_i := keep xhat_i + scale C(v)
//
// The memory-efficient form (Koloskova et al. 2020, algorithm 6): the copies of the neighbours are never held apart,
// only their weighted sum, so a node keeps two vectors whatever its degree. Needs weights that stay.
//
//   payload := chain flags message
//   chain   := u32    crc32c over all messages the sender sent before this one; of none: 0
//   flags   := u8     bit 0: the sender asks its neighbours for their replicas
//
// A receiver that finds another chain than its own over the sender's messages has missed one or has another: its sum is
// no longer that of the replicas. It says so (Worker::warn), and asks with its next message; each neighbour answers
// with a frame of Tag::kReplica (chain, then xhat as d float32) in that round, from which the sum is rebuilt.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "strategies/gossip.h"

namespace laconic {

class Replicas {
 public:
  // Bytes of a payload beside the message.
  static constexpr std::uint64_t kPayloadOverhead = 5;

  // `start`: xhat of every node before the first message; empty stands for 0.
  Replicas(std::shared_ptr<const MixingMatrix> mixing, std::unique_ptr<Compressor> compressor, std::size_t size,
           std::span<const float> start);

  std::span<const float> replica() const { return replica_; }
  std::span<const float> neighborhood_sum() const { return sum_; }

  // The frame that tells the neighbours C(v) in the next round.
  Task<Frame> encode(Worker& self, std::span<const float> v, Traffic traffic);

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
  static Payload parse(const Frame& frame);
  void check_chains(Worker& self, const Exchanged& exchanged);
  Task<void> repair(Worker& self, const Exchanged& exchanged, bool asked);

  std::shared_ptr<const MixingMatrix> mixing_;
  std::unique_ptr<Compressor> compressor_;
  std::vector<float> replica_;
  std::vector<float> sum_;
  std::uint32_t own_chain_ = 0;
  std::vector<std::uint32_t> chains_;  // of each neighbour, in the order of ranks
  bool parted_ = false;                // a neighbour's chain was not the one expected: to be asked for
  bool asked_ = false;                 // in the frame encoded last
};

}  // namespace laconic
