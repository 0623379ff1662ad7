// What algorithms between neighbours on a graph share.
//
// Every round a node sends a frame to each of its neighbours, mostly the same to all, and receives one from each.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "compress/compressor.h"
#include "protocol/strategy.h"

namespace laconic {

// A neighbour's frame of a round.
struct NeighborFrame {
  WeightedNeighbor from;
  Frame frame;
};

// Sends `frame` to every neighbour of this node on `mixing` and waits for theirs of the same round and tag, in the
// order of ranks. Throws PeerLost that names the neighbour who is late.
Task<std::vector<NeighborFrame>> exchange(Comm& comm, const MixingMatrix& mixing, const Frame& frame);

// w_ii in float32, such that it and the neighbours' weights, rounded to float32, add up to 1 as near as can be: three
// times 1/3 rounded is 1 + 3e-8, by which the average would grow in every round.
float own_weight(const MixingMatrix& mixing, Rank node);

// The same with a frame for each neighbour: `frames` are in the order of mixing.neighbors(), as many, and outlive it.
Task<std::vector<NeighborFrame>> exchange_each(Comm& comm, const MixingMatrix& mixing, std::span<const Frame> frames);

// x_i += sum_j w_ij (x_j - x_i) on the worker's model, the models as sent: `own` and `received` are those of one
// exchange.
Task<void> mix_models(Worker& self, const Frame& own, const std::vector<NeighborFrame>& received);

// Throws the DecodeError of a message that `receiver` refused, with both named and the usual cause.
[[noreturn]] void refuse_message(const Comm& receiver, Rank sender, const DecodeError& error);

// Runs `read` on what the worker `sender` sent to `self`. A DecodeError of it then names both.
template <typename Read>
void read_from(const Worker& self, Rank sender, Read&& read) {
  try {
    read();
  } catch (const DecodeError& error) {
    refuse_message(self.comm(), sender, error);
  }
}

// Payload bytes a step, over all nodes, when each sends `size` bytes to each of its neighbours.
std::uint64_t gossip_payload(const MixingMatrix& mixing, std::uint64_t size);

// The formula of an algorithm that sends its model to each neighbour every step.
TrafficFormula model_traffic(const StrategySetting& setting);

// Bytes of an operator's message: of a Gaussian vector, and whether others differ. Of an operator whose options change
// over the run the mean over its steps.
struct MessageSize {
  std::uint64_t of_gaussian = 0;
  bool depends_on_values = false;
};
MessageSize message_size(const StrategySetting& setting);

// The formula of an algorithm that sends one message with `overhead` more bytes to each neighbour every step: exact
// where the size of messages does not depend on what is in them, else that of Gaussian vectors.
TrafficFormula message_traffic(const StrategySetting& setting, std::uint64_t overhead);

// Throws UsageError for a biased operator unless the option allow_biased is set.
void require_unbiased(const Options& options, const StrategySetting& setting);

// The step size of gossip in each step; the same on all nodes.
class GammaSchedule {
 public:
  explicit GammaSchedule(double gamma) : GammaSchedule({.first = gamma, .last = gamma}) {}
  explicit GammaSchedule(const NumberSchedule& schedule) : schedule_(schedule) {}

  float at(Step step) const { return static_cast<float>(schedule_.at(step.value)); }
  // The first step from which on it stays as it is; 0: it never changes.
  std::uint64_t changes_until() const { return schedule_.first == schedule_.last ? 0 : schedule_.steps(); }

 private:
  NumberSchedule schedule_;
};

// Options that several of these algorithms have. read_gamma() refuses 0. A gamma may be "auto": whoever makes the
// strategy then finds one (consensus/tune.h) and puts it in the place of the word.
OptionSpec gamma_option(std::string_view default_value);
inline constexpr std::string_view kGamma = "gamma";  // its name
bool has_gamma(const StrategyRow& row);
bool asks_for_tuned_gamma(const StrategyRow& row, const Options& options);
GammaSchedule read_gamma(const Options& options);
OptionSpec order_option();
OptionSpec replicas_start_option();
OptionSpec replicas_form_option();
OptionSpec allow_biased_option();

}  // namespace laconic
