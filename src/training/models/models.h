// The table of models.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/options.h"
#include "protocol/learner.h"
#include "training/data/dataset.h"

namespace laconic {

class Network;  // network.h

struct ModelRow {
  std::string_view name;
  std::string_view summary;
  std::optional<Input> input;  // what it learns; nothing: either
  // Keys of [model] beside `name`.
  std::span<const OptionSpec> options;
  // The model for samples of `shape`, empty for text, and what is to be predicted of them. `options` were resolved
  // against the row's. Throws UsageError when an option, the shape or the prediction is not one that it can take.
  std::shared_ptr<const Network> (*make)(const Options& options, const ImageShape& shape, const Prediction& prediction);
};

std::span<const ModelRow> models();
// Throws UsageError with the known names.
const ModelRow& find_model(std::string_view name);

// Where each tensor of the network lies in its flat vectors: of parameters, of buffers.
Layout layout_of(const Network& network);
Layout buffer_layout_of(const Network& network);

// The tensors of `first`, then those of `second` behind them.
Layout joined(Layout first, const Layout& second);

// The start of every worker: a function of the network and the seed.
std::vector<float> initial_parameters(const Network& network, std::uint64_t seed);
std::vector<float> initial_buffers(const Network& network);

}  // namespace laconic
