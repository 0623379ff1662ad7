#include "topology/spectrum.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/random.h"

namespace laconic {
namespace {

// A gap below this is rounding: no connected graph of kMaxNodes that anyone would take has one.
constexpr double kZeroGap = 1e-12;

Spectrum from_extremes(double lambda_2, double lambda_n) {
  Spectrum spectrum;
  spectrum.lambda_2 = std::clamp(lambda_2, -1.0, 1.0);
  spectrum.lambda_n = std::clamp(lambda_n, -1.0, 1.0);
  spectrum.delta = 1.0 - std::max(std::abs(spectrum.lambda_2), std::abs(spectrum.lambda_n));
  if (spectrum.delta < kZeroGap) spectrum.delta = 0.0;
  spectrum.beta = 1.0 - spectrum.lambda_n;
  return spectrum;
}

Spectrum of_one_node() {
  Spectrum spectrum;
  spectrum.delta = 1.0;
  return spectrum;
}

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

// Takes the average out of `x`: what is left is orthogonal to the eigenvector of lambda_1.
void remove_mean(std::span<double> x) {
  const double mean = std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
  for (double& value : x) value -= mean;
}

// The symmetric tridiagonal matrix T that Lanczos's method builds: diagonal[k], and off_diagonal[k] beside it and the
// next; the last off_diagonal is the norm of what the next step would start from.
struct Tridiagonal {
  std::vector<double> diagonal;
  std::vector<double> off_diagonal;
  std::size_t size() const { return diagonal.size(); }
};

// The next pivot of T - x I, from the one before and the off_diagonal between them. Never zero.
double next_pivot(double diagonal, double x, double off_diagonal, double before) {
  constexpr double kSmallest = 1e-290;
  const double pivot = (diagonal - x) - off_diagonal * off_diagonal / before;
  return std::abs(pivot) < kSmallest ? -kSmallest : pivot;
}

// As many pivots are negative as T has eigenvalues below x (Sylvester's law of inertia).
std::size_t eigenvalues_below(const Tridiagonal& t, double x) {
  std::size_t count = 0;
  double pivot = 1.0;
  for (std::size_t k = 0; k < t.size(); ++k) {
    pivot = next_pivot(t.diagonal[k], x, k == 0 ? 0.0 : t.off_diagonal[k - 1], pivot);
    count += pivot < 0.0 ? 1 : 0;
  }
  return count;
}

double extreme_eigenvalue(const Tridiagonal& t, bool largest) {
  double low = -1.0 - 1e-9;
  double high = 1.0 + 1e-9;
  const std::size_t wanted = largest ? t.size() : 1;
  for (;;) {
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) return largest ? high : low;
    (eigenvalues_below(t, middle) >= wanted ? high : low) = middle;
  }
}

// How near x is to an eigenvalue of W: the least residual of the vectors z(r) that meet T z = x z in all rows but r,
// scaled to z_r = 1. Above r such a vector follows the pivots from the top, below r those from the bottom, each in the
// direction in which it is stable (Dhillon and Parlett 2004, twisted factorisations). It fails by gamma_r in row r, and
// by the last off_diagonal times its last component in the row that T has not got yet.
double residual_of(const Tridiagonal& t, double x) {
  const std::size_t size = t.size();
  std::vector<double> from_top(size);         // pivots
  std::vector<double> norm_above(size, 1.0);  // squared norm of z_0 .. z_r
  for (std::size_t k = 0; k < size; ++k) {
    const double b = k == 0 ? 0.0 : t.off_diagonal[k - 1];
    from_top[k] = next_pivot(t.diagonal[k], x, b, k == 0 ? 1.0 : from_top[k - 1]);
    if (k > 0) norm_above[k] += b / from_top[k - 1] * (b / from_top[k - 1]) * norm_above[k - 1];
  }
  double least = std::numeric_limits<double>::infinity();
  double from_bottom = 1.0;
  double norm_below = 0.0;  // squared norm of z_{r+1} .. z_{size-1}
  double last = 1.0;        // |z_{size-1}|
  for (std::size_t k = size; k-- > 0;) {
    double ratio = 0.0;  // z_{k+1} / z_k, without its sign
    const double b = k + 1 == size ? 0.0 : t.off_diagonal[k];
    if (k + 1 < size) {
      ratio = b / from_bottom;
      norm_below = ratio * ratio * (1.0 + norm_below);
      last *= std::abs(ratio);
    }
    from_bottom = next_pivot(t.diagonal[k], x, b, from_bottom);
    const double gamma = from_top[k] + from_bottom - (t.diagonal[k] - x);
    const double residual = std::hypot(gamma, t.off_diagonal.back() * last) / std::sqrt(norm_above[k] + norm_below);
    if (residual < least) least = residual;  // false where a norm overflowed
  }
  return least;
}

// One end of the spectrum as the steps go on.
struct End {
  bool largest;
  double value = 0.0;
  // Bound on the distance to an eigenvalue of W: the least so far. Copies that rounding makes later hide it again, but
  // the value moves outwards only, towards that eigenvalue.
  double error = std::numeric_limits<double>::infinity();

  void observe(const Tridiagonal& t) {
    value = extreme_eigenvalue(t, largest);
    error = std::min(error, residual_of(t, value));
  }
  // A millionth of the distance from +-1, which is what delta and beta are made of; or what rounding leaves.
  bool has_converged() const { return error <= std::max(1e-6 * (1.0 - std::abs(value)), 1e-13); }
};

}  // namespace

Spectrum spectrum_of(const MixingMatrix& mixing) {
  return mixing.nodes() <= kMaxDenseNodes ? dense_spectrum(mixing) : lanczos_spectrum(mixing);
}

Spectrum dense_spectrum(const MixingMatrix& mixing) {
  const std::size_t nodes = mixing.nodes();
  if (nodes == 1) return of_one_node();
  const auto size = static_cast<Eigen::Index>(nodes);
  Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(size, size);
  for (Eigen::Index i = 0; i < size; ++i) {
    const Rank node{static_cast<std::int32_t>(i)};
    matrix(i, i) = mixing.self_weight(node);
    for (const WeightedNeighbor& neighbor : mixing.neighbors(node)) matrix(i, neighbor.rank.value) = neighbor.weight;
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(matrix, Eigen::EigenvaluesOnly);
  LACONIC_CHECK(solver.info() == Eigen::Success, "eigenvalues of " << nodes << " nodes");
  const Eigen::VectorXd& ascending = solver.eigenvalues();
  Spectrum spectrum = from_extremes(ascending(size - 2), ascending(0));
  spectrum.error = static_cast<double>(nodes) * std::numeric_limits<double>::epsilon();
  return spectrum;
}

// Without reorthogonalisation: rounding then makes copies of eigenvalues that were found already, which do no harm to
// the two at the ends (Paige 1972). Only the eigenvector of lambda_1, which is known, is kept out in every step.
Spectrum lanczos_spectrum(const MixingMatrix& mixing, double max_work) {
  const std::size_t nodes = mixing.nodes();
  if (nodes == 1) return of_one_node();
  double work_of_step = 0.0;
  for (std::size_t i = 0; i < nodes; ++i) {
    work_of_step += 8.0 + static_cast<double>(mixing.neighbors(Rank{static_cast<std::int32_t>(i)}).size());
  }
  const auto max_steps = static_cast<std::size_t>(std::max(32.0, max_work / work_of_step));

  std::vector<double> current(nodes);
  std::vector<double> previous(nodes, 0.0);
  std::vector<double> next(nodes);
  RandomStream stream(0, "lanczos start");
  for (double& value : current) value = stream.gaussian();
  remove_mean(current);
  const double norm = std::sqrt(dot(current, current));
  for (double& value : current) value /= norm;

  Tridiagonal t;
  End upper{.largest = true};
  End lower{.largest = false};
  std::size_t next_check = 16;
  for (;;) {
    mixing.multiply(current, next);
    const double diagonal = dot(current, next);
    const double before = t.off_diagonal.empty() ? 0.0 : t.off_diagonal.back();
    for (std::size_t i = 0; i < nodes; ++i) next[i] -= diagonal * current[i] + before * previous[i];
    remove_mean(next);
    const double off_diagonal = std::sqrt(dot(next, next));
    t.diagonal.push_back(diagonal);
    t.off_diagonal.push_back(off_diagonal);
    // The start lies in a space that W leads into itself: every eigenvalue with a share in it has been found.
    const bool exhausted = off_diagonal < 1e-14;
    const bool last = exhausted || t.size() >= max_steps;
    if (last || t.size() >= next_check) {
      upper.observe(t);
      lower.observe(t);
      const bool converged = exhausted || (upper.has_converged() && lower.has_converged());
      if (last || converged) {
        Spectrum spectrum = from_extremes(upper.value, lower.value);
        spectrum.method = SpectrumMethod::kLanczos;
        spectrum.error = std::max({upper.error, lower.error, 1e-14});
        spectrum.steps = t.size();
        spectrum.converged = converged;
        return spectrum;
      }
      next_check = t.size() + t.size() / 4;
    }
    std::swap(previous, current);
    for (std::size_t i = 0; i < nodes; ++i) current[i] = next[i] / off_diagonal;
  }
}

double gamma_star(double delta, double beta, double omega) {
  LACONIC_CHECK(delta >= 0.0 && delta <= 1.0 && beta >= 0.0 && beta <= 2.0 && omega > 0.0 && omega <= 1.0,
                "delta " << delta << ", beta " << beta << ", omega " << omega);
  if (delta == 0.0) return 0.0;
  const double denominator =
      16.0 * delta + delta * delta + 4.0 * beta * beta + 2.0 * delta * beta * beta - 8.0 * delta * omega;
  return delta * delta * omega / denominator;
}

}  // namespace laconic
