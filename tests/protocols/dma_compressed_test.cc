// Dynamic model averaging of compressed differences: a mean corrects the models, which keep what their messages left
// out. Against the algorithm written out over all workers at once.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "base/archive.h"
#include "base/random.h"
#include "run.h"

namespace laconic::tests {
namespace {

using Vector = std::vector<double>;
constexpr std::size_t kDimension = 40;
constexpr std::size_t kTold = 7;  // coordinates of a message

Scenario compressed_dma(const std::string& threshold, std::map<std::string, std::string> more = {}) {
  more["threshold"] = threshold;
  return {.problem = {.workers = 6, .dimension = kDimension, .seed = 11, .learning_rate = 0.05, .noise = 0.3},
          .strategy = "dma",
          .options = std::move(more),
          .steps = 120,
          .compressor = "top_k",
          .compression = {{"k", std::to_string(kTold)}}};
}

double squared_norm(const Vector& v) { return std::inner_product(v.begin(), v.end(), v.begin(), 0.0); }

Vector difference(const Vector& a, const Vector& b) {
  Vector result;
  for (std::size_t j = 0; j < a.size(); ++j) result.push_back(a[j] - b[j]);
  return result;
}

// The largest magnitudes of v; the rest 0.
Vector largest(const Vector& v) {
  std::vector<std::size_t> order(v.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return std::abs(v[a]) > std::abs(v[b]); });
  Vector result(v.size(), 0.0);
  for (std::size_t i = 0; i < kTold; ++i) result[order[i]] = v[order[i]];
  return result;
}

// All workers' models and what the coordinator knows.
class Oracle {
 public:
  Oracle(const Scenario& scenario, double threshold, std::string augment)
      : scenario_(scenario), threshold_(threshold), augment_(std::move(augment)) {
    const std::vector<float> start = scenario.problem.start();
    reference_.assign(start.begin(), start.end());
    models.assign(static_cast<std::size_t>(scenario.problem.workers), reference_);
    untold_.assign(kDimension, 0.0);
    weights_.assign(models.size(), 1.0);
    const auto given = scenario.options.find("weights");
    if (given == scenario.options.end() || given->second == "equal") return;
    for (std::size_t i = 0; i < models.size(); ++i) {
      weights_[i] = static_cast<double>(scenario.problem.samples(static_cast<int>(i)));
    }
  }

  void step(std::uint64_t step) {
    for (std::size_t i = 0; i < models.size(); ++i) {
      const Vector gradient = scenario_.problem.gradient(static_cast<int>(i), step, models[i]);
      for (std::size_t j = 0; j < kDimension; ++j) models[i][j] -= scenario_.problem.rate(step) * gradient[j];
    }
  }

  void check(std::uint64_t round) {
    std::set<std::size_t> members;
    std::vector<std::size_t> rest;
    for (std::size_t i = 0; i < models.size(); ++i) {
      if (squared_norm(difference(models[i], reference_)) > threshold_) {
        members.insert(i);
      } else {
        rest.push_back(i);
      }
    }
    if (members.empty()) return;
    violations_ += members.size();
    RandomStream random(scenario_.problem.seed, "dma", {round});
    random.shuffle(std::span(rest));
    const auto take = [&](std::size_t count) {
      for (; count > 0 && !rest.empty(); --count) {
        members.insert(rest.front());
        rest.erase(rest.begin());
      }
    };
    if (violations_ >= models.size()) {
      violations_ = 0;
      take(models.size());
    }
    while (members.size() > 0 && !rest.empty() && (members.size() == 1 || squared_norm(mean(members)) > threshold_)) {
      take(augment_ == "random" ? 1 : augment_ == "doubling" ? members.size() : models.size());
    }
    balance(members);
  }

  std::vector<Vector> models;
  int partial = 0;
  int full = 0;

 private:
  Vector told(std::size_t i) const { return largest(difference(models[i], reference_)); }

  // Of what the members tell, as a difference from the reference.
  Vector mean(const std::set<std::size_t>& members) const {
    Vector sum(kDimension, 0.0);
    for (const std::size_t i : members) {
      const Vector message = told(i);
      for (std::size_t j = 0; j < kDimension; ++j) sum[j] += weights_[i] / weight(members) * message[j];
    }
    return sum;
  }

  double weight(const std::set<std::size_t>& members) const {
    double sum = 0.0;
    for (const std::size_t i : members) sum += weights_[i];
    return sum;
  }

  void balance(const std::set<std::size_t>& members) {
    Vector answer = mean(members);
    for (std::size_t j = 0; j < kDimension; ++j) answer[j] += untold_[j] / weight(members);
    const Vector message = largest(answer);
    for (std::size_t j = 0; j < kDimension; ++j) untold_[j] = weight(members) * (answer[j] - message[j]);
    for (const std::size_t i : members) {
      const Vector own = told(i);
      for (std::size_t j = 0; j < kDimension; ++j) models[i][j] += message[j] - own[j];
    }
    if (members.size() < models.size()) {
      ++partial;
      return;
    }
    ++full;
    violations_ = 0;
    for (std::size_t j = 0; j < kDimension; ++j) reference_[j] += message[j];
  }

  const Scenario& scenario_;
  double threshold_;
  std::string augment_;
  Vector reference_;
  Vector untold_;
  Vector weights_;
  std::size_t violations_ = 0;
};

class CompressedDma : public testing::TestWithParam<std::map<std::string, std::string>> {};

TEST_P(CompressedDma, IsTheMatrixForm) {
  const std::map<std::string, std::string> options = GetParam();
  const Scenario scenario = compressed_dma("0.5", options);
  const std::uint64_t every = options.contains("check_every") ? std::stoul(options.at("check_every")) : 1;
  Oracle oracle(scenario, 0.5, options.contains("augment") ? options.at("augment") : "doubling");
  for (std::uint64_t step = 0; step < scenario.steps; ++step) {
    oracle.step(step);
    if ((step + 1) % every == 0) oracle.check((step + 1) / every - 1);
  }
  const Result result = run(scenario);
  ASSERT_EQ(result.outcome.end, Outcome::End::kSteps);
  EXPECT_EQ(result.outcome.syncs, static_cast<std::uint64_t>(oracle.full));
  for (std::size_t i = 0; i < oracle.models.size(); ++i) {
    for (std::size_t j = 0; j < kDimension; ++j) {
      ASSERT_NEAR(result.params[i][j], oracle.models[i][j], 5e-5) << "worker " << i << ", coordinate " << j;
    }
  }
  EXPECT_GT(oracle.full, 2);
  if (!options.contains("augment") || options.at("augment") != "all") {
    EXPECT_GT(oracle.partial, 2);
  }
}

INSTANTIATE_TEST_SUITE_P(Options, CompressedDma,
                         testing::Values(std::map<std::string, std::string>{},
                                         std::map<std::string, std::string>{{"augment", "random"}},
                                         std::map<std::string, std::string>{{"augment", "all"}, {"check_every", "3"}},
                                         std::map<std::string, std::string>{{"weights", "samples"}}));

TEST(CompressedDmaAtThresholdZero, IsAnAverageOfEveryoneAtEveryCheck) {
  const Scenario scenario = compressed_dma("0", {{"check_every", "4"}});
  Oracle oracle(scenario, 0.0, "doubling");
  for (std::uint64_t step = 0; step < scenario.steps; ++step) {
    oracle.step(step);
    if ((step + 1) % 4 == 0) oracle.check((step + 1) / 4 - 1);
  }
  const Result result = run(scenario);
  EXPECT_EQ(result.outcome.syncs, scenario.steps / 4);
  for (std::size_t i = 0; i < oracle.models.size(); ++i) {
    for (std::size_t j = 0; j < kDimension; ++j) ASSERT_NEAR(result.params[i][j], oracle.models[i][j], 5e-5);
  }
}

// What the coordinator's state says that its means have not told yet; empty: no node coordinated.
class Witness final : public Strategy {
 public:
  Witness(std::unique_ptr<Strategy> inner, const QuadraticProblem& problem, Vector& steps, std::vector<float>& untold)
      : inner_(std::move(inner)), problem_(problem), steps_(steps), untold_(untold) {}
  ~Witness() override {
    if (!coordinates_) return;
    Archive saved;
    inner_->archive(saved);
    const std::vector<std::byte> bytes = saved.take();
    Archive state(bytes);
    std::vector<float> reference;
    state.vector("codec.reference", reference, kDimension);
    untold_.resize(kDimension);
    state.floats("error feedback", untold_);
  }
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;

  Task<void> round(Worker& self) override {
    const std::uint64_t step = self.step().value;
    const Vector params(self.params().begin(), self.params().end());
    const Vector gradient = problem_.gradient(self.rank().value, step, params);
    for (std::size_t j = 0; j < kDimension; ++j) steps_[j] -= problem_.rate(step) * gradient[j];
    return inner_->round(self);
  }
  Task<void> coordinate(Coordinator& self) override {
    coordinates_ = true;
    return inner_->coordinate(self);
  }

 private:
  std::unique_ptr<Strategy> inner_;
  const QuadraticProblem& problem_;
  Vector& steps_;  // sum of all updates of all workers
  std::vector<float>& untold_;
  bool coordinates_ = false;
};

TEST(CompressedDmaOnBothClocks, P1_TheSumOfModelsAndOfWhatTheCoordinatorHasNotToldIsWhatTheStepsMadeIt) {
  for (const std::string clock : {"round-synchronous", "asynchronous"}) {
    for (const std::string augment : {"random", "doubling", "all"}) {
      Scenario scenario = compressed_dma("0.5", {{"clock", clock}, {"augment", augment}});
      if (clock == "asynchronous") {
        for (int k = 0; k < 6; ++k) scenario.step_cost.push_back({0.0010 + 0.0001 * k});
      }
      Vector steps(kDimension, 0.0);
      std::vector<float> untold;
      scenario.wrap = [&](StrategyFactory inner) -> StrategyFactory {
        return [&, inner] { return std::make_unique<Witness>(inner(), scenario.problem, steps, untold); };
      };
      const Result result = run(scenario);
      ASSERT_EQ(result.outcome.end, Outcome::End::kSteps);
      EXPECT_GT(result.outcome.syncs, 2U) << clock << ", " << augment;
      ASSERT_EQ(untold.size(), kDimension);
      const double left = squared_norm(Vector(untold.begin(), untold.end()));
      EXPECT_GT(left, 0.01) << "else the models alone would say it";
      for (std::size_t j = 0; j < kDimension; ++j) {
        double sum = static_cast<double>(untold[j]);
        for (const std::vector<float>& params : result.params) sum += static_cast<double>(params[j]);
        EXPECT_NEAR(sum, 6.0 * static_cast<double>(scenario.problem.start()[j]) + steps[j], 2e-4)
            << clock << ", " << augment << ", coordinate " << j;
      }
    }
  }
}

TEST(CompressedDmaOnBothClocks, OfAllThatThereIsToTellIsThatOfWholeModels) {
  for (const std::string clock : {"round-synchronous", "asynchronous"}) {
    Scenario scenario = compressed_dma("0.5", {{"clock", clock}});
    scenario.compressor = {};
    scenario.compression = {};
    const Result whole = run(scenario);
    scenario.compressor = "none";
    const Result none = run(scenario);
    EXPECT_EQ(none.outcome.syncs, whole.outcome.syncs) << clock;
    for (std::size_t i = 0; i < whole.params.size(); ++i) {
      for (std::size_t j = 0; j < kDimension; ++j) {
        ASSERT_NEAR(none.params[i][j], whole.params[i][j], 1e-5) << clock << ", worker " << i;
      }
    }
  }
}

}  // namespace
}  // namespace laconic::tests
