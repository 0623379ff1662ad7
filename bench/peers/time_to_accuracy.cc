// Seconds and bytes to an accuracy on a thin link: laconic's strategies beside PyTorch's DistributedDataParallel.
//
// Four ranks on this machine train on Fashion-MNIST, an even part for each, over a loopback of limited rate that they
// share: the same model, batch, optimiser (SGD with momentum) and clock for all. The clock runs while ranks train; it
// stands still for start, end and evaluations. Bytes are those of the ledger for laconic, beside it what the kernel
// counted, and what the kernel counted for the peer.
//
// All methods have one learning rate, one momentum and one batch; local SGD of either side has one period. The knobs
// that only some have (FDA's threshold, gamma of gossip) are round numbers, not searched for. --tune searches for each
// method, by one rule: from the common start first the knob by factors of 4, then the learning rate by factors of 2, as
// long as the target comes sooner on a tenth of the training images that is held out. How soon follows from steps and
// bytes, so that no noise of the machine decides: kStepSeconds a step, and the bytes at the limited rate.
//
// What is measured costs the peer nothing: the average of its ranks' models. Of laconic it is what worker 0 has: the
// model last synchronised, or, between neighbours, its own.
#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "harness.h"
#include "loopback.h"
#include "ranks.h"
#include "tuning.h"

namespace laconic::bench {
namespace {

constexpr int kEvaluateEvery = 25;  // steps
constexpr double kStepSeconds = 0.01;
constexpr double kHeldOut = 0.1;
// A frame whose headers, and the acknowledgement that it brings about, are less than a twentieth of it.
constexpr double kLargeFrame = 64e3;

struct Choice {
  double learning_rate = 0.05;
  double knob = 0.0;
};

struct Model {
  std::string name;
  std::string section;  // of laconic's job
  int steps;            // at most
};

const std::vector<Model> kModels = {
    {"mlp", "name = \"mlp\"\nhidden = [512, 512]\n", 4000},
    {"lenet5", "name = \"lenet5\"\n", 10'000},
};

enum class Kind {
  kCollective,  // laconic's, with averages of all: on a ring, as gloo's
  kGossip,      // laconic's, between neighbours
  kPeer,
};

struct Method {
  std::string name;
  Kind kind;
  // Of laconic: its [strategy] and what goes with it, with `$` for the knob. Of the peer: its arguments.
  std::string text;
  // By model, as in kModels.
  std::vector<Choice> choices;
  bool is_peer() const { return kind == Kind::kPeer; }
  bool has_knob() const { return text.find('$') != std::string::npos; }
};

const std::vector<Method> kMethods = {
    {"all_reduce", Kind::kCollective, "[strategy]\nname = \"all_reduce\"\n", {{0.05}, {0.05}}},
    {"periodic", Kind::kCollective, "[strategy]\nname = \"periodic\"\nperiod = 16\n", {{0.05}, {0.05}}},
    {"fda", Kind::kCollective, "[strategy]\nname = \"fda\"\nthreshold = $\n", {{0.05, 16.0}, {0.05, 2.0}}},
    {"fda_top_k",
     Kind::kCollective,
     "[strategy]\nname = \"fda\"\nthreshold = $\ncheck_every = 4\n"
     "[compression]\noperator = \"top_k\"\nratio = 0.01\nvalues = \"bfloat16\"\n",
     {{0.05, 4.0}, {0.05, 1.0}}},
    {"choco_sign",
     Kind::kGossip,
     "[strategy]\nname = \"choco\"\ngamma = $\n[topology]\ngraph = \"ring\"\n[compression]\noperator = \"sign\"\n",
     {{0.05, 0.4}, {0.05, 0.4}}},
    {"sparse_push",
     Kind::kGossip,
     "[strategy]\nname = \"sparse_push\"\nmemory = \"difference\"\ngamma = $\n[topology]\ngraph = \"directed_ring\"\n"
     "[compression]\noperator = \"top_k\"\nratio = 0.02\nvalues = \"sign\"\n",
     {{0.05, 0.1}, {0.05, 0.1}}},
    {"ddp_dense", Kind::kPeer, "--mode dense", {{0.05}, {0.05}}},
    {"ddp_fp16", Kind::kPeer, "--mode fp16", {{0.05}, {0.05}}},
    {"ddp_power_sgd_1", Kind::kPeer, "--mode power_sgd --matrix-rank 1", {{0.05}, {0.05}}},
    {"ddp_power_sgd_4", Kind::kPeer, "--mode power_sgd --matrix-rank 4", {{0.05}, {0.05}}},
    {"ddp_local", Kind::kPeer, "--mode local --period 16", {{0.05}, {0.05}}},
};

std::string text_of(double value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

std::vector<std::string> names_of_methods() {
  std::vector<std::string> names;
  for (const Method& method : kMethods) names.push_back(method.name);
  return names;
}

// One run of a method on a model: until `target` is measured, the limit or the model's most steps.
struct Case {
  const Model& model;
  const Method& method;
  Choice choice;
  double target;
  bool held_out;  // whether it is measured on images held out of training
  LinkRate rate;
  int seed;
};

std::string job_text(const Case& what, const RanksOptions& options) {
  std::ostringstream text;
  text << "[job]\nname = \"time_to_accuracy\"\nseed = " << what.seed << "\nsteps = " << what.model.steps
       << "\nuntil = \"" << (what.held_out ? "validation_accuracy" : "accuracy") << " >= " << what.target << "\"\n"
       << "[data]\ndataset = \"fashion_mnist\"\npartition = \"iid\"\nbatch = 32\nsampling = \"epoch\"\nvalidation = "
       << (what.held_out ? kHeldOut : 0.0) << "\n[model]\n"
       << what.model.section << "[optimizer]\nname = \"sgd\"\nlearning_rate = " << what.choice.learning_rate
       << "\nmomentum = 0.9\n[workers]\ncount = " << options.ranks << "\ncompute = \"" << 1e3 * kStepSeconds
       << " ms\"\n"
       << "[evaluation]\nevery = \"" << kEvaluateEvery << " steps\"\nworkers = \"never\"\n[network]\n"
       << "model = \"shared\"\nlatency = \"100 us\"\nchannel = \"" << what.rate.bits_per_second.value_or(1e10) / 1e6
       << " Mbit/s\"\n";
  if (what.method.kind == Kind::kCollective) text << "collective = \"ring\"\n";
  for (const char letter : what.method.text) {
    if (letter == '$') {
      text << what.choice.knob;
    } else {
      text << letter;
    }
  }
  return text.str();
}

std::vector<std::string> peer_arguments(const Case& what) {
  std::vector<std::string> arguments = {"--model",          what.model.name,
                                        "--learning-rate",  text_of(what.choice.learning_rate),
                                        "--momentum",       "0.9",
                                        "--batch",          "32",
                                        "--steps",          std::to_string(what.model.steps),
                                        "--target",         text_of(what.target),
                                        "--evaluate-every", std::to_string(kEvaluateEvery),
                                        "--seed",           std::to_string(what.seed)};
  if (what.held_out) arguments.insert(arguments.end(), {"--validation", text_of(kHeldOut)});
  std::istringstream words(what.method.text);
  for (std::string word; words >> word;) arguments.push_back(word);
  return arguments;
}

Trace carry_out(Loopback& loopback, const RanksOptions& options, const Case& what) {
  return what.method.is_peer() ? run_peer(loopback, options, peer_arguments(what))
                               : run_laconic(loopback, options, job_text(what, options));
}

// Searches the best choice of a method on a model, from the common start.
Choice tuned(Harness& harness, Loopback& loopback, RanksOptions options, Case what) {
  options.launch = Launch::kSimulator;  // which takes the same steps and sends the same bytes
  const double bits_per_second = what.rate.bits_per_second.value_or(1e10);
  what.rate = {};
  loopback.limit(what.rate);
  const auto score = [&] {
    const Trace trace = carry_out(loopback, options, what);
    const auto there = trace.first_at(what.target, HUGE_VAL);
    const double seconds = there
                               ? static_cast<double>(there->step) * kStepSeconds + 8.0 * there->bytes / bits_per_second
                               : 1e9 * (1.0 + what.target - trace.best_accuracy());
    harness.progress(what.model.name + " " + what.method.name + ", learning rate " +
                     text_of(what.choice.learning_rate) +
                     (what.method.has_knob() ? ", knob " + text_of(what.choice.knob) : std::string()) + ": " +
                     (there ? text_of(seconds) + " s" : "not there, " + text_of(100.0 * trace.best_accuracy()) + "%") +
                     (trace.failure.empty() ? "" : ", " + trace.failure));
    return -seconds;
  };
  std::map<std::pair<double, double>, double> tried;
  const auto remembered = [&] {
    const auto [place, fresh] = tried.try_emplace({what.choice.learning_rate, what.choice.knob}, 0.0);
    if (fresh) place->second = score();
    return place->second;
  };
  if (what.method.has_knob()) {
    const bool gossips = what.method.kind == Kind::kGossip;
    const double start = what.choice.knob;
    what.choice.knob = climb(start, 4.0, 1e-4, gossips ? 1.0 : 1e4, [&](double knob) {
      what.choice.knob = knob;
      return remembered();
    });
  }
  what.choice.learning_rate = climb(what.choice.learning_rate, 2.0, 1e-3, 1.0, [&](double learning_rate) {
    what.choice.learning_rate = learning_rate;
    return remembered();
  });
  return what.choice;
}

// What the runs on one model at one rate came to, by method.
using Traces = std::map<std::string, Trace>;

// Seconds to an accuracy, or nothing for a method that was not run or did not come there.
std::optional<double> seconds_to(const Traces& traces, const std::string& method, double target, double limit) {
  const auto found = traces.find(method);
  if (found == traces.end()) return std::nullopt;
  const auto there = found->second.first_at(target, limit);
  return there ? std::optional(there->seconds) : std::nullopt;
}

struct Fastest {
  std::string method;
  double seconds = HUGE_VAL;
};
Fastest fastest(const Traces& traces, bool peer, double target, double limit) {
  Fastest best;
  for (const Method& method : kMethods) {
    const auto seconds = seconds_to(traces, method.name, target, limit);
    if (method.is_peer() == peer && seconds && *seconds < best.seconds) best = {method.name, *seconds};
  }
  return best;
}

// The figures with goals, of one target.
void add_figures(Harness& harness, const std::string& where, const Traces& traces, bool limited, double target,
                 double limit) {
  const std::string to = where + " to " + text_of(100.0 * target) + "%: ";
  if (limited) {
    const Fastest ours = fastest(traces, false, target, limit);
    if (ours.method.empty()) return;
    if (traces.contains("ddp_fp16")) {
      const auto fp16 = seconds_to(traces, "ddp_fp16", target, limit);
      harness.add(to + "DDP with fp16 / " + ours.method + (fp16 ? "" : ", at least (it was stopped)"),
                  fp16.value_or(limit) / ours.seconds, "times", at_least(10.0));
    }
    const Fastest theirs = fastest(traces, true, target, limit);
    if (!theirs.method.empty()) {
      harness.add(to + theirs.method + ", DDP's best / " + ours.method, theirs.seconds / ours.seconds, "times",
                  at_least(3.0));
    }
    return;
  }
  const auto dense = seconds_to(traces, "ddp_dense", target, limit);
  for (const Method& method : kMethods) {
    const auto seconds = seconds_to(traces, method.name, target, limit);
    if (!method.is_peer() && dense && seconds) {
      harness.add(to + method.name + " / ddp_dense", *seconds / *dense, "of its time", at_most(1.1));
    }
  }
}

// Averaging gradients is one algorithm, whoever does it.
void compare_steps(Harness& harness, const std::string& where, const Traces& traces, double target) {
  if (!traces.contains("all_reduce") || !traces.contains("ddp_dense")) return;
  const auto ours = traces.at("all_reduce").first_at(target, HUGE_VAL);
  const auto theirs = traces.at("ddp_dense").first_at(target, HUGE_VAL);
  if (!ours || !theirs) return;
  harness.add(where + " to " + text_of(100.0 * target) + "%: steps of all_reduce / steps of ddp_dense",
              static_cast<double>(ours->step) / static_cast<double>(theirs->step), "", between(0.7, 1.4));
}

struct Setting {
  RanksOptions ranks;
  std::vector<std::string> rates = {"100mbit", "unlimited"};
  std::vector<std::string> models;
  std::vector<std::string> methods = names_of_methods();
  std::vector<double> targets = {0.85, 0.87};
  int seed = 1;
  bool tune = false;
};

template <typename Range>
bool contains(const Range& range, const std::string& name) {
  return std::find(range.begin(), range.end(), name) != range.end();
}

void tune_all(Harness& harness, Loopback& loopback, const Setting& setting) {
  std::vector<std::vector<nlohmann::json>> rows;
  const double target = *std::max_element(setting.targets.begin(), setting.targets.end());
  for (std::size_t m = 0; m < kModels.size(); ++m) {
    if (!contains(setting.models, kModels[m].name)) continue;
    for (const Method& method : kMethods) {
      if (!contains(setting.methods, method.name)) continue;
      const Choice choice = tuned(harness, loopback, setting.ranks,
                                  {.model = kModels[m],
                                   .method = method,
                                   .choice = {.learning_rate = 0.05, .knob = method.choices[m].knob},
                                   .target = target,
                                   .held_out = true,
                                   .rate = parse_link_rate(setting.rates.front()),
                                   .seed = 1000 + setting.seed});
      rows.push_back({kModels[m].name, method.name, choice.learning_rate,
                      method.has_knob() ? nlohmann::json(choice.knob) : nlohmann::json()});
    }
  }
  harness.table({"model", "method", "learning rate", "knob"}, std::move(rows));
}

void measure_all(Harness& harness, Loopback& loopback, const Setting& setting) {
  const double last_target = *std::max_element(setting.targets.begin(), setting.targets.end());
  std::vector<std::string> columns = {"model", "rate", "method", "learning rate", "knob"};
  for (const double target : setting.targets) columns.push_back("s to " + text_of(100.0 * target) + "%");
  for (const double target : setting.targets) columns.push_back("MB to " + text_of(100.0 * target) + "%");
  columns.insert(columns.end(), {"best %", "steps", "ms a step", "counter / ledger"});

  std::vector<std::vector<nlohmann::json>> rows;
  nlohmann::json curves = nlohmann::json::array();
  std::string failure;
  for (std::size_t m = 0; m < kModels.size(); ++m) {
    const Model& model = kModels[m];
    if (!contains(setting.models, model.name)) continue;
    for (const std::string& rate_text : setting.rates) {
      const LinkRate rate = parse_link_rate(rate_text);
      const std::string where = model.name + ", " + rate.text;
      loopback.limit(rate);
      Traces traces;
      for (const Method& method : kMethods) {
        if (!contains(setting.methods, method.name)) continue;
        const Choice& choice = method.choices[m];
        const Trace& trace = traces[method.name] = carry_out(loopback, setting.ranks,
                                                             {.model = model,
                                                              .method = method,
                                                              .choice = choice,
                                                              .target = last_target,
                                                              .held_out = false,
                                                              .rate = rate,
                                                              .seed = setting.seed});
        if (!trace.failure.empty()) failure += "; " + where + ", " + method.name + ": " + trace.failure;
        const Point last = trace.points.empty() ? Point{} : trace.points.back();
        std::vector<nlohmann::json> row = {model.name, rate.text, method.name, choice.learning_rate,
                                           method.has_knob() ? nlohmann::json(choice.knob) : nlohmann::json()};
        std::vector<nlohmann::json> megabytes;
        for (const double target : setting.targets) {
          const auto there = trace.first_at(target, setting.ranks.limit);
          row.push_back(there ? nlohmann::json(there->seconds) : nlohmann::json());
          megabytes.push_back(there ? nlohmann::json(there->bytes / 1e6) : nlohmann::json());
        }
        row.insert(row.end(), megabytes.begin(), megabytes.end());
        const bool counts = trace.ledger > 0.0 && setting.ranks.launch == Launch::kMpi;
        row.insert(row.end(), {100.0 * trace.best_accuracy(), last.step,
                               last.step > 0 ? nlohmann::json(1e3 * last.seconds / static_cast<double>(last.step))
                                             : nlohmann::json(),
                               counts ? nlohmann::json(trace.counted / trace.ledger) : nlohmann::json()});
        harness.progress(where + ", " + method.name + ": " + text_of(100.0 * trace.best_accuracy()) + "% in " +
                         text_of(last.seconds) + " s, " + text_of(last.bytes / 1e6) + " MB" +
                         (trace.failure.empty() ? "" : ", " + trace.failure));
        rows.push_back(std::move(row));
        if (counts && trace.frame > kLargeFrame) {
          harness.add(where + ", " + method.name + ": bytes counted by the kernel / by the ledger",
                      trace.counted / trace.ledger, "", between(0.95, 1.05));
        }
        nlohmann::json points = nlohmann::json::array();
        for (const Point& point : trace.points) {
          points.push_back({point.step, point.seconds, point.bytes, point.accuracy});
        }
        curves.push_back({{"model", model.name}, {"rate", rate.text}, {"method", method.name}, {"points", points}});
      }
      for (const double target : setting.targets) {
        // Predicted seconds of one side beside measured ones of the other would be no comparison.
        if (setting.ranks.launch == Launch::kMpi) {
          add_figures(harness, where, traces, rate.bits_per_second.has_value(), target, setting.ranks.limit);
        }
        compare_steps(harness, where, traces, target);
      }
    }
  }
  harness.table(std::move(columns), std::move(rows));
  harness.series("step, seconds, bytes, accuracy", std::move(curves));
  harness.check("every run ended in order" + failure, failure.empty());
}

int run(int argc, char** argv) {
  Harness harness("time_to_accuracy", "Seconds and bytes to an accuracy on a thin link, beside PyTorch DDP");
  Setting setting;
  setting.ranks.laconic = laconic_beside_this_program();
  std::vector<std::string> model_names;
  for (const Model& model : kModels) model_names.push_back(model.name);
  setting.models = model_names;
  bool simulate = false;
  CLI::App& cli = harness.options();
  cli.add_option("--rate", setting.rates, "of the link that all share, as tc has it: 100mbit; or unlimited");
  cli.add_option("--models", setting.models, "which")->check(CLI::IsMember(model_names));
  cli.add_option("--methods", setting.methods, "which")->check(CLI::IsMember(names_of_methods()));
  cli.add_option("--target", setting.targets, "accuracies, in (0, 1)")->check(CLI::Range(0.1, 1.0));
  cli.add_option("--limit", setting.ranks.limit, "seconds of a run's clock, after which it is stopped")
      ->check(CLI::Range(1.0, 86'400.0));
  cli.add_option("--seed", setting.seed, "of the runs")->check(CLI::Range(1, 1'000'000));
  cli.add_option("--laconic", setting.ranks.laconic, "the program");
  cli.add_flag("--simulate", simulate, "laconic's runs in its simulator: their seconds are predicted, not measured");
  cli.add_flag("--tune", setting.tune, "search learning rates and knobs, instead of measuring");
  if (const auto exit_code = harness.parse(argc, argv)) return *exit_code;
  if (simulate) setting.ranks.launch = Launch::kSimulator;
  for (const std::string& rate : setting.rates) parse_link_rate(rate);
  if (harness.quick()) {
    setting.models = {setting.models.front()};
    setting.rates = {setting.rates.front()};
    setting.targets = {0.75, 0.80};
    setting.ranks.limit = std::min(setting.ranks.limit, 30.0);
  }

  std::string obstacle = obstacle_to_loopback();
  if (obstacle.empty()) obstacle = obstacle_to_peer(setting.ranks);
  if (!obstacle.empty()) {
    harness.progress("skipped: " + obstacle);
    harness.fact("skipped", obstacle);
    return harness.finish();
  }
  Loopback loopback;
  harness.fact("ranks", setting.ranks.ranks);
  harness.fact("limit_s", setting.ranks.limit);
  harness.fact("seed", setting.seed);
  harness.fact("laconic", simulate ? "simulated" : "mpirun");
  harness.fact("tcp", loopback.congestion_control());
  setting.tune ? tune_all(harness, loopback, setting) : measure_all(harness, loopback, setting);
  return harness.finish();
}

}  // namespace
}  // namespace laconic::bench

int main(int argc, char** argv) { return laconic::bench::guarded(laconic::bench::run, argc, argv); }
