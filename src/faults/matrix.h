// Arithmetic on models as rows of a matrix, in double and rounded once, for what is recomputed of a run.
#pragma once

#include <string>
#include <vector>

#include "base/ids.h"
#include "faults/tiny_job.h"

namespace laconic::faults {

using Model = std::vector<float>;

// How much each worker counts, which the job says by an option.
std::vector<double> weights_of(const TinyJob& job);
// Of at least one model, all of one size; a weight > 0 for each.
Model mean_of(const std::vector<Model>& models, const std::vector<double>& weights);
double variance_of(const std::vector<Model>& models, const std::vector<double>& weights);
double squared_distance(const Model& one, const Model& other);

inline std::string name_of(Rank rank) { return "worker " + std::to_string(rank.value); }

}  // namespace laconic::faults
