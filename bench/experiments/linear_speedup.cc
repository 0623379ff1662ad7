// Linear speed-up of CHOCO-SGD in the number of workers (Koloskova et al. 2019, theorem 4; 2020, theorem 4.1): to a
// given error f(mean of the models) - f* the workers together need as many steps, nT, whether they are 4, 16 or 64, so
// that T falls as 1/n. Regularised logistic regression (logistic.h), one sample a step, a constant learning rate.
//
// The learning rate, and CHOCO's gamma, are tuned for every method, graph and n by one rule to the smallest nT, then
// measured with other seeds. Beside CHOCO: all-reduce (centralised mini-batches), D-PSGD, and no communication at all.
//
// By default every worker has data of all kinds. With --sorted each has one class only, the harder case: before the
// linear regime comes a number of rounds that grows with the graph, steeply on a ring, and with the compression.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "harness.h"
#include "logistic.h"
#include "mechanisms/gossip.h"
#include "runtimes/sim/simulation.h"
#include "strategies/registry.h"
#include "topology/topology.h"
#include "tuning.h"

namespace laconic::bench {
namespace {

using OptionTexts = std::map<std::string, std::string>;

struct Method {
  std::string label;
  std::string strategy;
  std::string compressor;
  OptionTexts compression;
};

const std::vector<Method> kMethods = {{"choco, top-k 1%", "choco", "top_k", {{"ratio", "0.01"}}},
                                      {"choco, sign", "choco", "sign", {}},
                                      {"d_psgd", "d_psgd", "", {}},
                                      {"all_reduce", "all_reduce", "", {}},
                                      {"local", "local", "", {}}};

struct Setting {
  std::string data_dir;
  double lambda = 1e-3;
  bool sorted = false;
  double error = 1e-3;
  std::uint64_t samples = 1 << 17;  // at most, nT
  std::vector<int> workers = {4, 16, 64};
  int seeds = 3;
  int jobs = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
};

constexpr std::uint64_t kTuningSeed = 1000;  // those of the table are 1, 2, ...
constexpr std::uint64_t kSamplesPerLook = 1024;

struct Case {
  const Method* method;
  std::string graph;  // ring or torus; empty for a method without one
  int workers;
};

struct Choice {
  double learning_rate = 1.0;
  double gamma = 0.25;
};

Options options_of(std::string_view section, std::span<const OptionSpec> specs, const OptionTexts& values) {
  std::map<std::string, GivenOption> given;
  for (const auto& [name, text] : values) given[name] = {.text = text, .where = "benchmark"};
  return {section, specs, given};
}

// Samples that all workers together had seen when the average model was first within the error, looked at every
// kSamplesPerLook of them; if it was not within `limit` samples, more than `limit`, the more the farther it was off.
double samples_to_error(const Setting& setting, const LogisticProblem& problem, double minimum, const Case& what,
                        const Choice& choice, double limit, std::uint64_t seed) {
  const auto n = static_cast<std::uint64_t>(what.workers);
  const StrategyRow& row = find_strategy(what.method->strategy);
  StrategySetting strategy{.dimension = problem.dimension,
                           .world_size = what.workers,
                           .seed = seed,
                           .start = std::vector<float>(problem.dimension)};
  const Demands demands = default_demands(row);
  if (demands.talks == Talks::kGraph) {
    std::string graph = what.graph;
    if (graph == "torus") {
      const std::string side = std::to_string(static_cast<int>(std::lround(std::sqrt(what.workers))));
      graph += ":" + side + "x" + side;
    }
    strategy.mixing = std::make_shared<const MixingMatrix>(
        make_topology(graph, static_cast<std::uint32_t>(what.workers), seed), mixing_weights().front());
  }
  OptionTexts options;
  if (demands.compression == Compression::kRequired) {
    const CompressorRow& compressor = find_compressor(what.method->compressor);
    strategy.compressor = compressor.make(options_of("compression", compressor.options, what.method->compression),
                                          flat_layout(problem.dimension));
  }
  if (has_gamma(row)) options[std::string(kGamma)] = std::to_string(choice.gamma);
  std::vector<std::unique_ptr<Learner>> learners;
  std::vector<Learner*> views;
  for (int k = 0; k < what.workers; ++k) {
    learners.push_back(make_logistic_learner(problem, k, what.workers, choice.learning_rate, seed));
    views.push_back(learners.back().get());
    strategy.samples.push_back(learners.back()->samples());
  }

  const std::uint64_t look = kSamplesPerLook / n;
  double error = std::numeric_limits<double>::infinity();
  double seen = 0.0;
  sim::SimulationOptions simulation{
      {.steps = {(static_cast<std::uint64_t>(limit) / kSamplesPerLook) * look}, .seed = seed}};
  simulation.step_cost.assign(n, Seconds{0.01});
  const BitsPerSecond rate{1e9};
  simulation.network.worker = {.up = rate, .down = rate};
  simulation.network.coordinator = {.up = rate, .down = rate};
  simulation.network.latency = {0.001};
  simulation.with_coordinator = needs_coordinator_node(demands, simulation.comm.collective);
  simulation.evaluation = {.numerator = look, .denominator = 1};
  simulation.own_models = OwnModels::kNever;
  simulation.until = [&](const Measurement& measurement) {
    seen = static_cast<double>(measurement.step.value * n);
    error = measurement.test.loss - minimum;
    return error <= setting.error;
  };
  const Outcome outcome =
      sim::simulate(simulation, views, row.make(options_of("strategy", row.options, options), strategy));
  if (outcome.end == Outcome::End::kUntil) return seen;
  return outcome.error || !std::isfinite(error) ? std::numeric_limits<double>::infinity()
                                                : limit * std::max(1.0, error / setting.error);
}

// The choice that needs the fewest samples. A run that has had as many as the best so far is ended there.
class Search {
 public:
  using Samples = std::function<double(const Choice&, double limit)>;
  Search(Samples samples, double limit) : samples_(std::move(samples)), limit_(limit) {}

  Choice run(bool has_gamma) {
    for (const double factor : {4.0, 2.0}) {
      if (has_gamma) {
        best_.gamma = climb(best_.gamma, factor, 1.0 / 4096, 1.0, [&](double gamma) {
          return score({best_.learning_rate, gamma});
        });
      }
      best_.learning_rate = climb(best_.learning_rate, factor, 1.0 / 1024, 64.0, [&](double rate) {
        return score({rate, best_.gamma});
      });
    }
    return best_;
  }

 private:
  double score(const Choice& choice) {
    const auto key = std::pair(choice.learning_rate, choice.gamma);
    const auto found = tried_.find(key);
    if (found != tried_.end()) return found->second;
    const double samples = samples_(choice, limit_);
    limit_ = std::min(limit_, samples);
    return tried_[key] = -samples;
  }

  Samples samples_;
  double limit_;
  Choice best_;
  std::map<std::pair<double, double>, double> tried_;
};

struct Row {
  Choice choice;
  std::vector<double> samples;  // of each seed; infinite where the error was not reached
};

int run(int argc, char** argv) {
  Harness harness("linear_speedup", "Linear speed-up of CHOCO-SGD: logistic regression, 4 to 64 workers");
  Setting setting;
  CLI::App& options = harness.options();
  options.add_option("--data", setting.data_dir, "folder with Fashion-MNIST (default: the Debian package's)");
  options.add_flag("--sorted", setting.sorted, "every worker has one class of data only");
  options.add_option("--lambda", setting.lambda, "regularisation")->check(CLI::PositiveNumber);
  options.add_option("--error", setting.error, "f - f* to be reached")->check(CLI::PositiveNumber);
  options.add_option("--samples", setting.samples, "of all workers together, at most")
      ->check(CLI::Range(1 << 14, 1 << 30));
  options.add_option("--workers", setting.workers, "squares, rising")->check(CLI::Range(4, 1024));
  options.add_option("--seeds", setting.seeds, "runs of each case")->check(CLI::Range(1, 100));
  options.add_option("--jobs", setting.jobs, "runs at a time; no result depends on it")->check(CLI::Range(1, 1024));
  if (const auto exit_code = harness.parse(argc, argv)) return *exit_code;
  if (harness.quick()) {
    setting.workers = {4, 16};
    setting.seeds = 1;
    setting.error = std::max(setting.error, 4e-3);
  }
  const double start = now();
  const LogisticProblem problem = shirts(setting.data_dir, setting.lambda, setting.sorted);
  const double minimum = problem.minimum();
  harness.progress("f* = " + std::to_string(minimum));

  std::vector<Case> cases;
  for (auto n = setting.workers.rbegin(); n != setting.workers.rend(); ++n) {
    for (const Method& method : kMethods) {
      if (default_demands(find_strategy(method.strategy)).talks != Talks::kGraph) {
        cases.push_back({&method, "", *n});
        continue;
      }
      for (const char* graph : {"ring", "torus"}) cases.push_back({&method, graph, *n});
    }
  }
  std::map<std::string, Row> rows;
  const auto key = [](const Case& what) {
    return what.method->label + (what.graph.empty() ? "" : ", " + what.graph) + ", n = " + std::to_string(what.workers);
  };
  std::mutex mutex;
  std::vector<std::function<void()>> tasks;
  for (const Case& what : cases) {
    tasks.push_back([&] {
      const auto samples = [&](const Choice& choice, double limit, std::uint64_t seed) {
        return samples_to_error(setting, problem, minimum, what, choice, limit, seed);
      };
      Row row;
      Search search([&](const Choice& choice, double limit) { return samples(choice, limit, kTuningSeed); },
                    static_cast<double>(setting.samples));
      row.choice = search.run(!what.method->compressor.empty());
      for (int seed = 1; seed <= setting.seeds; ++seed) {
        const auto limit = static_cast<double>(setting.samples);
        const double needed = samples(row.choice, limit, static_cast<std::uint64_t>(seed));
        row.samples.push_back(needed > limit ? std::numeric_limits<double>::infinity() : needed);
      }
      const std::lock_guard lock(mutex);
      harness.progress(key(what) + ": nT " + std::to_string(median(row.samples)) + ", learning rate " +
                       std::to_string(row.choice.learning_rate) + ", gamma " + std::to_string(row.choice.gamma));
      rows[key(what)] = std::move(row);
    });
  }
  run_all(tasks, setting.jobs);

  harness.fact("samples", problem.count());
  harness.fact("features", problem.dimension);
  harness.fact("lambda", setting.lambda);
  harness.fact("error", setting.error);
  harness.fact("seeds", setting.seeds);
  std::vector<std::vector<nlohmann::json>> table;
  bool reached = true;
  std::sort(cases.begin(), cases.end(), [](const Case& a, const Case& b) {
    return std::tuple(a.method, a.graph, a.workers) < std::tuple(b.method, b.graph, b.workers);
  });
  for (const Case& what : cases) {
    const Row& row = rows.at(key(what));
    const double samples = median(row.samples);
    if (what.method->strategy == "choco") reached = reached && std::isfinite(samples);
    table.push_back({what.method->label, what.graph, what.workers, row.choice.learning_rate,
                     what.method->compressor.empty() ? nlohmann::json() : nlohmann::json(row.choice.gamma),
                     std::isfinite(samples) ? nlohmann::json(samples / what.workers) : nlohmann::json("not reached"),
                     std::isfinite(samples) ? nlohmann::json(samples) : nlohmann::json()});
  }
  harness.table({"method", "graph", "n", "learning rate", "gamma", "steps T", "nT"}, std::move(table));
  harness.check("CHOCO reached the error in every case", reached);
  const int few = setting.workers.front();
  const int many = setting.workers.back();
  for (const Case& what : cases) {
    if (what.workers != many) continue;
    Case least = what;
    least.workers = few;
    const bool choco = what.method->strategy == "choco";
    harness.add(what.method->label + (what.graph.empty() ? "" : ", " + what.graph) +
                    ": nT at n = " + std::to_string(many) + " / at n = " + std::to_string(few),
                median(rows.at(key(what)).samples) / median(rows.at(key(least)).samples), "",
                choco ? std::optional(at_most(2.0)) : std::nullopt);
  }
  harness.add("minutes", (now() - start) / 60.0, "", at_most(10.0));
  return harness.finish();
}

}  // namespace
}  // namespace laconic::bench

int main(int argc, char** argv) { return laconic::bench::guarded(laconic::bench::run, argc, argv); }
