// Reproduces Kamp et al. 2018 in kind: dynamic model averaging against periodic averaging, FedAvg, averaging after
// every step and none at all, by cumulative prequential loss (each batch tests the model, then trains it) against
// bytes; once on a stream that drifts, once on one that stays as it is. By default images whose labels are permuted,
// MNIST where --data names it, else Fashion-MNIST, with LeNet-5, or with the paper's own network (--model kamp_cnn);
// with --graphical-model bits of a random graphical model that is drawn anew, with an mlp. Then periodic averaging and
// dynamic averaging once more, of compressed changes. There "compressed dma 0, b ..." counts as periodic: it averages
// at every check.
//
// "serial" is one learner that sees the samples of all: the same number in a step. Every run has the same learning
// rate. The paper's size is --workers 30 or 100 (with --model kamp_cnn: days on two cores; --methods runs a part).
#include <algorithm>
#include <cmath>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "dma_stream.h"
#include "harness.h"
#include "tuning.h"

namespace laconic::bench {
namespace {

using Kind = Method::Kind;

// How many times fewer bytes `run` sends than the cheapest method of `kind` that is as good; where that one is more than
// 2% better, than the next cheaper one, which is then more than 2% worse. Unset where there is none, and where `run` is
// not 2% better than no messages at all: it saves by learning less.
std::optional<double> fewer_bytes(const std::vector<Method>& rows, const Runs& runs, const Run& run, Kind kind,
                                  bool compressed) {
  const Method* const best = cheapest(rows, runs, kind, compressed, run.loss);
  if (best == nullptr || run.diverged) return std::nullopt;
  double bytes = runs.at(best->label).bytes;
  if (run.loss > kAsGood * runs.at(best->label).loss) {
    double cheaper = 0.0;
    for (const Method& method : rows) {
      if (method.kind != kind || method.compressed != compressed) continue;
      const double sent = runs.at(method.label).bytes;
      if (sent < bytes) cheaper = std::max(cheaper, sent);
    }
    if (cheaper == 0.0) return std::nullopt;
    bytes = cheaper;
  }
  if (runs.contains("nosync") && kAsGood * run.loss > runs.at("nosync").loss) return std::nullopt;
  return bytes / run.bytes;
}

// Loss after the drifts of periodic averaging of whole models at so many bytes: between the two periods around them, in
// a line over the logarithm of bytes; of the longest period where all of them send more. Unset where all send less.
std::optional<double> periodic_loss_after_drifts(const Setting& setting, const std::vector<Method>& rows,
                                                 const Runs& runs, double bytes) {
  std::map<double, double> curve;  // by bytes
  for (const Method& method : rows) {
    const Run& run = runs.at(method.label);
    if (method.kind != Kind::kPeriodic || method.compressed || run.diverged) continue;
    curve[run.bytes] = run.loss_after_drifts(setting);
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
  CLI::Option* const model = options.add_option("--model", setting.model, "lenet5, kamp_cnn, ...");
  options.add_flag("--graphical-model", setting.graphical_model, "bits of a random graphical model, learnt by an mlp")
      ->excludes(data)
      ->excludes(model);
  options.add_option("--inputs", setting.inputs, "bits of the graphical model that are seen")
      ->check(CLI::Range(1, 65536));
  options.add_option("--hidden", setting.hidden, "bits behind them")->check(CLI::Range(1, 65536));
  options.add_option("--workers", setting.workers, "K")->check(CLI::Range(2, 1000));
  options.add_option("--batch", setting.batch, "a worker's")->check(CLI::Range(1, 10'000));
  options.add_option("--steps", setting.steps, "of each worker")->check(CLI::Range(100, 10'000'000));
  options.add_option("--drifts", setting.drifts, "evenly over the steps")->check(CLI::Range(1, 20));
  options.add_option("--streams", setting.streams, "drift, stationary, or both")
      ->check(CLI::IsMember({"drift", "stationary"}));
  options.add_option("--learning-rate", setting.learning_rate, "of plain SGD")->check(CLI::PositiveNumber);
  options
      .add_option("--methods", setting.methods,
                  "run only those whose label begins with one of these: serial, nosync, continuous, periodic, fedavg, "
                  "dma, compressed, \"periodic 8\", ...")
      ->expected(1, 100);
  options.add_option("--periods", setting.periods, "steps between averages of periodic averaging")
      ->check(CLI::Range(1, 1'000'000));
  options.add_option("--fedavg-periods", setting.fedavg_periods, "the same of FedAvg")->check(CLI::Range(1, 1'000'000));
  options.add_option("--fraction", setting.fraction, "C: of the workers that FedAvg averages")
      ->check(CLI::Range(0.001, 1.0));
  options.add_option("--check-every", setting.check_every, "b of dma, one or more: steps from a check to the next")
      ->check(CLI::Range(1, 10'000));
  options.add_option("--thresholds", setting.thresholds, "Delta of dma")->check(CLI::PositiveNumber);
  options.add_option("--dma-keys", setting.dma_keys, "more keys of dma, as lines of a job: 'augment = \"all\"'");
  options.add_option("--ratio", setting.ratio, "of the changes that compressed models tell, as signs")
      ->check(CLI::Range(1e-6, 1.0));
  options.add_option("--compressed-thresholds", setting.compressed_thresholds, "Delta of compressed dma")
      ->check(CLI::PositiveNumber);
  options.add_option("--compressed-periods", setting.compressed_periods, "of compressed periodic averaging")
      ->check(CLI::Range(1, 1'000'000));
  options.add_option("--seed", setting.seed, "of everything random")->check(CLI::Range(0, 1'000'000));
  options.add_option("--jobs", setting.jobs, "runs at a time; no result depends on it")->check(CLI::Range(1, 1024));
}

void add_facts(Harness& harness, const Setting& setting) {
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
  harness.fact("keys of dma", setting.dma_keys);
  harness.fact("compression", "top " + number_text(100.0 * setting.ratio) + "%, signs");
  harness.fact("steps counted after a drift", setting.window());
}

using Row = std::vector<nlohmann::json>;
const std::vector<std::string> kColumns = {"stream",
                                           "method",
                                           "cumulative loss",
                                           "accuracy %",
                                           "MB sent",
                                           "syncs",
                                           "loss after drifts",
                                           "bytes a step, after drifts / else",
                                           "periodic as good / it",
                                           "compressed periodic as good / it"};

Row row_of(const Setting& setting, const std::vector<Method>& rows, const Runs& runs, const Method& method,
           bool drifting) {
  const Run& run = runs.at(method.label);
  const auto when = [](bool known, double value) { return known ? nlohmann::json(value) : nlohmann::json(); };
  const auto fewer = [&](bool known, bool compressed) {
    const auto times = known ? fewer_bytes(rows, runs, run, Kind::kPeriodic, compressed) : std::nullopt;
    return when(times.has_value(), times.value_or(0.0));
  };
  const bool drifted = drifting && !run.diverged;
  const bool counted = method.kind == Kind::kDma || method.kind == Kind::kFedAvg || method.compressed;
  return {drifting ? "drift" : "stationary",
          method.label,
          when(!run.diverged, run.loss),
          when(!run.diverged, 100.0 * run.accuracy),
          run.bytes / 1e6,
          run.syncs,
          when(drifted, drifted ? run.loss_after_drifts(setting) : 0.0),
          when(drifted && run.bytes > 0.0, drifted ? run.jump(setting) : 0.0),
          fewer(counted, false),
          fewer(method.kind == Kind::kDma, true)};
}

// Of dma's rows, of whole models or compressed, the one that saves most against periodic averaging, and how much.
struct Best {
  const Method* method = nullptr;
  double times = 0.0;
};
Best best_dma(const std::vector<Method>& rows, const Runs& runs, bool compressed, bool compressed_periodic) {
  Best best;
  for (const Method& method : rows) {
    if (method.kind != Kind::kDma || method.compressed != compressed) continue;
    const auto times = fewer_bytes(rows, runs, runs.at(method.label), Kind::kPeriodic, compressed_periodic);
    if (!times || *times <= best.times) continue;
    best = {.method = &method, .times = *times};
  }
  return best;
}

// The threshold that saves most speaks for dma; all of them are in the table.
void add_figures(Harness& harness, const Setting& setting, const std::vector<Method>& rows, const Runs& runs,
                 bool drifting) {
  const std::string where = drifting ? "drift: " : "stationary: ";
  const auto goal = [&](double low) { return drifting ? std::optional(at_least(low)) : std::nullopt; };
  const auto has = [&](const auto& wanted) { return std::any_of(rows.begin(), rows.end(), wanted); };
  const double saves = setting.graphical_model ? 10.0 : 5.0;
  for (const bool compressed : {false, true}) {
    if (!has([&](const Method& m) { return m.kind == Kind::kDma && m.compressed == compressed; })) continue;
    const std::string dma = compressed ? "compressed dma" : "dma";
    const Best best = best_dma(rows, runs, compressed, false);
    harness.add(where + "bytes, cheapest periodic within 2% / " + dma,
                best.method == nullptr ? std::nan("") : best.times, "", goal(saves));
    if (compressed) {
      const Best fair = best_dma(rows, runs, true, true);
      harness.add(where + "bytes, cheapest compressed periodic within 2% / " + dma,
                  fair.method == nullptr ? std::nan("") : fair.times, "");
    }
    for (const Method& method : rows) {
      if (method.kind != Kind::kFedAvg || runs.at(method.label).diverged) continue;
      const Method* const cheap = cheapest(rows, runs, Kind::kDma, compressed, runs.at(method.label).loss);
      harness.add(where + "bytes, " + method.label + " / cheapest " + dma + " within 2%",
                  cheap == nullptr ? std::nan("") : runs.at(method.label).bytes / runs.at(cheap->label).bytes, "",
                  goal(2.0));
    }
    if (best.method == nullptr) continue;
    const Run& run = runs.at(best.method->label);
    harness.add(where + "Delta of that " + dma, best.method->threshold, "");
    harness.add(where + "b of that " + dma, best.method->check_every, "steps");
    harness.add(where + "period of that periodic", cheapest(rows, runs, Kind::kPeriodic, false, run.loss)->period,
                "steps");
    if (runs.contains("serial")) {
      harness.add(where + "loss, " + dma + " / serial", run.loss / runs.at("serial").loss, "");
    }
    if (!drifting) continue;
    harness.add(where + dma + "'s bytes a step, after drifts / else", run.jump(setting), "", at_least(2.0));
    // Where every period sends less there is nothing to compare with.
    const auto periodic = periodic_loss_after_drifts(setting, rows, runs, run.bytes);
    harness.add(where + "loss after drifts, " + dma + " / periodic of its bytes",
                periodic ? run.loss_after_drifts(setting) / *periodic : std::nan(""), "",
                periodic ? std::optional(at_most(1.0)) : std::nullopt);
  }
  if (runs.contains("serial") && runs.contains("nosync")) {
    harness.add(where + "loss, nosync / serial", runs.at("nosync").loss / runs.at("serial").loss, "");
  }
}

int run(int argc, char** argv) {
  Harness harness("dma", "Dynamic model averaging on streams, with and without drift (Kamp et al. 2018)");
  Setting setting;
  add_options(harness, setting);
  if (const auto exit_code = harness.parse(argc, argv)) return *exit_code;
  if (harness.quick()) {
    setting.steps = std::min(setting.steps, 600);
    setting.drifts = 1;
    setting.periods = {2, 8, 32, 128};
    setting.thresholds = {0.3, 3.0};
    setting.compressed_periods = {8};
    setting.compressed_thresholds = {3.0};
  }
  const double start = now();
  const std::vector<Method> rows = methods(setting);
  if (rows.empty()) {
    harness.progress("--methods: no method's label begins with one of these words; see --help");
    return 2;
  }

  std::map<bool, Runs> runs;  // by whether the stream drifts
  for (const std::string& stream : setting.streams) {
    for (const Method& method : rows) runs[stream == "drift"][method.label] = {};
  }
  std::mutex mutex;
  std::vector<std::function<void()>> tasks;
  for (const Method& method : rows) {
    for (const auto& [drifting, unused] : runs) {
      tasks.push_back([&, drifting = drifting] {
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

  add_facts(harness, setting);
  const double samples = static_cast<double>(setting.batch) * setting.workers * setting.steps;
  bool complete = true;
  bool silent = true;
  std::vector<Row> table;
  for (const auto& [drifting, of] : runs) {
    for (const Method& method : rows) {
      const Run& run = of.at(method.label);
      complete = complete && (run.diverged || run.samples == samples);
      if (method.kind == Kind::kNosync || method.kind == Kind::kSerial) silent = silent && run.bytes == 0.0;
      harness.series((drifting ? "drift: " : "stationary: ") + method.label, curve_of(setting, run));
      table.push_back(row_of(setting, rows, of, method, drifting));
    }
  }
  harness.table(kColumns, std::move(table));
  for (const auto& [drifting, of] : runs) add_figures(harness, setting, rows, of, drifting);
  harness.check("every method that did not diverge saw the same number of samples", complete);
  harness.check("nosync and serial sent nothing", silent);
  harness.add("minutes", (now() - start) / 60.0, "", at_most(60.0));
  return harness.finish();
}

}  // namespace
}  // namespace laconic::bench

int main(int argc, char** argv) { return laconic::bench::guarded(laconic::bench::run, argc, argv); }
