// Sparse-Push: compressed push-sum over directed, changing links (Aketi, Singh, Rabaey 2021, arXiv 2102.05715;
// reconstructed, as the paper's code is not public).
//
//   memory = "error"       x_i -= eta u(g_i), g_i at z_i = x_i / y_i;  v = x_i + e_i;  c_i = C(v);  e_i = v - c_i
//                          send c_i and y_i exactly;  x_i += gamma [sum_j p_ij c_j - (1 - p_ii) c_i];  y_i alike
//   memory = "difference"  send C(z_i - zhat_ik) and y_i exactly to k;  zhat_ik += it, at both ends
//                          x_i += gamma [sum_j p_ij y_j zhat_ji - sum_k p_ki y_i zhat_ik];  y_i alike
//
//   x_i   numerators    y_i   push-sum weight    z_i   params     p_ij  the links of the step's round
//   C     the job's operator     gamma  options     eta u(g)  what the local optimiser step takes off
//
// The memory of errors is one vector whatever the links, but stops at a floor that shrinks with gamma; that of
// differences goes on to the average and keeps two vectors a link. Needs links that join all nodes over time.
// With compress = "update" the steps travel and not the models, which the weights then must not change: links are
// needed over which they stay 1. Invariants: S1 sum_i y_i = n to the bit, and sum_i x_i changes by the steps alone; S3
// c + e = v; S4 with C = id and gamma = 1 it is SGP; S5 where the links are doubly stochastic y stays 1. Messages:
// every step one message and y to each receiver.
#include "strategies/sparse_push.h"

#include <algorithm>

#include "base/error.h"
#include "protocol/strategy.h"

namespace laconic {

OptionSpec memory_option() {
  return {.name = "memory",
          .type = OptionType::kChoice,
          .default_value = "error",
          .choices = {"error", "difference"},
          .help =
              "what makes up for compression: what earlier messages left out, one vector; or what each receiver knows, "
              "two vectors a link, which comes nearer to the average"};
}

OptionSpec compress_option() {
  return {.name = "compress",
          .type = OptionType::kChoice,
          .default_value = "model",
          .choices = {"model", "update"},
          .help = "with memory = \"error\": tell of the model, or of what the local step changed"};
}

OptionSpec guard_option() {
  return {.name = "guard",
          .type = OptionType::kFlag,
          .default_value = "true",
          .help = "end the run when what is left to tell grows without end, as too large a gamma makes it"};
}

SparsePushOptions read_sparse_push_options(const Options& options) {
  SparsePushOptions result;
  result.rounds = read_push_sum_options(options);
  result.rounds.gamma = static_cast<double>(read_gamma(options));
  result.rounds.guard = options.flag("guard");
  result.difference = options.text("memory") == "difference";
  result.of_updates = options.text("compress") == "update";
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

bool copies_of_neighbors(const Options& options) { return options.text("memory") == "difference"; }

namespace {

const std::vector<OptionSpec> kOptions = {gamma_option("0.01"), link_order_option(), memory_option(),
                                          compress_option(),    guard_option(),      account_option()};

StrategyFactory make(const Options& options, const StrategySetting& setting) {
  const SparsePushOptions sparse = read_sparse_push_options(options);
  require_links_for_updates(options, *setting.links);
  const auto shared = std::make_shared<const StrategySetting>(setting);
  return [=] {
    return std::make_unique<PushSumStrategy>(sparse.rounds, shared->links, make_sparse_memory(sparse, *shared));
  };
}

TrafficFormula traffic(const Options& options, const StrategySetting& setting) {
  return sparse_push_traffic(read_sparse_push_options(options), setting);
}

}  // namespace

extern const StrategyRow kSparsePush;
const StrategyRow kSparsePush = {
    .name = "sparse_push",
    .help = "compressed push-sum over directed links that may change",
    .source = "Aketi et al. 2021 (Sparse-Push), reconstructed",
    .options = kOptions,
    .needs_links = true,
    .compresses = true,
    .tolerates_loss = tolerates_loss,
    .gossip_moves_alone = [](const Options& options) { return options.text("compress") != "update"; },
    .stops_at_floor = [](const Options& options) { return !copies_of_neighbors(options); },
    .vectors = 3,
    .one_for_each_neighbor = copies_of_neighbors,
    .make = make,
    .traffic = traffic};

}  // namespace laconic
