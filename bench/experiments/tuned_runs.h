// Methods that are tuned by one rule on data held out of training, and then trained with several seeds that tuning did
// not see.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "harness.h"
#include "job_run.h"

namespace laconic::bench {

struct TunedRun {
  Choice choice;
  int steps = 0;
  int seed = 0;
  bool tunes = false;  // judged by validation
};

struct TunedCase {
  std::string label;  // in progress
  bool has_gamma = false;
  std::function<std::string(const TunedRun&)> job;
  Choice choice = {};                              // where the search begins; afterwards where it ended
  std::vector<JobRun> runs = {};                   // one a seed
  std::optional<Choice> confirmed = std::nullopt;  // what runs[0] is of, where it is the run that confirmed the choice

  double mean(double JobRun::*figure) const;
  // Largest less smallest.
  double spread(double JobRun::*figure) const;
  int diverged() const;
};

struct TuningPlan {
  std::string file;  // what errors call the jobs
  int steps = 6000;
  int tuning_steps = 600;
  std::vector<double> factors = {4.0, 2.0};
  bool untuned = false;  // every method with the choice it begins with
  int seeds = 3;
  bool confirmed_only = false;  // runs[0] is the run that confirmed the choice, to spare another
  int jobs = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));  // runs at a time

  void add_options(Harness& harness);
  // As --quick asks.
  void shorten();
  void add_facts(Harness& harness) const;
};

// Tunes all cases (class Search), then trains each with seeds 1, 2, ...; what happens goes to the harness's progress.
void tune_and_run(const std::vector<TunedCase*>& cases, const TuningPlan& plan, const Harness& harness);

// A fraction as percent with two decimals.
nlohmann::json percent(double fraction);

}  // namespace laconic::bench
