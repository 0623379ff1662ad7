// FDA-Opt against its definition, written out in double over all workers at once.
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "matrix_form.h"
#include "run.h"

namespace laconic::tests {
namespace {

constexpr double kMostEpochs = 4.0;

Scenario fda_opt(std::map<std::string, std::string> options) {
  options.emplace("most_epochs", "4");
  return {.problem = {.workers = 5, .dimension = 40, .seed = 6, .learning_rate = 0.02, .noise = 0.5, .spread = 0.3},
          .strategy = "fda_opt",
          .options = std::move(options),
          .steps = 200,
          .steps_per_epoch = 5.5};
}

std::vector<double> mean_row(const Matrix& models) {
  std::vector<double> mean(models.front().size(), 0.0);
  for (const auto& row : models) {
    for (std::size_t j = 0; j < mean.size(); ++j) mean[j] += row[j] / static_cast<double>(models.size());
  }
  return mean;
}

// (1/K) sum_k ||row_k - point||^2
double mean_squared_distance(const Matrix& models, const std::vector<double>& point) {
  double sum = 0.0;
  for (const auto& row : models) {
    for (std::size_t j = 0; j < point.size(); ++j) sum += (row[j] - point[j]) * (row[j] - point[j]);
  }
  return sum / static_cast<double>(models.size());
}

// All workers as one, with the server's rules average and momentum.
class Oracle {
 public:
  Oracle(const Scenario& scenario, bool exact, double rate, double beta)
      : scenario_(scenario),
        exact_(exact),
        rate_(rate),
        beta_(beta),
        models_(first_models(scenario.problem)),
        common_(models_.front()),
        momentum_(common_.size(), 0.0) {}

  void step() {
    models_ = sum(1.0, models_, 1.0, steps_at(scenario_.problem, steps_, models_));
    ++steps_;
    const std::uint64_t length = steps_ - begun_;
    const double epochs = static_cast<double>(length) / scenario_.steps_per_epoch;
    const double variance = mean_squared_distance(models_, mean_row(models_));
    const double estimate = exact_ ? variance : mean_squared_distance(models_, common_);
    if (syncs == 0 ? epochs < 1.0 : epochs < kMostEpochs && estimate <= threshold) {
      // Not so near that rounding could decide.
      EXPECT_TRUE(syncs == 0 || std::abs(estimate - threshold) > 1e-4 * threshold) << "step " << steps_;
      return;
    }
    (syncs > 0 && estimate > threshold ? ended_by_variance : ended_by_length) += 1;
    const std::vector<double> mean = mean_row(models_);
    for (std::size_t j = 0; j < mean.size(); ++j) {
      momentum_[j] = beta_ * momentum_[j] + mean[j] - common_[j];
      common_[j] += rate_ * momentum_[j];
    }
    models_.assign(models_.size(), common_);
    threshold = kMostEpochs / 2.0 / epochs * variance;
    begun_ = steps_;
    ++syncs;
  }

  const Matrix& models() const { return models_; }
  std::uint64_t syncs = 0;
  double threshold = 0.0;
  int ended_by_variance = 0;
  int ended_by_length = 0;

 private:
  const Scenario& scenario_;
  bool exact_;
  double rate_;
  double beta_;
  Matrix models_;
  std::vector<double> common_;
  std::vector<double> momentum_;
  std::uint64_t steps_ = 0;
  std::uint64_t begun_ = 0;
};

void expect_oracle(const Scenario& scenario, Oracle& oracle) {
  const Result result = run(scenario);
  ASSERT_EQ(result.measurements.size(), scenario.steps);
  for (const Measurement& measurement : result.measurements) {
    oracle.step();
    ASSERT_EQ(measurement.syncs, oracle.syncs) << "step " << measurement.step.value;
    if (oracle.syncs == 0) {
      EXPECT_FALSE(measurement.watched.contains("threshold"));
    } else {
      ASSERT_NEAR(measurement.watched.at("threshold"), oracle.threshold, 1e-4 * oracle.threshold)
          << "step " << measurement.step.value;
    }
  }
  expect_near(result.params, oracle.models(), 1e-4);
}

TEST(FdaOpt, EveryRoundAndThresholdIsTheDefinitionsWithEitherMonitorAndServer) {
  int ended_by_variance = 0;
  for (const bool exact : {true, false}) {
    for (const bool momentum : {true, false}) {
      SCOPED_TRACE((exact ? "exact, " : "naive, ") + std::string(momentum ? "momentum" : "average"));
      std::map<std::string, std::string> options = {{"monitor", exact ? "exact" : "naive"}};
      if (momentum) options.insert({{"server", "momentum"}, {"server_learning_rate", "0.7"}, {"server_beta", "0.4"}});
      if (!momentum) options.insert({{"server", "average"}, {"server_learning_rate", "0.8"}});
      const Scenario scenario = fda_opt(options);
      Oracle oracle(scenario, exact, momentum ? 0.7 : 0.8, momentum ? 0.4 : 0.0);
      expect_oracle(scenario, oracle);
      EXPECT_GT(oracle.syncs, 8U);
      ended_by_variance += oracle.ended_by_variance;
    }
  }
  EXPECT_GT(ended_by_variance, 10);
}

// Workers that come to rest: the variance stops growing, and rounds end by their length.
TEST(FdaOpt, ARoundThatIsQuietEndsAfterMostEpochs) {
  Scenario scenario = fda_opt({{"monitor", "exact"}});
  scenario.problem.learning_rate = 0.5;
  scenario.problem.noise = 0.0;
  scenario.steps_per_epoch = 20.0;
  scenario.steps = 400;
  Oracle oracle(scenario, true, 1.0, 0.0);
  expect_oracle(scenario, oracle);
  EXPECT_GT(oracle.ended_by_length, 2);
}

TEST(FdaOpt, TheFirstRoundIsOneEpochWithoutStates) {
  Scenario scenario = fda_opt({});
  scenario.steps = 6;  // 5.5, to a step
  const Result result = run(scenario);
  EXPECT_EQ(result.outcome.syncs, 1U);
  const std::uint64_t one_float = 4 * 2 * static_cast<std::uint64_t>(scenario.problem.workers);
  EXPECT_EQ(result.outcome.ledger.total(Traffic::kState).payload.value, one_float);
  EXPECT_EQ(result.formula.fewest_syncs, 1U);
  EXPECT_EQ(*result.formula.most_syncs, 1U);
  Scenario periodic = scenario;
  periodic.strategy = "periodic";
  periodic.options = {{"period", "6"}};
  EXPECT_EQ(result.params, run(periodic).params);
  scenario.steps = 5;
  EXPECT_EQ(run(scenario).outcome.ledger.total().frames, 0U);
}

TEST(FdaOpt, RoundsOfOneStepAreSynchronousBitForBit) {
  const Scenario scenario = fda_opt({{"most_epochs", "0.1"}});
  Scenario synchronous = scenario;
  synchronous.strategy = "synchronous";
  synchronous.options = {};
  const Result result = run(scenario);
  EXPECT_EQ(result.outcome.syncs, scenario.steps);
  EXPECT_EQ(result.params, run(synchronous).params);
}

// Compressed averages are not the mean: the threshold is of the distance from what all workers go on with.
TEST(FdaOpt, WithCompressedAveragesTheThresholdIsOfTheDistanceFromThem) {
  // Each worker's model after its local step, and what the round left.
  struct Recorder final : Strategy {
    Recorder(std::unique_ptr<Strategy> inner, double rate, std::vector<Matrix>& own, std::vector<Matrix>& left)
        : inner_(std::move(inner)), rate_(rate), own_(own), left_(left) {}
    Task<void> round(Worker& self) override {
      const std::uint64_t step = self.step().value;
      std::vector<double> model(self.params().begin(), self.params().end());
      // The same gradient, taken apart: the noise of a step depends on its number only.
      co_await self.compute_gradient();
      for (std::size_t j = 0; j < model.size(); ++j) model[j] -= rate_ * static_cast<double>(self.gradient()[j]);
      own_[step].push_back(model);
      co_await inner_->round(self);
      left_[step].emplace_back(self.params().begin(), self.params().end());
    }
    Task<void> coordinate(Coordinator& self) override { return inner_->coordinate(self); }
    std::unique_ptr<Strategy> inner_;
    double rate_;
    std::vector<Matrix>& own_;
    std::vector<Matrix>& left_;
  };
  for (const Collective collective : {Collective::kStar, Collective::kRing}) {
    Scenario scenario = fda_opt({{"monitor", "naive"}});
    scenario.collective = collective;
    scenario.compressor = "top_k";
    scenario.compression = {{"k", "6"}};
    std::vector<Matrix> own(scenario.steps);
    std::vector<Matrix> left(scenario.steps);
    scenario.wrap = [&](StrategyFactory inner) -> StrategyFactory {
      return [&, inner] { return std::make_unique<Recorder>(inner(), scenario.problem.learning_rate, own, left); };
    };
    const Result result = run(scenario);
    ASSERT_EQ(result.measurements.size(), scenario.steps);
    std::uint64_t begun = 0;
    std::uint64_t syncs = 0;
    double largest_excess = 0.0;
    for (const Measurement& measurement : result.measurements) {
      if (measurement.syncs == syncs) continue;
      syncs = measurement.syncs;
      const std::uint64_t step = measurement.step.value;
      const double epochs = static_cast<double>(step - begun) / scenario.steps_per_epoch;
      begun = step;
      const Matrix& models = own[step - 1];
      const std::vector<double>& common = left[step - 1].front();
      for (const auto& other : left[step - 1]) ASSERT_EQ(other, common) << "step " << step;
      const double distance = mean_squared_distance(models, common);
      ASSERT_NEAR(measurement.watched.at("threshold"), kMostEpochs / 2.0 / epochs * distance, 1e-4 * distance / epochs)
          << "step " << step;
      largest_excess = std::max(largest_excess, distance / mean_squared_distance(models, mean_row(models)) - 1.0);
    }
    EXPECT_GT(syncs, 8U);
    EXPECT_GT(largest_excess, 0.1);  // the average was not the mean
  }
}

TEST(FdaOpt, OneWorkerHasNoVarianceAndAThresholdOfZero) {
  Scenario scenario = fda_opt({{"monitor", "naive"}});
  scenario.problem.workers = 1;
  const Result result = run(scenario);
  EXPECT_EQ(result.measurements.back().watched.at("threshold"), 0.0);
  EXPECT_EQ(result.outcome.syncs, 1 + scenario.steps - 6);  // each step of its own exceeds it
}

TEST(FdaOpt, RefusesAMonitorWhoseThresholdStaysAndARateOfZero) {
  try {
    run(fda_opt({{"monitor", "max-norm"}}));
    FAIL() << "accepted";
  } catch (const UsageError& error) {
    EXPECT_EQ(std::string(error.what()),
              "test: strategy.monitor: max-norm says only whether a threshold of the start is exceeded, but fda_opt "
              "moves its threshold after each round; choose linear, naive, sketch or exact");
  }
  EXPECT_THROW(run(fda_opt({{"server_learning_rate", "0"}})), UsageError);
}

}  // namespace
}  // namespace laconic::tests
