// What it is worth to talk while computing: CHOCO-SGD with both orders of exchange, on a link on which an exchange
// takes as long as a gradient.
//
// Two ranks train an MLP in large batches: alone, which gives the time of a gradient, then with `choco`, which tells
// the other one bit a parameter, on a link whose rate follows from that time and from the bytes of a step. In the order
// `overlap` a step should take about the time of the gradient, in `adapt-then-combine` about twice that.
#include <algorithm>
#include <cmath>
#include <sstream>
#include <stdexcept>
#include <string>

#include "harness.h"
#include "loopback.h"
#include "ranks.h"

namespace laconic::bench {
namespace {

struct Setting {
  RanksOptions ranks;
  int steps = 400;
  int batch = 256;
};

// A simulated gradient takes this long.
constexpr double kSimulatedGradient = 0.02;

std::string job_text(const Setting& setting, const std::string& strategy, const LinkRate& rate) {
  // Of two that send at once each has half of the link; what comes in waits for nothing more.
  const double each = rate.bits_per_second.value_or(1e10) / 2e6;
  std::ostringstream text;
  text << "[job]\nname = \"overlap\"\nseed = 1\nsteps = " << setting.steps << "\n[data]\ndataset = \"fashion_mnist\"\n"
       << "partition = \"iid\"\nbatch = " << setting.batch
       << "\n[model]\nname = \"mlp\"\nhidden = [512, 512]\n[optimizer]\nname = \"sgd\"\nlearning_rate = 0.05\n"
       << "[workers]\ncount = " << setting.ranks.ranks << "\ncompute = \"" << 1e3 * kSimulatedGradient << " ms\"\n"
       << "[evaluation]\nevery = \"" << setting.steps << " steps\"\nworkers = \"never\"\n"
       << "[network]\nlatency = \"50 us\"\nup = \"" << each << " Mbit/s\"\ndown = \"100 Gbit/s\"\n"
       << strategy;
  return text.str();
}

std::string choco(const std::string& order) {
  return "[strategy]\nname = \"choco\"\ngamma = 0.3\norder = \"" + order +
         "\"\n[topology]\ngraph = \"ring\"\n[compression]\noperator = \"sign\"\n";
}

struct Step {
  double seconds = 0.0;
  double bytes = 0.0;  // of all ranks
};

// The mean step of a run at a rate.
Step mean_step(Loopback& loopback, const Setting& setting, const std::string& strategy, const LinkRate& rate) {
  loopback.limit(rate);
  const Trace trace = run_laconic(loopback, setting.ranks, job_text(setting, strategy, rate));
  if (!trace.failure.empty()) throw std::runtime_error(trace.failure);
  if (trace.points.empty())
    throw std::runtime_error("a run of " + std::to_string(setting.steps) + " steps was stopped");
  const Point& last = trace.points.back();
  const auto steps = static_cast<double>(last.step);
  return {.seconds = last.seconds / steps, .bytes = last.bytes / steps};
}

int run(int argc, char** argv) {
  Harness harness("overlap", "Exchange while the gradient is computed, on a link that is as slow as it");
  Setting setting;
  setting.ranks.ranks = 2;
  setting.ranks.limit = 120.0;
  setting.ranks.laconic = laconic_beside_this_program();
  bool simulate = false;
  harness.options().add_option("--steps", setting.steps, "of each run")->check(CLI::Range(20, 100'000));
  harness.options().add_option("--batch", setting.batch, "of each rank")->check(CLI::Range(1, 10'000));
  harness.options().add_option("--laconic", setting.ranks.laconic, "the program");
  harness.options().add_flag("--simulate", simulate, "in the simulator: seconds are predicted, not measured");
  if (const auto exit_code = harness.parse(argc, argv)) return *exit_code;
  if (simulate) setting.ranks.launch = Launch::kSimulator;
  if (harness.quick()) setting.steps = std::min(setting.steps, 100);

  if (const std::string obstacle = obstacle_to_loopback(); !obstacle.empty()) {
    harness.progress("skipped: " + obstacle);
    harness.fact("skipped", obstacle);
    return harness.finish();
  }
  Loopback loopback;
  const LinkRate unlimited;
  const Step alone = mean_step(loopback, setting, "[strategy]\nname = \"local\"\n", unlimited);
  const Step unhindered = mean_step(loopback, setting, choco("overlap"), unlimited);
  const auto kbit = static_cast<long>(std::ceil(8.0 * unhindered.bytes / alone.seconds / 1e3));
  const LinkRate rate = parse_link_rate(std::to_string(kbit) + "kbit");
  const Step overlapped = mean_step(loopback, setting, choco("overlap"), rate);
  const Step one_by_one = mean_step(loopback, setting, choco("adapt-then-combine"), rate);
  // Again, as a machine that others use is not as fast all the time.
  const Step alone_again = mean_step(loopback, setting, "[strategy]\nname = \"local\"\n", unlimited);
  const double gradient = (alone.seconds + alone_again.seconds) / 2.0;

  harness.table({"order", "rate", "ms a step", "kB a step"},
                {{"alone", "", 1e3 * alone.seconds, 0.0},
                 {"overlap", unlimited.text, 1e3 * unhindered.seconds, unhindered.bytes / 1e3},
                 {"overlap", rate.text, 1e3 * overlapped.seconds, overlapped.bytes / 1e3},
                 {"adapt-then-combine", rate.text, 1e3 * one_by_one.seconds, one_by_one.bytes / 1e3},
                 {"alone, again", "", 1e3 * alone_again.seconds, 0.0}});
  harness.add("step with overlap / gradient alone", overlapped.seconds / gradient, "times", at_most(1.2));
  harness.add("step without / gradient alone", one_by_one.seconds / gradient, "times", between(1.7, 2.3));
  harness.check("both orders say equally much",
                std::abs(overlapped.bytes - one_by_one.bytes) < 0.02 * one_by_one.bytes);
  harness.fact("ranks", setting.ranks.ranks);
  harness.fact("steps", setting.steps);
  harness.fact("batch", setting.batch);
  harness.fact("laconic", simulate ? "simulated" : "mpirun");
  return harness.finish();
}

}  // namespace
}  // namespace laconic::bench

int main(int argc, char** argv) { return laconic::bench::guarded(laconic::bench::run, argc, argv); }
