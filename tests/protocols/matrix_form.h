// Gossip in matrix form, all nodes in one matrix and in double: what the oracles of gossip algorithms are made of.
#pragma once

#include <cstdint>
#include <vector>

#include "run.h"

namespace laconic::tests {

using Matrix = std::vector<std::vector<double>>;  // row i: node i

// W of the scenario's graph and weights.
Matrix weights_of(const Scenario& s);
// What the nodes begin with, and the common start on every node of the graph.
Matrix first_models(const QuadraticProblem& problem);
Matrix start_rows(const Scenario& s);
// W M
Matrix mixed(const Matrix& weights, const Matrix& models);
// a A + b B
Matrix sum(double a, const Matrix& left, double b, const Matrix& right);
// Every row of A plus the mean row of B: centralised SGD, where B are the nodes' steps.
Matrix plus_mean(const Matrix& models, const Matrix& steps);
// The `k` largest magnitudes of every row; or (k = 0) the whole row.
Matrix largest(const Matrix& rows, std::size_t k);
// The scenario with the operator that does the same to vectors.
Scenario compressing(Scenario s, std::size_t k);
// -eta g of every node at its model.
Matrix steps_at(const QuadraticProblem& problem, std::uint64_t step, const Matrix& models);

// Weights and models are float32: a few roundings of values of the order of 1 a neighbour and step, which do not build
// up.
inline constexpr double kTolerance = 1e-5;
void expect_near(const std::vector<std::vector<float>>& got, const Matrix& expected, double tolerance = kTolerance);

std::vector<double> average(const std::vector<std::vector<float>>& models);
double squared_distance_from_average(const std::vector<std::vector<float>>& models);

}  // namespace laconic::tests
