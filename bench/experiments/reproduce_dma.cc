// Reproduces Kamp et al. 2018 in kind: dynamic model averaging against periodic averaging, FedAvg, averaging after
// every step and none at all, by cumulative prequential loss (each batch tests the model, then trains it) against
// bytes; once on a stream that stays as it is, once on one that drifts. By default images whose labels are permuted,
// MNIST where --data names it, else Fashion-MNIST, with LeNet-5, or with the paper's own network (--model kamp_cnn);
// with --graphical-model bits of a random graphical model that is drawn anew, with an mlp.
//
// "serial" is one learner that sees the samples of all: the same number in a step. Every run has the same learning
// rate.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "harness.h"
#include "job/job.h"
#include "job/wiring.h"
#include "tuning.h"

namespace laconic::bench {
namespace {

struct Setting {
  std::string data_dir;
  bool graphical_model = false;
  std::string model = "lenet5";  // of images
  int workers = 10;
  int batch = 10;
  int steps = 4800;
  int drifts = 2;
  double learning_rate = 0.1;
  std::vector<int> check_every = {1};  // as the paper: 10 samples, in batches of 10
  // Of the graphical model: with many bits behind many, labels that can be learnt nearly without an error.
  int inputs = 200;
  int hidden = 50;
  std::vector<double> thresholds = {0.1, 0.3, 1.0, 3.0, 10.0};
  std::vector<int> periods = {2, 4, 8, 16, 32, 64, 128};
  int seed = 1;
  int jobs = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));

  std::string dataset() const {
    return graphical_model ? "graphical_model" : data_dir.empty() ? "fashion_mnist" : "mnist";
  }
  // Steps of a concept; what is left over belongs to the last.
  int spacing() const { return steps / (drifts + 1); }
  // Steps after a drift in which its loss is counted, and the traffic that it causes.
  int window() const { return spacing() / 4; }
  // Steps of a point of a curve.
  int bucket() const { return std::max(1, spacing() / 20); }
};

struct Method {
  std::string label;
  std::string strategy;  // of [strategy]
  int period = 0;        // of averages of all at fixed times
  double threshold = 0.0;
  int check_every = 0;
  bool serial = false;

  bool is_dma() const { return threshold > 0.0; }
  bool is_periodic() const { return period > 0; }
};

std::string number_text(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

// Slowest first, which fills the cores best.
std::vector<Method> methods(const Setting& setting) {
  std::vector<Method> rows;
  rows.push_back({.label = "serial", .strategy = "name = \"local\"\n", .serial = true});
  rows.push_back({.label = "nosync", .strategy = "name = \"local\"\n"});
  rows.push_back({.label = "continuous", .strategy = "name = \"synchronous\"\n", .period = 1});
  for (const int period : setting.periods) {
    const std::string text = std::to_string(period);
    rows.push_back(
        {.label = "periodic " + text, .strategy = "name = \"periodic\"\nperiod = " + text + "\n", .period = period});
  }
  for (const auto& [period, fraction] : {std::pair{"10", "0.5"}, std::pair{"50", "0.3"}}) {
    rows.push_back(
        {.label = "fedavg " + std::string(period) + ", C " + fraction,
         .strategy = "name = \"fedavg\"\nperiod = " + std::string(period) + "\nfraction = " + fraction + "\n"});
  }
  for (const int check_every : setting.check_every) {
    for (const double threshold : setting.thresholds) {
      const std::string text = number_text(threshold);
      const std::string every = std::to_string(check_every);
      rows.push_back({.label = "dma " + text + ", b " + every,
                      .strategy = "name = \"dma\"\nthreshold = " + text + "\ncheck_every = " + every + "\n",
                      .threshold = threshold,
                      .check_every = check_every});
    }
  }
  return rows;
}

std::string job_text(const Setting& setting, const Method& method, bool drifting) {
  // One learner that sees what all see.
  const int workers = method.serial ? 1 : setting.workers;
  const int batch = method.serial ? setting.batch * setting.workers : setting.batch;
  std::string text = "[job]\nname = \"reproduce_dma\"\nseed = " + std::to_string(setting.seed) +
                     "\nsteps = " + std::to_string(setting.steps) + "\n[data]\nbatch = " + std::to_string(batch) + "\n";
  text += "dataset = \"" + setting.dataset() + "\"\npartition = \"shared\"\n";
  if (setting.graphical_model) {
    text += "inputs = " + std::to_string(setting.inputs) + "\nhidden = " + std::to_string(setting.hidden) + "\n";
  }
  if (!setting.data_dir.empty()) text += "dir = \"" + setting.data_dir + "\"\n";
  if (drifting) {
    text += std::string("[drift]\nkind = \"") + (setting.graphical_model ? "redraw" : "labels") + "\"\nat = \"";
    for (int i = 1; i <= setting.drifts; ++i) text += (i > 1 ? ", " : "") + std::to_string(i * setting.spacing());
    text += "\"\n";
  }
  text += "[model]\nname = \"" + (setting.graphical_model ? "mlp\"\nhidden = 32" : setting.model + "\"") + "\n";
  return text + "[optimizer]\nname = \"sgd\"\nlearning_rate = " + std::to_string(setting.learning_rate) +
         "\n[workers]\nthreads = 1\ncount = " + std::to_string(workers) +
         "\n[evaluation]\nprequential = true\nworkers = \"never\"\nevery = \"" + std::to_string(setting.steps) +
         " steps\"\n[strategy]\n" + method.strategy;
}

// What a run came to. One that diverged ends early: its loss is infinite.
struct Run {
  double loss = 0.0;     // cumulative
  double samples = 0.0;  // tested
  double bytes = 0.0;    // framed, all nodes
  double syncs = 0.0;
  double accuracy = 0.0;  // of the average model at the end, on the last concept
  bool diverged = false;
  // By step: losses summed over the workers, and bytes sent so far when the last worker had taken it.
  std::vector<double> losses;
  std::vector<double> sent;

  // Over the steps after each drift.
  double loss_after_drifts(const Setting& setting) const {
    double sum = 0.0;
    for (int i = 1; i <= setting.drifts; ++i) {
      const auto first = losses.begin() + i * setting.spacing();
      for (auto at = first; at != first + setting.window(); ++at) sum += *at;
    }
    return sum;
  }
  // Bytes a step in those steps, over bytes a step in the others from the first drift on.
  double jump(const Setting& setting) const {
    double inside = 0.0;
    for (int i = 1; i <= setting.drifts; ++i) {
      const auto first = static_cast<std::size_t>(i * setting.spacing());
      inside += sent[first + static_cast<std::size_t>(setting.window()) - 1] - sent[first - 1];
    }
    const double all = sent.back() - sent[static_cast<std::size_t>(setting.spacing()) - 1];
    const double steps_inside = setting.drifts * setting.window();
    const double steps_outside = setting.steps - setting.spacing() - steps_inside;
    return (inside / steps_inside) / ((all - inside) / steps_outside);
  }
};

Run run_once(const Setting& setting, const Method& method, bool drifting) {
  const Job job = parse_job_text(job_text(setting, method, drifting), "reproduce_dma.toml");
  const JobSetup setup = set_up(job);
  Run run;
  run.losses.assign(static_cast<std::size_t>(setting.steps), 0.0);
  run.sent.assign(static_cast<std::size_t>(setting.steps), 0.0);
  RunObserver observer;
  observer.on_worker_step = [&](const WorkerStep& step) {
    const std::size_t i = step.step.value - 1;
    run.losses[i] += step.result.test_loss.value() * static_cast<double>(step.result.samples);
    run.sent[i] = std::max(run.sent[i], static_cast<double>(step.ledger.total().framed.value));
  };
  const RunResult result = run_job(job, setup, observer);
  run.diverged = result.outcome.end != Outcome::End::kSteps;
  run.bytes = static_cast<double>(result.outcome.ledger.total().framed.value);
  run.syncs = static_cast<double>(result.outcome.syncs);
  if (run.diverged) {
    run.loss = std::numeric_limits<double>::infinity();
    return run;
  }
  const Measurement& last = result.measurements.back();
  run.loss = last.prequential.loss;
  run.samples = static_cast<double>(last.prequential.samples);
  run.accuracy = last.test.accuracy;
  run.sent.back() = run.bytes;
  return run;
}

// The runs of one stream, by method.
using Runs = std::map<std::string, Run>;

constexpr double kAsGood = 1.02;

// Of the periodic methods whose cumulative loss is within 2% of `run`'s or below, the one with the fewest bytes; null:
// none is.
const Method* cheapest_periodic(const std::vector<Method>& rows, const Runs& runs, const Run& run) {
  const Method* best = nullptr;
  for (const Method& method : rows) {
    if (!method.is_periodic() || !(runs.at(method.label).loss <= kAsGood * run.loss)) continue;
    if (best == nullptr || runs.at(method.label).bytes < runs.at(best->label).bytes) best = &method;
  }
  return best;
}

// How many times fewer bytes than that one. Unset where `run` is more than 2% worse than the longest period, or not 2%
// better than no messages at all: it saves by learning less.
std::optional<double> fewer_bytes(const std::vector<Method>& rows, const Runs& runs, const Run& run) {
  const Method* periodic = cheapest_periodic(rows, runs, run);
  if (periodic == nullptr || run.diverged) return std::nullopt;
  const Run& other = runs.at(periodic->label);
  if (run.loss > kAsGood * other.loss || kAsGood * run.loss > runs.at("nosync").loss) return std::nullopt;
  return other.bytes / run.bytes;
}

// Loss after the drifts of periodic averaging at so many bytes: between the two periods around them, in a line over the
// logarithm of bytes; of the longest period where all of them send more. Unset where all send less.
std::optional<double> periodic_loss_after_drifts(const Setting& setting, const std::vector<Method>& rows,
                                                 const Runs& runs, double bytes) {
  std::map<double, double> curve;  // by bytes
  for (const Method& method : rows) {
    const Run& run = runs.at(method.label);
    if (method.is_periodic() && !run.diverged) curve[run.bytes] = run.loss_after_drifts(setting);
  }
  const auto above = curve.lower_bound(bytes);
  if (above == curve.end()) return std::nullopt;
  if (above == curve.begin() || above->first == bytes) return above->second;
  const auto below = std::prev(above);
  const double share = std::log(bytes / below->first) / std::log(above->first / below->first);
  return below->second + share * (above->second - below->second);
}

// A point every so many steps: step, loss a sample since the point before, bytes so far.
nlohmann::json curve_of(const Setting& setting, const Run& run) {
  nlohmann::json points = nlohmann::json::array();
  const double samples = setting.batch * setting.workers;
  double sum = 0.0;
  int since = 0;
  for (std::size_t i = 0; i < run.losses.size(); ++i) {
    sum += run.losses[i];
    if (++since < setting.bucket() && i + 1 < run.losses.size()) continue;
    points.push_back({i + 1, sum / (samples * since), run.sent[i]});
    sum = 0.0;
    since = 0;
  }
  return points;
}

void add_options(Harness& harness, Setting& setting) {
  CLI::App& options = harness.options();
  CLI::Option* const data =
      options.add_option("--data", setting.data_dir, "folder with MNIST's four IDX files (default: Fashion-MNIST)");
  options.add_flag("--graphical-model", setting.graphical_model, "bits of a random graphical model, learnt by an mlp")
      ->excludes(data);
  options.add_option("--inputs", setting.inputs, "bits of the graphical model that are seen")
      ->check(CLI::Range(1, 65536));
  options.add_option("--hidden", setting.hidden, "bits behind them")->check(CLI::Range(1, 65536));
  options.add_option("--model", setting.model, "lenet5, kamp_cnn, ...");
  options.add_option("--workers", setting.workers, "K")->check(CLI::Range(2, 1000));
  options.add_option("--batch", setting.batch, "a worker's")->check(CLI::Range(1, 10'000));
  options.add_option("--steps", setting.steps, "of each worker")->check(CLI::Range(100, 10'000'000));
  options.add_option("--drifts", setting.drifts, "evenly over the steps")->check(CLI::Range(1, 20));
  options.add_option("--learning-rate", setting.learning_rate, "of plain SGD")->check(CLI::PositiveNumber);
  options.add_option("--check-every", setting.check_every, "b of dma, one or more: steps from a check to the next")
      ->check(CLI::Range(1, 10'000));
  options.add_option("--thresholds", setting.thresholds, "Delta of dma")->check(CLI::PositiveNumber);
  options.add_option("--seed", setting.seed, "of everything random")->check(CLI::Range(0, 1'000'000));
  options.add_option("--jobs", setting.jobs, "runs at a time; no result depends on it")->check(CLI::Range(1, 1024));
}

int run(int argc, char** argv) {
  Harness harness("reproduce_dma", "Dynamic model averaging on streams, without and with drift (Kamp et al. 2018)");
  Setting setting;
  add_options(harness, setting);
  if (const auto exit_code = harness.parse(argc, argv)) return *exit_code;
  if (harness.quick()) {
    setting.steps = std::min(setting.steps, 600);
    setting.drifts = 1;
    setting.periods = {2, 8, 32, 128};
    setting.thresholds = {0.3, 3.0};
  }
  const double start = now();
  const std::vector<Method> rows = methods(setting);

  std::map<bool, Runs> runs;  // by whether the stream drifts
  for (const bool drifting : {false, true}) {
    for (const Method& method : rows) runs[drifting][method.label] = {};
  }
  std::mutex mutex;
  std::vector<std::function<void()>> tasks;
  for (const Method& method : rows) {
    for (const bool drifting : {true, false}) {
      tasks.push_back([&, drifting] {
        const Run result = run_once(setting, method, drifting);
        const std::lock_guard lock(mutex);
        runs[drifting][method.label] = result;
        harness.progress(method.label + (drifting ? ", drift" : ", stationary") + ": cumulative loss " +
                         number_text(result.loss) + ", " + number_text(result.bytes / 1e6) + " MB, " +
                         number_text(result.syncs) + " syncs, accuracy " + number_text(result.accuracy));
      });
    }
  }
  run_all(tasks, setting.jobs);

  harness.fact("dataset", setting.dataset());
  harness.fact("model", setting.graphical_model ? "mlp" : setting.model);
  if (setting.graphical_model) {
    harness.fact("inputs", setting.inputs);
    harness.fact("hidden", setting.hidden);
  }
  harness.fact("workers", setting.workers);
  harness.fact("batch", setting.batch);
  harness.fact("steps", setting.steps);
  harness.fact("drifts", setting.drifts);
  harness.fact("learning rate", setting.learning_rate);
  harness.fact("steps counted after a drift", setting.window());

  const double samples = static_cast<double>(setting.batch) * setting.workers * setting.steps;
  bool complete = true;
  std::vector<std::vector<nlohmann::json>> table;
  for (const bool drifting : {false, true}) {
    const Runs& of = runs.at(drifting);
    for (const Method& method : rows) {
      const Run& run = of.at(method.label);
      complete = complete && (run.diverged || run.samples == samples);
      harness.series((drifting ? "drift: " : "stationary: ") + method.label, curve_of(setting, run));
      const auto when = [](bool known, double value) { return known ? nlohmann::json(value) : nlohmann::json(); };
      const auto fewer = method.is_dma() ? fewer_bytes(rows, of, run) : std::nullopt;
      const bool speaks = run.bytes > 0.0;
      table.push_back({drifting ? "drift" : "stationary", method.label, when(!run.diverged, run.loss),
                       when(!run.diverged, 100.0 * run.accuracy), run.bytes / 1e6, run.syncs,
                       when(drifting && !run.diverged, run.loss_after_drifts(setting)),
                       when(drifting && speaks && !run.diverged, run.jump(setting)),
                       when(fewer.has_value(), fewer.value_or(0.0))});
    }
  }
  harness.table({"stream", "method", "cumulative loss", "accuracy %", "MB sent", "syncs", "loss after drifts",
                 "bytes a step, after drifts / else", "periodic as good / it"},
                std::move(table));

  // The threshold that saves most speaks for dma; all of them are in the table.
  for (const bool drifting : {false, true}) {
    const Runs& of = runs.at(drifting);
    const std::string where = drifting ? "drift" : "stationary";
    const Method* best = nullptr;
    double most = 0.0;
    for (const Method& method : rows) {
      if (!method.is_dma()) continue;
      const auto fewer = fewer_bytes(rows, of, of.at(method.label));
      if (!fewer || *fewer <= most) continue;
      best = &method;
      most = *fewer;
    }
    harness.add(where + ": bytes, cheapest periodic within 2% / dma", best == nullptr ? std::nan("") : most, "",
                drifting ? std::optional(at_least(5.0)) : std::nullopt);
    if (best == nullptr) continue;
    const Run& dma = of.at(best->label);
    harness.add(where + ": Delta of that dma", best->threshold, "");
    harness.add(where + ": b of that dma", best->check_every, "steps");
    harness.add(where + ": period of that periodic", cheapest_periodic(rows, of, dma)->period, "steps");
    harness.add(where + ": loss, dma / serial", dma.loss / of.at("serial").loss, "");
    harness.add(where + ": loss, nosync / serial", of.at("nosync").loss / of.at("serial").loss, "");
    if (!drifting) continue;
    harness.add("drift: dma's bytes a step, after drifts / else", dma.jump(setting), "", at_least(2.0));
    // Where every period sends less there is nothing to compare with.
    const auto periodic = periodic_loss_after_drifts(setting, rows, of, dma.bytes);
    harness.add("drift: loss after drifts, dma / periodic of its bytes",
                periodic ? dma.loss_after_drifts(setting) / *periodic : std::nan(""), "",
                periodic ? std::optional(at_most(1.0)) : std::nullopt);
  }
  harness.check("every method that did not diverge saw the same number of samples", complete);
  harness.check("nosync and serial sent nothing",
                runs[true]["nosync"].bytes + runs[true]["serial"].bytes + runs[false]["nosync"].bytes == 0.0);
  harness.add("minutes", (now() - start) / 60.0, "", at_most(60.0));
  return harness.finish();
}

}  // namespace
}  // namespace laconic::bench

int main(int argc, char** argv) { return laconic::bench::guarded(laconic::bench::run, argc, argv); }
