// The runs of the benchmark `dma`: a stream of data, the methods on it, and what each of them came to.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace laconic::bench {

struct Setting {
  std::string data_dir;
  bool graphical_model = false;
  std::string model = "lenet5";  // of images
  int workers = 10;
  int batch = 10;
  int steps = 4800;
  int drifts = 2;
  std::vector<std::string> streams = {"drift", "stationary"};
  double learning_rate = 0.1;
  std::vector<int> check_every = {1};  // as the paper: 10 samples, in batches of 10
  // Of the graphical model: with many bits behind many, labels that can be learnt nearly without an error.
  int inputs = 200;
  int hidden = 50;
  std::vector<double> thresholds = {0.1, 0.3, 1.0, 3.0, 10.0};
  std::vector<int> periods = {2, 4, 8, 16, 32, 64, 128};
  std::vector<int> fedavg_periods = {5, 50};  // the paper's b of 50 samples is 5 batches
  double fraction = 0.3;                      // FedAvg's C
  double ratio = 0.07;                        // of the changes that a compressed model tells, as signs
  std::vector<double> compressed_thresholds = {0.3, 3.0};
  std::vector<int> compressed_periods = {2, 8, 32, 128};
  std::string dma_keys;              // more lines of dma's [strategy]
  std::vector<std::string> methods;  // what the labels of the methods begin with; empty: all
  int seed = 1;
  int jobs = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));

  std::string dataset() const;
  // Steps of a concept; what is left over belongs to the last.
  int spacing() const { return steps / (drifts + 1); }
  // Steps after a drift in which its loss is counted, and the traffic that it causes.
  int window() const { return spacing() / 4; }
  // Steps of a point of a curve.
  int bucket() const { return std::max(1, spacing() / 20); }
};

struct Method {
  enum class Kind { kSerial, kNosync, kPeriodic, kFedAvg, kDma };
  std::string label;
  Kind kind = Kind::kNosync;
  std::string strategy;     // of [strategy]
  int period = 0;           // of averages at fixed times
  double threshold = 0.0;   // of dma
  int check_every = 0;      // of dma
  bool compressed = false;  // else whole models
};

// Those that `setting` chooses, slowest first, which fills the cores best.
std::vector<Method> methods(const Setting& setting);

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
  double loss_after_drifts(const Setting& setting) const;
  // Bytes a step in those steps, over bytes a step in the others from the first drift on.
  double jump(const Setting& setting) const;
};

Run run_once(const Setting& setting, const Method& method, bool drifting);

// The runs of one stream, by method.
using Runs = std::map<std::string, Run>;

// Losses that differ by less than this factor are equal.
inline constexpr double kAsGood = 1.02;

// Of `kind`'s methods, compressed or not, whose cumulative loss is at most kAsGood times `loss`, the one with the
// fewest bytes; null: none is.
const Method* cheapest(const std::vector<Method>& rows, const Runs& runs, Method::Kind kind, bool compressed,
                       double loss);

std::string number_text(double value);

}  // namespace laconic::bench
