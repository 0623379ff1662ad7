#include "topology/spectrum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "base/random.h"
#include "topology/topology.h"

namespace laconic {
namespace {

MixingMatrix mixing_of(const std::string& spec, std::string_view weights = "metropolis", std::uint64_t seed = 1) {
  return MixingMatrix(make_topology(spec, std::nullopt, seed), find_weights(weights));
}

constexpr double kTestWork = 1e8;

double delta_of(const std::string& spec, std::string_view weights = "metropolis") {
  return spectrum_of(mixing_of(spec, weights)).delta;
}

// All eigenvalues, ascending, by Jacobi's rotations on the full matrix: slow, simple, and nothing of the library's.
std::vector<double> eigenvalues_by_rotations(const MixingMatrix& mixing) {
  const std::size_t n = mixing.nodes();
  std::vector<std::vector<double>> a(n, std::vector<double>(n, 0.0));
  for (std::size_t i = 0; i < n; ++i) {
    const Rank node{static_cast<std::int32_t>(i)};
    a[i][i] = mixing.self_weight(node);
    for (const auto& neighbor : mixing.neighbors(node)) {
      a[i][static_cast<std::size_t>(neighbor.rank.value)] = neighbor.weight;
    }
  }
  for (int sweep = 0; sweep < 30; ++sweep) {
    for (std::size_t p = 0; p < n; ++p) {
      for (std::size_t q = p + 1; q < n; ++q) {
        if (a[p][q] == 0.0) continue;
        const double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
        const double t = (theta >= 0 ? 1.0 : -1.0) / (std::abs(theta) + std::sqrt(theta * theta + 1));
        const double c = 1 / std::sqrt(t * t + 1);
        const double s = t * c;
        for (std::size_t k = 0; k < n; ++k) {
          const double kp = a[k][p];
          const double kq = a[k][q];
          a[k][p] = c * kp - s * kq;
          a[k][q] = s * kp + c * kq;
        }
        for (std::size_t k = 0; k < n; ++k) {
          const double pk = a[p][k];
          const double qk = a[q][k];
          a[p][k] = c * pk - s * qk;
          a[q][k] = s * pk + c * qk;
        }
      }
    }
  }
  std::vector<double> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = a[i][i];
  std::sort(values.begin(), values.end());
  return values;
}

// Koloskova et al. (ICLR 2020, tables 1 and 6) for ring, torus and complete; closed forms below for all but Davis.
TEST(SpectralGap, IsThePublishedOneOfEveryGraph) {
  const struct {
    const char* spec;
    const char* weights;
    double delta;
  } kTable[] = {
      {"ring:4", "metropolis", .66667},       {"ring:8", "metropolis", .19526},    {"ring:16", "metropolis", .05075},
      {"ring:32", "metropolis", .01281},      {"ring:64", "metropolis", .00321},   {"torus:3x3", "metropolis", .6},
      {"torus:4x4", "metropolis", .4},        {"torus:5x5", "metropolis", .27639}, {"torus:6x6", "metropolis", .2},
      {"torus:8x8", "metropolis", .11716},    {"complete:2", "metropolis", 1},     {"complete:8", "metropolis", 1},
      {"complete:33", "metropolis", 1},       {"star:3", "metropolis", 1.0 / 3},   {"star:8", "metropolis", 1.0 / 8},
      {"star:32", "metropolis", 1.0 / 32},    {"hypercube:8", "metropolis", .5},   {"hypercube:16", "metropolis", .4},
      {"hypercube:32", "metropolis", .33333}, {"davis", "metropolis", .08210},     {"davis", "max_degree", .09033},
  };
  for (const auto& row : kTable) {
    EXPECT_NEAR(delta_of(row.spec, row.weights), row.delta, 0.5e-5) << row.spec << " " << row.weights;
  }
}

TEST(SpectralGap, FollowsTheClosedForms) {
  constexpr double kTolerance = 1e-12;
  constexpr double kPi = std::numbers::pi;
  for (const int n : {4, 5, 7, 10, 33, 100}) {
    // The eigenvalues of a ring: 1/3 + 2/3 cos(2 pi k / n).
    const Spectrum ring = spectrum_of(mixing_of("ring:" + std::to_string(n)));
    EXPECT_NEAR(ring.lambda_2, 1.0 / 3 + 2.0 / 3 * std::cos(2 * kPi / n), kTolerance);
    EXPECT_NEAR(ring.beta, 2.0 / 3 - 2.0 / 3 * std::cos(2 * kPi * (n / 2) / n), kTolerance);
    // Those of a chain with 1/3 on every edge: 1/3 + 2/3 cos(pi k / n).
    const Spectrum chain = spectrum_of(mixing_of("chain:" + std::to_string(n)));
    EXPECT_NEAR(chain.lambda_2, 1.0 / 3 + 2.0 / 3 * std::cos(kPi / n), kTolerance);
    EXPECT_NEAR(chain.lambda_n, 1.0 / 3 + 2.0 / 3 * std::cos(kPi * (n - 1) / n), kTolerance);
    EXPECT_NEAR(delta_of("star:" + std::to_string(n)), 1.0 / n, kTolerance);
    EXPECT_NEAR(delta_of("complete:" + std::to_string(n)), 1.0, kTolerance);
  }
  for (int dimension = 2; dimension <= 7; ++dimension) {
    const Spectrum cube = spectrum_of(mixing_of("hypercube:" + std::to_string(1 << dimension)));
    EXPECT_NEAR(cube.delta, 2.0 / (dimension + 1), kTolerance);
    EXPECT_NEAR(cube.beta, 2.0 * dimension / (dimension + 1), kTolerance);
  }
}

TEST(SpectralGap, IsThatOfJacobisRotationsOnRandomGraphs) {
  RandomStream stream(3, "spectrum test");
  for (int trial = 0; trial < 60; ++trial) {
    const auto nodes = 2 + stream.below(24);
    const std::string spec = "erdos_renyi:" + std::to_string(nodes) + ":" + (trial % 2 == 0 ? "0.4" : "0.8");
    const MixingMatrix mixing = mixing_of(spec, mixing_weights()[trial % 3].name, stream());
    const std::vector<double> values = eigenvalues_by_rotations(mixing);
    ASSERT_NEAR(values.back(), 1.0, 1e-12) << "W has the eigenvalue 1";
    const double lambda_2 = values[values.size() - 2];
    const double lambda_n = values.front();
    const double delta = 1 - std::max(std::abs(lambda_2), std::abs(lambda_n));
    for (const Spectrum& spectrum : {dense_spectrum(mixing), lanczos_spectrum(mixing, kTestWork)}) {
      const double tolerance = spectrum.method == SpectrumMethod::kDense ? 1e-12 : 1e-9;
      EXPECT_TRUE(spectrum.converged);
      EXPECT_NEAR(spectrum.lambda_2, lambda_2, tolerance) << spec;
      EXPECT_NEAR(spectrum.lambda_n, lambda_n, tolerance) << spec;
      EXPECT_NEAR(spectrum.delta, delta, tolerance) << spec;
      EXPECT_NEAR(spectrum.beta, 1 - lambda_n, tolerance) << spec;
    }
  }
}

TEST(SpectralGap, ByLanczosIsThatOfTheDenseMethodAndOfTheClosedForms) {
  for (const char* spec : {"ring:300", "torus:12x25", "star:200", "hypercube:256", "chain:150", "davis", "karate",
                           "random_regular:300:4", "complete:60"}) {
    for (const WeightsRow& row : mixing_weights()) {
      const MixingMatrix mixing = mixing_of(spec, row.name);
      const Spectrum dense = dense_spectrum(mixing);
      const Spectrum sparse = lanczos_spectrum(mixing, kTestWork);
      EXPECT_EQ(sparse.method, SpectrumMethod::kLanczos);
      EXPECT_TRUE(sparse.converged) << spec;
      EXPECT_NEAR(sparse.delta, dense.delta, 1e-6 * dense.delta) << spec << " " << row.name;
      EXPECT_NEAR(sparse.beta, dense.beta, 1e-6 * dense.beta) << spec << " " << row.name;
    }
  }
  const Spectrum large = spectrum_of(mixing_of("torus:60x100"));
  EXPECT_EQ(large.method, SpectrumMethod::kLanczos);
  const double expected = 2.0 / 5 * (1 - std::cos(2 * std::numbers::pi / 100));
  EXPECT_NEAR(large.delta, expected, 1e-6 * expected);
}

TEST(SpectralGap, SaysWhenTheBudgetEndsBeforeItIsFound) {
  const Spectrum spectrum = lanczos_spectrum(mixing_of("ring:5000"), 2e6);
  const double truth = 2.0 / 3 * (1 - std::cos(2 * std::numbers::pi / 5000));
  EXPECT_FALSE(spectrum.converged);
  EXPECT_GT(spectrum.delta, truth) << "an upper bound";
  EXPECT_GE(spectrum.error, 1e-6 * spectrum.delta);
}

TEST(SpectralGap, IsZeroWhereGossipGoesBackAndForth) {
  for (const char* spec : {"ring:8", "torus:4x4", "hypercube:16", "chain:2"}) {
    EXPECT_EQ(delta_of(spec, "max_degree"), 0.0) << spec;
  }
  EXPECT_GT(delta_of("ring:9", "max_degree"), 0.0);
}

TEST(SpectralGap, OfOneNodeIsOne) {
  const Spectrum spectrum = spectrum_of(mixing_of("ring:1"));
  EXPECT_EQ(spectrum.delta, 1.0);
  EXPECT_EQ(spectrum.beta, 0.0);
  EXPECT_EQ(gamma_star(spectrum.delta, spectrum.beta, 1.0), 1.0 / 9);
}

// The definition of delta: nothing orthogonal to the ones shrinks less.
TEST(SpectralGap, BoundsTheDistanceFromTheAverageAfterARoundOfGossip) {
  RandomStream stream(5, "spectrum test");
  for (const char* spec : {"ring:16", "torus:4x4", "davis", "karate", "star:12", "hypercube:32"}) {
    const MixingMatrix mixing = mixing_of(spec);
    const Spectrum spectrum = spectrum_of(mixing);
    std::vector<double> x(mixing.nodes());
    double mean = 0.0;
    for (double& value : x) mean += (value = stream.gaussian()) / static_cast<double>(x.size());
    for (double& value : x) value -= mean;
    std::vector<double> next(x.size());
    double slowest = 0.0;
    for (int round = 0; round < 2000; ++round) {
      mixing.multiply(x, next);
      double before = 0.0;
      double after = 0.0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        before += x[i] * x[i];
        after += next[i] * next[i];
      }
      if (before < 1e-20) break;
      slowest = std::max(slowest, std::sqrt(after / before));
      x.swap(next);
    }
    EXPECT_LE(slowest, (1 - spectrum.delta) * (1 + 1e-9)) << spec;
    EXPECT_GE(slowest, (1 - spectrum.delta) * (1 - 1e-3)) << spec << ": and it is nearly met";
  }
}

// Koloskova et al., ICML 2019, theorem 2, in exact fractions: delta = 1/2, beta = 1, omega = 1/4.
TEST(GammaStar, IsTheFormula) {
  EXPECT_NEAR(gamma_star(0.5, 1.0, 0.25), (1.0 / 16) / (8.0 + 0.25 + 4 + 1 - 1), 1e-16);
  EXPECT_NEAR(gamma_star(1.0, 1.0, 1.0), 1.0 / (16 + 1 + 4 + 2 - 8), 1e-16);
  EXPECT_EQ(gamma_star(0.0, 2.0, 0.1), 0.0);
}

}  // namespace
}  // namespace laconic
