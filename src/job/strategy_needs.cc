#include "job/strategy_needs.h"

#include <string>

#include "base/error.h"
#include "strategies/registry.h"

namespace laconic {

void check_momentum(const Job& job, const StrategyRow& strategy, const Demands& demands) {
  if (demands.local_step != LocalStep::kPlainGradient) return;
  const Options& optimizer = job.section("optimizer");
  const std::string reason =
      "strategy " + std::string(strategy.name) + " brings its own momentum to the plain gradient step; ";
  if (job.optimizer->name != "sgd") {
    throw UsageError(optimizer.place("name") + ": " + reason +
                     "set optimizer.name = \"sgd\" and optimizer.momentum = 0");
  }
  if (optimizer.number("momentum") != 0.0) {
    throw UsageError(optimizer.place("momentum") + ": " + reason + "set optimizer.momentum = 0");
  }
}

void check_faults(const Job& job) {
  if (job.demands().tolerates_faults()) return;
  const StrategyRow& strategy = *job.strategy;
  const auto goes_on = [](const Demands& demands) { return demands.tolerates_faults(); };
  const Variant* tolerant = variant_where(strategy, goes_on);
  for (const char* key : {"loss", "duplication"}) {
    const Options& network = job.section("network");
    if (network.number(key) == 0.0) continue;
    if (tolerant != nullptr) {
      throw UsageError(network.place(key) + ": strategy " + std::string(strategy.name) +
                       " needs each frame once, except with " + text_of(strategy, *tolerant, "strategy") +
                       "; set that, or remove network." + key);
    }
    std::string names;
    for (const StrategyRow* row : strategies()) {
      const bool can = goes_on(default_demands(*row)) || variant_where(*row, goes_on) != nullptr;
      if (can) names += (names.empty() ? "" : ", ") + std::string(row->name);
    }
    throw UsageError(network.place(key) + ": strategy " + std::string(strategy.name) +
                     " needs each frame once; remove it, or choose one of " + names);
  }
}

void check_schedules(const Job& job) {
  if (!job.sections.contains("compression")) return;
  const Options& options = job.section("compression");
  const OptionSpec* const scheduled = options.scheduled();
  if (scheduled == nullptr || !job.demands().coordinator_compresses()) return;
  std::string names;
  for (const StrategyRow* row : strategies()) {
    const Demands demands = default_demands(*row);
    const bool can = demands.compression != Compression::kNever && !demands.coordinator_compresses();
    if (can) names += (names.empty() ? "" : ", ") + std::string(row->name);
  }
  throw UsageError(options.place(scheduled->name) + ": with strategy " + std::string(job.strategy->name) +
                   " averages are compressed too, where the step is not known; give one number, or choose one of " +
                   names);
}

}  // namespace laconic
