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

void require_tolerance_of_absence(const Job& job, const std::string& place, const std::string& alternative) {
  const StrategyRow& strategy = *job.strategy;
  const auto goes_on = [](const Demands& demands) { return demands.tolerates_absence; };
  if (!goes_on(job.demands())) {
    std::string remedy;
    std::string as_set = " as it is set here";
    if (const OptionSpec* against = option_against(strategy, job.section("strategy"), goes_on); against != nullptr) {
      remedy = "remove strategy." + std::string(against->name);
    } else if (const Variant* tolerant = variant_where(strategy, goes_on); tolerant != nullptr) {
      remedy = "set " + text_of(strategy, *tolerant, "strategy");
    } else {
      std::string names;
      for (const StrategyRow* row : strategies()) {
        if (variant_where(*row, goes_on) != nullptr) names += (names.empty() ? "" : ", ") + std::string(row->name);
      }
      remedy = "choose one of " + names;
      as_set.clear();
    }
    throw UsageError(place + ": strategy " + std::string(strategy.name) + " needs every worker all the time" + as_set +
                     "; " + remedy + alternative);
  }
  if (job.section("network").text("collective") != "star") {
    throw UsageError(place + ": a ring needs every worker all the time; set network.collective = \"star\"" +
                     alternative);
  }
}

void check_absence(const Job& job) {
  const Options& workers = job.section("workers");
  if (job.least > job.workers) {
    throw UsageError(workers.place("least") + ": " + std::to_string(job.least) + " of " + std::to_string(job.workers) +
                     " workers cannot be present; give at most workers.count, or 0 for all");
  }
  if (!job.comes_and_goes()) return;
  require_tolerance_of_absence(job, workers.place("least"), ", or remove workers.least");
  if (job.demands().common_at != CommonPlace::kMembers) return;
  for (const auto& [key, word] : {std::pair("returning", "keep"), std::pair("alone", "train")}) {
    if (workers.text(key) != word) continue;
    throw UsageError(workers.place(key) + ": with strategy " + std::string(job.strategy->name) +
                     " all workers have the same model, and a worker that returns takes it; remove workers." + key);
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
