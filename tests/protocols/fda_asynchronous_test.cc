// fda on its asynchronous clock (mechanisms/fda_asynchronous.h).
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <memory>
#include <string>

#include "base/error.h"
#include "run.h"

namespace laconic::tests {
namespace {

constexpr int kWorkers = 5;
constexpr std::uint64_t kSteps = 200;

// The workers' models as nobody averages them, and how many steps each has taken.
struct Walks {
  std::map<int, std::uint64_t> steps;
  std::map<int, std::vector<double>> models;
};

// Its steps do not depend on where it is, so that averages change no later step.
class Walker final : public Learner {
 public:
  Walker(std::unique_ptr<Learner> inner, int worker, Walks& walks)
      : inner_(std::move(inner)), worker_(worker), walks_(walks) {
    walks_.models[worker].assign(inner_->params().begin(), inner_->params().end());
  }
  std::span<float> params() override { return inner_->params(); }
  std::span<float> gradient() override { return inner_->gradient(); }
  const Layout& layout() const override { return inner_->layout(); }
  std::span<float> buffers() override { return inner_->buffers(); }
  std::uint64_t samples() const override { return inner_->samples(); }
  double learning_rate() const override { return 1.0; }
  StepResult compute_gradient(Step step) override { return inner_->compute_gradient(step); }
  void apply_gradient() override { inner_->apply_gradient(); }
  StepResult local_step(Step step) override {
    RandomStream stream(7, "walk", {static_cast<std::uint64_t>(worker_), step.value});
    std::vector<double>& model = walks_.models[worker_];
    for (std::size_t j = 0; j < model.size(); ++j) {
      const auto move = static_cast<float>(0.1 * (stream.gaussian() + 0.3 * worker_));
      inner_->params()[j] += move;
      model[j] += static_cast<double>(move);
    }
    ++walks_.steps[worker_];
    if (on_step) on_step(worker_);
    return {.loss = 0.0, .samples = 1};
  }
  Evaluation evaluate(std::span<const float> params, std::span<const float> buffers, Split split) override {
    return inner_->evaluate(params, buffers, split);
  }
  void archive(Archive& archive) override { inner_->archive(archive); }

  std::function<void(int worker)> on_step = {};

 private:
  std::unique_ptr<Learner> inner_;
  int worker_;
  Walks& walks_;
};

Scenario asynchronous(const std::string& threshold, std::map<std::string, std::string> options = {}) {
  Scenario scenario{.problem = {.workers = kWorkers, .dimension = 30, .seed = 5}, .strategy = "fda", .steps = kSteps};
  scenario.options = std::move(options);
  scenario.options["threshold"] = threshold;
  scenario.options["clock"] = "asynchronous";
  for (int k = 0; k < kWorkers; ++k) scenario.step_cost.push_back({0.010 + 0.004 * k});
  return scenario;
}

Scenario walking(Scenario scenario, Walks& walks) {
  scenario.compute_threads = 0;
  scenario.wrap_learner = [&walks](std::unique_ptr<Learner> learner, int worker) {
    return std::make_unique<Walker>(std::move(learner), worker, walks);
  };
  return scenario;
}

double variance_of(const std::vector<std::vector<float>>& models) {
  double variance = 0.0;
  for (std::size_t j = 0; j < models.front().size(); ++j) {
    double mean = 0.0;
    for (const std::vector<float>& model : models) mean += model[j];
    mean /= static_cast<double>(models.size());
    for (const std::vector<float>& model : models) variance += std::pow(model[j] - mean, 2);
  }
  return variance / static_cast<double>(models.size());
}

TEST(AsynchronousFda, MovesTheMeanOfAllModelsByLocalStepsAlone) {
  for (const std::string monitor : {"exact", "linear", "naive", "sketch", "max-norm"}) {
    for (const std::string weights : {"equal", "samples"}) {
      Walks walks;
      const Scenario scenario = asynchronous("4", {{"monitor", monitor}, {"weights", weights}});
      const Result result = run(walking(scenario, walks));
      ASSERT_EQ(result.outcome.end, Outcome::End::kSteps) << error_of<std::exception>(result);
      EXPECT_GT(result.outcome.syncs, 2U) << monitor;
      for (std::size_t j = 0; j < 30; ++j) {
        double averaged = 0.0;
        double alone = 0.0;
        for (int k = 0; k < kWorkers; ++k) {
          const double weight = weights == "equal" ? 1.0 : static_cast<double>(scenario.problem.samples(k));
          averaged += weight * static_cast<double>(result.params[static_cast<std::size_t>(k)][j]);
          alone += weight * walks.models[k][j];
        }
        EXPECT_NEAR(averaged, alone, 2e-5 * std::abs(alone) + 0.05) << monitor << " " << weights << " " << j;
      }
    }
  }
}

TEST(AsynchronousFda, KeepsModelsTogetherThatDriftApartWithoutIt) {
  const auto variance = [](const std::string& threshold) {
    Walks walks;
    Scenario scenario = asynchronous(threshold);
    for (int k = 0; k < kWorkers; ++k) scenario.step_cost[static_cast<std::size_t>(k)] = {0.010 + 0.00001 * k};
    return variance_of(run(walking(scenario, walks)).params);
  };
  const double apart = variance("inf");
  EXPECT_LT(variance("4"), apart / 20.0);
  EXPECT_LT(variance("4"), variance("64"));
}

TEST(AsynchronousFda, WaitsForNoSlowWorker) {
  for (const std::string clock : {"asynchronous", "round-synchronous"}) {
    Scenario scenario = asynchronous("4");
    scenario.options["clock"] = clock;
    scenario.step_cost.back() = {0.1};  // ten times what the fastest takes
    Walks walks;
    std::uint64_t ahead = 0;  // steps of the fastest when the slowest has taken ten
    scenario = walking(scenario, walks);
    scenario.wrap_learner = [&](std::unique_ptr<Learner> learner, int worker) {
      auto walker = std::make_unique<Walker>(std::move(learner), worker, walks);
      walker->on_step = [&](int who) {
        if (who == kWorkers - 1 && walks.steps[who] == 10) ahead = walks.steps[0];
      };
      return walker;
    };
    const Result result = run(scenario);
    EXPECT_GT(result.outcome.syncs, 2U) << clock;
    if (clock == "asynchronous") {
      EXPECT_GE(ahead, 85U);
    } else {
      EXPECT_LE(ahead, 11U);
    }
  }
}

TEST(AsynchronousFda, IsLocalTrainingAndSilentWhereNothingExceedsTheThreshold) {
  const Scenario scenario = asynchronous("inf");
  Scenario local = scenario;
  local.strategy = "local";
  local.options = {};
  const Result result = run(scenario);
  EXPECT_EQ(result.params, run(local).params);
  EXPECT_EQ(result.outcome.ledger.total().frames, 0U);
}

// Of two workers one is so slow that its state is of long ago as the other's next ones come.
TEST(AsynchronousFda, AStateThatIsTooOldDoesNotCount) {
  const auto syncs = [](const std::string& age) {
    Scenario scenario = asynchronous("2", {{"age", age}});
    scenario.problem.workers = 2;
    scenario.step_cost = {{0.001}, {0.01}};
    Walks walks;
    return run(walking(scenario, walks)).outcome.syncs;
  };
  EXPECT_GT(syncs("0"), 0U);
  EXPECT_EQ(syncs("0"), syncs("1000"));
  EXPECT_LT(syncs("1"), syncs("0"));
}

TEST(AsynchronousFda, AModelOfAnotherSizeEndsTheRunAndIsNamed) {
  Scenario scenario = asynchronous("0.1", {{"monitor", "naive"}});
  scenario.dimensions = {{2, 29}};
  const std::string error = error_of<std::exception>(run(scenario));
  EXPECT_NE(error.find("worker 2"), std::string::npos) << error;
}

TEST(AsynchronousFda, CompressedChangesComeNearWhatWholeModelsComeTo) {
  Scenario scenario = asynchronous("0.5");
  const Result whole = run(scenario);
  scenario.compressor = "top_k";
  scenario.compression = {{"ratio", "0.3"}};
  const Result compressed = run(scenario);
  EXPECT_GT(compressed.outcome.syncs, 2U);
  EXPECT_LT(
      compressed.outcome.ledger.total(Traffic::kModel).payload.value / static_cast<double>(compressed.outcome.syncs),
      0.8 * static_cast<double>(whole.outcome.ledger.total(Traffic::kModel).payload.value) /
          static_cast<double>(whole.outcome.syncs));
  EXPECT_LT(compressed.measurements.back().test.loss, 1.5 * whole.measurements.back().test.loss);
}

}  // namespace
}  // namespace laconic::tests
