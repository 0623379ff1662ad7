// SGP: stochastic gradient push, exact models over directed links (Assran et al. 2019, algorithms 1 and 2).
//
//   x_i -= eta u(g_i), g_i at z_i = x_i / y_i;  send x_i, y_i;  x_i := sum_j p_ij x_j;  y_i := sum_j p_ij y_j
//
//   x_i   numerators    y_i   push-sum weight    z_i   params     p_ij  the links of the step's round
//   eta u(g)  what the local optimiser step takes off
//
// The orders are those of push_sum_strategy.h; overlap adds the step to what the sum leaves, as overlap SGP does.
// Needs links that join all nodes over time. Invariants: S1 sum_i y_i = n to the bit, and sum_i x_i changes by the
// steps alone; S4 where what every node gets and keeps adds up to 1 it is D-PSGD; S5 then y stays 1. Messages: every
// step d float32 and y to each receiver.
#include "mechanisms/finish.h"
#include "mechanisms/push_sum_strategy.h"
#include "protocol/strategy.h"

namespace laconic {
namespace {

const std::vector<OptionSpec> kOptions = {link_order_option(), account_option(), finish_option()};

StrategyFactory make(const Options& options, const StrategySetting& setting) {
  PushSumOptions rounds = read_push_sum_options(options);
  rounds.finish_after = link_finish(options, setting);
  return
      [rounds, links = setting.links] { return std::make_unique<PushSumStrategy>(rounds, links, make_exact_memory()); };
}

TrafficFormula traffic(const Options& options, const StrategySetting& setting) {
  TrafficFormula formula = link_traffic(*setting.links, PushSum::kPayloadOverhead + setting.dimension * sizeof(float));
  formula.depends_on_values = formula.depends_on_values || is_asynchronous(options);
  return with_finish(options, setting, formula);
}

Demands demands(const Options& options) {
  Demands demands = link_demands(options);
  demands.memory.vectors = 1;
  return with_finish(options, demands);
}

const std::vector<Variant> kVariants = {
    {},
    {.name = "overlap", .options = {{"order", "overlap"}}},
    {.name = "asynchronous", .options = {{"order", "asynchronous"}}, .payload = Variant::Payload::kNoneOf},
    {.name = "finish", .options = finish_texts()}};

const std::vector<GossipAloneOption> kAloneOptions = {{.name = "order", .text = "adapt-then-combine"}};

}  // namespace

extern const StrategyRow kSgp;
const StrategyRow kSgp = {.name = "sgp",
                          .help = "push-sum of whole models over directed links that may change",
                          .source = "Assran et al. 2019 (SGP), algorithms 1 and 2",
                          .options = kOptions,
                          .demands = demands,
                          .variants = kVariants,
                          .alone_options = kAloneOptions,
                          .make = make,
                          .traffic = traffic};

}  // namespace laconic
