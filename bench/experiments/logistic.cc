#include "logistic.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/random.h"
#include "compress/compressor.h"
#include "kernels/vector_ops.h"
#include "training/data/dataset.h"

namespace laconic::bench {
namespace {

// log(1 + exp(-z)) without overflow.
double logistic_loss(double z) { return std::max(-z, 0.0) + std::log1p(std::exp(-std::abs(z))); }
double sigmoid(double z) { return 1.0 / (1.0 + std::exp(-z)); }

double dot(std::span<const float> a, std::span<const double> x) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * x[i];
  return sum;
}

double dot(std::span<const double> x, std::span<const double> y) {
  return std::inner_product(x.begin(), x.end(), y.begin(), 0.0);
}

double exact_value(const LogisticProblem& problem, std::span<const double> x) {
  double sum = 0.0;
  for (std::size_t j = 0; j < problem.count(); ++j) sum += logistic_loss(problem.labels[j] * dot(problem.sample(j), x));
  return sum / static_cast<double>(problem.count()) + 0.5 * problem.lambda * dot(x, x);
}

// (1/m) sum_j weights_j <a_j, v> a_j + lambda v, or with `v` empty (1/m) sum_j weights_j a_j.
std::vector<double> weighted_sum(const LogisticProblem& problem, std::span<const double> weights,
                                 std::span<const double> v) {
  std::vector<double> sum(problem.dimension);
  for (std::size_t j = 0; j < problem.count(); ++j) {
    const std::span<const float> a = problem.sample(j);
    kernels::accumulate(v.empty() ? weights[j] : weights[j] * dot(a, v), a, sum);
  }
  for (std::size_t i = 0; i < sum.size(); ++i) {
    sum[i] = sum[i] / static_cast<double>(problem.count()) + (v.empty() ? 0.0 : problem.lambda * v[i]);
  }
  return sum;
}

// The Newton direction at x: the Hessian's inverse times `gradient`, by conjugate gradients.
std::vector<double> newton_direction(const LogisticProblem& problem, std::span<const double> curvatures,
                                     std::span<const double> gradient) {
  std::vector<double> direction(gradient.size());
  std::vector<double> residual(gradient.begin(), gradient.end());
  std::vector<double> p = residual;
  double square = dot(residual, residual);
  const double enough = 1e-8 * square;
  for (int i = 0; i < 1000 && square > enough; ++i) {
    const std::vector<double> hp = weighted_sum(problem, curvatures, p);
    const double step = square / dot(p, hp);
    for (std::size_t k = 0; k < p.size(); ++k) {
      direction[k] += step * p[k];
      residual[k] -= step * hp[k];
    }
    const double next = dot(residual, residual);
    for (std::size_t k = 0; k < p.size(); ++k) p[k] = residual[k] + next / square * p[k];
    square = next;
  }
  return direction;
}

class LogisticLearner final : public Learner {
 public:
  LogisticLearner(const LogisticProblem& problem, int rank, int workers, double learning_rate, std::uint64_t seed)
      : problem_(problem),
        rank_(static_cast<std::size_t>(rank)),
        workers_(static_cast<std::size_t>(workers)),
        learning_rate_(learning_rate),
        seed_(seed),
        layout_(flat_layout(problem.dimension)),
        params_(problem.dimension),
        gradient_(problem.dimension) {}

  std::span<float> params() override { return params_; }
  std::span<float> gradient() override { return gradient_; }
  const Layout& layout() const override { return layout_; }
  std::span<float> buffers() override { return {}; }
  std::uint64_t samples() const override { return end(rank_ + 1) - end(rank_); }

  double learning_rate() const override { return learning_rate_; }

  StepResult compute_gradient(Step step) override {
    RandomStream stream(seed_, "sample", {rank_, step.value});
    const std::size_t j = end(rank_) + stream.below(samples());
    const std::span<const float> a = problem_.sample(j);
    const double b = problem_.labels[j];
    const double margin = b * kernels::dot(a, params_);
    std::copy(params_.begin(), params_.end(), gradient_.begin());
    kernels::scale(static_cast<float>(problem_.lambda), gradient_);
    kernels::axpy(static_cast<float>(-b * sigmoid(-margin)), a, gradient_);
    return {.loss = logistic_loss(margin), .samples = 1};
  }
  void apply_gradient() override { kernels::axpy(static_cast<float>(-learning_rate_), gradient_, params_); }
  StepResult local_step(Step step) override {
    const StepResult result = compute_gradient(step);
    apply_gradient();
    return result;
  }

  // f itself, on all samples. There is no other split.
  Evaluation evaluate(std::span<const float> params, std::span<const float>, Split split) override {
    if (split != Split::kTest) return {};
    return {.loss = problem_.value(params), .samples = problem_.count()};
  }
  void archive(Archive&) override {}

 private:
  // Where the part before `part` ends.
  std::size_t end(std::size_t part) const { return problem_.count() * part / workers_; }

  const LogisticProblem& problem_;
  std::size_t rank_;
  std::size_t workers_;
  double learning_rate_;
  std::uint64_t seed_;
  Layout layout_;
  std::vector<float> params_;
  std::vector<float> gradient_;
};

}  // namespace

double LogisticProblem::value(std::span<const float> x) const {
  double sum = 0.0;
  for (std::size_t j = 0; j < count(); ++j) sum += logistic_loss(labels[j] * kernels::dot(sample(j), x));
  return sum / static_cast<double>(count()) + 0.5 * lambda * kernels::squared_norm(x);
}

double LogisticProblem::minimum() const {
  std::vector<double> x(dimension);
  double best = exact_value(*this, x);
  std::vector<double> pulls(count());
  std::vector<double> curvatures(count());
  for (int i = 0; i < 100; ++i) {
    for (std::size_t j = 0; j < count(); ++j) {
      const double wrong = sigmoid(-labels[j] * dot(sample(j), x));
      pulls[j] = -labels[j] * wrong;
      curvatures[j] = wrong * (1.0 - wrong);
    }
    std::vector<double> gradient = weighted_sum(*this, pulls, {});
    for (std::size_t k = 0; k < dimension; ++k) gradient[k] += lambda * x[k];
    const std::vector<double> direction = newton_direction(*this, curvatures, gradient);
    // f falls by half of this near the minimum.
    const double decrement = dot(gradient, direction);
    if (decrement < 1e-13 * best) return best;
    std::vector<double> next(dimension);
    double there = best;
    for (double step = 1.0; step > 1e-6; step /= 2.0) {
      for (std::size_t k = 0; k < dimension; ++k) next[k] = x[k] - step * direction[k];
      there = exact_value(*this, next);
      if (there <= best - 0.1 * step * decrement) break;
    }
    LACONIC_CHECK(there < best, "Newton's method makes no progress at " << best);
    x = next;
    best = there;
  }
  LACONIC_CHECK(false, "Newton's method has not ended after 100 iterations");
}

LogisticProblem shirts(const std::string& data_dir, double lambda, bool sorted) {
  const DatasetRow& row = find_dataset("fashion_mnist");
  const Dataset data = load_dataset(row, data_dir.empty() ? std::string(row.default_directory) : data_dir);
  constexpr std::uint8_t kTShirt = 0;
  constexpr std::uint8_t kShirt = 6;
  std::vector<std::size_t> chosen;
  for (std::size_t j = 0; j < data.train.count(); ++j) {
    if (data.train.labels[j] == kTShirt || data.train.labels[j] == kShirt) chosen.push_back(j);
  }
  RandomStream stream(1, "order of samples");
  stream.shuffle(std::span(chosen));
  if (sorted) {
    std::stable_partition(chosen.begin(), chosen.end(), [&](std::size_t j) { return data.train.labels[j] == kShirt; });
  }

  const std::size_t pixels = data.shape.size();
  LogisticProblem problem;
  problem.dimension = pixels + 1;
  problem.lambda = lambda;
  std::vector<double> mean(pixels);
  for (const std::size_t j : chosen) {
    for (std::size_t i = 0; i < pixels; ++i) mean[i] += data.train.pixels[j * pixels + i] / 255.0;
  }
  for (double& value : mean) value /= static_cast<double>(chosen.size());
  for (const std::size_t j : chosen) {
    const std::size_t begin = problem.features.size();
    for (std::size_t i = 0; i < pixels; ++i) {
      problem.features.push_back(static_cast<float>(data.train.pixels[j * pixels + i] / 255.0 - mean[i]));
    }
    problem.features.push_back(1.0F);
    const std::span<float> sample = std::span(problem.features).subspan(begin);
    kernels::scale(static_cast<float>(1.0 / std::sqrt(kernels::squared_norm(sample))), sample);
    problem.labels.push_back(data.train.labels[j] == kShirt ? 1.0F : -1.0F);
  }
  return problem;
}

std::unique_ptr<Learner> make_logistic_learner(const LogisticProblem& problem, int rank, int workers,
                                               double learning_rate, std::uint64_t seed) {
  return std::make_unique<LogisticLearner>(problem, rank, workers, learning_rate, seed);
}

}  // namespace laconic::bench
