#include "monitor/monitor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "base/random.h"

namespace laconic {
namespace {

constexpr std::size_t kDimension = 3001;

using Vector = std::vector<float>;

// K workers that moved from a common reference: partly together, partly each its own way.
struct Scene {
  Vector reference;
  Vector previous;
  std::vector<Vector> workers;

  // `together` and `apart` scale the two parts of a drift.
  Scene(std::uint64_t seed, std::size_t worker_count, double together, double apart)
      : reference(kDimension), previous(kDimension), workers(worker_count, Vector(kDimension)) {
    RandomStream stream(seed, "monitor_test");
    for (std::size_t j = 0; j < kDimension; ++j) {
      reference[j] = static_cast<float>(stream.gaussian());
      const double direction = stream.gaussian();
      previous[j] = static_cast<float>(static_cast<double>(reference[j]) - 0.1 * direction);
      // The common move resembles the last one, as in training.
      const double common = together * (0.5 * direction + stream.gaussian());
      for (Vector& worker : workers) {
        worker[j] = static_cast<float>(static_cast<double>(reference[j]) + common + apart * stream.gaussian());
      }
    }
  }
};

// The definitions in long double, from the models alone.
struct Truth {
  long double variance = 0.0L;        // (1/K) sum ||w_k - mean||^2
  long double mean_square = 0.0L;     // (1/K) sum ||u_k||^2
  long double largest_square = 0.0L;  // max ||u_k||^2
  long double square_of_mean = 0.0L;  // ||mean u||^2

  explicit Truth(const Scene& scene) {
    const auto count = static_cast<long double>(scene.workers.size());
    std::vector<long double> mean(kDimension, 0.0L);
    for (const Vector& worker : scene.workers) {
      for (std::size_t j = 0; j < kDimension; ++j) mean[j] += worker[j] / count;
    }
    for (std::size_t j = 0; j < kDimension; ++j) {
      square_of_mean += (mean[j] - scene.reference[j]) * (mean[j] - scene.reference[j]);
    }
    for (const Vector& worker : scene.workers) {
      long double square = 0.0L;
      for (std::size_t j = 0; j < kDimension; ++j) {
        const long double drift = static_cast<long double>(worker[j]) - scene.reference[j];
        square += drift * drift;
        variance += (worker[j] - mean[j]) * (worker[j] - mean[j]) / count;
      }
      mean_square += square / count;
      largest_square = std::max(largest_square, square);
    }
  }
};

const MonitorRow& row(std::string_view name) {
  for (const MonitorRow& candidate : monitors()) {
    if (candidate.name == name) return candidate;
  }
  throw std::out_of_range(std::string(name));
}

Vector observe(const Monitor& monitor, const Scene& scene, std::size_t worker) {
  Vector state(monitor.state_size());
  monitor.observe(scene.workers[worker], scene.reference, scene.previous, state);
  return state;
}

// What the workers' collective makes of their states: a mean summed in double, or the largest bit.
Vector reduce(Monitor::Reduction reduction, const std::vector<Vector>& states) {
  Vector reduced(states.front().size());
  for (std::size_t i = 0; i < reduced.size(); ++i) {
    double sum = 0.0;
    float largest = 0.0F;
    for (const Vector& state : states) {
      sum += static_cast<double>(state[i]);
      largest = std::max(largest, state[i]);
    }
    reduced[i] =
        reduction == Monitor::Reduction::kMean ? static_cast<float>(sum / static_cast<double>(states.size())) : largest;
  }
  return reduced;
}

// H as the workers compute it, each with a monitor of its own.
double estimate(std::string_view name, const Scene& scene, MonitorSetting setting = {}) {
  setting.dimension = kDimension;
  const std::unique_ptr<MonitorFactory> factory = row(name).make(setting);
  std::vector<Vector> states;
  std::unique_ptr<Monitor> monitor;
  for (std::size_t k = 0; k < scene.workers.size(); ++k) {
    monitor = factory->make();
    monitor->synchronised(scene.reference, scene.previous);
    states.push_back(observe(*monitor, scene, k));
  }
  return monitor->estimate(reduce(row(name).reduction, states));
}

std::vector<Scene> scenes() {
  std::vector<Scene> result;
  std::uint64_t seed = 0;
  for (const std::size_t workers : {1UL, 2UL, 5UL, 30UL}) {
    for (const double together : {0.0, 1e-3, 0.5}) {
      for (const double apart : {1e-4, 0.02, 1.0}) result.emplace_back(++seed, workers, together, apart);
    }
  }
  return result;
}

double tolerance(const Truth& truth) { return kStateTolerance * static_cast<double>(truth.mean_square); }

TEST(Monitors, Q1_VarianceIsMeanSquareMinusSquareOfMean) {
  for (const Scene& scene : scenes()) {
    const Truth truth(scene);
    EXPECT_NEAR(static_cast<double>(truth.mean_square - truth.square_of_mean), static_cast<double>(truth.variance),
                1e-12 * static_cast<double>(truth.mean_square));
    EXPECT_NEAR(estimate("exact", scene), static_cast<double>(truth.variance), tolerance(truth));
    EXPECT_NEAR(estimate("naive", scene), static_cast<double>(truth.mean_square), tolerance(truth));
  }
}

TEST(Monitors, Q2_MaxNormAboveNaiveAboveLinearAboveExact) {
  for (const Scene& scene : scenes()) {
    const Truth truth(scene);
    const double exact = estimate("exact", scene);
    const double linear = estimate("linear", scene);
    const double naive = estimate("naive", scene);
    EXPECT_GE(linear, exact - tolerance(truth));
    EXPECT_GE(naive, linear);  // from the same norm: holds without a tolerance
    EXPECT_GE(naive, estimate("sketch", scene));
    // Max-norm has no figure but its threshold: it is over every threshold that naive is over.
    const double below = naive * (1.0 - kStateTolerance);
    EXPECT_GT(estimate("max-norm", scene, {.threshold = below}), below);
  }
}

TEST(Monitors, Q2_LinearIsTheUnitDirectionInLongDouble) {
  const Scene scene(3, 4, 0.3, 0.2);
  const Truth truth(scene);
  long double length = 0.0L;
  long double along = 0.0L;
  for (std::size_t j = 0; j < kDimension; ++j) {
    const long double direction = static_cast<long double>(scene.reference[j]) - scene.previous[j];
    length += direction * direction;
    for (const Vector& worker : scene.workers)
      along += direction * (worker[j] - static_cast<long double>(scene.reference[j]));
  }
  along /= 4.0L * std::sqrt(length);
  EXPECT_GT(static_cast<double>(along * along), 0.01 * static_cast<double>(truth.mean_square))
      << "a scene to see it in";
  EXPECT_NEAR(estimate("linear", scene), static_cast<double>(truth.mean_square - along * along), tolerance(truth));
}

TEST(Monitors, Q2_LinearIsExactWhenTheMeanDriftLiesAlongItsDirection) {
  Scene scene(4, 1, 0.0, 0.0);
  for (std::size_t j = 0; j < kDimension; ++j) {
    scene.workers[0][j] = scene.reference[j] + 2.0F * (scene.reference[j] - scene.previous[j]);
  }
  const Truth truth(scene);
  EXPECT_NEAR(estimate("linear", scene), 0.0, tolerance(truth));
}

TEST(Monitors, Q3_NoSynchronisationImpliesVarianceWithinTheThreshold) {
  for (const Scene& scene : scenes()) {
    const Truth truth(scene);
    const auto variance = static_cast<double>(truth.variance);
    for (const double factor : {0.3, 0.9, 0.999, 1.001, 1.1, 3.0}) {
      const double threshold = factor * variance;
      for (const std::string_view name : {"exact", "linear", "naive", "max-norm"}) {
        if (estimate(name, scene, {.threshold = threshold}) > threshold) continue;
        EXPECT_LE(variance, threshold + tolerance(truth)) << name << " was silent";
      }
    }
  }
}

TEST(Monitors, Q3_MaxNormSpeaksExactlyWhenOneDriftIsOverTheThreshold) {
  for (const Scene& scene : scenes()) {
    const auto largest = static_cast<double>(Truth(scene).largest_square);
    const double over = largest * (1.0 + 1e-9);
    const double under = largest * (1.0 - 1e-9);
    EXPECT_EQ(estimate("max-norm", scene, {.threshold = over}), over);
    EXPECT_GT(estimate("max-norm", scene, {.threshold = under}), under);
  }
}

TEST(Monitors, Q4_TheMeanOfSketchesIsTheSketchOfTheMean) {
  const Scene scene(5, 6, 0.3, 0.2);
  MonitorSetting setting{.dimension = kDimension, .seed = 9};
  const std::unique_ptr<Monitor> monitor = row("sketch").make(setting)->make();
  monitor->synchronised(scene.reference, scene.previous);
  std::vector<Vector> states;
  for (std::size_t k = 0; k < scene.workers.size(); ++k) states.push_back(observe(*monitor, scene, k));
  const Vector mean_state = reduce(Monitor::Reduction::kMean, states);

  Scene mean = scene;
  mean.workers.resize(1);
  double mass = 0.0;
  for (std::size_t j = 0; j < kDimension; ++j) {
    double sum = 0.0;
    for (const Vector& worker : scene.workers) sum += static_cast<double>(worker[j]);
    mean.workers[0][j] = static_cast<float>(sum / static_cast<double>(scene.workers.size()));
    mass += std::abs(static_cast<double>(mean.workers[0][j]));
  }
  const Vector state_of_mean = observe(*monitor, mean, 0);
  double largest = 0.0;
  for (std::size_t i = 1; i < mean_state.size(); ++i) {
    // The mean model and both states are rounded to float; a bucket holds at most the whole mass.
    EXPECT_NEAR(mean_state[i], state_of_mean[i], 4.0 * 0x1p-24 * (mass / 50.0 + 10.0)) << i;
    largest = std::max(largest, std::abs(static_cast<double>(mean_state[i])));
  }
  EXPECT_GT(largest, 0.1) << "a sketch to compare";
}

TEST(Monitors, Q5_SketchFailsForAboutNinePercentOfTheSeeds) {
  // One worker with a dense drift: H = ||u||^2 - M2 / (1 + eps) must not be under Var = 0, and is when
  // M2 > (1 + eps) ||u||^2. 3000 seeds estimate a rate of 9% to a standard deviation of 0.52%.
  constexpr int kSeeds = 3000;
  const Scene scene(6, 1, 0.0, 1.0);
  int failures = 0;
  for (int seed = 0; seed < kSeeds; ++seed) {
    failures += estimate("sketch", scene, {.seed = static_cast<std::uint64_t>(seed)}) < 0.0 ? 1 : 0;
  }
  const double rate = static_cast<double>(failures) / kSeeds;
  RecordProperty("failure_rate", std::to_string(rate));
  EXPECT_GT(rate, 0.07);
  EXPECT_LT(rate, 0.11);
}

TEST(Monitors, LinearWithoutAMoveIsNaive) {
  Scene scene(7, 3, 0.3, 0.2);
  scene.previous = scene.reference;
  EXPECT_EQ(estimate("linear", scene), estimate("naive", scene));
}

TEST(Monitors, LinearStartsWithASeededGaussianDirection) {
  const MonitorSetting setting{.dimension = kDimension, .seed = 3};
  const Scene scene(8, 1, 0.0, 0.1);
  const Vector previous = row("linear").make(setting)->first_previous(scene.reference);
  EXPECT_EQ(previous, row("linear").make(setting)->first_previous(scene.reference));
  MonitorSetting other = setting;
  other.seed = 4;
  EXPECT_NE(previous, row("linear").make(other)->first_previous(scene.reference));
  // Mean 0 and variance 1 of the direction, each to six standard deviations of its estimate.
  ASSERT_EQ(previous.size(), kDimension);
  double sum = 0.0;
  double squares = 0.0;
  for (std::size_t j = 0; j < kDimension; ++j) {
    const double direction = static_cast<double>(scene.reference[j]) - static_cast<double>(previous[j]);
    sum += direction;
    squares += direction * direction;
  }
  const double count = kDimension;
  EXPECT_NEAR(sum / count, 0.0, 6.0 / std::sqrt(count));
  EXPECT_NEAR(squares / count, 1.0, 6.0 * std::sqrt(2.0 / count));
}

TEST(Monitors, LinearRefusesToObserveWithoutADirection) {
  const Scene scene(9, 1, 0.0, 0.1);
  const std::unique_ptr<Monitor> monitor = row("linear").make({.dimension = kDimension})->make();
  EXPECT_THROW(observe(*monitor, scene, 0), CheckFailed);
}

TEST(Monitors, TheTableSaysWhatTheMonitorsAre) {
  const MonitorSetting setting{.dimension = 100, .threshold = 1.0, .sketch_rows = 3, .sketch_cols = 20};
  std::vector<std::string> names;
  for (const MonitorRow& candidate : monitors()) {
    const std::unique_ptr<MonitorFactory> factory = candidate.make(setting);
    const std::unique_ptr<Monitor> monitor = factory->make();
    EXPECT_EQ(monitor->state_size(), candidate.state_size(setting)) << candidate.name;
    EXPECT_EQ(candidate.reduction == Monitor::Reduction::kAny, candidate.name == "max-norm") << candidate.name;
    EXPECT_EQ(factory->first_previous(Vector(100)).size(), candidate.name == "linear" ? 100U : 0U) << candidate.name;
    EXPECT_FALSE(candidate.help.empty());
    names.emplace_back(candidate.name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"exact", "sketch", "linear", "naive", "max-norm"}));
  EXPECT_EQ(row("sketch").state_size({.dimension = 100}) * sizeof(float), 5004U);
}

TEST(Monitors, NoDriftIsNoVarianceAndANanIsNotHidden) {
  Scene scene(10, 2, 0.0, 0.0);
  for (Vector& worker : scene.workers) worker = scene.reference;
  for (const MonitorRow& candidate : monitors()) EXPECT_EQ(estimate(candidate.name, scene), 0.0) << candidate.name;
  scene.workers[1][17] = std::numeric_limits<float>::quiet_NaN();
  for (const std::string_view name : {"exact", "sketch", "linear", "naive"}) {
    EXPECT_TRUE(std::isnan(estimate(name, scene))) << name;
  }
}

}  // namespace
}  // namespace laconic
