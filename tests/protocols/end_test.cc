// How a run ends before its last step, and what is left of it: interrupted, failed, out of patience.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <thread>

#include "base/error.h"
#include "base/supervision.h"
#include "run.h"

namespace laconic::tests {
namespace {

// Passes all on to another.
class Wrapped : public Learner {
 public:
  explicit Wrapped(std::unique_ptr<Learner> inner) : inner_(std::move(inner)) {}
  std::span<float> params() override { return inner_->params(); }
  std::span<float> gradient() override { return inner_->gradient(); }
  const Layout& layout() const override { return inner_->layout(); }
  std::span<float> buffers() override { return inner_->buffers(); }
  std::uint64_t samples() const override { return inner_->samples(); }
  double learning_rate() const override { return inner_->learning_rate(); }
  StepResult compute_gradient(Step step) override { return inner_->compute_gradient(step); }
  void apply_gradient() override { inner_->apply_gradient(); }
  StepResult local_step(Step step) override { return inner_->local_step(step); }
  Evaluation evaluate(std::span<const float> params, std::span<const float> buffers, Split split) override {
    return inner_->evaluate(params, buffers, split);
  }
  void archive(Archive& archive) override { inner_->archive(archive); }

 protected:
  std::unique_ptr<Learner> inner_;
};

// Evaluates without an end from its `first`th evaluation on.
class Endless final : public Wrapped {
 public:
  Endless(std::unique_ptr<Learner> inner, std::atomic<int>& evaluations, int first)
      : Wrapped(std::move(inner)), evaluations_(evaluations), first_(first) {}
  Evaluation evaluate(std::span<const float> params, std::span<const float> buffers, Split split) override {
    if (++evaluations_ < first_) return Wrapped::evaluate(params, buffers, split);
    for (std::uint64_t piece = 0;; ++piece) {
      report_progress("evaluating", piece);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

 private:
  std::atomic<int>& evaluations_;
  int first_;
};

// What all workers' models are on average, in double.
std::vector<double> average(const Result& result) {
  std::vector<double> mean(result.params.front().size());
  for (const std::vector<float>& model : result.params) {
    for (std::size_t j = 0; j < mean.size(); ++j)
      mean[j] += static_cast<double>(model[j]) / static_cast<double>(result.params.size());
  }
  return mean;
}

void expect_average(const Result& result) {
  EXPECT_EQ(result.outcome.model_source, Outcome::Source::kAverageAtEnd);
  const std::vector<double> mean = average(result);
  for (std::size_t j = 0; j < mean.size(); ++j) EXPECT_NEAR(result.outcome.model[j], mean[j], 1e-6);
}

TEST(End, AnEvaluationIsGivenUpAndIsNoMeasurement) {
  for (const int threads : {0, 1, 3}) {
    std::atomic<int> evaluations = 0;
    Scenario s{
        .problem = {.workers = 3}, .strategy = "local", .steps = 30, .compute_threads = threads, .evaluate_every = 10};
    // A measurement takes two evaluations, and the second measurement never ends.
    s.wrap_learner = [&](std::unique_ptr<Learner> inner, int) {
      return std::make_unique<Endless>(std::move(inner), evaluations, 4);
    };
    s.observer.interrupted = [&] { return evaluations >= 4; };
    const Result result = run(s);
    EXPECT_EQ(result.outcome.end, Outcome::End::kInterrupted) << threads;
    ASSERT_EQ(result.measurements.size(), 1U) << threads;
    EXPECT_EQ(result.measurements.front().step, Step{10});
    EXPECT_EQ(result.outcome.model_step, Step{20});
    expect_average(result);
  }
}

TEST(End, OwnModelsThatAreNotMeasuredToTheEndLeaveTheMeasurementOfTheAverage) {
  std::atomic<int> evaluations = 0;
  Scenario s{.problem = {.workers = 3},
             .strategy = "local",
             .steps = 10,
             .compute_threads = 2,
             .evaluate_every = 10,
             .own_models = OwnModels::kAtEnd};
  s.wrap_learner = [&](std::unique_ptr<Learner> inner, int) {
    return std::make_unique<Endless>(std::move(inner), evaluations, 4);
  };
  s.observer.interrupted = [&] { return evaluations >= 4; };
  const Result result = run(s);
  EXPECT_EQ(result.outcome.end, Outcome::End::kInterrupted);
  ASSERT_EQ(result.measurements.size(), 1U);
  EXPECT_FALSE(result.measurements.front().workers);
}

TEST(End, WhatGoesOnIsToldWhileItIsWaitedFor) {
  std::atomic<int> evaluations = 0;
  std::string told;
  Scenario s{.problem = {.workers = 2}, .strategy = "local", .steps = 5, .compute_threads = 1, .evaluate_every = 5};
  s.wrap_learner = [&](std::unique_ptr<Learner> inner, int) {
    return std::make_unique<Endless>(std::move(inner), evaluations, 1);
  };
  s.observer.on_progress = [&](const Progress& progress) { told = progress.what; };
  s.observer.interrupted = [&] { return !told.empty(); };
  EXPECT_EQ(run(s).outcome.end, Outcome::End::kInterrupted);
  EXPECT_EQ(told, "evaluating");
}

TEST(End, AFailedRunKeepsTheAverageThatTheEndFound) {
  Scenario s{.problem = {.workers = 3}, .strategy = "synchronous", .steps = 50, .evaluate_every = 50};
  s.damage = [](std::uint64_t number, std::span<const std::byte> wire) {
    return std::vector<std::byte>(wire.begin(), wire.end() - (number == 40 ? 1 : 0));
  };
  s.deadline = {2.0};
  const Result result = run(s);
  ASSERT_EQ(result.outcome.end, Outcome::End::kFailed);
  EXPECT_TRUE(result.measurements.empty());
  EXPECT_GT(result.outcome.model_step, Step{3});
  expect_average(result);
}

TEST(End, ADivergedRunKeepsTheNewestModelWhoseLossIsFinite) {
  Scenario s{.problem = {.workers = 3}, .strategy = "local", .steps = 50, .evaluate_every = 10};
  s.diverge = {{1, Step{25}}};
  const Result fine = run(s);
  ASSERT_EQ(fine.outcome.end, Outcome::End::kFailed);
  EXPECT_GE(fine.outcome.model_step, Step{24}) << "the models themselves are finite, and so is their average's loss";
  EXPECT_EQ(fine.outcome.model_source, Outcome::Source::kAverageAtEnd);

  // Now no model is of any use from step 20 on.
  class Lost final : public Wrapped {
   public:
    using Wrapped::Wrapped;
    StepResult local_step(Step step) override {
      const StepResult result = Wrapped::local_step(step);
      if (step.value >= 20) params()[0] = std::nanf("");
      return result;
    }
  };
  s.wrap_learner = [](std::unique_ptr<Learner> inner, int) { return std::make_unique<Lost>(std::move(inner)); };
  const Result lost = run(s);
  ASSERT_EQ(lost.outcome.end, Outcome::End::kFailed);
  EXPECT_EQ(lost.outcome.model_step, Step{20});
  EXPECT_EQ(lost.outcome.model_source, Outcome::Source::kMeasured);
}

TEST(End, OwnModelsAreMeasuredAlikeOnAnyNumberOfThreads) {
  std::vector<WorkerAccuracy> measured;
  for (const int threads : {0, 1, 2, 5}) {
    Scenario s{.problem = {.workers = 9},
               .strategy = "local",
               .steps = 20,
               .compute_threads = threads,
               .evaluate_every = 10,
               .own_models = OwnModels::kAlways};
    const Result result = run(s);
    ASSERT_EQ(result.measurements.size(), 2U);
    measured.push_back(result.measurements.back().workers.value());
    EXPECT_EQ(measured.back().mean, measured.front().mean) << threads;
    EXPECT_EQ(measured.back().maximum, measured.front().maximum) << threads;
    EXPECT_EQ(measured.back().sampled, 0U);
  }
}

TEST(End, OfManyWorkersADrawnPartIsMeasured) {
  Scenario s{.problem = {.workers = 40},
             .strategy = "local",
             .steps = 10,
             .evaluate_every = 10,
             .own_models = OwnModels::kAtEnd};
  const WorkerAccuracy all = run(s).measurements.back().workers.value();
  s.own_models_sample = 8;
  const WorkerAccuracy some = run(s).measurements.back().workers.value();
  EXPECT_EQ(some.sampled, 8U);
  EXPECT_GE(some.minimum, all.minimum);
  EXPECT_LE(some.maximum, all.maximum);
  EXPECT_NE(some.mean, all.mean);
  EXPECT_EQ(run(s).measurements.back().workers->mean, some.mean) << "the same draw again";
  s.own_models_sample = 40;
  EXPECT_EQ(run(s).measurements.back().workers->mean, all.mean) << "no more than there are";
}

TEST(End, ComesWhenPatienceIsAtItsEnd) {
  // The loss of worker 0's quadratic at the average falls to its least and then swings with the noise.
  Scenario s{.problem = {.workers = 3, .noise = 0.5}, .strategy = "synchronous", .steps = 2000, .evaluate_every = 5};
  s.patience = 3;
  s.keep_best = true;
  const Result result = run(s);
  ASSERT_EQ(result.outcome.end, Outcome::End::kPatience);
  ASSERT_GT(result.measurements.size(), 3U);
  // The oracle: the first measurement after which three are no better.
  std::size_t best = 0;
  std::size_t last = 0;
  for (std::size_t i = 1; i < result.measurements.size() && last == 0; ++i) {
    if (result.measurements[i].test.accuracy > result.measurements[best].test.accuracy) best = i;
    if (i - best == 3) last = i;
  }
  EXPECT_EQ(last + 1, result.measurements.size());
  ASSERT_TRUE(result.outcome.best);
  EXPECT_EQ(result.outcome.best->step, result.measurements[best].step);
  EXPECT_EQ(result.outcome.best->loss, result.measurements[best].test.loss);
  const Scenario shorter = [&] {
    Scenario other = s;
    other.patience = 0;
    other.steps = result.measurements[best].step.value;
    return other;
  }();
  EXPECT_EQ(run(shorter).outcome.model, result.outcome.best_model) << "the model of that very step";
}

}  // namespace
}  // namespace laconic::tests
