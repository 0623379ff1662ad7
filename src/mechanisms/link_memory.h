// What travels over directed links of a node's numerators x, and what both ends make of it.
//
// In a round a node gives the fraction gamma p_ki of something to its receiver k: it takes it off its own x, and k adds
// it, so that the sum over all nodes stays. That something is
//
//   exact       x_i itself                                            (Assran et al. 2019)
//   error       c_i = C(x_i + e_i), where e_i is what earlier messages left out; one vector more, whatever the links
//                                                                     (reconstructed: Aketi et al. 2021, Sparse-Push)
//   update      the same of what the local steps added to x_i
//   difference  y_i zhat_ik, where zhat_ik is what k knows of the model z_i = x_i / y_i: told is C(z_i - zhat_ik),
//               which both ends add to it. Or xhat_ik, what k knows of x_i (Taheri et al. 2020): then there is always
//               something left to tell where the weights y never rest, as over links that are drawn anew in every
//               round. Two vectors for each link, or for each node where the links stay: all receivers then know the
//               same.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "comm/frame.h"
#include "compress/compressor.h"
#include "topology/mixing.h"

namespace laconic {

class LinkMemory {
 public:
  // Makes a frame of a message of `size` bytes that `write` fills.
  using MakeFrame = std::function<Frame(std::size_t size, const std::function<void(std::span<std::byte>)>& write)>;
  using Receivers = std::span<const WeightedNeighbor>;

  virtual ~LinkMemory() = default;
  // The step of training, counted from 0, whose messages come next, and the first from which on the operator's options
  // stay as they are (compress/compressor.h).
  virtual void begin_step(std::uint64_t step) { static_cast<void>(step); }
  virtual std::uint64_t changes_until() const { return 0; }
  // The frames of a round for the receivers: one for all, or one each, in their order. `x` are the numerators, `before`
  // what they were when the newest local step began, `weight` is y. Throws RunError for a vector that cannot be sent.
  virtual std::vector<Frame> encode(std::span<const float> x, std::span<const float> before, double weight,
                                    Receivers receivers, RandomStream& random, const MakeFrame& make) = 0;
  // In place of encode() in a round without receivers: what would have been sent stays to be sent.
  virtual void skip_round(std::span<const float> x, std::span<const float> before) {
    static_cast<void>(x);
    static_cast<void>(before);
  }
  // x -= what goes to the receivers with the messages encoded last, as many as the frames; `weight` as then.
  virtual void give(Receivers receivers, double gamma, double weight,
                    std::span<const std::span<const std::byte>> messages, std::span<float> x) = 0;
  // x += fraction * what `sender`, of weight y = `weight`, sent with this message. Throws DecodeError, with `x`
  // unchanged.
  virtual void take(Rank sender, std::span<const std::byte> message, double fraction, double weight,
                    std::span<float> x) = 0;
  // All nodes have come to the same numerators in another way.
  virtual void merged(std::span<const float> x) { static_cast<void>(x); }
  // The receivers got the whole of x in another way, so that nothing is left to send.
  virtual void sent_uncompressed() {}
  // Whether `encode` needs `before`.
  virtual bool needs_before() const { return false; }
  // ||what is left to send||, of the messages encoded last; 0 where nothing ever is.
  virtual double residual() const { return 0.0; }
  virtual void archive(Archive& archive) { static_cast<void>(archive); }
};

std::unique_ptr<LinkMemory> make_exact_memory();
std::unique_ptr<LinkMemory> make_error_memory(std::unique_ptr<Compressor> compressor, std::size_t size,
                                              bool of_updates);
struct DifferenceOptions {
  bool of_models = true;        // what is known is z, else x
  bool same_receivers = false;  // the links are the same in every round
};
// `start`: what is known of every node at first; empty: 0.
std::unique_ptr<LinkMemory> make_difference_memory(std::unique_ptr<Compressor> compressor, std::size_t size,
                                                   std::span<const float> start, const DifferenceOptions& options);

}  // namespace laconic
