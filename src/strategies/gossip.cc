#include "strategies/gossip.h"

#include <algorithm>

#include "base/error.h"

namespace laconic {
namespace {
constexpr std::string_view kTuned = "auto";
}  // namespace

Task<std::vector<NeighborFrame>> exchange(Comm& comm, const MixingMatrix& mixing, const Frame& frame) {
  const std::span<const WeightedNeighbor> neighbors = mixing.neighbors(comm.self());
  for (const WeightedNeighbor& neighbor : neighbors) comm.send(neighbor.rank, frame);
  std::vector<NeighborFrame> received;
  received.reserve(neighbors.size());
  for (const WeightedNeighbor& neighbor : neighbors) {
    Frame from_neighbor = co_await comm.receive(neighbor.rank, frame.header().tag, frame.header().round);
    received.push_back({neighbor, std::move(from_neighbor)});
  }
  co_return received;
}

float own_weight(const MixingMatrix& mixing, Rank node) {
  double rest = 1.0;
  for (const WeightedNeighbor& neighbor : mixing.neighbors(node)) {
    rest -= static_cast<double>(static_cast<float>(neighbor.weight));
  }
  return static_cast<float>(rest);
}

std::uint64_t gossip_payload(const MixingMatrix& mixing, std::uint64_t size) {
  std::uint64_t directed_edges = 0;
  for (Rank rank{0}; rank.value < static_cast<std::int32_t>(mixing.nodes()); ++rank.value) {
    directed_edges += mixing.neighbors(rank).size();
  }
  return directed_edges * size;
}

TrafficFormula message_traffic(const StrategySetting& setting, std::uint64_t overhead) {
  RandomStream stream(setting.seed, "message size");
  const std::unique_ptr<Compressor> compressor = setting.compressor();
  std::vector<float> values(setting.dimension, 0.0F);
  const std::size_t of_zero = compressor->prepare(values, stream);
  for (float& value : values) value = static_cast<float>(stream.gaussian());
  const std::size_t of_gaussian = compressor->prepare(values, stream);
  TrafficFormula formula;
  formula.sync(Traffic::kModel) = gossip_payload(*setting.mixing, overhead + of_gaussian);
  formula.steps_per_sync = 1;
  formula.depends_on_values = of_gaussian != of_zero;
  return formula;
}

void require_unbiased(const Options& options, const StrategySetting& setting) {
  if (options.flag("allow_biased") || setting.compressor()->unbiased()) return;
  throw UsageError(
      "this algorithm is proved for unbiased compression only, and the operator of [compression] is biased: choose "
      "qsgd, "
      "natural, random_k or random_gossip with unbiased = true, or set strategy.allow_biased = true to try it");
}

OptionSpec gamma_option(std::string_view default_value) {
  return {.name = "gamma",
          .type = OptionType::kNumber,
          .default_value = default_value,
          .minimum = 0,
          .maximum = 1,
          .choices = {kTuned},
          .help =
              "how far a worker moves towards its neighbours' average in a round, in (0, 1]; \"auto\": tuned on the "
              "graph and the operator before the first step"};
}

bool asks_for_tuned_gamma(const StrategyRow& row, const Options& options) {
  const auto is_gamma = [](const OptionSpec& spec) {
    return spec.name == "gamma" && std::find(spec.choices.begin(), spec.choices.end(), kTuned) != spec.choices.end();
  };
  return std::any_of(row.options.begin(), row.options.end(), is_gamma) && options.is_word("gamma");
}

float read_gamma(const Options& options) {
  LACONIC_CHECK(!options.is_word("gamma"), "gamma is not tuned yet");
  const double gamma = options.number("gamma");
  if (gamma > 0.0) return static_cast<float>(gamma);
  throw UsageError(options.place("gamma") + ": with 0 nobody hears of anybody; give a number in (0, 1]");
}

OptionSpec order_option() {
  return {.name = "order",
          .type = OptionType::kChoice,
          .default_value = "overlap",
          .choices = {"overlap", "adapt-then-combine"},
          .help = "exchange while the gradient is computed, or after the local step"};
}

OptionSpec allow_biased_option() {
  return {.name = "allow_biased",
          .type = OptionType::kFlag,
          .default_value = "false",
          .help = "take a biased operator, for which nothing is proved"};
}

OptionSpec replicas_start_option() {
  return {.name = "xhat_start",
          .type = OptionType::kChoice,
          .default_value = "start",
          .choices = {"start", "zero"},
          .help = "what the public copies are at first: the common start, or 0 as in the paper"};
}

}  // namespace laconic
