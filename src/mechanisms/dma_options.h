// What can be said to dynamic averaging with balancing (strategies/dma.cc).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/options.h"
#include "mechanisms/balance.h"
#include "mechanisms/budget.h"
#include "protocol/strategy.h"

namespace laconic {

struct DmaOptions {
  double threshold = 0.0;            // with a budget: of the first check
  std::optional<BudgetRate> budget;  // instead of one
  std::uint64_t check_every = 1;
  Augmentation augmentation = Augmentation::kDoubling;
  bool asynchronous = false;
};

std::vector<OptionSpec> dma_options();
// Throws UsageError for options that do not go together.
void check_dma_options(const Options& options);
// The same, and what they say.
DmaOptions read_dma_options(const Options& options);

Demands dma_demands(const Options& options);

}  // namespace laconic
