// The table of strategies.
#pragma once

#include <span>
#include <string_view>

#include "protocol/strategy.h"

namespace laconic {

// All strategies, in the order of the docs.
std::span<const StrategyRow* const> strategies();

// The row of that name. Throws UsageError with the nearest name otherwise.
const StrategyRow& find_strategy(std::string_view name);

}  // namespace laconic
