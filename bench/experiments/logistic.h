// Regularised logistic regression in closed form, as a learner: fast enough to count millions of workers' steps.
//
//   f(x) = (1/m) sum_j log(1 + exp(-b_j <a_j, x>)) + (lambda/2) ||x||^2,   b_j in {-1, 1}
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "protocol/learner.h"

namespace laconic::bench {

struct LogisticProblem {
  std::size_t dimension = 0;
  std::vector<float> features;  // m x dimension, sample after sample
  std::vector<float> labels;    // m, each -1 or 1
  double lambda = 0.0;

  std::size_t count() const { return labels.size(); }
  std::span<const float> sample(std::size_t j) const { return std::span(features).subspan(j * dimension, dimension); }
  double value(std::span<const float> x) const;
  // The smallest value of f, to about 1e-12 of it: Newton's method, its equations solved by conjugate gradients.
  double minimum() const;
};

// Shirts against T-shirts of Fashion-MNIST, the pair that is hardest to tell apart: 12,000 samples, 785 features (a
// pixel less its mean over the samples, and a one), each sample scaled to the norm 1. In random order, or all of one
// class before the other. `data_dir`: empty for the Debian package's.
LogisticProblem shirts(const std::string& data_dir, double lambda, bool sorted);

// The worker with part `rank` of `workers` equal consecutive parts of the samples. Takes plain gradient steps on one of
// them, drawn at random.
std::unique_ptr<Learner> make_logistic_learner(const LogisticProblem& problem, int rank, int workers,
                                               double learning_rate, std::uint64_t seed);

}  // namespace laconic::bench
