// When to speak: every trigger of the project on one job. Averaging all models when a monitor of the variance says so
// (FDA), behind a screen or not; of a few workers at first (DMA's balancing); of neighbours when a node has moved
// (CHOCO with a trigger); against averaging always and at fixed intervals.
//
// LeNet-5, Adam, K workers, a fixed number of steps; the accuracy is that of the average of the workers' models at the
// end. The threshold of FDA (of the variance), of DMA (of a worker's squared distance from the reference) and of CHOCO
// (of its squared distance from its public copy) are on one scale, that of ||u||^2, but not one thing: what counts is
// the accuracy that a method has for its bytes.
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "harness.h"
#include "job_run.h"

namespace laconic::bench {
namespace {

struct Setting {
  std::string dataset = "fashion_mnist";
  std::string data_dir;
  std::string partition = "iid";
  int workers = 10;
  int steps = 1000;
  int seed = 1;
  std::vector<double> thresholds = {1.0, 2.5, 10.0};
  std::vector<int> periods = {5, 20, 80};
  double within = 0.01;
};

// What is run at every threshold.
struct Method {
  std::string label;
  std::string strategy;  // lines of [strategy] but the threshold
  std::string threshold = "threshold";
  bool on_ring = false;
};

const std::vector<Method>& methods() {
  static const std::vector<Method> kMethods = {
      {"fda max-norm", "name = \"fda\"\nmonitor = \"max-norm\"\n"},
      {"fda naive", "name = \"fda\"\nmonitor = \"naive\"\n"},
      {"fda linear", "name = \"fda\"\nmonitor = \"linear\"\n"},
      {"fda linear, lock-step screen", "name = \"fda\"\nmonitor = \"linear\"\nscreen = \"lock-step\"\n"},
      {"fda linear, late screen", "name = \"fda\"\nmonitor = \"linear\"\nscreen = \"late\"\n"},
      {"fda linear, decided late", "name = \"fda\"\nmonitor = \"linear\"\ndecide_late = true\n"},
      {"fda sketch", "name = \"fda\"\nmonitor = \"sketch\"\n"},
      {"fda sketch, lock-step screen", "name = \"fda\"\nmonitor = \"sketch\"\nscreen = \"lock-step\"\n"},
      {"fda sketch, late screen", "name = \"fda\"\nmonitor = \"sketch\"\nscreen = \"late\"\n"},
      {"fda exact", "name = \"fda\"\nmonitor = \"exact\"\n"},
      {"dma, doubling", "name = \"dma\"\naugment = \"doubling\"\n"},
      {"dma, all", "name = \"dma\"\naugment = \"all\"\n"},
      {"dma, doubling, asynchronous", "name = \"dma\"\naugment = \"doubling\"\nclock = \"asynchronous\"\n"},
      {"choco on a ring", "name = \"choco\"\ngamma = 0.3\n", "trigger", true},
  };
  return kMethods;
}

struct Row {
  std::string method;
  std::optional<double> threshold;
  JobRun run;

  double rest_gb() const { return run.sent_gb - run.model_gb; }
};

std::string text_of(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  return text.ends_with('.') ? text + "0" : text;
}

std::string job_text(const Setting& setting, const std::string& strategy, bool on_ring) {
  std::string text = "[job]\nname = \"triggers\"\nseed = " + std::to_string(setting.seed) +
                     "\nsteps = " + std::to_string(setting.steps) + "\n[data]\ndataset = \"" + setting.dataset +
                     "\"\npartition = \"" + setting.partition + "\"\nbatch = 32\n";
  if (!setting.data_dir.empty()) text += "dir = \"" + setting.data_dir + "\"\n";
  text += "[model]\nname = \"lenet5\"\n[optimizer]\nname = \"adam\"\nlearning_rate = 1e-3\n[workers]\ncount = " +
          std::to_string(setting.workers) + "\n[evaluation]\nevery = \"" + std::to_string(setting.steps) +
          " steps\"\nworkers = \"never\"\n";
  if (on_ring) text += "[topology]\ngraph = \"ring\"\n[compression]\noperator = \"none\"\n";
  return text + "[strategy]\n" + strategy;
}

// The run of `method` at `threshold`.
const Row& row_of(const std::vector<Row>& rows, const std::string& method, std::optional<double> threshold) {
  for (const Row& row : rows) {
    if (row.method == method && row.threshold == threshold) return row;
  }
  throw std::logic_error("no run of " + method);
}

// The cheapest run of a method whose accuracy is at least `accuracy`; NaN where none is.
double cheapest_mb(const std::vector<Row>& rows, const std::string& method, double accuracy) {
  double least = std::numeric_limits<double>::infinity();
  for (const Row& row : rows) {
    if (row.method == method && row.run.test >= accuracy) least = std::min(least, row.run.sent_gb);
  }
  return std::isinf(least) ? std::nan("") : 1000.0 * least;
}

int run(int argc, char** argv) {
  Harness harness("triggers", "Triggers: when workers speak, on one job (LeNet-5)");
  Setting setting;
  bool skewed = false;
  harness.options().add_option("--data", setting.data_dir,
                               "folder with MNIST's four IDX files, to train on these and not on Fashion-MNIST");
  harness.options().add_option("--workers", setting.workers, "K")->check(CLI::Range(3, 1000));
  harness.options().add_option("--steps", setting.steps, "local steps of each worker")->check(CLI::Range(1, 1'000'000));
  harness.options().add_option("--seed", setting.seed, "of the job")->check(CLI::Range(1, 1'000'000));
  harness.options().add_option("--thresholds", setting.thresholds, "of every trigger")->check(CLI::PositiveNumber);
  harness.options().add_flag("--skewed", skewed, "60% of the samples sorted by label, the rest alike");
  harness.options()
      .add_option("--within", setting.within, "accuracy that may be lost against averaging in every step")
      ->check(CLI::Range(0.0, 1.0));
  if (const auto exit_code = harness.parse(argc, argv)) return *exit_code;
  if (!setting.data_dir.empty()) setting.dataset = "mnist";
  if (skewed) setting.partition = "non_iid:60%";
  if (harness.quick()) {
    setting.steps = std::min(setting.steps, 120);
    setting.thresholds = {2.5};
    setting.periods = {20};
  }

  std::vector<Row> rows;
  const auto take = [&](const std::string& method, std::optional<double> threshold, const std::string& strategy,
                        bool on_ring) {
    const std::string text = job_text(setting, strategy, on_ring);
    rows.push_back({method, threshold, run_text(text, "triggers.toml")});
    const JobRun& result = rows.back().run;
    harness.progress(method + (threshold ? " at " + text_of(*threshold) : "") + ": accuracy " +
                     std::to_string(result.test) + ", " + std::to_string(result.syncs) + " syncs, " +
                     std::to_string(1000.0 * result.sent_gb) + " MB");
  };
  take("synchronous", std::nullopt, "name = \"synchronous\"\n", false);
  for (const int period : setting.periods) {
    take("periodic", period, "name = \"periodic\"\nperiod = " + std::to_string(period) + "\n", false);
  }
  for (const Method& method : methods()) {
    for (const double threshold : setting.thresholds) {
      take(method.label, threshold, method.strategy + method.threshold + " = " + text_of(threshold) + "\n",
           method.on_ring);
    }
  }

  bool diverged = false;
  bool screen_is_exact = true;
  std::vector<std::vector<nlohmann::json>> table;
  for (const Row& row : rows) {
    diverged = diverged || row.run.diverged;
    table.push_back({row.method, row.threshold ? nlohmann::json(*row.threshold) : nlohmann::json(),
                     100.0 * row.run.test, row.run.syncs, 1000.0 * row.run.sent_gb, 1000.0 * row.run.model_gb,
                     1000.0 * row.rest_gb(), row.run.disagreement});
  }
  for (const double threshold : setting.thresholds) {
    for (const std::string monitor : {"fda linear", "fda sketch"}) {
      const JobRun& plain = row_of(rows, monitor, threshold).run;
      const JobRun& screened = row_of(rows, monitor + ", lock-step screen", threshold).run;
      screen_is_exact = screen_is_exact && plain.syncs == screened.syncs && plain.test == screened.test;
    }
  }
  harness.table({"method", "threshold or period", "accuracy %", "syncs", "MB sent", "MB models", "MB states, control",
                 "variance at the end"},
                std::move(table));
  harness.check("no run diverged", !diverged);
  harness.check("with the lock-step screen the run is the same as without", screen_is_exact);
  harness.fact("dataset", setting.dataset);
  harness.fact("partition", setting.partition);
  harness.fact("workers", setting.workers);
  harness.fact("steps", setting.steps);
  harness.fact("seed", setting.seed);

  for (const double threshold : setting.thresholds) {
    const std::string at = ", threshold " + text_of(threshold);
    const auto rest = [&](const std::string& method) { return row_of(rows, method, threshold).rest_gb(); };
    harness.add("states and control, linear / linear with the late screen" + at,
                rest("fda linear") / rest("fda linear, late screen"), "");
    harness.add("states and control, sketch / sketch with the lock-step screen" + at,
                rest("fda sketch") / rest("fda sketch, lock-step screen"), "", at_least(1.0));
    harness.add("states and control, sketch / sketch with the late screen" + at,
                rest("fda sketch") / rest("fda sketch, late screen"), "", at_least(1.0));
  }
  const double enough = row_of(rows, "synchronous", std::nullopt).run.test - setting.within;
  const std::string goal = ": least MB for " + text_of(100.0 * enough) + "%";
  harness.add("synchronous" + goal, cheapest_mb(rows, "synchronous", enough), "MB");
  harness.add("periodic" + goal, cheapest_mb(rows, "periodic", enough), "MB");
  for (const Method& method : methods()) {
    harness.add(method.label + goal, cheapest_mb(rows, method.label, enough), "MB");
  }
  return harness.finish();
}

}  // namespace
}  // namespace laconic::bench

int main(int argc, char** argv) { return laconic::bench::guarded(laconic::bench::run, argc, argv); }
