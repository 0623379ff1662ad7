// What the tests of strategies between neighbours run.
#pragma once

#include <cmath>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "matrix_form.h"
#include "run.h"

namespace laconic::tests {

inline constexpr std::size_t kSize = 40;
inline constexpr int kNodes = 6;

// On an undirected graph.
inline Scenario gossip(const std::string& strategy, const std::map<std::string, std::string>& options) {
  return {.problem = {.workers = kNodes, .dimension = kSize, .seed = 3},
          .strategy = strategy,
          .options = options,
          .steps = 30,
          .topology = "ring",
          .evaluate_every = 10};
}

// On directed links.
inline Scenario push(const std::string& strategy, const std::map<std::string, std::string>& options,
                     const std::string& topology = "directed_ring") {
  return {.problem = {.workers = kNodes, .dimension = kSize, .seed = 3, .scatter = 0.5},
          .strategy = strategy,
          .options = options,
          .steps = 30,
          .topology = topology,
          .evaluate_every = 10};
}

// Of models with matrices and a vector.
inline Scenario family(const std::string& strategy, const std::map<std::string, std::string>& options,
                       const std::string& topology = "ring") {
  return {.problem = {.workers = kNodes, .dimension = 84, .seed = 3, .shapes = {{4, 2, 4}, {12}, {5, 8}}},
          .strategy = strategy,
          .options = options,
          .steps = 40,
          .topology = topology,
          .evaluate_every = 10};
}

// No gradient: models that differ and only gossip.
inline Scenario only_gossip(Scenario s) {
  s.problem.learning_rate = 0.0;
  s.problem.scatter = 1.0;
  return s;
}

inline Scenario consensus(const std::string& strategy, const std::map<std::string, std::string>& options) {
  return only_gossip(gossip(strategy, options));
}

// How far the models are from the average of the first ones at the end, as a part of what it was at first.
inline double consensus_error(const Scenario& s) {
  std::vector<std::vector<float>> first;
  for (int i = 0; i < s.problem.workers; ++i) first.push_back(s.problem.first_model(i));
  const std::vector<double> mean = average(first);
  const auto distance = [&](const std::vector<std::vector<float>>& models) {
    double total = 0.0;
    for (const auto& model : models) {
      for (std::size_t c = 0; c < mean.size(); ++c) total += std::pow(model[c] - mean[c], 2);
    }
    return total;
  };
  return distance(run(s).params) / distance(first);
}

}  // namespace laconic::tests
