#include "mechanisms/sparse_push.h"

#include <string>

#include "base/error.h"

namespace laconic {

OptionSpec memory_option() {
  return {.name = "memory",
          .type = OptionType::kChoice,
          .default_value = "error",
          .choices = {"error", "difference"},
          .help =
              "what corrects for compression; error: what earlier messages left out, one vector; difference: a copy of "
              "what each receiver has, two vectors per link, which converges closer to the average"};
}

OptionSpec compress_option() {
  return {.name = "compress",
          .type = OptionType::kChoice,
          .default_value = "model",
          .choices = {"model", "update"},
          .help = "with memory = \"error\"; model: send the model; update: send the change of the local step"};
}

OptionSpec guard_option() {
  return {.name = "guard",
          .type = OptionType::kFlag,
          .default_value = "true",
          .help = "end the run if gossip diverges, as with too large a gamma"};
}

SparsePushOptions read_sparse_push_options(const Options& options) {
  SparsePushOptions result;
  result.rounds = read_push_sum_options(options);
  result.rounds.gamma = read_gamma(options);
  result.rounds.guard = options.flag("guard");
  result.difference = options.text("memory") == "difference";
  result.of_updates = options.text("compress") == "update";
  if (options.schedule(kGamma) != nullptr && result.rounds.order == LinkOrder::kAsynchronous) {
    throw UsageError(options.place(kGamma) +
                     ": sender and receiver of a message need the same gamma, and with order = \"asynchronous\" they "
                     "are at different steps; give one number, or another order");
  }
  if (result.difference && result.of_updates) {
    throw UsageError(options.place("compress") + ": an update is compressed with memory = \"error\" only; remove one");
  }
  if (result.difference && result.rounds.order == LinkOrder::kAsynchronous) {
    throw UsageError(options.place("memory") +
                     ": what is known by difference needs every message, and order = \"asynchronous\" may lose some; "
                     "take memory = \"error\"");
  }
  if (result.of_updates && result.rounds.order != LinkOrder::kAdaptThenCombine) {
    throw UsageError(options.place("compress") +
                     ": an update is what the local step just made, which is told with order = \"adapt-then-combine\" "
                     "only; take that order");
  }
  return result;
}

void require_links_for_updates(const Options& options, const LinkSchedule& links) {
  if (options.text("compress") != "update") return;
  for (std::uint64_t round = 0; round < links.typical_rounds(); ++round) {
    if (links.at(round)->doubly_stochastic()) continue;
    throw UsageError(options.place("compress") + ": over these links nodes get more or less than they give (in round " +
                     std::to_string(round) +
                     "), which would scale the models by weights that updates do not have; take \"model\", or links "
                     "such as directed_ring or one_peer that are always up");
  }
}

std::unique_ptr<LinkMemory> make_sparse_memory(const SparsePushOptions& options, const StrategySetting& setting) {
  if (options.difference) {
    return make_difference_memory(setting.compressor(), setting.dimension, setting.start,
                                  {.of_models = true, .same_receivers = setting.links->is_static()});
  }
  return make_error_memory(setting.compressor(), setting.dimension, options.of_updates);
}

TrafficFormula sparse_push_traffic(const SparsePushOptions& options, const StrategySetting& setting) {
  constexpr std::uint64_t kChain = 4;
  const MessageSize message = message_size(setting);
  TrafficFormula formula =
      link_traffic(*setting.links, PushSum::kPayloadOverhead + (options.difference ? kChain : 0) + message.of_gaussian);
  formula.depends_on_values =
      formula.depends_on_values || message.depends_on_values || options.rounds.order == LinkOrder::kAsynchronous;
  return formula;
}

Demands sparse_push_demands(const Options& options) {
  const bool difference = options.text("memory") == "difference";
  Demands demands = link_demands(options);
  demands.compression = Compression::kRequired;
  demands.gossip.mixes_untrained = options.text("compress") != "update";
  demands.gossip.stops_at_floor = !difference;
  demands.memory = {.vectors = 3, .per_neighbor = difference};
  return demands;
}

}  // namespace laconic
