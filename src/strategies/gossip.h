// What algorithms between neighbours on a graph share.
//
// Every round a node sends one frame, the same to all its neighbours, and receives one from each.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "compress/compressor.h"
#include "strategies/strategy.h"

namespace laconic {

// A neighbour's frame of a round.
struct NeighborFrame {
  WeightedNeighbor from;
  Frame frame;
};

// Sends `frame` to every neighbour of this node on `mixing` and waits for theirs of the same round and tag, in the
// order of ranks. Throws PeerLost that names the neighbour who is late.
Task<std::vector<NeighborFrame>> exchange(Comm& comm, const MixingMatrix& mixing, const Frame& frame);

// w_ii in float32, such that it and the neighbours' weights, rounded to float32, add up to 1 as near as can be. Rounded
// for itself it would make the average of the models grow by a part in 3e7 in every round of CHOCO on a ring, always in
// the same direction.
float own_weight(const MixingMatrix& mixing, Rank node);

// Payload bytes a step, over all nodes, when each sends `size` bytes to each of its neighbours.
std::uint64_t gossip_payload(const MixingMatrix& mixing, std::uint64_t size);

// The formula of an algorithm that sends one message with `overhead` more bytes to each neighbour every step: exact
// where the size of messages does not depend on what is in them, else that of Gaussian vectors.
TrafficFormula message_traffic(const StrategySetting& setting, std::uint64_t overhead);

// Throws UsageError for a biased operator unless the option allow_biased is set.
void require_unbiased(const Options& options, const StrategySetting& setting);

// Options that several of these algorithms have. read_gamma() refuses 0. A gamma may be "auto": whoever makes the
// strategy then finds one (consensus/tune.h) and puts it in the place of the word.
OptionSpec gamma_option(std::string_view default_value);
bool asks_for_tuned_gamma(const StrategyRow& row, const Options& options);
float read_gamma(const Options& options);
OptionSpec order_option();
OptionSpec replicas_start_option();
OptionSpec allow_biased_option();

}  // namespace laconic
