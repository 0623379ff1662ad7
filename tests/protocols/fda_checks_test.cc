// FDA's cheaper checks: at intervals, behind a screen, decided a step late.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "comm/comm.h"
#include "matrix_form.h"
#include "mechanisms/alarm.h"
#include "run.h"

namespace laconic::tests {
namespace {

constexpr double kThreshold = 3.0;

Scenario fda(const std::string& monitor, std::map<std::string, std::string> options) {
  options.insert({{"monitor", monitor}, {"threshold", "3"}});
  return {.problem = {.workers = 6, .dimension = 200, .seed = 11, .learning_rate = 0.05, .noise = 0.3},
          .strategy = "fda",
          .options = options,
          .steps = 150};
}

std::vector<std::uint64_t> steps_of_syncs(Scenario scenario) {
  std::vector<std::uint64_t> steps;
  scenario.observer.on_sync = [&](Step step, const std::map<std::string, double>&) { steps.push_back(step.value); };
  run(scenario);
  return steps;
}

std::uint64_t payload(const Result& result, Traffic traffic) {
  return result.outcome.ledger.total(traffic).payload.value;
}

double squared_norm(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double value : values) sum += value * value;
  return sum;
}

// All workers' models in double, the naive monitor: what the strategies are held against.
class Workers {
 public:
  explicit Workers(const QuadraticProblem& problem)
      : problem_(problem), models_(first_models(problem)), reference_(models_.front()), steps_(models_.size(), 0) {}

  void step(std::size_t k) {
    const std::vector<double> gradient = problem_.gradient(static_cast<int>(k), steps_[k], models_[k]);
    for (std::size_t j = 0; j < gradient.size(); ++j) models_[k][j] -= problem_.rate(steps_[k]) * gradient[j];
    ++steps_[k];
  }
  void step_all() {
    for (std::size_t k = 0; k < models_.size(); ++k) step(k);
  }
  double drift(std::size_t k) const {
    std::vector<double> difference = models_[k];
    for (std::size_t j = 0; j < difference.size(); ++j) difference[j] -= reference_[j];
    return squared_norm(difference);
  }
  double largest_drift() const {
    double largest = 0.0;
    for (std::size_t k = 0; k < models_.size(); ++k) largest = std::max(largest, drift(k));
    return largest;
  }
  double naive_estimate() const {
    double sum = 0.0;
    for (std::size_t k = 0; k < models_.size(); ++k) sum += drift(k);
    return sum / static_cast<double>(models_.size());
  }
  void average() {
    std::fill(reference_.begin(), reference_.end(), 0.0);
    for (const std::vector<double>& model : models_) {
      for (std::size_t j = 0; j < model.size(); ++j) reference_[j] += model[j] / static_cast<double>(models_.size());
    }
    std::fill(models_.begin(), models_.end(), reference_);
  }
  std::uint64_t steps_of(std::size_t k) const { return steps_[k]; }
  std::size_t count() const { return models_.size(); }
  const Matrix& models() const { return models_; }

 private:
  QuadraticProblem problem_;
  Matrix models_;
  std::vector<double> reference_;
  std::vector<std::uint64_t> steps_;
};

TEST(FdaCheckEvery, SynchronisesAtChecksOnlyAsTheMatrixFormDoes) {
  const Scenario scenario = fda("naive", {{"check_every", "4"}});
  Workers workers(scenario.problem);
  std::vector<std::uint64_t> syncs;
  for (std::uint64_t t = 1; t <= scenario.steps; ++t) {
    workers.step_all();
    if (t % 4 != 0 || !(workers.naive_estimate() > kThreshold)) continue;
    workers.average();
    syncs.push_back(t);
  }
  EXPECT_GT(syncs.size(), 3U);
  EXPECT_EQ(steps_of_syncs(scenario), syncs);
  const Result result = run(scenario);
  expect_near(result.params, workers.models());
  EXPECT_EQ(payload(result, Traffic::kState), (scenario.steps / 4) * 6 * 2 * 4);
  EXPECT_EQ(result.formula.most_syncs, scenario.steps / 4);
}

class Screened : public testing::TestWithParam<std::string> {};

TEST_P(Screened, InLockStepIsTheRunWithoutAScreenBitForBit) {
  const Scenario plain = fda(GetParam(), {});
  const Scenario screened = fda(GetParam(), {{"screen", "lock-step"}});
  const std::vector<std::uint64_t> steps = steps_of_syncs(plain);
  EXPECT_GT(steps.size(), 3U);
  EXPECT_EQ(steps_of_syncs(screened), steps);
  EXPECT_EQ(run(screened).params, run(plain).params);
}

TEST_P(Screened, Q3_NoSynchronisationImpliesVarianceAtMostTheThreshold) {
  const Result result = run(fda(GetParam(), {{"screen", "lock-step"}}));
  double largest = 0.0;
  for (const Measurement& measurement : result.measurements) {
    largest = std::max(largest, measurement.consensus_distance);
    ASSERT_LE(measurement.consensus_distance, kThreshold * (1.0 + 1e-5)) << "step " << measurement.step.value;
  }
  EXPECT_GT(largest, kThreshold / 10.0);
}

INSTANTIATE_TEST_SUITE_P(Monitors, Screened, testing::Values("exact", "naive", "linear", "sketch"));

TEST(FdaLockStep, SendsABitEveryCheckAndTheStatesWhereAWorkerViolates) {
  const Scenario scenario = fda("naive", {{"screen", "lock-step"}, {"check_every", "2"}});
  Workers workers(scenario.problem);
  std::uint64_t violated = 0;
  std::uint64_t syncs = 0;
  for (std::uint64_t t = 1; t <= scenario.steps; ++t) {
    workers.step_all();
    if (t % 2 != 0) continue;
    if (workers.largest_drift() > kThreshold) ++violated;
    if (!(workers.naive_estimate() > kThreshold)) continue;
    workers.average();
    ++syncs;
  }
  EXPECT_GT(violated, syncs);  // there are states that lead to no synchronisation
  EXPECT_LT(violated, scenario.steps / 2);
  for (const Collective collective : {Collective::kStar, Collective::kRing}) {
    Scenario on = scenario;
    on.collective = collective;
    Result result = run(on);
    EXPECT_EQ(result.outcome.syncs, syncs);
    EXPECT_EQ(payload(result, Traffic::kControl), (scenario.steps / 2) * any_payload(collective, 6).value);
    EXPECT_EQ(payload(result, Traffic::kControl), result.formula.run(Traffic::kControl));
    EXPECT_EQ(payload(result, Traffic::kState), violated * all_reduce_payload(collective, 6, 1).value);
    EXPECT_EQ(payload(result, Traffic::kModel), syncs * all_reduce_payload(collective, 6, 200).value);
  }
}

TEST(FdaDecideLate, TheStateOfAStepDecidesAfterTheNextOneAsTheMatrixFormDoes) {
  for (const std::uint64_t every : {1U, 3U}) {
    const Scenario scenario = fda("naive", {{"decide_late", "true"}, {"check_every", std::to_string(every)}});
    Workers workers(scenario.problem);
    std::vector<std::uint64_t> syncs;
    bool due = false;
    for (std::uint64_t t = 1; t <= scenario.steps; ++t) {
      workers.step_all();
      if (due) {
        workers.average();
        syncs.push_back(t);
      }
      due = t % every == 0 && workers.naive_estimate() > kThreshold;
    }
    EXPECT_GT(syncs.size(), 3U);
    EXPECT_EQ(steps_of_syncs(scenario), syncs);
    const Result result = run(scenario);
    expect_near(result.params, workers.models());
    EXPECT_EQ(payload(result, Traffic::kState), ((scenario.steps - 1) / every) * 6 * 2 * 4);
    Scenario screened = scenario;
    screened.options["screen"] = "lock-step";
    EXPECT_EQ(steps_of_syncs(screened), syncs);
    EXPECT_EQ(run(screened).params, result.params);
  }
}

TEST(FdaDecideLate, Q3_HoldsOfTheModelsBeforeTheLastStep) {
  const Result result = run(fda("naive", {{"decide_late", "true"}}));
  std::uint64_t syncs = 0;
  for (std::size_t i = 0; i + 1 < result.measurements.size(); ++i) {
    const std::uint64_t next = result.measurements[i + 1].syncs;
    if (next == syncs) {
      EXPECT_LE(result.measurements[i].consensus_distance, kThreshold * (1.0 + 1e-5)) << i;
    }
    syncs = next;
  }
}

TEST(FdaDecideLate, TheStatesTravelWhileTheGradientIsComputed) {
  Scenario early = fda("sketch", {});
  early.options["threshold"] = "inf";
  Scenario late = early;
  late.options["decide_late"] = "true";
  // A step is 10 ms and a reduction 2 ms at least.
  const double of_early = run(early).measurements.back().time.value;
  const double of_late = run(late).measurements.back().time.value;
  EXPECT_GT(of_early, 150 * 0.012);
  EXPECT_NEAR(of_late, 150 * 0.010, 1e-6);
}

TEST(FdaLate, IsItsMatrixFormWhereAllStepsTakeEquallyLong) {
  const Scenario scenario = fda("naive", {{"screen", "late"}});
  Workers workers(scenario.problem);
  std::uint64_t syncs = 0;
  std::uint64_t checks = 0;
  std::uint64_t alarms = 0;
  bool quiet = true;
  const auto left = [&] {
    bool any = false;
    for (std::size_t k = 0; k < workers.count(); ++k) any = any || workers.steps_of(k) < scenario.steps;
    return any;
  };
  const auto step = [&](std::size_t k) {
    if (workers.steps_of(k) < scenario.steps) workers.step(k);
  };
  while (left()) {
    std::vector<bool> joined(workers.count(), false);
    for (std::size_t k = 0; k < workers.count(); ++k) {
      const bool steps = workers.steps_of(k) < scenario.steps;
      step(k);
      // A worker without steps left waits for an alarm.
      joined[k] = steps && (workers.steps_of(k) == scenario.steps || workers.drift(k) > kThreshold);
    }
    if (quiet) {
      if (std::none_of(joined.begin(), joined.end(), [](bool is) { return is; })) continue;
      for (std::size_t k = 0; k < workers.count(); ++k) {
        if (joined[k]) {
          ++alarms;
        } else {
          step(k);  // the step in which the alarm comes
        }
      }
    }
    ++checks;
    const bool violated = workers.largest_drift() > kThreshold;
    const bool due = workers.naive_estimate() > kThreshold;
    if (due) {
      workers.average();
      ++syncs;
    }
    quiet = due || !violated;
  }
  EXPECT_GT(syncs, 3U);
  EXPECT_GT(checks, syncs + 1);
  const Result result = run(scenario);
  ASSERT_EQ(result.outcome.end, Outcome::End::kSteps);
  EXPECT_EQ(result.outcome.syncs, syncs);
  EXPECT_EQ(payload(result, Traffic::kState), checks * all_reduce_payload(Collective::kStar, 6, 1 + 2).value);
  EXPECT_EQ(payload(result, Traffic::kControl), alarms * alarm_payload(6));
  expect_near(result.params, workers.models());
}

TEST(FdaLate, NothingIsSentWhileAllAreQuietBeforeTheLastStep) {
  Scenario scenario = fda("sketch", {{"screen", "late"}});
  scenario.options["threshold"] = "1e9";
  std::uint64_t before_the_last = 1;
  scenario.observer.on_worker_step = [&](const WorkerStep& step) {
    if (step.step.value + 1 == scenario.steps) before_the_last = step.ledger.total().frames;
  };
  Result result = run(scenario);
  EXPECT_EQ(before_the_last, 0U);
  EXPECT_EQ(payload(result, Traffic::kState), result.formula.run(Traffic::kState));
  EXPECT_EQ(payload(result, Traffic::kControl), 6 * result.formula.run(Traffic::kControl));  // all end at once
  EXPECT_EQ(payload(result, Traffic::kModel), 0U);
  scenario.strategy = "local";
  scenario.options = {};
  EXPECT_EQ(run(scenario).params, result.params);
}

TEST(FdaLate, WorkersOfAnySpeedAllEnd) {
  for (const Collective collective : {Collective::kStar, Collective::kRing}) {
    for (const char* every : {"1", "3"}) {
      Scenario scenario = fda("linear", {{"screen", "late"}, {"check_every", every}});
      scenario.collective = collective;
      scenario.step_cost = {{0.010}, {0.013}, {0.031}, {0.002}, {0.010}, {0.0007}};
      Result result = run(scenario);
      EXPECT_EQ(result.outcome.end, Outcome::End::kSteps) << error_of<PeerLost>(result);
      EXPECT_GT(result.outcome.syncs, 3U);
      EXPECT_EQ(payload(result, Traffic::kModel), result.outcome.syncs * result.formula.sync(Traffic::kModel));
      EXPECT_LT(payload(result, Traffic::kState), 150 * result.formula.sync(Traffic::kState));
    }
  }
}

TEST(FdaLate, AtTheEndTheVarianceIsAtMostTheThreshold) {
  for (const std::uint64_t steps : {17U, 40U, 151U}) {
    Scenario scenario = fda("exact", {{"screen", "late"}});
    scenario.steps = steps;
    scenario.step_cost = {{0.010}, {0.013}, {0.031}, {0.002}, {0.010}, {0.0007}};
    const Result result = run(scenario);
    ASSERT_EQ(result.outcome.end, Outcome::End::kSteps);
    EXPECT_LE(squared_distance_from_average(result.params) / 6.0, kThreshold * (1.0 + 1e-5)) << steps;
  }
}

TEST(FdaLate, AWorkerWithoutStepsLeftNamesTheDeadlineThatTheSlowestIsBehindBy) {
  Scenario scenario = fda("naive", {{"screen", "late"}});
  scenario.options["threshold"] = "1e9";
  scenario.step_cost.assign(6, {0.010});
  scenario.step_cost[2] = {10.0};
  const std::string text = error_of<PeerLost>(run(scenario));
  EXPECT_NE(text.find("got no alarm (exchange "), text.npos) << text;
  EXPECT_NE(text.find("network.deadline"), text.npos) << text;
  scenario.deadline = {3600.0};
  EXPECT_EQ(run(scenario).outcome.end, Outcome::End::kSteps);
}

TEST(FdaLate, AnAlarmForAnExchangeThatCannotBeYetIsRefusedAndNamed) {
  struct AlarmsTooEarly final : Strategy {
    explicit AlarmsTooEarly(std::unique_ptr<Strategy> inner) : inner_(std::move(inner)) {}
    Task<void> round(Worker& self) override {
      if (self.rank().value == 4) raise_alarm(self.comm(), 77);
      co_await inner_->round(self);
    }
    Task<void> coordinate(Coordinator& self) override { return inner_->coordinate(self); }
    std::unique_ptr<Strategy> inner_;
  };
  Scenario scenario = fda("naive", {{"screen", "late"}});
  scenario.wrap = [](StrategyFactory inner) -> StrategyFactory {
    return [inner] { return std::make_unique<AlarmsTooEarly>(inner()); };
  };
  const std::string text = error_of<DecodeError>(run(scenario));
  EXPECT_NE(text.find("alarm of worker 4"), text.npos) << text;
  EXPECT_NE(text.find("exchange 77"), text.npos) << text;
}

void refused(const std::map<std::string, std::string>& options, const std::string& part) {
  const Scenario scenario = fda(options.contains("monitor") ? options.at("monitor") : "linear", options);
  try {
    run(scenario);
    FAIL() << "accepted";
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(FdaOptions, WithoutAMeaningTogetherAreRefusedWithWhatToDo) {
  refused({{"monitor", "max-norm"}, {"screen", "lock-step"}}, "leave out the screen");
  refused({{"monitor", "max-norm"}, {"screen", "late"}}, "leave out the screen");
  refused({{"screen", "late"}, {"decide_late", "true"}}, "leave out decide_late");
  refused({{"check_every", "0"}}, "check_every");
}

}  // namespace
}  // namespace laconic::tests
