// The table of optimisers.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "base/options.h"

namespace laconic {

class FlatOptimizer;  // flat_optimizer.h

struct OptimizerRow {
  std::string_view name;
  std::string_view summary;
  // Keys of [optimizer] beside `name`.
  std::span<const OptionSpec> options;
  // Checks what a table cannot say (one option against another); throws UsageError.
  void (*check)(const Options& options);
  // Vectors of d floats that its state takes at each worker.
  std::size_t (*state_vectors)(const Options& options);
  // A new optimiser without state. Its learning rate is given with each step (learning_rate.h).
  std::unique_ptr<FlatOptimizer> (*make)(const Options& options);
};

std::span<const OptimizerRow> optimizers();
// Throws UsageError with the known names.
const OptimizerRow& find_optimizer(std::string_view name);

}  // namespace laconic
