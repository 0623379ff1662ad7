#include "matrix_form.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "topology/topology.h"

namespace laconic::tests {

Matrix weights_of(const Scenario& s) {
  const MixingMatrix mixing(make_topology(s.topology, graph_nodes(s), 1), find_weights(s.weights));
  Matrix weights(mixing.nodes(), std::vector<double>(mixing.nodes(), 0.0));
  for (int i = 0; i < static_cast<int>(weights.size()); ++i) {
    weights[i][i] = mixing.self_weight({i});
    for (const WeightedNeighbor& neighbor : mixing.neighbors({i})) weights[i][neighbor.rank.value] = neighbor.weight;
  }
  return weights;
}

Matrix first_models(const QuadraticProblem& problem) {
  Matrix models;
  for (int i = 0; i < problem.workers; ++i) {
    const std::vector<float> first = problem.first_model(i);
    models.emplace_back(first.begin(), first.end());
  }
  return models;
}

Matrix start_rows(const Scenario& s) {
  const std::vector<float> start = s.problem.start();
  return Matrix(graph_nodes(s), {start.begin(), start.end()});
}

Matrix mixed(const Matrix& weights, const Matrix& models) {
  Matrix result(models.size(), std::vector<double>(models[0].size(), 0.0));
  for (std::size_t i = 0; i < models.size(); ++i) {
    for (std::size_t j = 0; j < models.size(); ++j) {
      for (std::size_t c = 0; c < models[0].size(); ++c) result[i][c] += weights[i][j] * models[j][c];
    }
  }
  return result;
}

Matrix sum(double a, const Matrix& left, double b, const Matrix& right) {
  Matrix result = left;
  for (std::size_t i = 0; i < left.size(); ++i) {
    for (std::size_t c = 0; c < left[0].size(); ++c) result[i][c] = a * left[i][c] + b * right[i][c];
  }
  return result;
}

Matrix plus_mean(const Matrix& models, const Matrix& steps) {
  Matrix result = models;
  for (std::size_t c = 0; c < models[0].size(); ++c) {
    double mean = 0.0;
    for (const auto& row : steps) mean += row[c] / static_cast<double>(steps.size());
    for (auto& row : result) row[c] += mean;
  }
  return result;
}

Matrix largest(const Matrix& rows, std::size_t k) {
  if (k == 0) return rows;
  Matrix result = rows;
  for (std::vector<double>& row : result) {
    std::vector<double> magnitudes;
    for (const double value : row) magnitudes.push_back(std::abs(value));
    std::nth_element(magnitudes.begin(), magnitudes.begin() + static_cast<std::ptrdiff_t>(k - 1), magnitudes.end(),
                     std::greater<>());
    const double bound = magnitudes[k - 1];
    for (double& value : row) value = std::abs(value) >= bound ? value : 0.0;
  }
  return result;
}

Scenario compressing(Scenario s, std::size_t k) {
  if (k > 0) {
    s.compressor = "top_k";
    s.compression = {{"k", std::to_string(k)}};
  }
  return s;
}

Matrix steps_at(const QuadraticProblem& problem, std::uint64_t step, const Matrix& models) {
  Matrix result;
  for (std::size_t i = 0; i < models.size(); ++i) {
    result.push_back(problem.gradient(static_cast<int>(i), step, models[i]));
    for (double& value : result.back()) value *= -problem.rate(step);
  }
  return result;
}

void expect_near(const std::vector<std::vector<float>>& got, const Matrix& expected, double tolerance) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    for (std::size_t c = 0; c < got[i].size(); ++c)
      ASSERT_NEAR(got[i][c], expected[i][c], tolerance) << "node " << i << ", element " << c;
  }
}

std::vector<double> average(const std::vector<std::vector<float>>& models) {
  std::vector<double> mean(models[0].size(), 0.0);
  for (const auto& model : models) {
    for (std::size_t c = 0; c < mean.size(); ++c) mean[c] += model[c] / static_cast<double>(models.size());
  }
  return mean;
}

double squared_distance_from_average(const std::vector<std::vector<float>>& models) {
  const std::vector<double> mean = average(models);
  double distance = 0.0;
  for (const auto& model : models) {
    for (std::size_t c = 0; c < mean.size(); ++c) distance += (model[c] - mean[c]) * (model[c] - mean[c]);
  }
  return distance;
}

}  // namespace laconic::tests
