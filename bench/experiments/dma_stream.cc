#include "dma_stream.h"

#include <limits>

#include "job/job.h"
#include "job/wiring.h"

namespace laconic::bench {
namespace {

using Kind = Method::Kind;

std::string job_text(const Setting& setting, const Method& method, bool drifting) {
  // One learner that sees what all see.
  const bool serial = method.kind == Kind::kSerial;
  const int workers = serial ? 1 : setting.workers;
  const int batch = serial ? setting.batch * setting.workers : setting.batch;
  std::string text = "[job]\nname = \"dma\"\nseed = " + std::to_string(setting.seed) +
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
  if (method.compressed) {
    text += "[compression]\noperator = \"top_k\"\nratio = " + number_text(setting.ratio) + "\nvalues = \"sign\"\n";
  }
  return text + "[optimizer]\nname = \"sgd\"\nlearning_rate = " + std::to_string(setting.learning_rate) +
         "\n[workers]\nthreads = 1\ncount = " + std::to_string(workers) +
         "\n[evaluation]\nprequential = true\nworkers = \"never\"\nevery = \"" + std::to_string(setting.steps) +
         " steps\"\n[strategy]\n" + method.strategy;
}

Method periodic(int period, bool compressed) {
  const std::string text = std::to_string(period);
  return {.label = (compressed ? "compressed periodic " : "periodic ") + text,
          .kind = Kind::kPeriodic,
          .strategy = "name = \"periodic\"\nperiod = " + text + "\n",
          .period = period,
          .compressed = compressed};
}

Method dma(const Setting& setting, double threshold, int check_every, bool compressed) {
  const std::string text = number_text(threshold);
  const std::string every = std::to_string(check_every);
  return {
      .label = (compressed ? "compressed dma " : "dma ") + text + ", b " + every,
      .kind = Kind::kDma,
      .strategy = "name = \"dma\"\nthreshold = " + text + "\ncheck_every = " + every + "\n" + setting.dma_keys + "\n",
      .threshold = threshold,
      .check_every = check_every,
      .compressed = compressed};
}

}  // namespace

std::string number_text(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string Setting::dataset() const {
  return graphical_model ? "graphical_model" : data_dir.empty() ? "fashion_mnist" : "mnist";
}

std::vector<Method> methods(const Setting& setting) {
  std::vector<Method> rows;
  rows.push_back({.label = "serial", .kind = Kind::kSerial, .strategy = "name = \"local\"\n"});
  rows.push_back({.label = "nosync", .kind = Kind::kNosync, .strategy = "name = \"local\"\n"});
  rows.push_back({.label = "continuous", .kind = Kind::kPeriodic, .strategy = "name = \"synchronous\"\n", .period = 1});
  for (const int period : setting.periods) rows.push_back(periodic(period, false));
  for (const int period : setting.fedavg_periods) {
    const std::string text = std::to_string(period);
    const std::string fraction = number_text(setting.fraction);
    rows.push_back({.label = "fedavg " + text + ", C " + fraction,
                    .kind = Kind::kFedAvg,
                    .strategy = "name = \"fedavg\"\nperiod = " + text + "\nfraction = " + fraction + "\n",
                    .period = period});
  }
  for (const int check_every : setting.check_every) {
    for (const double threshold : setting.thresholds) rows.push_back(dma(setting, threshold, check_every, false));
  }
  for (const int period : setting.compressed_periods) rows.push_back(periodic(period, true));
  for (const int period : setting.compressed_periods) {
    // The fixed times of `periodic`, at which dma's averages correct models instead of replacing them.
    rows.push_back(dma(setting, 0.0, period, true));
    rows.back().kind = Kind::kPeriodic;
    rows.back().period = period;
  }
  for (const int check_every : setting.check_every) {
    for (const double threshold : setting.compressed_thresholds) {
      rows.push_back(dma(setting, threshold, check_every, true));
    }
  }
  if (setting.methods.empty()) return rows;
  std::erase_if(rows, [&](const Method& method) {
    return std::none_of(setting.methods.begin(), setting.methods.end(),
                        [&](const std::string& word) { return method.label.starts_with(word); });
  });
  return rows;
}

double Run::loss_after_drifts(const Setting& setting) const {
  double sum = 0.0;
  for (int i = 1; i <= setting.drifts; ++i) {
    const auto first = losses.begin() + i * setting.spacing();
    for (auto at = first; at != first + setting.window(); ++at) sum += *at;
  }
  return sum;
}

double Run::jump(const Setting& setting) const {
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

Run run_once(const Setting& setting, const Method& method, bool drifting) {
  const Job job = parse_job_text(job_text(setting, method, drifting), "dma.toml");
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

const Method* cheapest(const std::vector<Method>& rows, const Runs& runs, Method::Kind kind, bool compressed,
                       double loss) {
  const Method* best = nullptr;
  for (const Method& method : rows) {
    if (method.kind != kind || method.compressed != compressed) continue;
    if (!(runs.at(method.label).loss <= kAsGood * loss)) continue;
    if (best == nullptr || runs.at(method.label).bytes < runs.at(best->label).bytes) best = &method;
  }
  return best;
}

}  // namespace laconic::bench
