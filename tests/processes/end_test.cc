// How a run over processes ends before its last step, and what it goes on from.
#include <gtest/gtest.h>

#include "in_memory.h"

namespace laconic::tests {
namespace {

TEST(ProcessesEnd, PatienceEndsTheRunAtTheFirstMeasurementAfterEnoughThatAreNoBetter) {
  Scenario s{.problem = {.workers = 3, .noise = 0.5}, .strategy = "synchronous", .steps = 2000, .evaluate_every = 5};
  s.patience = 3;
  s.keep_best = true;
  const ProcessesResult result = run_over_processes(s, {});
  EXPECT_EQ(result.hang, "");
  const Outcome& outcome = result.processes[0].outcome.value();
  ASSERT_EQ(outcome.end, Outcome::End::kPatience);
  const std::vector<Measurement>& measured = result.measurements;
  std::size_t best = 0;
  std::size_t last = 0;
  for (std::size_t i = 1; i < measured.size() && last == 0; ++i) {
    if (measured[i].test.accuracy > measured[best].test.accuracy) best = i;
    if (i - best == 3) last = i;
  }
  EXPECT_EQ(last + 1, measured.size());
  EXPECT_EQ(outcome.best->step, measured[best].step);
  // The model is the simulator's after as many steps.
  s.patience = 0;
  s.steps = measured[best].step.value;
  EXPECT_EQ(outcome.best_model, run(s).outcome.model);
}

TEST(ProcessesEnd, AnInterruptedRunKeepsTheModelLastSynchronised) {
  // Nothing is measured before the end.
  Scenario s{.problem = {.workers = 3},
             .strategy = "periodic",
             .options = {{"period", "5"}},
             .steps = 100'000,
             .evaluate_every = 100'000,
             .deadline = {20.0}};
  int asked = 0;
  ProcessesOptions options;
  options.average = false;
  options.interrupted = [&](int process) { return process == 0 && ++asked > 2000; };
  const ProcessesResult result = run_over_processes(s, options);
  EXPECT_EQ(result.hang, "");
  const Outcome& outcome = result.processes[0].outcome.value();
  ASSERT_EQ(outcome.end, Outcome::End::kInterrupted);
  EXPECT_EQ(outcome.model_source, Outcome::Source::kSynchronised);
  ASSERT_GT(outcome.model_step, Step{0});
  EXPECT_EQ(outcome.model_step.value % 5, 0U);
  // The simulator's after as many steps.
  s.steps = outcome.model_step.value;
  EXPECT_EQ(outcome.model, run(s).outcome.model);
}

TEST(ProcessesEnd, OtherProcessesGoOnFromTheCommonModelAlone) {
  Scenario s{.problem = {.workers = 4}, .strategy = "synchronous", .steps = 20, .evaluate_every = 10};
  s.checkpoints = {.numerator = 8};
  std::vector<KeptCheckpoints> kept(4, KeptCheckpoints(false));
  ProcessesOptions options;
  for (KeptCheckpoints& keeper : kept) options.keepers.push_back(&keeper);
  const ProcessesResult whole = run_over_processes(s, options);
  ASSERT_EQ(whole.hang, "");

  s.problem.workers = 3;
  s.steps = 17;
  ProcessesOptions fewer;
  for (int process = 0; process < 3; ++process) {
    ResumePoint point = kept[0].resume({16});  // what process 0 has, told to all
    point.from_model = true;
    fewer.resume.push_back(std::move(point));
  }
  const ProcessesResult result = run_over_processes(s, fewer);
  EXPECT_EQ(result.hang, "");
  for (const ProcessResult& one : result.processes) EXPECT_EQ(one.error, "");
  const Outcome& outcome = result.processes[0].outcome.value();
  EXPECT_EQ(outcome.end, Outcome::End::kSteps);
  EXPECT_EQ(outcome.model_step, Step{17});
  // One step of the average gradient of three from the model that four had after 16.
  s.problem.workers = 4;
  s.steps = 16;
  const std::vector<float> start = run(s).outcome.model;
  const std::vector<double> from(start.begin(), start.end());
  s.problem.workers = 3;
  for (std::size_t j = 0; j < start.size(); ++j) {
    double gradient = 0.0;
    for (int worker = 0; worker < 3; ++worker) gradient += s.problem.gradient(worker, 16, from)[j] / 3.0;
    EXPECT_NEAR(outcome.model[j], from[j] - s.problem.rate(16) * gradient, 1e-5);
  }
}

}  // namespace
}  // namespace laconic::tests
