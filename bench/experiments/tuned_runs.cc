#include "tuned_runs.h"

#include <algorithm>
#include <cmath>
#include <mutex>

namespace laconic::bench {
namespace {

constexpr int kTuningSeed = 1000;  // those of the table are 1, 2, ...

}  // namespace

double TunedCase::mean(double JobRun::*figure) const {
  double sum = 0.0;
  for (const JobRun& run : runs) sum += run.*figure;
  return sum / static_cast<double>(runs.size());
}

double TunedCase::spread(double JobRun::*figure) const {
  const auto [least, most] = std::minmax_element(
      runs.begin(), runs.end(), [&](const JobRun& a, const JobRun& b) { return a.*figure < b.*figure; });
  return *most.*figure - *least.*figure;
}

int TunedCase::diverged() const {
  return static_cast<int>(std::count_if(runs.begin(), runs.end(), [](const JobRun& run) { return run.diverged; }));
}

void TuningPlan::add_options(Harness& harness) {
  CLI::App& options = harness.options();
  options.add_option("--steps", steps, "of each worker")->check(CLI::Range(60, 10'000'000));
  options.add_option("--tuning-steps", tuning_steps, "of a run that tunes")->check(CLI::Range(20, 10'000'000));
  options.add_flag("--untuned", untuned,
                   "no search: every method with the learning rate and gamma it would begin with");
  options.add_option("--seeds", seeds, "runs of each method")->check(CLI::Range(1, 100));
  options.add_option("--jobs", jobs, "runs at a time; no result depends on it")->check(CLI::Range(1, 1024));
}

void TuningPlan::shorten() {
  seeds = 1;
  steps = std::min(steps, 1500);
  tuning_steps = std::min(tuning_steps, 150);
  factors = {4.0};
  confirmed_only = true;
}

void TuningPlan::add_facts(Harness& harness) const {
  harness.fact("steps", steps);
  harness.fact("tuning steps", untuned ? 0 : tuning_steps);
  harness.fact("seeds", seeds);
}

void tune_and_run(const std::vector<TunedCase*>& cases, const TuningPlan& plan, const Harness& harness) {
  std::mutex mutex;
  const auto tell = [&](const TunedCase& what, const std::string& text) {
    const std::lock_guard lock(mutex);
    harness.progress(what.label + ": " + text);
  };
  // A graph or a partition that a case cannot have shows before hours of the others.
  for (const TunedCase* const what : cases) {
    check_text(what->job({.choice = what->choice, .steps = plan.steps, .seed = 1}), plan.file);
  }
  std::vector<std::function<void()>> tasks;
  for (TunedCase* const what : cases) {
    what->runs.assign(static_cast<std::size_t>(plan.seeds), {});
    if (plan.untuned) continue;
    tasks.push_back([&, what] {
      Search search({.factors = plan.factors, .has_gamma = what->has_gamma, .start = what->choice},
                    [&](const Choice& choice, bool full) {
                      const int steps = full ? plan.steps : plan.tuning_steps;
                      const JobRun result = run_text(
                          what->job({.choice = choice, .steps = steps, .seed = kTuningSeed, .tunes = true}), plan.file);
                      if (full && plan.confirmed_only) {
                        what->runs[0] = result;
                        what->confirmed = choice;
                      }
                      return result.validation;
                    });
      search.search();
      what->choice = search.best();
      tell(*what, "learning rate " + std::to_string(what->choice.learning_rate) +
                      (what->has_gamma ? ", gamma " + std::to_string(what->choice.gamma) : std::string()) +
                      ", validation accuracy " + std::to_string(search.accuracy_of_tuning()) + " in short, " +
                      std::to_string(search.runs()) + " runs");
    });
  }
  run_all(tasks, plan.jobs);
  tasks.clear();
  for (TunedCase* const what : cases) {
    for (int seed = 1; seed <= plan.seeds; ++seed) {
      tasks.push_back([&, what, seed] {
        JobRun& result = what->runs[static_cast<std::size_t>(seed - 1)];
        if (what->confirmed != what->choice) {
          result = run_text(what->job({.choice = what->choice, .steps = plan.steps, .seed = seed}), plan.file);
        }
        tell(*what, "seed " + std::to_string(seed) + ": test accuracy " + std::to_string(result.test) + ", own " +
                        std::to_string(result.own) + ", worst " + std::to_string(result.own_least) +
                        (result.diverged ? " (diverged)" : ""));
      });
    }
  }
  run_all(tasks, plan.jobs);
}

nlohmann::json percent(double fraction) { return std::round(1e4 * fraction) / 100.0; }

}  // namespace laconic::bench
