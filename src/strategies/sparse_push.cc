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
#include "mechanisms/sparse_push.h"

#include "mechanisms/finish.h"
#include "protocol/strategy.h"

namespace laconic {
namespace {

const std::vector<OptionSpec> kOptions = {gamma_option("0.01"), link_order_option(), memory_option(), compress_option(),
                                          guard_option(),       account_option(),    finish_option()};

const std::vector<Variant> kVariants = {
    {},
    {.name = "asynchronous", .options = {{"order", "asynchronous"}}, .payload = Variant::Payload::kNoneOf},
    {.name = "update", .options = {{"compress", "update"}}},
    {.name = "difference", .options = {{"memory", "difference"}}},
    {.name = "finish", .options = finish_texts()}};

const std::vector<GossipAloneOption> kAloneOptions = {{.name = "order", .text = "adapt-then-combine"},
                                                      {.name = "guard", .text = "false"},
                                                      {.name = "account", .text = "true"},
                                                      finish_alone()};

StrategyFactory make(const Options& options, const StrategySetting& setting) {
  SparsePushOptions sparse = read_sparse_push_options(options);
  sparse.rounds.finish_after = link_finish(options, setting);
  require_links_for_updates(options, *setting.links);
  const auto shared = std::make_shared<const StrategySetting>(setting);
  return [=] {
    return std::make_unique<PushSumStrategy>(sparse.rounds, shared->links, make_sparse_memory(sparse, *shared));
  };
}

TrafficFormula traffic(const Options& options, const StrategySetting& setting) {
  return with_finish(options, setting, sparse_push_traffic(read_sparse_push_options(options), setting));
}

}  // namespace

extern const StrategyRow kSparsePush;
const StrategyRow kSparsePush = {
    .name = "sparse_push",
    .help = "compressed push-sum over directed links that may change",
    .source = "Aketi et al. 2021 (Sparse-Push), reconstructed",
    .options = kOptions,
    .demands = [](const Options& options) { return with_finish(options, sparse_push_demands(options)); },
    .variants = kVariants,
    .alone_options = kAloneOptions,
    .make = make,
    .traffic = traffic};

}  // namespace laconic
