#include "strategy_cases.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>

#include "mechanisms/model_codec.h"
#include "mechanisms/server_optimizer.h"

namespace laconic::tests {
namespace {

// Of sums in float32 in the run and in double here.
constexpr double kRounding = 1e-4;

// ---- averages, of whole models or of compressed changes

// The workers' error memories, one a row that begins with who enters, and the collector's, which lasts.
struct Memories {
  explicit Memories(const Scenario& scenario, bool down_is_model = false)
      : down_is_model(down_is_model),
        seed(scenario.problem.seed),
        factory(strategy_setting(scenario).compressor),
        down(factory, SharedVector(std::vector<float>(scenario.problem.dimension))) {}

  std::vector<float> mean(const NamedSet& set, const std::vector<double>& weights) {
    std::vector<std::vector<float>> told;
    for (std::size_t k = 0; k < set.models.size(); ++k) {
      const Rank rank = set.entry.view.members[k];
      RandomStream random(seed, "compression", {static_cast<std::uint64_t>(rank.value), set.entry.step.value});
      const Frame frame = up.at(rank).encode({Traffic::kModel, Tag::kGather, {}}, set.models[k], random);
      if (down_is_model) down.refer_to(SharedVector(set.common));
      const SharedVector change = down.decode(frame);
      told.emplace_back(change.values().begin(), change.values().end());
    }
    RandomStream unused(seed, "unused");  // the operators of these cases draw nothing for what comes down
    const Frame answer = down.encode({Traffic::kModel, Tag::kBroadcast, {}}, mean_of_rows(told, weights), unused);
    const SharedVector mean = up.at(set.entry.view.members.front()).decode(answer);
    return {mean.values().begin(), mean.values().end()};
  }

  bool down_is_model;  // or the mean change
  std::uint64_t seed;
  CompressorFactory factory;
  ModelCodec down;
  std::map<Rank, ModelCodec> up;
};

struct Averages {
  std::shared_ptr<Memories> memories;  // null: whole models
  bool by_samples = false;

  std::vector<float> of(const NamedSet& set) const {
    const std::vector<double> weights = by_samples ? set.samples : std::vector<double>(set.models.size(), 1.0);
    return memories ? memories->mean(set, weights) : mean_of_rows(set.models, weights);
  }
  void refer_to(const NamedSet& set, const std::vector<float>& common) const {
    if (!memories) return;
    for (const Rank rank : set.entry.view.members) memories->up.at(rank).refer_to(SharedVector(common));
  }
  std::function<void(Rank, const std::vector<float>&)> entered() const {
    return [memories = memories](Rank rank, const std::vector<float>& common) {
      if (!memories) return;
      memories->up.erase(rank);
      memories->up.emplace(rank, ModelCodec(memories->factory, SharedVector(common)));
    };
  }
};

Averages averages_of(const Scenario& scenario) {
  return {.memories = scenario.compressor.empty() ? nullptr : std::make_shared<Memories>(scenario),
          .by_samples = scenario.options.contains("weights")};
}

// ---- periodic and fda, which averages where its threshold says so

Arithmetic averaging_arithmetic(const MembershipOptions& options) {
  const Averages averages = averages_of(options.scenario);
  return {.committed = [=](const NamedSet& set) -> std::optional<std::vector<float>> {
            if (set.entry.traffic != Traffic::kModel) return std::nullopt;
            std::vector<float> next = averages.of(set);
            averages.refer_to(set, next);
            return next;
          },
          .entered = averages.entered()};
}

// ---- fedavg

// The average of some of those present, drawn from those whom the vote before it named.
Arithmetic fedavg_arithmetic(const MembershipOptions& options) {
  const Scenario scenario = options.scenario;
  Averages averages = averages_of(scenario);
  if (averages.memories) averages.memories = std::make_shared<Memories>(scenario, /*down_is_model=*/true);
  const auto voters = std::make_shared<std::vector<Rank>>();
  const auto committed = [=](const NamedSet& set) -> std::optional<std::vector<float>> {
    const MembershipWorld::Entry& entry = set.entry;
    if (entry.traffic != Traffic::kModel) {
      *voters = entry.view.members;
      return std::nullopt;
    }
    const std::uint64_t number = entry.step.value / std::stoull(scenario.options.at("period")) - 1;
    RandomStream stream(scenario.problem.seed, "fedavg", {number});
    const auto size = static_cast<std::uint32_t>(voters->size());
    const auto count = static_cast<std::uint32_t>(std::ceil(std::stod(scenario.options.at("fraction")) * size));
    std::set<Rank> chosen;
    for (const std::uint32_t index : random_subset(stream, count, size)) chosen.insert(voters->at(index));
    MembershipWorld::Entry some = entry;
    some.view.members.clear();
    NamedSet part{.entry = some, .models = {}, .samples = {}, .common = set.common, .objections = set.objections};
    for (std::size_t k = 0; k < set.models.size(); ++k) {
      if (!chosen.contains(entry.view.members[k])) continue;
      some.view.members.push_back(entry.view.members[k]);
      part.models.push_back(set.models[k]);
      part.samples.push_back(set.samples[k]);
    }
    if (part.models.empty()) {
      set.objections.push_back("an average of nobody");
      return std::nullopt;
    }
    std::vector<float> next = averages.of(part);
    averages.refer_to(set, next);
    return next;
  };
  return {.committed = committed, .entered = averages.entered()};
}

// ---- fedopt and fda_opt

ServerOptions server_of(const Scenario& scenario) {
  return read_server_options(strategy_options(scenario.strategy, scenario.options));
}

Arithmetic fedopt_arithmetic(const MembershipOptions& options) {
  const std::size_t trained = options.scenario.problem.dimension - options.scenario.problem.buffers;
  const auto server = std::make_shared<ServerOptimizer>(server_of(options.scenario));
  const Averages averages = averages_of(options.scenario);
  return {.committed = [=](const NamedSet& set) -> std::optional<std::vector<float>> {
            std::vector<float> next = set.common;
            server->step(averages.of(set), next, trained);
            averages.refer_to(set, next);
            return next;
          },
          .entered = averages.entered()};
}

// Checks, then a mean, then the variance around it, each over its own set: the common model is another with the last.
struct FdaOptRound {
  std::optional<std::vector<float>> mean;
  Step mean_step;
  std::optional<double> threshold;  // of this round; unset: the first
  std::optional<std::pair<Step, double>> check;
  std::vector<Rank> checked;  // those whom it was of, and who are still there
  std::uint64_t begun = 0;
};

Arithmetic fda_opt_arithmetic(const MembershipOptions& options) {
  const Scenario scenario = options.scenario;
  const std::size_t trained = scenario.problem.dimension - scenario.problem.buffers;
  const auto server = std::make_shared<ServerOptimizer>(server_of(scenario));
  const auto round = std::make_shared<FdaOptRound>();
  const Averages averages = averages_of(scenario);
  const bool is_exact = scenario.options.at("monitor") == "exact";
  // Where nobody is left of those that a check was of, their round is given up, and its mean with it.
  const auto left = [=](Rank rank) {
    std::erase(round->checked, rank);
    if (round->checked.empty()) round->check.reset();
  };
  const auto committed = [=](const NamedSet& set) -> std::optional<std::vector<float>> {
    const Step step = set.entry.step;
    if (set.entry.traffic == Traffic::kModel) {
      round->check.reset();
      round->mean = averages.of(set);
      round->mean_step = step;
      return std::nullopt;
    }
    const std::optional<std::vector<float>> mean = std::exchange(round->mean, std::nullopt);
    if (mean && round->mean_step == step) {
      std::vector<float> next = set.common;
      server->step(*mean, next, trained);
      const double epochs = static_cast<double>(step.value - round->begun) / scenario.steps_per_epoch;
      round->threshold =
          std::stod(scenario.options.at("most_epochs")) / 2.0 / epochs * variance_around(set.models, *mean);
      round->begun = step.value;
      averages.refer_to(set, next);
      if (!set.entry.changes_model) set.objections.push_back("the variance of a mean changes nothing");
      return next;
    }
    if (is_exact && round->check && round->check->first < step &&
        round->check->second > *round->threshold * (1 + kRounding)) {
      set.objections.push_back("U3: after step " + std::to_string(round->check->first.value) + " the variance is " +
                               std::to_string(round->check->second) + " above " + std::to_string(*round->threshold));
    }
    if (!round->threshold) {
      set.objections.push_back("a check in the first round");
    } else {
      round->check = {step, variance_around(set.models, mean_of_rows(set.models))};
      round->checked = set.entry.view.members;
    }
    return std::nullopt;
  };
  return {.committed = committed, .entered = averages.entered(), .left = left};
}

// ---- all_reduce

Arithmetic gradient_arithmetic(const MembershipOptions& options) {
  const Averages averages = averages_of(options.scenario);
  Arithmetic arithmetic{
      .committed = [=](const NamedSet& set) -> std::optional<std::vector<float>> { return averages.of(set); }};
  arithmetic.is_of_gradients = true;
  return arithmetic;
}

// ---- dma

// What a balance has moved its members to, and violations since the last full one.
struct Balances {
  std::uint64_t violations = 0;
  std::vector<Rank> members;
  std::vector<float> mean;
  // Of compressed changes: what came of each member's model, and the coordinator's end.
  std::map<Rank, std::vector<float>> told;
  std::unique_ptr<ModelCodec> down;

  // g, and what the members told of themselves.
  std::vector<float> balance(const Scenario& scenario, const NamedSet& part, const std::vector<double>& weights) {
    const CompressorFactory factory = strategy_setting(scenario).compressor;
    if (!down) down = std::make_unique<ModelCodec>(factory, SharedVector(part.common));
    down->refer_to(SharedVector(part.common));
    RandomStream unused(scenario.problem.seed, "unused");
    std::vector<std::vector<float>> models;
    double weight = 0.0;
    for (std::size_t k = 0; k < members.size(); ++k) {
      ModelCodec up(factory, SharedVector(part.common));
      const SharedVector model = up.decode(up.encode({Traffic::kModel, Tag::kGather, {}}, part.models[k], unused));
      models.emplace_back(model.values().begin(), model.values().end());
      told[members[k]] = models.back();
      weight += weights[k];
    }
    const std::vector<float> mean_told = mean_of_rows(models, weights);
    const Frame answer = down->encode({Traffic::kModel, Tag::kBroadcast, {}}, mean_told, unused, {}, weight);
    const SharedVector read = down->decode(answer);
    return {read.values().begin(), read.values().end()};
  }
};

double distance_between(const std::vector<float>& one, const std::vector<float>& other) {
  return variance_around({one}, other);
}

// Who has strayed is in the balance; it is of all where violations are as many as those present, or where it does not
// come near enough; the coordinator's word on whom else it asked is taken.
Arithmetic dma_arithmetic(const MembershipOptions& options) {
  const auto balances = std::make_shared<Balances>();
  const Averages averages = averages_of(options.scenario);
  const std::map<std::string, std::string>& given = options.scenario.options;
  // Where the threshold is not known, or a balance comes only near what it should be.
  const bool is_loose = given.contains("budget") || averages.memories;
  const double threshold = given.contains("budget") ? 0.0 : std::stod(given.at("threshold"));
  const auto committed = [=](const NamedSet& set) -> std::optional<std::vector<float>> {
    const MembershipWorld::Entry& entry = set.entry;
    const std::vector<Rank>& all = entry.view.members;
    balances->members = entry.changes_model ? all : entry.over;
    NamedSet part{.entry = entry, .models = {}, .samples = {}, .common = set.common, .objections = set.objections};
    double divergence = 0.0;
    for (std::size_t k = 0; k < all.size(); ++k) {
      const bool is_in = std::ranges::find(balances->members, all[k]) != balances->members.end();
      const double distance = distance_between(set.models[k], set.common);
      if (is_in) {
        part.models.push_back(set.models[k]);
        part.samples.push_back(set.samples[k]);
      } else {
        divergence += distance;
      }
      if (is_loose || distance <= threshold) continue;  // both are sums in double
      ++balances->violations;
      if (!is_in) set.objections.push_back("U4: a worker that has strayed is not balanced");
    }
    if (balances->members.empty()) return std::nullopt;
    const std::vector<double> weights =
        averages.by_samples ? part.samples : std::vector<double>(part.models.size(), 1.0);
    balances->mean =
        averages.memories ? balances->balance(options.scenario, part, weights) : mean_of_rows(part.models, weights);
    if (!entry.changes_model) {
      const double distance = distance_between(balances->mean, set.common);
      divergence += distance * static_cast<double>(part.models.size());
      if (is_loose) return std::nullopt;
      if (balances->violations >= all.size()) set.objections.push_back("a balance of some, and all have violated");
      if (distance > threshold * (1 + kRounding)) set.objections.push_back("U4: a balance that is not near enough");
      if (divergence > threshold * (1 + kRounding) * static_cast<double>(all.size())) {
        set.objections.push_back("U4: the divergence after step " + std::to_string(entry.step.value));
      }
      return std::nullopt;
    }
    balances->violations = 0;
    return balances->mean;
  };
  const auto moves = [=](const NamedSet& set, std::size_t member, std::span<float> params) {
    const Rank rank = set.entry.view.members[member];
    if (std::ranges::find(balances->members, rank) == balances->members.end()) return;
    if (!averages.memories) {
      std::ranges::copy(balances->mean, params.begin());
      return;
    }
    const std::vector<float>& told = balances->told.at(rank);
    for (std::size_t j = 0; j < params.size(); ++j) params[j] += balances->mean[j] - told[j];
  };
  return {.committed = committed, .entered = {}, .left = {}, .moves = moves};
}

}  // namespace

MembershipOptions job_of(const StrategyCase& one, int workers) {
  MembershipOptions options;
  // Averages of gradients leave buffers to each worker.
  const std::size_t buffers = one.strategy == "all_reduce" ? 0 : 5;
  options.scenario = {.problem = {.workers = workers, .dimension = 24, .seed = 3, .buffers = buffers},
                      .strategy = one.strategy,
                      .options = one.options,
                      .steps = 60,
                      .compressor = one.compressor,
                      .compression = one.compression,
                      .deadline = {2.0}};
  return options;
}

const std::vector<StrategyCase>& strategy_cases() {
  static const std::vector<StrategyCase> all = {
      {.name = "fedopt nesterov",
       .strategy = "fedopt",
       .options = {{"period", "4"}, {"server", "nesterov"}, {"server_learning_rate", "0.7"}},
       .arithmetic = fedopt_arithmetic},
      {.name = "fedopt adam by samples",
       .strategy = "fedopt",
       .options = {{"period", "3"}, {"server", "adam"}, {"server_learning_rate", "0.1"}, {"weights", "samples"}},
       .arithmetic = fedopt_arithmetic},
      {.name = "fda_opt",
       .strategy = "fda_opt",
       .options = {{"most_epochs", "2"}, {"monitor", "exact"}, {"server", "momentum"}, {"server_beta", "0.5"}},
       .arithmetic = fda_opt_arithmetic},
      {.name = "periodic by samples",
       .strategy = "periodic",
       .options = {{"period", "5"}, {"weights", "samples"}},
       .arithmetic = averaging_arithmetic},
      {.name = "fda by samples",
       .strategy = "fda",
       .options = {{"threshold", "0.5"}, {"monitor", "exact"}, {"weights", "samples"}},
       .arithmetic = averaging_arithmetic},
      {.name = "fda, decided late",
       .strategy = "fda",
       .options = {{"threshold", "0.5"}, {"monitor", "exact"}, {"decide_late", "true"}},
       .arithmetic = averaging_arithmetic},
      {.name = "fda of some steps, decided late behind a screen",
       .strategy = "fda",
       .options = {{"threshold", "0.5"},
                   {"monitor", "linear"},
                   {"decide_late", "true"},
                   {"screen", "lock-step"},
                   {"check_every", "3"}},
       .arithmetic = averaging_arithmetic},
      {.name = "dma", .strategy = "dma", .options = {{"threshold", "0.5"}}, .arithmetic = dma_arithmetic},
      {.name = "dma of some steps by samples",
       .strategy = "dma",
       .options = {{"threshold", "2"}, {"check_every", "3"}, {"weights", "samples"}, {"augment", "doubling"}},
       .arithmetic = dma_arithmetic},
      {.name = "all_reduce", .strategy = "all_reduce", .arithmetic = gradient_arithmetic},
      {.name = "all_reduce by samples",
       .strategy = "all_reduce",
       .options = {{"weights", "samples"}},
       .arithmetic = gradient_arithmetic},
      {.name = "dma of compressed changes",
       .strategy = "dma",
       .options = {{"threshold", "0.5"}, {"weights", "samples"}},
       .arithmetic = dma_arithmetic,
       .compressor = "top_k",
       .compression = {{"k", "6"}}},
      {.name = "dma within a budget",
       .strategy = "dma",
       .options = {{"budget", "600 B/10 steps"}},
       .arithmetic = dma_arithmetic},
      {.name = "fda within a budget",
       .strategy = "fda",
       .options = {{"budget", "900 B/10 steps"}, {"monitor", "linear"}},
       .arithmetic = averaging_arithmetic},
      {.name = "fda within a budget, decided late behind a screen",
       .strategy = "fda",
       .options =
           {{"budget", "900 B/10 steps"}, {"monitor", "naive"}, {"screen", "lock-step"}, {"decide_late", "true"}},
       .arithmetic = averaging_arithmetic},
      {.name = "periodic of compressed changes",
       .strategy = "periodic",
       .options = {{"period", "5"}},
       .arithmetic = averaging_arithmetic,
       .compressor = "top_k",
       .compression = {{"k", "6"}}},
      {.name = "fda of compressed changes by samples",
       .strategy = "fda",
       .options = {{"threshold", "0.5"}, {"monitor", "linear"}, {"weights", "samples"}},
       .arithmetic = averaging_arithmetic,
       .compressor = "top_k",
       .compression = {{"k", "6"}}},
      {.name = "fedopt of compressed changes",
       .strategy = "fedopt",
       .options = {{"period", "4"}, {"server", "nesterov"}, {"server_learning_rate", "0.7"}},
       .arithmetic = fedopt_arithmetic,
       .compressor = "top_k",
       .compression = {{"k", "6"}}},
      {.name = "fda_opt of compressed changes",
       .strategy = "fda_opt",
       .options = {{"most_epochs", "2"}, {"monitor", "linear"}, {"server", "momentum"}, {"server_beta", "0.5"}},
       .arithmetic = fda_opt_arithmetic,
       .compressor = "top_k",
       .compression = {{"k", "6"}}},
      {.name = "fedavg",
       .strategy = "fedavg",
       .options = {{"period", "4"}, {"fraction", "0.5"}, {"weights", "samples"}},
       .arithmetic = fedavg_arithmetic},
      {.name = "fedavg of compressed changes",
       .strategy = "fedavg",
       .options = {{"period", "3"}, {"fraction", "0.6"}, {"weights", "samples"}},
       .arithmetic = fedavg_arithmetic,
       .compressor = "top_k",
       .compression = {{"k", "6"}}},
  };
  return all;
}

}  // namespace laconic::tests
