// Workers that come and go: what faults cost those who are there, how soon a loss is acted on, and how soon who returns
// trains again. The coordinator, the workers and their sessions in one program, in virtual time, on tiny learners whose
// model is padded to the size that is to travel; fda, which looks at the variance every so many steps.
//
// Faults come at random times, as many an hour as the table says: a worker crashes, with or without its streams being
// closed, its streams break or lose everything, it is cut off, or it stands still. Each takes half a second to a minute,
// short ones being as frequent as long ones (log-uniform). Whoever is silent for a fifth of the deadline is lost.
#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "absence_run.h"
#include "harness.h"
#include "runtimes/sim/memory_streams.h"

namespace laconic::bench {
namespace {

double most(const std::vector<double>& values) {
  return values.empty() ? 0.0 : *std::max_element(values.begin(), values.end());
}

// What a process has written before it falls silent still comes, and is a sign of life: at most a stream's buffer.
double round_trip_s(const AbsenceSetting& setting) {
  const std::size_t buffer = std::min(sim::StreamNetworkOptions().buffer, setting.padding * sizeof(float));
  return 2.0 * setting.latency.value + 8.0 * static_cast<double>(buffer) / setting.rate.value;
}

struct Plan {
  AbsenceSetting setting;
  double step_ms = 50.0;
  double deadline_s = 10.0;
  double latency_ms = 20.0;
  double model_mb = 2.0;
  double megabits = 16.0;
  std::vector<int> rates = {60, 120};
  std::string account_file;
};

void add_options(Harness& harness, Plan& plan) {
  CLI::App& options = harness.options();
  options.add_option("--workers", plan.setting.workers)->check(CLI::Range(2, 64));
  options.add_option("--hours", plan.setting.hours, "of virtual time, each run")->check(CLI::Range(0.1, 100.0));
  options.add_option("--faults", plan.rates, "an hour (default: 60 120)");
  options.add_option("--seed", plan.setting.seed);
  options.add_option("--step-ms", plan.step_ms)->check(CLI::PositiveNumber);
  options.add_option("--check-every", plan.setting.check_every)->check(CLI::PositiveNumber);
  options.add_option("--threshold", plan.setting.threshold)->check(CLI::PositiveNumber);
  options.add_option("--deadline", plan.deadline_s, "seconds")->check(CLI::PositiveNumber);
  options.add_option("--latency-ms", plan.latency_ms)->check(CLI::PositiveNumber);
  options.add_option("--model-mb", plan.model_mb, "of the larger model")->check(CLI::Range(0.01, 7.0));
  options.add_option("--megabits", plan.megabits, "a second, of a worker's link")->check(CLI::PositiveNumber);
  options.add_option("--account", plan.account_file, "write there what happened, event by event");
}

int run(int argc, char** argv) {
  Harness harness("absence", "Workers that come and go");
  Plan plan;
  add_options(harness, plan);
  if (const auto exit_code = harness.parse(argc, argv)) return *exit_code;
  if (harness.quick()) plan.setting.hours = 0.2;
  AbsenceSetting setting = plan.setting;
  setting.step = {plan.step_ms / 1e3};
  setting.deadline = {plan.deadline_s};
  setting.latency = {plan.latency_ms / 1e3};
  setting.rate = {1e6 * plan.megabits};

  std::vector<std::vector<nlohmann::json>> rows;
  bool is_whole = true;
  for (const bool is_large : {false, true}) {
    setting.padding = is_large ? static_cast<std::size_t>(1e6 * plan.model_mb / sizeof(float)) : 0;
    const std::string model = is_large ? std::to_string(plan.model_mb).substr(0, 4) + " MB" : "tiny";
    AbsenceSetting calm = setting;
    calm.hours = std::min(setting.hours, 0.25);
    calm.faults_an_hour = 0;
    const AbsenceRun undisturbed = run_absence(calm);
    is_whole = is_whole && undisturbed.left == 0 && undisturbed.error.empty();
    for (const int faults : plan.rates) {
      harness.progress(model + ", " + std::to_string(faults) + " faults an hour");
      setting.faults_an_hour = faults;
      const AbsenceRun run = run_absence(setting);
      is_whole = is_whole && run.error.empty();
      if (!plan.account_file.empty()) std::ofstream(plan.account_file, std::ios::app) << run.account;
      const double speed = run.rate() / undisturbed.rate();
      const double transfer = 8.0 * static_cast<double>(run.state_bytes) / (0.8 * setting.rate.value);
      rows.push_back({model, faults, run.faults, run.left, run.averages, run.checks, run.rate(), speed, run.kept(),
                      median(run.losses), most(run.losses), transfer, median(run.returns), most(run.returns)});
      const std::string of = model + ", " + std::to_string(faults) + " faults an hour: ";
      harness.add(of + "steps a second of those present / undisturbed", speed, "", at_least(0.9));
      harness.add(of + "steps kept / taken", run.kept(), "", at_least(0.99));
      const double soon = setting.deadline.value / 5.0 + round_trip_s(setting);
      harness.add(of + "a loss is acted on, the latest", most(run.losses), "s", at_most(soon));
      harness.add(of + "who returns trains, the latest, less the transfer", most(run.returns) - transfer, "s",
                  at_most(10.0));
      harness.series(of + "losses", run.losses);
      harness.series(of + "returns", run.returns);
    }
  }
  harness.check("runs come to no error, and without faults nobody is out", is_whole);
  harness.table({"model", "faults an hour", "faults", "out", "averages", "checks", "steps/s of one present",
                 "/ undisturbed", "kept", "loss, median s", "most s", "transfer s", "return, median s", "most s"},
                std::move(rows));
  return harness.finish();
}

}  // namespace
}  // namespace laconic::bench

int main(int argc, char** argv) { return laconic::bench::guarded(laconic::bench::run, argc, argv); }
