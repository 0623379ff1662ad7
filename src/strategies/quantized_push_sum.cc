// Quantised push-sum SGD: exact consensus over directed links from quantised differences (Taheri et al. 2020,
// algorithm 1).
//
//   q_i := C(x_i - xhat_i);  send q_i, y_i;  xhat_j += q_j
//   x_i := x_i - xhat_i + sum_j p_ij xhat_j;  y_i := sum_j p_ij y_j
//   x_i -= eta u(g_i), g_i at z_i = x_i / y_i
//
//   x_i   numerators    y_i   push-sum weight    z_i   params     p_ij  the links     C  the job's operator
//
// On links that stay, where y comes to rest, it is Sparse-Push with memory = "difference" and gamma = 1, but that what
// is known is x and not z. The round begins here with the local step, which moves no more than where the first one
// stands. Proved for operators of small enough error; others need a gamma below 1, which sparse_push has. Messages:
// every step one message and y to each receiver.
#include "base/error.h"
#include "mechanisms/finish.h"
#include "mechanisms/sparse_push.h"
#include "protocol/strategy.h"

namespace laconic {
namespace {

const std::vector<OptionSpec> kOptions = {guard_option(), replicas_start_option(), finish_option()};

StrategyFactory make(const Options& options, const StrategySetting& setting) {
  PushSumOptions rounds;
  rounds.remedy = "take an operator that loses less, or sparse_push with memory = \"difference\" and a small gamma";
  rounds.guard = options.flag("guard");
  rounds.finish_after = finish_step(options, setting);
  const SharedVector start(options.text("xhat_start") == "zero" ? std::vector<float>() : setting.start);
  return [=, links = setting.links, compressor = setting.compressor, size = setting.dimension] {
    return std::make_unique<PushSumStrategy>(
        rounds, links, make_difference_memory(compressor(), size, start, {.of_models = false, .same_receivers = true}));
  };
}

TrafficFormula traffic(const Options& options, const StrategySetting& setting) {
  return with_finish(options, setting, sparse_push_traffic({.rounds = {}, .difference = true}, setting));
}

Demands demands(const Options& options) {
  return with_finish(options, {.talks = Talks::kLinks,
                               .compression = Compression::kRequired,
                               .gossip = {.fixed_links = true},
                               .memory = {.vectors = 4, .per_neighbor = true}});
}

const std::vector<Variant> kVariants = {{}, {.name = "finish", .options = finish_texts()}};

const std::vector<GossipAloneOption> kAloneOptions = {{.name = "xhat_start", .text = "zero"},
                                                      {.name = "guard", .text = "false"}};

}  // namespace

extern const StrategyRow kQuantizedPushSum;
const StrategyRow kQuantizedPushSum = {.name = "quantized_push_sum",
                                       .help = "push-sum of quantised differences over fixed directed links",
                                       .source = "Taheri et al. 2020, algorithm 1",
                                       .options = kOptions,
                                       .demands = demands,
                                       .variants = kVariants,
                                       .alone_options = kAloneOptions,
                                       .make = make,
                                       .traffic = traffic};

}  // namespace laconic
