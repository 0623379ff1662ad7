#include "consensus/consensus.h"

#include "harness.h"
#include "topology/topology.h"

namespace laconic::bench {
namespace {
Options options_of(std::string_view section, std::span<const OptionSpec> specs,
                   const std::map<std::string, std::string>& values) {
  std::map<std::string, GivenOption> given;
  for (const auto& [name, text] : values) given[name] = {.text = text, .where = "benchmark"};
  return {section, specs, given};
}
int run(int argc, char** argv) {
  Harness harness("consensus", "Gossip alone");
  int threads = 0;
  harness.options().add_option("--threads", threads, "");
  if (const auto exit_code = harness.parse(argc, argv)) return *exit_code;
  const StrategyRow& row = find_strategy("choco");
  ConsensusSetting s{.strategy = &row,
                     .options = consensus_options(row, {{"gamma", {"0.05", "b"}}}),
                     .mixing = std::make_shared<const MixingMatrix>(make_topology("ring:8", std::nullopt, 1),
                                                                    find_weights("metropolis")),
                     .layout = flat_layout(2000), .compute_threads = threads};
  const CompressorRow& c = find_compressor("top_k");
  s.compressor = c.make(options_of("compression", c.options, {{"ratio", "0.01"}}), s.layout);
  const NodeVectors v = normal_vectors(8, 2000, 1);
  for (int i = 0; i < 3; ++i) {
    const double start = now();
    const ConsensusRun r = run_consensus(s, v, {.rounds = 5000});
    const double seconds = now() - start;
    harness.add("node-rounds", 8.0 * 5000 / seconds, "1/s", at_least(50000));
    harness.add("error", r.last().error, "");
    harness.add("records", r.records.size(), "");
  }
  return harness.finish();
}
}  // namespace
}  // namespace laconic::bench
int main(int argc, char** argv) { return laconic::bench::guarded(laconic::bench::run, argc, argv); }
