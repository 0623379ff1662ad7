// The invariants of dynamic model averaging over whole runs (Kamp et al. 2018).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "base/random.h"
#include "mechanisms/balance.h"
#include "run.h"

namespace laconic::tests {
namespace {

Scenario dma(const std::string& threshold, std::map<std::string, std::string> more = {}) {
  more["threshold"] = threshold;
  return {.problem = {.workers = 6, .dimension = 40, .seed = 11, .learning_rate = 0.05, .noise = 0.3},
          .strategy = "dma",
          .options = more,
          .steps = 120};
}

double squared_distance(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0.0;
  for (std::size_t j = 0; j < a.size(); ++j) sum += std::pow(static_cast<double>(a[j]) - b[j], 2);
  return sum;
}

std::vector<double> mean_of(const std::vector<std::vector<float>>& models, const std::vector<double>& weights) {
  std::vector<double> mean(models.front().size(), 0.0);
  double total = 0.0;
  for (std::size_t i = 0; i < models.size(); ++i) {
    total += weights[i];
    for (std::size_t j = 0; j < mean.size(); ++j) mean[j] += weights[i] * models[i][j];
  }
  for (double& value : mean) value /= total;
  return mean;
}

// The models of all workers before and after the communication of each round.
class Watched final : public Strategy {
 public:
  struct Course {
    std::vector<std::vector<std::vector<float>>> before, after;  // [step][worker]
  };
  // `learner step`: the strategy's round is a local step and what follows it, so the models between the two are those
  // that a worker of its own, without communication, would have: they are computed from the problem.
  Watched(std::unique_ptr<Strategy> inner, const QuadraticProblem& problem, Course& course)
      : inner_(std::move(inner)), problem_(problem), course_(course) {}

  Task<void> round(Worker& self) override {
    const auto step = static_cast<std::size_t>(self.step().value);
    const auto rank = static_cast<std::size_t>(self.rank().value);
    std::vector<double> params(self.params().begin(), self.params().end());
    const std::vector<double> gradient = problem_.gradient(self.rank().value, step, params);
    std::vector<float> stepped;
    for (std::size_t j = 0; j < params.size(); ++j) {
      stepped.push_back(static_cast<float>(params[j] - problem_.rate(step) * gradient[j]));
    }
    place(course_.before, step, rank, stepped);
    co_await inner_->round(self);
    place(course_.after, step, rank, {self.params().begin(), self.params().end()});
  }
  Task<void> coordinate(Coordinator& self) override { return inner_->coordinate(self); }

 private:
  void place(std::vector<std::vector<std::vector<float>>>& all, std::size_t step, std::size_t rank,
             std::vector<float> model) const {
    if (all.size() <= step)
      all.resize(step + 1, std::vector<std::vector<float>>(static_cast<std::size_t>(problem_.workers)));
    all[step][rank] = std::move(model);
  }

  std::unique_ptr<Strategy> inner_;
  const QuadraticProblem& problem_;
  Course& course_;
};

Watched::Course course_of(Scenario& scenario, Result& result) {
  Watched::Course course;
  scenario.wrap = [&](StrategyFactory inner) -> StrategyFactory {
    return [&, inner] { return std::make_unique<Watched>(inner(), scenario.problem, course); };
  };
  result = run(scenario);
  scenario.wrap = {};
  return course;
}

// What is done in one check, written down from the paper once more: on all models in one place.
class Oracle {
 public:
  Oracle(std::vector<float> start, double threshold, std::string augment, std::uint64_t seed)
      : reference_(std::move(start)), threshold_(threshold), augment_(std::move(augment)), seed_(seed) {}

  void check(std::vector<std::vector<float>>& models, std::uint64_t round) {
    const std::size_t nodes = models.size();
    std::set<std::size_t> members;
    for (std::size_t i = 0; i < nodes; ++i) {
      if (squared_distance(models[i], reference_) > threshold_) members.insert(i);
    }
    if (members.empty()) return;
    violators += members.size();
    violations_ += members.size();
    std::vector<std::size_t> rest;
    for (std::size_t i = 0; i < nodes; ++i) {
      if (!members.contains(i)) rest.push_back(i);
    }
    RandomStream random(seed_, "dma", {round});
    random.shuffle(std::span(rest));
    const auto take = [&](std::size_t count) {
      for (; count > 0 && !rest.empty(); --count) {
        members.insert(rest.front());
        rest.erase(rest.begin());
      }
    };
    if (violations_ >= nodes) {
      violations_ = 0;
      take(nodes);
    }
    const auto mean = [&] {
      std::vector<std::vector<float>> chosen;
      for (const std::size_t i : members) chosen.push_back(models[i]);
      const std::vector<double> values = mean_of(chosen, std::vector<double>(chosen.size(), 1.0));
      return std::vector<float>(values.begin(), values.end());
    };
    while (members.size() < nodes && squared_distance(mean(), reference_) > threshold_) {
      const std::size_t size = members.size();
      take(augment_ == "random"     ? 1
           : augment_ == "doubling" ? size
           : augment_ == "tripling" ? (2 * size >= nodes ? nodes : 2 * size)
                                    : nodes);
    }
    const std::vector<float> balanced = mean();
    for (const std::size_t i : members) models[i] = balanced;
    if (members.size() < nodes) {
      ++partial;
      return;
    }
    ++full;
    reference_ = balanced;
    violations_ = 0;
  }

  int partial = 0;
  int full = 0;
  std::size_t violators = 0;

 private:
  std::vector<float> reference_;
  double threshold_;
  std::string augment_;
  std::uint64_t seed_;
  std::size_t violations_ = 0;
};

class DmaPolicies : public testing::TestWithParam<std::string> {};

TEST_P(DmaPolicies, IsTheMatrixForm) {
  Scenario scenario = dma("0.5", {{"augment", GetParam()}});
  Result result;
  const Watched::Course course = course_of(scenario, result);
  Oracle oracle(scenario.problem.start(), 0.5, GetParam(), scenario.problem.seed);
  for (std::size_t step = 0; step < scenario.steps; ++step) {
    std::vector<std::vector<float>> models = course.before[step];
    oracle.check(models, step);
    for (std::size_t i = 0; i < models.size(); ++i) {
      ASSERT_LT(squared_distance(models[i], course.after[step][i]), 1e-10) << "step " << step << ", worker " << i;
    }
  }
  EXPECT_EQ(result.outcome.syncs, static_cast<std::uint64_t>(oracle.full));
  EXPECT_GT(oracle.full, 2);
  if (GetParam() != "all") {
    EXPECT_GT(oracle.partial, 5);
  }
}

TEST_P(DmaPolicies, P1_ABalanceKeepsTheMeanAndP3_NeverIncreasesDivergence) {
  Scenario scenario = dma("0.5", {{"augment", GetParam()}});
  Result result;
  const Watched::Course course = course_of(scenario, result);
  const std::vector<double> equal(6, 1.0);
  const auto divergence = [&](const std::vector<std::vector<float>>& models) {
    const std::vector<double> mean = mean_of(models, equal);
    double sum = 0.0;
    for (const auto& model : models) {
      for (std::size_t j = 0; j < mean.size(); ++j) sum += std::pow(model[j] - mean[j], 2) / 6.0;
    }
    return sum;
  };
  for (std::size_t step = 0; step < scenario.steps; ++step) {
    const std::vector<double> before = mean_of(course.before[step], equal);
    const std::vector<double> after = mean_of(course.after[step], equal);
    for (std::size_t j = 0; j < before.size(); ++j) ASSERT_NEAR(before[j], after[j], 2e-6) << "step " << step;
    double removed = 0.0;  // (1/K) sum over S of ||f_i - g||^2: others do not move
    for (std::size_t i = 0; i < 6; ++i)
      removed += squared_distance(course.before[step][i], course.after[step][i]) / 6.0;
    ASSERT_NEAR(divergence(course.after[step]), divergence(course.before[step]) - removed, 1e-5) << "step " << step;
    // P2
    ASSERT_LE(divergence(course.after[step]), 0.5 * (1.0 + 1e-5)) << "step " << step;
  }
}

TEST_P(DmaPolicies, P4_FullSynchronisationsAndViolationsAreBounded) {
  Scenario scenario = dma("0.5", {{"augment", GetParam()}});
  Result result;
  const Watched::Course course = course_of(scenario, result);
  double length = 0.0;
  std::vector<std::vector<float>> last(6, scenario.problem.start());
  for (std::size_t step = 0; step < scenario.steps; ++step) {
    for (std::size_t i = 0; i < 6; ++i) length += std::sqrt(squared_distance(course.before[step][i], last[i]));
    last = course.after[step];
  }
  Oracle oracle(scenario.problem.start(), 0.5, GetParam(), scenario.problem.seed);
  for (std::size_t step = 0; step < scenario.steps; ++step) {
    std::vector<std::vector<float>> models = course.before[step];
    oracle.check(models, step);
  }
  EXPECT_LE(static_cast<double>(result.outcome.syncs), length / std::sqrt(0.5));
  EXPECT_LE(oracle.violators, (2U * 6U - 1U) * (result.outcome.syncs + 1U));
  EXPECT_GT(oracle.violators, 6U);
}

INSTANTIATE_TEST_SUITE_P(Policies, DmaPolicies, testing::Values("random", "doubling", "tripling", "all"));

TEST(Dma, P2_HoldsForWeightedMeansAndTheirDivergence) {
  Scenario scenario = dma("0.5", {{"weights", "samples"}});
  Result result;
  const Watched::Course course = course_of(scenario, result);
  std::vector<double> weights;
  double total = 0.0;
  for (int k = 0; k < 6; ++k) {
    weights.push_back(static_cast<double>(scenario.problem.samples(k)));
    total += weights.back();
  }
  for (std::size_t step = 0; step < scenario.steps; ++step) {
    const std::vector<double> before = mean_of(course.before[step], weights);
    const std::vector<double> after = mean_of(course.after[step], weights);
    double divergence = 0.0;
    for (std::size_t j = 0; j < before.size(); ++j) {
      ASSERT_NEAR(before[j], after[j], 2e-6) << "step " << step;
      for (std::size_t i = 0; i < 6; ++i)
        divergence += weights[i] / total * std::pow(course.after[step][i][j] - after[j], 2);
    }
    ASSERT_LE(divergence, 0.5 * (1.0 + 1e-5)) << "step " << step;
  }
  EXPECT_GT(result.outcome.syncs, 2U);
}

TEST(Dma, P5_ThresholdZeroIsPeriodicAndInfinityIsLocal) {
  for (const std::string every : {"1", "4"}) {
    Scenario scenario = dma("0", {{"check_every", every}});
    Scenario periodic = scenario;
    periodic.strategy = "periodic";
    periodic.options = {{"period", every}};
    const Result a = run(scenario);
    EXPECT_EQ(a.params, run(periodic).params) << every;
    EXPECT_EQ(a.outcome.syncs, scenario.steps / std::stoul(every));
  }
  for (const std::string clock : {"round-synchronous", "asynchronous"}) {
    const Scenario scenario = dma("inf", {{"clock", clock}});
    Scenario local = scenario;
    local.strategy = "local";
    local.options = {};
    const Result a = run(scenario);
    EXPECT_EQ(a.params, run(local).params) << clock;
    EXPECT_EQ(a.outcome.syncs, 0U);
    EXPECT_EQ(a.outcome.ledger.total(Traffic::kModel).frames, 0U) << "P6";
    if (clock == "asynchronous") {
      EXPECT_EQ(a.outcome.ledger.total().frames, 0U) << "P6: silent when quiet";
    }
  }
}

TEST(Dma, ARoundSynchronousCheckOfQuietWorkersIsOneControlFrameUpAndOneDown) {
  const Result result = run(dma("inf"));
  const Tally control = result.outcome.ledger.total(Traffic::kControl);
  EXPECT_EQ(control.frames, 120U * 6U * 2U);
  EXPECT_EQ(control.payload.value, 120U * 6U);
}

// A learner that takes no more steps from some step on.
class Resting final : public Learner {
 public:
  Resting(std::unique_ptr<Learner> inner, std::uint64_t from) : inner_(std::move(inner)), from_(from) {}
  std::span<float> params() override { return inner_->params(); }
  std::span<float> gradient() override { return inner_->gradient(); }
  const Layout& layout() const override { return inner_->layout(); }
  std::span<float> buffers() override { return inner_->buffers(); }
  std::uint64_t samples() const override { return inner_->samples(); }
  double learning_rate() const override { return inner_->learning_rate(); }
  StepResult compute_gradient(Step step) override { return inner_->compute_gradient(step); }
  void apply_gradient() override { inner_->apply_gradient(); }
  StepResult local_step(Step step) override {
    return step.value < from_ ? inner_->local_step(step) : StepResult{.loss = 0.0, .samples = 1};
  }
  Evaluation evaluate(std::span<const float> params, std::span<const float> buffers, Split split) override {
    return inner_->evaluate(params, buffers, split);
  }
  void archive(Archive& archive) override { inner_->archive(archive); }

 private:
  std::unique_ptr<Learner> inner_;
  std::uint64_t from_;
};

// The sum of all models is what the steps made it, whatever was sent: taken from each worker's own steps.
class Summed final : public Strategy {
 public:
  Summed(std::unique_ptr<Strategy> inner, const QuadraticProblem& problem, std::uint64_t rest, std::vector<double>& sum)
      : inner_(std::move(inner)), problem_(problem), rest_(rest), sum_(sum) {}
  Task<void> round(Worker& self) override {
    const std::uint64_t step = self.step().value;
    if (step < rest_) {
      const std::vector<double> params(self.params().begin(), self.params().end());
      const std::vector<double> gradient = problem_.gradient(self.rank().value, step, params);
      for (std::size_t j = 0; j < sum_.size(); ++j) sum_[j] -= problem_.rate(step) * gradient[j];
    }
    return inner_->round(self);
  }
  Task<void> coordinate(Coordinator& self) override { return inner_->coordinate(self); }

 private:
  std::unique_ptr<Strategy> inner_;
  const QuadraticProblem& problem_;
  std::uint64_t rest_;
  std::vector<double>& sum_;
};

TEST(Dma, P1_TheAsynchronousFormKeepsTheMeanAtQuiescence) {
  constexpr std::uint64_t kRest = 150;
  for (const std::string augment : {"random", "doubling", "all"}) {
    Scenario scenario = dma("0.5", {{"clock", "asynchronous"}, {"augment", augment}});
    scenario.steps = kRest + 150;
    // Workers of different speeds; the fastest still steps, and takes in what comes, when the slowest is at rest.
    for (int k = 0; k < 6; ++k) scenario.step_cost.push_back({0.0010 + 0.0001 * k});
    scenario.wrap_learner = [&](std::unique_ptr<Learner> learner, int) {
      return std::make_unique<Resting>(std::move(learner), kRest);
    };
    std::vector<double> sum(40, 0.0);
    for (std::size_t j = 0; j < sum.size(); ++j) sum[j] = 6.0 * scenario.problem.start()[j];
    scenario.wrap = [&](StrategyFactory inner) -> StrategyFactory {
      return [&, inner] { return std::make_unique<Summed>(inner(), scenario.problem, kRest, sum); };
    };
    const Result result = run(scenario);
    ASSERT_EQ(result.outcome.end, Outcome::End::kSteps);
    EXPECT_GT(result.outcome.syncs, 2U) << augment;
    for (std::size_t j = 0; j < sum.size(); ++j) {
      double models = 0.0;
      for (const std::vector<float>& params : result.params) models += params[j];
      EXPECT_NEAR(models, sum[j], 2e-4) << augment << ", coordinate " << j;
    }
  }
}

TEST(Dma, RefusesNothingOfWorkersThatAreInOrder) {
  for (const std::string clock : {"round-synchronous", "asynchronous"}) {
    Scenario scenario = dma("0.3", {{"clock", clock}});
    scenario.steps = 60;
    const Result result = run(scenario);
    EXPECT_GT(result.outcome.syncs, 0U) << clock;
    EXPECT_TRUE(result.warnings.empty()) << result.warnings.front();
  }
}

// Worker 2 sends something else than its model in every check.
class Amiss final : public Strategy {
 public:
  Amiss(std::unique_ptr<Strategy> inner, std::vector<float> model, std::vector<std::uint8_t>& verdicts)
      : inner_(std::move(inner)), model_(std::move(model)), verdicts_(verdicts) {}
  Task<void> round(Worker& self) override { return self.rank().value == 2 ? send(self) : inner_->round(self); }
  Task<void> coordinate(Coordinator& self) override { return inner_->coordinate(self); }

 private:
  Task<void> send(Worker& self) {
    co_await self.local_step();
    Comm& comm = self.comm();
    const Round round = comm.next_round();
    const FrameHeader header{.traffic = Traffic::kModel, .tag = Tag::kGather, .round = round};
    comm.send(comm.coordinator(), Frame(header, std::span<const float>(model_)));
    const Frame answer = co_await comm.receive(comm.coordinator(), Tag::kBroadcast, round);
    EXPECT_EQ(answer.payload().size(), 1U);
    verdicts_.push_back(static_cast<std::uint8_t>(answer.payload().front()));
  }

  std::unique_ptr<Strategy> inner_;
  std::vector<float> model_;
  std::vector<std::uint8_t>& verdicts_;
};

TEST(Dma, RefusesAModelOfAnotherSizeOrThatIsNotFiniteAndGoesOnWithoutIt) {
  std::vector<float> infinite(40, 0.5F);
  infinite[7] = std::numeric_limits<float>::infinity();
  const std::vector<std::pair<std::vector<float>, std::uint8_t>> cases = {{std::vector<float>(30, 1.0F), 2},
                                                                          {infinite, 3}};
  for (const auto& [model, verdict] : cases) {
    std::vector<std::uint8_t> verdicts;
    Scenario scenario = dma("0.2");
    scenario.wrap = [&](StrategyFactory inner) -> StrategyFactory {
      return [&, inner] { return std::make_unique<Amiss>(inner(), model, verdicts); };
    };
    const Result result = run(scenario);
    EXPECT_EQ(result.outcome.end, Outcome::End::kSteps);
    EXPECT_EQ(verdicts, std::vector<std::uint8_t>(scenario.steps, verdict));
    EXPECT_EQ(result.outcome.syncs, 0U) << "no synchronisation is full without it";
    EXPECT_GT(result.outcome.ledger.total(Traffic::kModel).frames, 120U + 100U) << "the others were balanced";
    for (const std::vector<float>& params : result.params) {
      for (const float value : params) EXPECT_TRUE(std::isfinite(value));
    }
  }
}

TEST(Augment, AddsAtLeastOneNodeAndNoMoreThanThereAre) {
  EXPECT_EQ(augment(Augmentation::kRandom, 3, 10), 1U);
  EXPECT_EQ(augment(Augmentation::kDoubling, 3, 10), 3U);
  EXPECT_EQ(augment(Augmentation::kDoubling, 7, 10), 3U);
  EXPECT_EQ(augment(Augmentation::kTripling, 3, 10), 6U);
  EXPECT_EQ(augment(Augmentation::kTripling, 5, 10), 5U);
  EXPECT_EQ(augment(Augmentation::kAll, 1, 10), 9U);
}

TEST(Dma, AsynchronousEndsWithNothingOnItsWayAndAsksNobodyWhoHasLeft) {
  Scenario scenario = dma("0.2", {{"clock", "asynchronous"}});
  // Worker 0 is done long before the others, who go on to balance without it.
  scenario.step_cost = {{0.001}, {0.01}, {0.01}, {0.02}, {0.02}, {0.02}};
  const Result result = run(scenario);
  ASSERT_EQ(result.outcome.end, Outcome::End::kSteps);
  const Ledger& ledger = result.outcome.ledger;
  Tally received;
  for (const Rank node : ledger.nodes()) received += ledger.received(node, Traffic::kModel);
  EXPECT_EQ(received, ledger.total(Traffic::kModel));
  EXPECT_GT(received.frames, 12U);
  // Nobody waited for an answer that could not come: half the deadline is 300 s.
  EXPECT_LT(result.outcome.time.value, 5.0);
}

}  // namespace
}  // namespace laconic::tests
