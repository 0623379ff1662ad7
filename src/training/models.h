// The table of models.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/options.h"
#include "strategies/learner.h"
#include "training/dataset.h"

namespace laconic {

class Network;  // network.h

struct ModelRow {
  std::string_view name;
  std::string_view summary;
  // Keys of [model] beside `name`.
  std::span<const OptionSpec> options;
  // The model for images of `shape` in `classes` classes. `options` were resolved against the row's. Throws UsageError
  // when an option or the shape is not one that the model can take.
  std::shared_ptr<const Network> (*make)(const Options& options, const ImageShape& shape, std::uint32_t classes);
};

std::span<const ModelRow> models();
// Throws UsageError with the known names.
const ModelRow& find_model(std::string_view name);

// Where each tensor of the network lies in the flat vector.
Layout layout_of(const Network& network);

// Glorot-uniform weights, U(-a, a) with a = sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010), zero biases: a
// function of the network and the seed, the same for every worker.
std::vector<float> initial_parameters(const Network& network, std::uint64_t seed);

}  // namespace laconic
