// Gossip alone with compressed messages on a ring of 25, d = 2000: CHOCO-GOSSIP at its tuned gamma against exact gossip
// and against gossip that sends compressed models without public copies; and how fast the simulator is at it.
//
// Errors are e_t / e_0 with e_t = sum_i ||x_i - xbar||^2. Bytes are of whole frames, headers included, over all nodes.
#include "consensus/consensus.h"

#include <cmath>

#include "consensus/rate.h"
#include "consensus/tune.h"
#include "harness.h"
#include "mechanisms/gossip.h"
#include "strategies/registry.h"
#include "topology/spectrum.h"
#include "topology/topology.h"

namespace laconic::bench {
namespace {

constexpr std::size_t kSize = 2000;
constexpr double kCompared = 1e-6;  // the error at which bytes are compared

struct Operator {
  std::string title;
  std::string name;
  std::map<std::string, std::string> options;
  std::size_t tensors = 1;  // into which a vector is cut
  bool saves = false;       // has a goal of bytes
};

// x_i += gamma sum_j w_ij (C(x_j) - C(x_i)): what CHOCO's public copies are there to mend.
class NaiveGossip final : public Strategy {
 public:
  NaiveGossip(float gamma, const StrategySetting& setting)
      : gamma_(gamma), mixing_(setting.mixing), compressor_(setting.compressor()) {}

  Task<void> round(Worker& self) override {
    co_await self.local_step();
    const FrameHeader header{.traffic = Traffic::kModel, .tag = Tag::kGossip, .round = self.comm().next_round()};
    RandomStream random = self.rng("compression");
    const std::size_t size = compressor_->prepare(self.params(), random);
    const Frame own(header, size, [&](std::span<std::byte> payload) { compressor_->write(payload); });
    const std::vector<NeighborFrame> received = co_await exchange(self.comm(), *mixing_, own);
    compressor_->decode_add(own.payload(), gamma_ * (own_weight(*mixing_, self.rank()) - 1.0F), self.params());
    for (const NeighborFrame& neighbor : received) {
      compressor_->decode_add(neighbor.frame.payload(), gamma_ * static_cast<float>(neighbor.from.weight),
                              self.params());
    }
  }

 private:
  float gamma_;
  std::shared_ptr<const MixingMatrix> mixing_;
  std::unique_ptr<Compressor> compressor_;
};

const std::vector<OptionSpec> kNaiveOptions = {gamma_option("1")};
const StrategyRow kNaive = {
    .name = "naive",
    .help = "gossip of compressed models",
    .source = "Koloskova et al. 2019, section 3.2",
    .options = kNaiveOptions,
    .demands = [](const Options&) { return Demands{.talks = Talks::kGraph, .compression = Compression::kRequired}; },
    .make = [](const Options& options, const StrategySetting& setting) -> StrategyFactory {
      return [gamma = read_gamma(options).at({}), setting] { return std::make_unique<NaiveGossip>(gamma, setting); };
    },
    .traffic = [](const Options&, const StrategySetting& setting) { return message_traffic(setting, 0); }};

Layout cut(std::size_t tensors) {
  Layout layout;
  for (std::size_t i = 0; i < tensors; ++i) {
    const std::size_t size = kSize / tensors;
    layout.tensors.push_back({.name = "part " + std::to_string(i),
                              .offset = layout.size,
                              .shape = {static_cast<std::int64_t>(size)},
                              .size = size});
    layout.size += size;
  }
  return layout;
}

ConsensusSetting setting_of(const StrategyRow& strategy, const std::string& graph, const Operator& op) {
  ConsensusSetting setting{
      .strategy = &strategy,
      .options = consensus_options(strategy, {}),
      .mixing = std::make_shared<const MixingMatrix>(make_topology(graph, std::nullopt, 1), find_weights("metropolis")),
      .layout = cut(op.tensors)};
  const CompressorRow& row = find_compressor(op.name);
  std::map<std::string, GivenOption> given;
  for (const auto& [name, text] : op.options) given[name] = {.text = text, .where = "benchmark"};
  setting.compressor = row.make(Options("compression", row.options, given), setting.layout);
  return setting;
}

void measure_speed(Harness& harness) {
  constexpr std::uint64_t kNodes = 8;
  ConsensusSetting setting = setting_of(find_strategy("choco"), "ring:8", {"top-k 1%", "top_k", {{"ratio", "0.01"}}});
  setting.options = setting.options.with(kGamma, "0.03");
  const NodeVectors vectors = normal_vectors(kNodes, kSize, 1);
  const std::uint64_t rounds = harness.quick() ? 500 : 3000;
  std::vector<double> rates;
  for (int i = 0; i < 5; ++i) {
    const double start = now();
    run_consensus(setting, vectors, {.rounds = rounds});
    rates.push_back(static_cast<double>(kNodes * rounds) / (now() - start));
  }
  harness.add("simulator, ring 8, d = 2000, top-k 1%", median(rates), "node-rounds/s", at_least(50'000));
}

// Bytes that exact gossip needs.
double measure_exact(Harness& harness, const std::string& graph, const NodeVectors& vectors) {
  ConsensusSetting setting = setting_of(find_strategy("d_psgd"), graph, {"exact", "none", {}});
  const ConsensusRun run = run_consensus(setting, vectors, {.target = 1e-10});
  const double contraction = 1.0 - spectrum_of(*setting.mixing).delta;
  const auto fit = fit_rate(run.records);
  const auto cost = cost_of(run.records, kCompared);
  harness.check("exact gossip comes to 1e-10", run.end == ConsensusRun::End::kTarget && fit && cost);
  if (!fit || !cost) return 0.0;
  harness.check("exact gossip contracts by lambda_2^2 a round, to 1%",
                std::abs(std::log(fit->factor) / (2.0 * std::log(contraction)) - 1.0) < 0.01);
  harness.add("exact: factor of e_t a round", fit->factor, "");
  harness.add("exact: lambda_2^2", contraction * contraction, "");
  harness.add("exact: rounds to 1e-6", cost->rounds, "");
  harness.add("exact: bytes to 1e-6", cost->framed / 1e6, "MB");
  return cost->framed;
}

void measure_naive(Harness& harness, const std::string& graph, const Operator& op, const NodeVectors& vectors,
                   double gamma) {
  ConsensusSetting setting = setting_of(kNaive, graph, op);
  setting.options = setting.options.with(kGamma, std::to_string(gamma));
  const ConsensusRun run =
      run_consensus(setting, vectors, {.rounds = harness.quick() ? 2000U : 20'000U, .target = 1e-6});
  double least = 1.0;
  for (const ConsensusRecord& record : run.records) least = std::min(least, record.error);
  harness.check(op.title + ": gossip without public copies does not come to 1e-6",
                run.end != ConsensusRun::End::kTarget);
  harness.add(op.title + ", no public copies: smallest error", least, "");
}

void measure_operator(Harness& harness, const std::string& graph, const Operator& op, const NodeVectors& vectors,
                      double exact_bytes) {
  ConsensusSetting setting = setting_of(find_strategy("choco"), graph, op);
  harness.progress(op.title + ": tuning");
  const TuneResult tuned = tune_gamma(setting, vectors, {.most_work = harness.quick() ? 1e9 : 2e10});
  setting.options = setting.options.with(kGamma, std::to_string(tuned.gamma));
  const double start = now();
  const ConsensusRun run = run_consensus(setting, vectors, {.rounds = 40'000, .target = 1e-10});
  const double seconds = now() - start;
  harness.add(op.title + ": tuned gamma", tuned.gamma, "");
  double least = 1.0;
  for (const ConsensusRecord& record : run.records) least = std::min(least, record.error);
  harness.add(op.title + ": smallest error", least, "", at_most(1e-10));
  if (const auto fit = fit_rate(run.records)) {
    harness.add(op.title + ": factor of e_t a round", fit->factor, "");
    harness.add(op.title + ": R^2 of the line", fit->r_squared, "", at_least(0.99));
  }
  harness.add(op.title + ": rounds/s", static_cast<double>(run.last().round) / seconds, "1/s");
  if (const auto cost = cost_of(run.records, kCompared)) {
    harness.add(op.title + ": rounds to 1e-6", cost->rounds, "");
    harness.add(op.title + ": exact gossip's bytes / its", exact_bytes / cost->framed, "x",
                op.saves ? std::optional(at_least(2.0)) : std::nullopt);
  }
  harness.progress(op.title + ": without public copies");
  measure_naive(harness, graph, op, vectors, tuned.gamma);
}

int run(int argc, char** argv) {
  Harness harness("consensus", "Gossip alone: CHOCO at its tuned gamma, exact gossip, and no public copies");
  if (const auto exit_code = harness.parse(argc, argv)) return *exit_code;
  measure_speed(harness);
  const std::string graph = harness.quick() ? "ring:8" : "ring:25";
  const NodeVectors vectors = normal_vectors(harness.quick() ? 8 : 25, kSize, 1);
  harness.fact("graph", graph);
  const double exact_bytes = measure_exact(harness, graph, vectors);
  const std::vector<Operator> operators = {
      {.title = "top-k 1%", .name = "top_k", .options = {{"ratio", "0.01"}}, .saves = true},
      {.title = "top-k 1% bfloat16", .name = "top_k", .options = {{"ratio", "0.01"}, {"values", "bfloat16"}}},
      {.title = "random-k 1%", .name = "random_k", .options = {{"ratio", "0.01"}}},
      {.title = "qsgd 4 bit", .name = "qsgd", .options = {{"levels", "15"}}},
      {.title = "sign", .name = "sign", .options = {}, .saves = true},
      {.title = "sign, 20 tensors", .name = "sign", .options = {}, .tensors = 20, .saves = true}};
  for (const Operator& op : operators) measure_operator(harness, graph, op, vectors, exact_bytes);
  return harness.finish();
}

}  // namespace
}  // namespace laconic::bench

int main(int argc, char** argv) { return laconic::bench::guarded(laconic::bench::run, argc, argv); }
