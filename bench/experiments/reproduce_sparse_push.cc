// Sparse-Push and its skew-compensated form (Aketi et al. 2021; both reconstructed, as no code of the paper is public):
// 8 nodes on directed links, on data that are alike or differ between nodes, against the dense exchange of all with
// all. By default LeNet-5 on Fashion-MNIST; the paper's own case is --model resnet20 --norm evonorm --dataset cifar10.
//
// Learning rate and gamma of every method are tuned by one rule (class Search, job_run.h) on data held out of training,
// for each graph and partition, with a seed that the runs of the table do not use (a quick run's table shows the run
// that confirmed the choice, to spare another). Bytes are of whole frames, with headers, push-sum weights and merges.
#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "comm/comm.h"
#include "harness.h"
#include "protocol/strategy.h"
#include "tuned_runs.h"

namespace laconic::bench {
namespace {

struct Setting {
  TuningPlan plan{.file = "reproduce_sparse_push.toml"};
  std::string dataset = "fashion_mnist";
  std::string data_dir;
  std::string model = "lenet5";
  std::string norm;
  int batch = 32;
  int workers = 8;
  std::vector<std::string> graphs = {"directed_ring", "one_peer"};
  std::vector<std::string> partitions = {"iid", "skew:0.8", "skew:1"};
  std::vector<std::string> methods;  // words, one of which is in the label of each method that is run; empty: all
  double joules_a_bit = 1e-7;        // of a radio of the kind phones have, about
};

struct Method {
  std::string label;
  std::string strategy;    // keys of [strategy] but gamma
  std::string compressed;  // keys of [compression]; empty: none
  bool dense = false;      // all with all
  bool has_gamma = true;
};

std::vector<Method> methods(const Setting& setting) {
  const std::string difference = "name = \"sparse_push\"\nmemory = \"difference\"\n";
  const std::string error = "name = \"sparse_push\"\nmemory = \"error\"\n";
  const auto top_k = [](const std::string& ratio, const std::string& values) {
    return "operator = \"top_k\"\nratio = " + ratio + "\nvalues = \"" + values + "\"\n";
  };
  const std::string merges = "name = \"scsp\"\nmemory = \"difference\"\nmerge = \"all_reduce\"\n";
  const std::string often = "every = " + std::to_string(std::max(1, setting.plan.steps / 60)) + "\n";
  return {
      {"dense, all with all", "name = \"sgp\"\n", "", true, false},
      {"sgp", "name = \"sgp\"\n", "", false, false},
      {"sparse_push 10%", error, top_k("0.1", "float32")},
      {"sparse_push 1%", error, top_k("0.01", "float32")},
      {"sparse_push 1%, difference", difference, top_k("0.01", "float32")},
      {"sparse_push 7% signs, difference", difference, top_k("0.07", "sign")},
      {"sparse_push 2.2% signs, difference", difference, top_k("0.022", "sign")},
      {"scsp 7% signs, merged at the end", merges, top_k("0.07", "sign")},
      {"scsp 7% signs, merged 60 times", merges + often, top_k("0.07", "sign")},
  };
}

struct Case {
  std::string graph;
  std::string partition;
  Method method;
  TunedCase tuned = {};

  double mean(double JobRun::*figure) const { return tuned.mean(figure); }
};

std::string job_text(const Setting& setting, const Case& what, const TunedRun& of) {
  const Choice& choice = of.choice;
  const int steps = of.steps;
  std::string text = "[job]\nname = \"reproduce_sparse_push\"\nseed = " + std::to_string(of.seed) +
                     "\nsteps = " + std::to_string(steps) + "\n[data]\nvalidation = 0.1\ndataset = \"" +
                     setting.dataset + "\"\nbatch = " + std::to_string(setting.batch) + "\npartition = \"" +
                     what.partition + "\"\n";
  if (!setting.data_dir.empty()) text += "dir = \"" + setting.data_dir + "\"\n";
  text += "[model]\nname = \"" + setting.model + "\"\n";
  if (!setting.norm.empty()) text += "norm = \"" + setting.norm + "\"\n";
  text += "[optimizer]\nname = \"sgd\"\nmomentum = 0.9\nnesterov = true\nschedule = \"cosine\"\nwarmup = \"" +
          std::to_string(std::max(1, steps / 20)) +
          " steps\"\nlearning_rate = " + std::to_string(choice.learning_rate) + "\n";
  if (setting.model.starts_with("resnet") || setting.model.starts_with("vgg")) text += "weight_decay = 1e-4\n";
  text += "[workers]\nthreads = 1\ncount = " + std::to_string(setting.workers) + "\n[evaluation]\nevery = \"" +
          std::to_string(steps) + " steps\"\nworkers = \"end\"\n[network]\ncollective = \"ring\"\n[strategy]\n" +
          what.method.strategy;
  if (what.method.has_gamma) text += "gamma = " + std::to_string(choice.gamma) + "\n";
  text += "[topology]\ngraph = \"" + (what.method.dense ? "complete" : what.graph) + "\"\n";
  if (!what.method.compressed.empty()) text += "[compression]\n" + what.method.compressed;
  // Only rows that use a collective take one.
  const std::string network = "[network]\ncollective = \"ring\"\n";
  if (what.method.strategy.find("all_reduce") == std::string::npos) text.erase(text.find(network), network.size());
  return text;
}

void add_options(Harness& harness, Setting& setting) {
  setting.plan.add_options(harness);
  CLI::App& options = harness.options();
  options.add_option("--dataset", setting.dataset, "of ten classes")
      ->check(CLI::IsMember({"fashion_mnist", "mnist", "cifar10"}));
  options.add_option("--data", setting.data_dir, "its folder (default: the Debian package's, where there is one)");
  options.add_option("--model", setting.model, "lenet5, resnet8, resnet20, vgg11");
  options.add_option("--norm", setting.norm, "of residual networks and vgg11: batch, group, evonorm");
  options.add_option("--batch", setting.batch, "a worker's")->check(CLI::Range(1, 100000));
  options.add_option("--graphs", setting.graphs, "of 8 nodes (default: directed_ring one_peer)");
  options.add_option("--partitions", setting.partitions, "(default: iid skew:0.8 skew:1)");
  options.add_option("--methods", setting.methods, "run only those whose label has one of these words (and the dense)");
  options.add_option("--joules-per-bit", setting.joules_a_bit, "of the links, for the column of joules");
}

bool chosen(const Setting& setting, const Method& method) {
  return method.dense || setting.methods.empty() ||
         std::any_of(setting.methods.begin(), setting.methods.end(),
                     [&](const std::string& word) { return method.label.find(word) != std::string::npos; });
}

std::vector<Case> cases(const Setting& setting) {
  std::vector<Case> all;
  for (const std::string& partition : setting.partitions) {
    for (const std::string& graph : setting.graphs) {
      for (const Method& method : methods(setting)) {
        // The dense exchange knows no graph.
        if (method.dense && graph != setting.graphs.front()) continue;
        if (!chosen(setting, method)) continue;
        all.push_back({.graph = graph, .partition = partition, .method = method});
      }
    }
  }
  for (Case& what : all) {
    what.tuned = {
        .label = what.partition + ", " + (what.method.dense ? "complete" : what.graph) + ", " + what.method.label,
        .has_gamma = what.method.has_gamma,
        .job = [&setting, what = Case(what)](const TunedRun& of) { return job_text(setting, what, of); },
        .choice = {.learning_rate = 0.05, .gamma = 0.0625}};
  }
  return all;
}

const Case& dense_of(const std::vector<Case>& all, const std::string& partition) {
  return *std::find_if(all.begin(), all.end(),
                       [&](const Case& what) { return what.method.dense && what.partition == partition; });
}

int run(int argc, char** argv) {
  Harness harness("reproduce_sparse_push",
                  "Sparse-Push and SCSP over directed links (Aketi et al. 2021, reconstructed)");
  Setting setting;
  add_options(harness, setting);
  if (const auto exit_code = harness.parse(argc, argv)) return *exit_code;
  if (harness.quick()) setting.plan.shorten();
  std::vector<Case> all = cases(setting);
  std::vector<TunedCase*> tuned;
  for (Case& what : all) tuned.push_back(&what.tuned);
  tune_and_run(tuned, setting.plan, harness);

  harness.fact("dataset", setting.dataset);
  harness.fact("model", setting.model);
  harness.fact("workers", setting.workers);
  harness.fact("batch", setting.batch);
  setting.plan.add_facts(harness);
  harness.fact("joules a bit", setting.joules_a_bit);

  std::vector<std::vector<nlohmann::json>> table;
  for (const Case& what : all) {
    const Case& dense = dense_of(all, what.partition);
    const double bytes = what.mean(&JobRun::bytes_a_step);
    table.push_back(
        {what.partition, what.method.dense ? "complete" : what.graph, what.method.label,
         what.tuned.choice.learning_rate,
         what.method.has_gamma ? nlohmann::json(what.tuned.choice.gamma) : nlohmann::json(),
         percent(what.mean(&JobRun::test)), percent(what.mean(&JobRun::own)), percent(what.mean(&JobRun::own_least)),
         what.tuned.diverged(), what.mean(&JobRun::disagreement), std::llround(what.mean(&JobRun::message)),
         dense.mean(&JobRun::message) / what.mean(&JobRun::message), dense.mean(&JobRun::bytes_a_step) / bytes,
         8.0 * bytes * setting.plan.steps * setting.joules_a_bit});
  }
  harness.table({"partition", "graph", "method", "learning rate", "gamma", "accuracy %", "own models %", "worst own %",
                 "diverged", "disagreement", "bytes a message", "dense / it", "all with all / a step", "joules"},
                std::move(table));

  for (const Case& what : all) {
    if (what.method.dense) continue;
    const Case& dense = dense_of(all, what.partition);
    const double lost = dense.mean(&JobRun::test) - what.mean(&JobRun::test);
    const double fewer = dense.mean(&JobRun::bytes_a_step) / what.mean(&JobRun::bytes_a_step);
    const std::string label = what.partition + ", " + what.graph + ", " + what.method.label;
    const bool iid = what.partition == "iid";
    const bool main_case = iid && what.method.label == "sparse_push 7% signs, difference";
    const bool small_case = iid && what.method.label == "sparse_push 2.2% signs, difference";
    harness.add(label + ": accuracy, dense - it", lost, "", main_case ? std::optional(at_most(0.01)) : std::nullopt);
    if (main_case) harness.add(label + ": bytes a step, all with all / it", fewer, "", at_least(466.0));
    if (small_case) harness.add(label + ": bytes a step, all with all / it", fewer, "", at_least(1200.0));
    if (main_case) {
      const double ring =
          static_cast<double>(all_reduce_payload(Collective::kRing, setting.workers,
                                                 static_cast<std::size_t>(dense.mean(&JobRun::message) / sizeof(float)))
                                  .value);
      harness.add(label + ": bytes a step, ring all-reduce / it", ring / what.mean(&JobRun::bytes_a_step), "");
    }
  }
  return harness.finish();
}

}  // namespace
}  // namespace laconic::bench

int main(int argc, char** argv) { return laconic::bench::guarded(laconic::bench::run, argc, argv); }
