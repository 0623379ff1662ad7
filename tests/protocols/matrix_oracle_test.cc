// Each averaging strategy against the same algorithm on one matrix that holds all workers as rows, in double.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "run.h"
#include "strategies/registry.h"

namespace laconic::tests {
namespace {

using Matrix = std::vector<std::vector<double>>;  // row k: worker k's model

Matrix starts(const QuadraticProblem& problem) {
  const std::vector<float> start = problem.start();
  return Matrix(static_cast<std::size_t>(problem.workers), {start.begin(), start.end()});
}

void local_steps(const QuadraticProblem& problem, std::uint64_t step, Matrix& models) {
  for (std::size_t k = 0; k < models.size(); ++k) {
    const auto gradient = problem.gradient(static_cast<int>(k), step, models[k]);
    for (std::size_t j = 0; j < gradient.size(); ++j) models[k][j] -= problem.learning_rate * gradient[j];
  }
}

std::vector<double> weighted_mean(const Matrix& models, const std::vector<double>& weights) {
  std::vector<double> mean(models[0].size());
  double total = 0.0;
  for (const double weight : weights) total += weight;
  for (std::size_t k = 0; k < models.size(); ++k) {
    for (std::size_t j = 0; j < mean.size(); ++j) mean[j] += weights[k] * models[k][j] / total;
  }
  return mean;
}

std::vector<double> mean_of(const Matrix& models) { return weighted_mean(models, std::vector(models.size(), 1.0)); }

double variance(const Matrix& models) {
  const std::vector<double> mean = mean_of(models);
  double sum = 0.0;
  for (const auto& model : models) {
    for (std::size_t j = 0; j < mean.size(); ++j) sum += (model[j] - mean[j]) * (model[j] - mean[j]);
  }
  return sum / static_cast<double>(models.size());
}

// Float32 steps against double ones: the quadratics contract, so errors do not build up; values are of the order of 1.
constexpr double kTolerance = 2e-6;

void expect_near(const std::vector<std::vector<float>>& got, const Matrix& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t k = 0; k < got.size(); ++k) {
    for (std::size_t j = 0; j < got[k].size(); ++j) {
      ASSERT_NEAR(got[k][j], expected[k][j], kTolerance) << "worker " << k << ", element " << j;
    }
  }
}

class MatrixOracle : public testing::TestWithParam<Collective> {
 protected:
  Scenario scenario(std::string strategy, std::map<std::string, std::string> options = {}) {
    return {.problem = {.workers = 5, .dimension = 40, .seed = 3},
            .strategy = std::move(strategy),
            .options = std::move(options),
            .steps = 33,
            .collective = GetParam()};
  }
};

TEST_P(MatrixOracle, LocalNeverMixesRows) {
  const Scenario s = scenario("local");
  Matrix models = starts(s.problem);
  for (std::uint64_t t = 0; t < s.steps; ++t) local_steps(s.problem, t, models);
  expect_near(run(s).params, models);
}

TEST_P(MatrixOracle, PeriodicAveragesAllRowsEveryPeriod) {
  const Scenario s = scenario("periodic", {{"period", "4"}});
  Matrix models = starts(s.problem);
  for (std::uint64_t t = 0; t < s.steps; ++t) {
    local_steps(s.problem, t, models);
    if ((t + 1) % 4 == 0) models.assign(models.size(), mean_of(models));
  }
  const Result result = run(s);
  expect_near(result.params, models);
  EXPECT_EQ(result.outcome.syncs, 8U);
}

TEST_P(MatrixOracle, SynchronousAveragesAllRowsEveryStep) {
  const Scenario s = scenario("synchronous");
  Matrix models = starts(s.problem);
  for (std::uint64_t t = 0; t < s.steps; ++t) {
    local_steps(s.problem, t, models);
    models.assign(models.size(), mean_of(models));
  }
  expect_near(run(s).params, models);
}

TEST_P(MatrixOracle, AllReduceStepsWithTheMeanGradient) {
  const Scenario s = scenario("all_reduce");
  Matrix models = starts(s.problem);
  for (std::uint64_t t = 0; t < s.steps; ++t) {
    Matrix gradients;
    for (std::size_t k = 0; k < models.size(); ++k) {
      gradients.push_back(s.problem.gradient(static_cast<int>(k), t, models[k]));
    }
    const std::vector<double> mean = mean_of(gradients);
    for (auto& model : models) {
      for (std::size_t j = 0; j < mean.size(); ++j) model[j] -= s.problem.learning_rate * mean[j];
    }
  }
  expect_near(run(s).params, models);
}

TEST_P(MatrixOracle, FedAvgAveragesTheChosenRowsByTheirSamples) {
  const Scenario s = scenario("fedavg", {{"period", "3"}, {"fraction", "0.5"}});
  Matrix models = starts(s.problem);
  std::uint64_t round = 0;
  for (std::uint64_t t = 0; t < s.steps; ++t) {
    local_steps(s.problem, t, models);
    if ((t + 1) % 3 != 0) continue;
    RandomStream stream(s.problem.seed, "fedavg", {round++});
    std::vector<double> weights(models.size(), 0.0);
    for (const std::uint32_t k : random_subset(stream, 3, 5)) {  // ceil(0.5 * 5) of 5
      weights[k] = static_cast<double>(s.problem.samples(static_cast<int>(k)));
    }
    models.assign(models.size(), weighted_mean(models, weights));
  }
  expect_near(run(s).params, models);
}

TEST_P(MatrixOracle, FdaWithTheExactMonitorSynchronisesWhenTheVarianceExceedsTheThreshold) {
  const double threshold = 1.5;
  Scenario s = scenario("fda", {{"threshold", "1.5"}, {"monitor", "exact"}});
  s.steps = 60;
  Matrix models = starts(s.problem);
  std::vector<std::uint64_t> sync_steps;
  for (std::uint64_t t = 0; t < s.steps; ++t) {
    local_steps(s.problem, t, models);
    if (!(variance(models) > threshold)) continue;
    models.assign(models.size(), mean_of(models));
    sync_steps.push_back(t + 1);
  }
  std::vector<std::uint64_t> got_steps;
  s.observer.on_sync = [&](Step step, const auto&) { got_steps.push_back(step.value); };
  expect_near(run(s).params, models);
  EXPECT_GT(sync_steps.size(), 5U);
  EXPECT_LT(sync_steps.size(), s.steps / 2);
  EXPECT_EQ(got_steps, sync_steps);
}

TEST_P(MatrixOracle, FdaWithTheNaiveMonitorSynchronisesOnTheMeanSquaredDrift) {
  const double threshold = 0.8;
  Scenario s = scenario("fda", {{"threshold", "0.8"}, {"monitor", "naive"}});
  s.steps = 60;
  Matrix models = starts(s.problem);
  std::vector<double> reference = models[0];
  std::uint64_t syncs = 0;
  for (std::uint64_t t = 0; t < s.steps; ++t) {
    local_steps(s.problem, t, models);
    double mean_drift = 0.0;
    for (const auto& model : models) {
      for (std::size_t j = 0; j < model.size(); ++j) mean_drift += std::pow(model[j] - reference[j], 2);
    }
    mean_drift /= static_cast<double>(models.size());
    if (!(mean_drift > threshold)) continue;
    reference = mean_of(models);
    models.assign(models.size(), reference);
    ++syncs;
  }
  const Result result = run(s);
  expect_near(result.params, models);
  EXPECT_GT(syncs, 5U);
  EXPECT_EQ(result.outcome.syncs, syncs);
}

INSTANTIATE_TEST_SUITE_P(Collectives, MatrixOracle, testing::Values(Collective::kStar, Collective::kRing),
                         [](const auto& info) { return info.param == Collective::kStar ? "Star" : "Ring"; });

// Least squares on a shared table of samples; batches are given by index.
class LeastSquares final : public Learner {
 public:
  using Batch = std::function<std::vector<std::size_t>(std::uint64_t step)>;
  explicit LeastSquares(Batch batch) : batch_(std::move(batch)), params_(kDimension), gradient_(kDimension) {
    layout_.tensors.push_back({.name = "w", .offset = 0, .shape = {kDimension}, .size = kDimension});
    layout_.size = kDimension;
  }
  static constexpr std::size_t kDimension = 12;

  std::span<float> params() override { return params_; }
  std::span<float> gradient() override { return gradient_; }
  const Layout& layout() const override { return layout_; }
  std::span<float> buffers() override { return {}; }
  std::uint64_t samples() const override { return 1; }
  double learning_rate() const override { return 0.05; }
  StepResult compute_gradient(Step step) override {
    const auto batch = batch_(step.value);
    std::vector<double> sum(kDimension);
    double loss = 0.0;
    for (const std::size_t i : batch) {
      RandomStream stream(5, "sample", {i});
      std::vector<double> x(kDimension);
      for (double& value : x) value = stream.gaussian();
      double residual = -stream.gaussian();
      for (std::size_t j = 0; j < kDimension; ++j) residual += x[j] * params_[j];
      loss += 0.5 * residual * residual;
      for (std::size_t j = 0; j < kDimension; ++j) sum[j] += residual * x[j];
    }
    const auto size = static_cast<double>(batch.size());
    for (std::size_t j = 0; j < kDimension; ++j) gradient_[j] = static_cast<float>(sum[j] / size);
    return {.loss = loss / size, .samples = batch.size()};
  }
  void apply_gradient() override {
    for (std::size_t j = 0; j < kDimension; ++j) params_[j] -= 0.05F * gradient_[j];
  }
  StepResult local_step(Step step) override {
    const StepResult result = compute_gradient(step);
    apply_gradient();
    return result;
  }
  Evaluation evaluate(std::span<const float>, std::span<const float>, Split) override { return {}; }
  void archive(Archive&) override {}

 private:
  Batch batch_;
  Layout layout_;
  std::vector<float> params_;
  std::vector<float> gradient_;
};

std::vector<float> train(const std::string& strategy, const std::vector<Learner*>& learners) {
  const StrategySetting setting{.dimension = LeastSquares::kDimension,
                                .world_size = static_cast<int>(learners.size()),
                                .seed = 1,
                                .collective = Collective::kStar,
                                .start = std::vector<float>(LeastSquares::kDimension),
                                .samples = std::vector<std::uint64_t>(learners.size(), 1)};
  const StrategyRow& row = find_strategy(strategy);
  sim::SimulationOptions options;
  options.steps = {100};
  options.step_cost = std::vector<Seconds>(learners.size(), Seconds{0.01});
  options.network = {.shared_channel = true, .channel = {1e9}, .worker = {}, .coordinator = {}, .latency = {}};
  options.with_coordinator = needs_coordinator_node(default_demands(row), setting.collective);
  options.own_models = OwnModels::kNever;
  sim::simulate(options, learners, row.make(strategy_options(strategy, {}), setting));
  return {learners[0]->params().begin(), learners[0]->params().end()};
}

TEST(Synchronous, P7_AveragingKLearnersWithBatchBIsSerialSgdWithBatchKTimesB) {
  constexpr std::size_t kLearners = 4;
  constexpr std::size_t kBatch = 3;
  const auto part = [](std::size_t k, std::uint64_t step) {
    std::vector<std::size_t> batch;
    for (std::size_t i = 0; i < kBatch; ++i) batch.push_back((step * kLearners + k) * kBatch + i);
    return batch;
  };
  std::vector<std::unique_ptr<LeastSquares>> owned;
  std::vector<Learner*> learners;
  for (std::size_t k = 0; k < kLearners; ++k) {
    owned.push_back(std::make_unique<LeastSquares>([&part, k](std::uint64_t step) { return part(k, step); }));
    learners.push_back(owned.back().get());
  }
  LeastSquares serial([&part](std::uint64_t step) {
    std::vector<std::size_t> batch;
    for (std::size_t k = 0; k < kLearners; ++k) {
      const auto more = part(k, step);
      batch.insert(batch.end(), more.begin(), more.end());
    }
    return batch;
  });
  const std::vector<float> averaged = train("synchronous", learners);
  const std::vector<float> single = train("serial", {&serial});
  double distance = 0.0;
  for (std::size_t j = 0; j < single.size(); ++j) {
    ASSERT_NEAR(averaged[j], single[j], 5e-6) << "element " << j;  // float32 rounding of 100 contracting steps
    distance += std::abs(single[j]);
  }
  EXPECT_GT(distance, 0.1);  // it did train
}

}  // namespace
}  // namespace laconic::tests
