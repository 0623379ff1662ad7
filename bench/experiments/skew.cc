// Skewed data without a centre, in few bytes: methods that gossip, push sums or relay, on several graphs and partitions,
// against averaging all models after every step. Counted are the average model, the worst worker's own, and bytes.
//
// Every method has the same optimizer (SGD with warm-up, milestones at 1/2 and 3/4 of the run, weight decay, and
// Nesterov's momentum unless the method has one of its own), and its learning rate and gamma are tuned by one rule
// (class Search, job_run.h) on a tenth of the data held out of training, for each number of workers, partition and
// graph, with a seed that the runs of the table do not use; those train on all of the data. (A quick run's table shows
// the run that confirmed the choice.) Bytes are of whole frames. "All to all" is every worker's whole model to every
// other after every step; "ring" the same average by a ring all-reduce.
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness.h"
#include "tuned_runs.h"

namespace laconic::bench {
namespace {

struct Setting {
  TuningPlan plan{.file = "skew.toml"};
  std::string dataset = "fashion_mnist";
  std::string data_dir;
  std::string model = "lenet5_relu";
  int batch = 32;
  std::vector<int> workers = {8};
  double learning_rate = 0.05;  // where the search begins
  double gamma = 0.0625;
  std::vector<std::string> graphs = {"ring", "directed_ring", "one_peer", "base:1", "random_out:1"};
  std::vector<std::string> partitions = {"iid", "dirichlet:0.1", "dirichlet:0.01", "skew:1"};
  std::vector<std::string> methods;  // words, one of which is in the label of each method that is run; empty: all
};

enum class Needs { kNoGraph, kUndirected, kLinks };

struct Method {
  std::string label;
  std::string strategy;          // keys of [strategy] but gamma
  std::string compression = {};  // keys of [compression]; empty: none; kSteps stands for the steps of a run
  Needs needs = Needs::kLinks;
  bool has_gamma = false;
  bool own_momentum = false;  // the optimizer then has none
  // Of the relays: how much the worst worker may lose against all to all, at how many times fewer bytes.
  std::optional<double> may_lose = std::nullopt;
  std::optional<double> fewer = std::nullopt;
};

constexpr std::string_view kReference = "all to all";
constexpr std::string_view kSteps = "{steps}";

std::vector<Method> methods(const Setting& setting) {
  const auto signs = [](const std::string& ratio) {
    return "operator = \"top_k\"\nratio = " + ratio + "\nvalues = \"sign\"\n";
  };
  const auto falling_signs = [&signs](const std::string& first, const std::string& last) {
    return signs("\"" + first + " -> " + last + " over " + std::string(kSteps) + " steps\"");
  };
  const std::string push = "name = \"sparse_push\"\nmemory = \"difference\"\n";
  const std::string merges = "name = \"scsp\"\nmemory = \"difference\"\nmerge = \"all_reduce\"\n";
  const std::string often = "every = " + std::to_string(std::max(1, setting.plan.steps / 60)) + "\n";
  const std::string at_end = "finish = \"average\"\n";
  const auto relay = [](int period) { return "name = \"relay\"\nperiod = " + std::to_string(period) + "\n"; };
  return {
      {.label = std::string(kReference), .strategy = "name = \"all_reduce\"\n", .needs = Needs::kNoGraph},
      {.label = "d_psgd", .strategy = "name = \"d_psgd\"\n", .needs = Needs::kUndirected},
      {.label = "d_psgd, average at the end", .strategy = "name = \"d_psgd\"\n" + at_end, .needs = Needs::kUndirected},
      {.label = "qg_dsgdm", .strategy = "name = \"qg_dsgdm\"\n", .needs = Needs::kUndirected, .own_momentum = true},
      {.label = "choco 7% signs",
       .strategy = "name = \"choco\"\n",
       .compression = signs("0.07"),
       .needs = Needs::kUndirected,
       .has_gamma = true},
      {.label = "choco 7% signs, average at the end",
       .strategy = "name = \"choco\"\n" + at_end,
       .compression = signs("0.07"),
       .needs = Needs::kUndirected,
       .has_gamma = true},
      {.label = "sgp", .strategy = "name = \"sgp\"\n"},
      {.label = "sgp, average at the end", .strategy = "name = \"sgp\"\n" + at_end},
      {.label = "sparse_push 7% signs", .strategy = push, .compression = signs("0.07"), .has_gamma = true},
      {.label = "sparse_push 7% signs, average at the end",
       .strategy = push + at_end,
       .compression = signs("0.07"),
       .has_gamma = true},
      {.label = "scsp 7% signs, merged at the end",
       .strategy = merges,
       .compression = signs("0.07"),
       .has_gamma = true},
      {.label = "scsp 7% signs, merged 60 times",
       .strategy = merges + often,
       .compression = signs("0.07"),
       .has_gamma = true},
      {.label = "relay 11% -> 1.1%",
       .strategy = relay(1),
       .compression = falling_signs("0.11", "0.011"),
       .may_lose = 0.005,
       .fewer = 100.0},
      {.label = "relay 4.5% -> 0.45%",
       .strategy = relay(1),
       .compression = falling_signs("0.045", "0.0045"),
       .may_lose = 0.01,
       .fewer = 200.0},
      {.label = "relay 1.8%", .strategy = relay(1), .compression = signs("0.018")},
      {.label = "relay 7% every 3rd step", .strategy = relay(3), .compression = signs("0.07")},
      {.label = "relay 1.55% -> 0.155%",
       .strategy = relay(1),
       .compression = falling_signs("0.0155", "0.00155"),
       .may_lose = 0.03,
       .fewer = 466.0},
  };
}

struct Case {
  int workers = 0;
  std::string partition;
  std::string graph;
  Method method;
  TunedCase tuned = {};

  bool is_reference() const { return method.label == kReference; }
  double mean(double JobRun::*figure) const { return tuned.mean(figure); }
};

std::string job_text(const Setting& setting, const Case& what, const TunedRun& of) {
  const int steps = of.steps;
  std::string text = "[job]\nname = \"skew\"\nseed = " + std::to_string(of.seed) +
                     "\nsteps = " + std::to_string(steps) + "\n[data]\ndataset = \"" + setting.dataset +
                     "\"\nbatch = " + std::to_string(setting.batch) + "\npartition = \"" + what.partition + "\"\n";
  if (of.tunes) text += "validation = 0.1\n";
  if (!setting.data_dir.empty()) text += "dir = \"" + setting.data_dir + "\"\n";
  text += "[model]\nname = \"" + setting.model + "\"\n";
  if (setting.model.starts_with("resnet")) text += "norm = \"group\"\n";
  text += "[optimizer]\nname = \"sgd\"\n";
  if (!what.method.own_momentum) text += "momentum = 0.9\nnesterov = true\n";
  text += "weight_decay = 1e-4\nschedule = \"milestones\"" + std::string("\nmilestones = \"") +
          std::to_string(steps / 2) + " steps, " + std::to_string(steps * 3 / 4) + " steps\"\nwarmup = \"" +
          std::to_string(std::max(1, steps / 20)) +
          " steps\"\nlearning_rate = " + std::to_string(of.choice.learning_rate) + "\n";
  text += "[workers]\nthreads = 1\ncount = " + std::to_string(what.workers) + "\n[evaluation]\nevery = \"" +
          std::to_string(steps) + " steps\"\nworkers = \"end\"\n[strategy]\n" + what.method.strategy;
  if (what.method.has_gamma) text += "gamma = " + std::to_string(of.choice.gamma) + "\n";
  if (!what.graph.empty()) text += "[topology]\ngraph = \"" + what.graph + "\"\n";
  std::string compression = what.method.compression;
  if (const std::size_t at = compression.find(kSteps); at != std::string::npos) {
    compression.replace(at, kSteps.size(), std::to_string(steps));
  }
  if (!compression.empty()) text += "[compression]\n" + compression;
  return text;
}

void add_options(Harness& harness, Setting& setting) {
  setting.plan.add_options(harness);
  CLI::App& options = harness.options();
  options.add_option("--dataset", setting.dataset, "of ten classes")
      ->check(CLI::IsMember({"fashion_mnist", "mnist", "cifar10"}));
  options.add_option("--data", setting.data_dir, "its folder (default: the Debian package's, where there is one)");
  options.add_option("--model", setting.model, "lenet5_relu, resnet8, ...");
  options.add_option("--batch", setting.batch, "a worker's")->check(CLI::Range(1, 100000));
  options.add_option("--workers", setting.workers, "one number or more (default: 8)")->check(CLI::Range(2, 64));
  options.add_option("--learning-rate", setting.learning_rate, "where the search begins")->check(CLI::PositiveNumber);
  options.add_option("--gamma", setting.gamma, "where the search begins")->check(CLI::Range(1e-4, 1.0));
  options.add_option("--graphs", setting.graphs,
                     "(default: ring directed_ring one_peer base:1 random_out:1; methods that need links in both "
                     "directions run on ring alone)");
  options.add_option("--partitions", setting.partitions, "(default: iid dirichlet:0.1 dirichlet:0.01 skew:1)");
  std::string labels;
  for (const Method& method : methods(setting)) labels += (labels.empty() ? "" : "; ") + method.label;
  options.add_option("--methods", setting.methods,
                     "run only those whose label has one of these words, and all to all; the labels are: " + labels);
}

bool chosen(const Setting& setting, const Method& method) {
  return method.label == kReference || setting.methods.empty() ||
         std::any_of(setting.methods.begin(), setting.methods.end(),
                     [&](const std::string& word) { return method.label.find(word) != std::string::npos; });
}

// Whether the words ask for the reference itself.
bool asks_for_reference(const Setting& setting) {
  return std::any_of(setting.methods.begin(), setting.methods.end(),
                     [](const std::string& word) { return kReference.find(word) != std::string_view::npos; });
}

bool fits(const Method& method, const std::string& graph) {
  return method.needs == Needs::kLinks || (method.needs == Needs::kUndirected && graph == "ring");
}

template <typename T>
void keep_first_of_each(std::vector<T>& values) {
  std::vector<T> kept;
  for (const T& value : values) {
    if (std::find(kept.begin(), kept.end(), value) == kept.end()) kept.push_back(value);
  }
  values = std::move(kept);
}

std::vector<Case> cases(const Setting& setting) {
  std::vector<Case> all;
  for (const int workers : setting.workers) {
    for (const std::string& partition : setting.partitions) {
      for (const Method& method : methods(setting)) {
        if (!chosen(setting, method)) continue;
        if (method.needs == Needs::kNoGraph) {
          all.push_back({.workers = workers, .partition = partition, .graph = {}, .method = method});
          continue;
        }
        for (const std::string& graph : setting.graphs) {
          if (!fits(method, graph)) continue;
          all.push_back({.workers = workers, .partition = partition, .graph = graph, .method = method});
        }
      }
    }
  }
  for (Case& what : all) {
    what.tuned = {.label = std::to_string(what.workers) + " workers, " + what.partition + ", " + what.graph +
                           (what.graph.empty() ? "" : ", ") + what.method.label,
                  .has_gamma = what.method.has_gamma,
                  .job = [&setting, what = Case(what)](const TunedRun& of) { return job_text(setting, what, of); },
                  .choice = {.learning_rate = setting.learning_rate, .gamma = setting.gamma}};
  }
  return all;
}

const Case& reference_of(const std::vector<Case>& all, const Case& of) {
  return *std::find_if(all.begin(), all.end(), [&](const Case& what) {
    return what.is_reference() && what.workers == of.workers && what.partition == of.partition;
  });
}

int run(int argc, char** argv) {
  Harness harness("skew", "Skewed data without a centre, in few bytes");
  Setting setting;
  add_options(harness, setting);
  if (const auto exit_code = harness.parse(argc, argv)) return *exit_code;
  if (harness.quick()) setting.plan.shorten();
  keep_first_of_each(setting.workers);
  keep_first_of_each(setting.partitions);
  keep_first_of_each(setting.graphs);
  const double start = now();
  std::vector<Case> all = cases(setting);
  if (!setting.methods.empty() &&
      std::all_of(all.begin(), all.end(), [](const Case& what) { return what.is_reference(); }) &&
      !asks_for_reference(setting)) {
    harness.progress("--methods: no method on these graphs has one of these words in its label; see --help");
    return 2;
  }
  std::vector<TunedCase*> tuned;
  for (Case& what : all) tuned.push_back(&what.tuned);
  tune_and_run(tuned, setting.plan, harness);

  harness.fact("dataset", setting.dataset);
  harness.fact("model", setting.model);
  harness.fact("batch", setting.batch);
  setting.plan.add_facts(harness);

  // A run that ends between two exchanges (of every 3rd step) ends with models that differ.
  const bool after_exchange = setting.plan.steps % 3 == 0;
  bool alike = true;     // the models of all workers, where methods average exactly
  bool same_way = true;  // a relay's result, whatever links it took
  bool several_ways = false;
  std::map<std::string, double> relayed;
  std::vector<std::vector<nlohmann::json>> table;
  for (const Case& what : all) {
    const bool relays = what.method.label.starts_with("relay");
    for (const JobRun& run : what.tuned.runs) {
      const bool averaged = what.is_reference() || (relays && after_exchange);
      if (averaged && !run.diverged) alike = alike && run.disagreement == 0.0;
    }
    if (relays && setting.plan.untuned) {
      const std::string key = std::to_string(what.workers) + what.partition + what.method.label;
      const double accuracy = what.mean(&JobRun::test);
      const auto [first, is_first] = relayed.emplace(key, accuracy);
      several_ways = several_ways || !is_first;
      same_way = same_way && first->second == accuracy;
    }
    const Case& reference = reference_of(all, what);
    const double model = reference.mean(&JobRun::message);  // its frames are whole models
    const double all_to_all = what.workers * (what.workers - 1) * model;
    const double ring = 2.0 * (what.workers - 1) * model;
    const double bytes = what.is_reference() ? all_to_all : what.mean(&JobRun::bytes_a_step);
    const double lost = reference.mean(&JobRun::test) - what.mean(&JobRun::own_least);
    table.push_back({what.workers, what.partition, what.graph, what.method.label, what.tuned.choice.learning_rate,
                     what.method.has_gamma ? nlohmann::json(what.tuned.choice.gamma) : nlohmann::json(),
                     percent(what.mean(&JobRun::test)), percent(what.mean(&JobRun::own_least)),
                     percent(what.tuned.spread(&JobRun::own_least)), what.tuned.diverged(), percent(lost),
                     all_to_all / bytes, ring / bytes});
    if (!what.method.may_lose || setting.model != "lenet5_relu") continue;
    harness.add(what.tuned.label + ": all to all - worst worker", lost, "", at_most(*what.method.may_lose));
    harness.add(what.tuned.label + ": bytes a step, all to all / it", all_to_all / bytes, "",
                at_least(*what.method.fewer));
  }
  harness.table({"workers", "partition", "graph", "method", "learning rate", "gamma", "accuracy %", "worst worker %",
                 "of seeds, max - min", "diverged", "worst worker loses", "all to all / it", "ring / it"},
                std::move(table));
  harness.check("all workers end with one model where all models are averaged or relayed", alike);
  if (several_ways) harness.check("what relays end with does not depend on the links", same_way);
  harness.add("minutes", (now() - start) / 60.0, "");
  return harness.finish();
}

}  // namespace
}  // namespace laconic::bench

int main(int argc, char** argv) { return laconic::bench::guarded(laconic::bench::run, argc, argv); }
