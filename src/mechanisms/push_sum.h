// Push-sum: averaging over directed links (Kempe, Dobra and Gehrke 2003; Assran et al. 2019, SGP).
//
//   x_i  the numerators, d float32      y_i  the push-sum weight, 1 at first      z_i = x_i / y_i  the model
//
// A node gives fractions of x and of y to its receivers. What some nodes get too much of x they get too much of y, so
// that z tends to the average on any schedule of links that joins all nodes.
//
// Weights are kept in fixed point: what a node gives away and what its receiver adds are the same integer, so that
// sum_i y_i = n holds to the bit (S1), messages on their way included. The sum of x_i stays to the rounding of float32.
//
//   payload := weight message
//   weight  := u64    y of the sender in units of 2^-kFractionBits, at least 1
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/byte_stream.h"
#include "mechanisms/gossip.h"
#include "topology/schedule.h"

namespace laconic {

// y in fixed point. All nodes together have n <= kMaxNodes < 2^17 of it, which fits.
class PushWeight {
 public:
  static constexpr int kFractionBits = 45;
  static constexpr std::int64_t kOne = std::int64_t{1} << kFractionBits;

  explicit PushWeight(std::int64_t units = kOne) : units_(units) {}
  std::int64_t units() const { return units_; }
  double value() const { return static_cast<double>(units_) / static_cast<double>(kOne); }
  // The part that goes with `fraction` in [0, 1], rounded down (beyond 2^53 units to double, and never to more than the
  // whole): the same on whichever node works it out.
  PushWeight share(double fraction) const;
  PushWeight& operator+=(PushWeight other) {
    units_ += other.units_;
    return *this;
  }
  PushWeight& operator-=(PushWeight other) {
    units_ -= other.units_;
    return *this;
  }
  friend bool operator==(PushWeight, PushWeight) = default;

 private:
  std::int64_t units_;
};

// As a person reads it: three digits.
std::string text_of(PushWeight weight);

// x and y of one node, and the model that follows from them.
class PushSum {
 public:
  // Bytes of a payload beside the message.
  static constexpr std::uint64_t kPayloadOverhead = 8;
  // A node with less of y than this ends the run: its model would be rounding, blown up.
  static constexpr double kLeastWeight = 1e-6;

  // x begins as the worker's model, in its first round.
  Task<void> begin(Worker& self);
  std::span<float> numerators() { return x_; }
  PushWeight& weight() { return y_; }

  // x += gain (z' - x / y) for the model z' that a local step has made of z = x / y.
  void take_step(std::span<const float> model, double gain = 1.0);
  // z = x / y becomes the worker's model in round `round`, counted from 0 as those of the links. Throws RunError that
  // names the worker and the round when y is below kLeastWeight.
  void set_model(Worker& self, std::uint64_t round);

  // A payload of y and `size` bytes of message that `write` fills.
  Frame frame(const FrameHeader& header, std::size_t size,
              const std::function<void(std::span<std::byte>)>& write) const;

  void archive(Archive& archive);

 private:
  float inverse() const { return static_cast<float>(1.0 / y_.value()); }
  std::vector<float> x_;
  PushWeight y_;
};

// A sender's weight off the front of a payload. Throws DecodeError for one that no sender of `nodes` can have.
PushWeight read_weight(ByteReader& in, std::uint32_t nodes);

struct PushMessage {
  PushWeight weight;  // of its sender
  std::span<const std::byte> message;
};
// Throws DecodeError for a payload that is too short, or whose weight no sender of `nodes` can have.
PushMessage parse_push(const Frame& frame, std::uint32_t nodes);

// What a sender gives away in a round of what is worth `worth` times what travels: the sum of its receivers' fractions
// (gamma p_ki) worth, each rounded to float32 as the receivers use them, so that nothing is made or lost.
float given_fraction(std::span<const WeightedNeighbor> receivers, double gamma, double worth = 1.0);
// y -= what it gives to its receivers; and a receiver's part of a sender's weight.
void give_weight(PushWeight& weight, std::span<const WeightedNeighbor> receivers, double gamma);

// Throws UsageError where the strategy needs links that stay and these change.
void require_links_that_fit(const StrategyRow& strategy, const Demands& demands, const LinkSchedule& links);

// Sends to every receiver of this round its frame (one for all, or one each in the order of receivers()) and waits for
// those of the senders, in the order of ranks. Throws PeerLost that names the sender who is late.
Task<std::vector<NeighborFrame>> exchange_over_links(Comm& comm, const LinkMatrix& links, std::span<const Frame> frames,
                                                     const FrameHeader& header);

// Links that carry a message in a round, on the average over typical_rounds(); and whether every round has as many.
struct LinkCount {
  double mean = 0.0;
  bool same = true;
};
LinkCount links_a_round(const LinkSchedule& links);
// Different links of typical_rounds() together.
std::uint64_t links_ever(const LinkSchedule& links);
// The formula of an algorithm that sends a push-sum message of `size` bytes over every link of a step's round.
TrafficFormula link_traffic(const LinkSchedule& links, std::uint64_t size);

}  // namespace laconic
