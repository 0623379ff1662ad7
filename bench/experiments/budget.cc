// A budget in the place of a threshold: does the traffic follow it, and what does the accuracy lose against the best
// fixed threshold of about that traffic (within a factor of 2)?
//
// LeNet-5, Adam, K workers, on data that stay and on data whose labels are permuted half-way; FDA (linear monitor) and
// DMA. Budgets lie a factor of 100 apart, from some 11 synchronisations of the run to nearly one a step. The traffic is
// what a worker sends and receives, framed, after the first tenth of the run.
#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "harness.h"
#include "job/job.h"
#include "job/wiring.h"

namespace laconic::bench {
namespace {

struct Setting {
  std::string dataset = "fashion_mnist";
  std::string data_dir;
  int workers = 5;
  int steps = 1000;
  int seed = 1;
  std::vector<std::string> strategies = {"fda", "dma"};
  int budgets = 6;
  std::vector<double> thresholds = {0.0, 0.02, 0.1, 0.3, 1.0, 2.0, 5.0, 10.0};
};

// LeNet-5, sent and received once, in bytes.
constexpr double kSynchronisation = 2.0 * 4.0 * 61'706.0;

struct Run {
  std::string strategy;
  bool drift = false;
  double budget = 0.0;     // bytes a step; 0: a threshold
  double threshold = 0.0;  // of a run without a budget
  double traffic = 0.0;    // bytes a step, after the first tenth
  double accuracy = 0.0;
  double syncs = 0.0;
  bool complete = false;  // all steps were taken
};

std::string job_text(const Setting& setting, const Run& run) {
  const std::string tenth = std::to_string(std::max(1, setting.steps / 10));
  std::string text = "[job]\nname = \"budget\"\nseed = " + std::to_string(setting.seed) +
                     "\nsteps = " + std::to_string(setting.steps) + "\n[data]\ndataset = \"" + setting.dataset +
                     "\"\npartition = \"iid\"\nbatch = 32\n";
  if (!setting.data_dir.empty()) text += "dir = \"" + setting.data_dir + "\"\n";
  if (run.drift) text += "[drift]\nkind = \"labels\"\nat = [" + std::to_string(setting.steps / 2) + "]\n";
  text += "[model]\nname = \"lenet5\"\n[optimizer]\nname = \"adam\"\nlearning_rate = 1e-3\n[workers]\ncount = " +
          std::to_string(setting.workers) + "\n[evaluation]\nevery = \"" + tenth + " steps\"\nworkers = \"never\"\n" +
          "[strategy]\nname = \"" + run.strategy + "\"\n";
  if (run.budget > 0.0) {
    return text + "budget = \"" + std::to_string(std::llround(1000.0 * run.budget)) + " B/1000 steps\"\n";
  }
  return text + "threshold = " + std::to_string(run.threshold) + "\n";
}

void carry_out(const Setting& setting, Run& run) {
  const Job job = parse_job_text(job_text(setting, run), "budget.toml");
  const JobSetup setup = set_up(job);
  const RunResult result = run_job(job, setup);
  if (result.outcome.error) std::rethrow_exception(result.outcome.error);
  const Measurement& tenth = result.measurements.front();
  const Measurement& last = result.measurements.back();
  // With a coordinator one end of each frame is a worker's.
  const auto framed = static_cast<double>(last.total().framed.value - tenth.total().framed.value);
  run.traffic = framed / setting.workers / static_cast<double>(last.step.value - tenth.step.value);
  run.accuracy = last.test.accuracy;
  run.syncs = static_cast<double>(last.syncs);
  run.complete = result.outcome.end == Outcome::End::kSteps;
}

int run(int argc, char** argv) {
  Harness harness("budget", "A budget of bytes against fixed thresholds (LeNet-5)");
  Setting setting;
  harness.options().add_option("--data", setting.data_dir,
                               "folder with MNIST's four IDX files, to train on these and not on Fashion-MNIST");
  harness.options().add_option("--workers", setting.workers, "K")->check(CLI::Range(2, 1000));
  harness.options()
      .add_option("--steps", setting.steps, "local steps of each worker")
      ->check(CLI::Range(100, 1'000'000));
  harness.options().add_option("--seed", setting.seed, "of the job")->check(CLI::Range(1, 1'000'000));
  harness.options().add_option("--strategies", setting.strategies, "fda, dma")->check(CLI::IsMember({"fda", "dma"}));
  if (const auto exit_code = harness.parse(argc, argv)) return *exit_code;
  if (!setting.data_dir.empty()) setting.dataset = "mnist";
  if (harness.quick()) {
    setting.steps = std::min(setting.steps, 300);
    setting.budgets = 3;
    setting.thresholds = {0.0, 0.3, 2.0};
  }

  bool complete = true;
  std::vector<std::vector<nlohmann::json>> table;
  for (const std::string& strategy : setting.strategies) {
    for (const bool drift : {false, true}) {
      std::vector<Run> fixed, steered;
      for (const double threshold : setting.thresholds) {
        fixed.push_back({.strategy = strategy, .drift = drift, .threshold = threshold});
      }
      const double least = 11.0 * kSynchronisation / setting.steps;
      const double most = 0.98 * kSynchronisation;
      for (int i = 0; i < setting.budgets; ++i) {
        const double budget = least * std::pow(most / least, static_cast<double>(i) / (setting.budgets - 1));
        steered.push_back({.strategy = strategy, .drift = drift, .budget = budget});
      }
      const std::string where = strategy + (drift ? ", drift" : "");
      for (std::vector<Run>* runs : {&fixed, &steered}) {
        for (Run& run : *runs) {
          carry_out(setting, run);
          complete = complete && run.complete;
          harness.progress(where + (run.budget > 0.0 ? ", budget " : ", threshold ") +
                           std::to_string(run.budget > 0.0 ? run.budget : run.threshold) + ": " +
                           std::to_string(run.traffic) + " bytes a step, accuracy " + std::to_string(run.accuracy));
          table.push_back({strategy, drift ? "labels" : "none",
                           run.budget > 0.0 ? nlohmann::json() : nlohmann::json(run.threshold),
                           run.budget > 0.0 ? nlohmann::json(run.budget / 1000.0) : nlohmann::json(),
                           run.traffic / 1000.0, run.syncs, 100.0 * run.accuracy});
        }
      }
      double furthest = 0.0;
      std::optional<double> lost;
      int compared = 0;
      for (const Run& run : steered) {
        furthest = std::max(furthest, std::abs(run.traffic / run.budget - 1.0));
        // The same traffic: within a factor of 2.
        double best = 0.0;
        for (const Run& other : fixed) {
          if (other.traffic <= 2.0 * run.traffic && run.traffic <= 2.0 * other.traffic) {
            best = std::max(best, other.accuracy);
          }
        }
        if (best == 0.0) continue;
        ++compared;
        lost = std::max(lost.value_or(-1.0), best - run.accuracy);
      }
      harness.add(where + ": furthest from the budget", 100.0 * furthest, "%", at_most(15.0));
      harness.add(where + ": most lost against the best threshold of that traffic", lost ? 100.0 * *lost : std::nan(""),
                  "points", lost ? std::optional(at_most(0.5)) : std::nullopt);
      harness.add(where + ": budgets with a threshold of that traffic", compared, "");
    }
  }
  harness.table({"strategy", "drift", "threshold", "budget, kB a step", "kB a step", "syncs", "accuracy %"},
                std::move(table));
  harness.check("every run took all its steps", complete);
  harness.fact("dataset", setting.dataset);
  harness.fact("workers", setting.workers);
  harness.fact("steps", setting.steps);
  harness.fact("seed", setting.seed);
  return harness.finish();
}

}  // namespace
}  // namespace laconic::bench

int main(int argc, char** argv) { return laconic::bench::guarded(laconic::bench::run, argc, argv); }
