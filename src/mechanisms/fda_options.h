// The options of federated dynamic averaging (strategies/fda.cc, fda_asynchronous.h).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "mechanisms/budget.h"
#include "mechanisms/variance_watch.h"
#include "protocol/strategy.h"

namespace laconic {

enum class FdaScreen { kNone, kLockStep, kLate };

struct FdaOptions {
  double threshold = 0.0;            // with a budget: of the first checks
  std::optional<BudgetRate> budget;  // instead of one
  WatchOptions watch;
  std::uint64_t check_every = 1;
  FdaScreen screen = FdaScreen::kNone;
  bool decide_late = false;
  bool asynchronous = false;
  std::uint64_t age = 0;  // asynchronous: steps after which a state does not count any more; 0: it always does
};

std::vector<OptionSpec> fda_options();
void check_fda_options(const Options& options);
// Checks them too.
FdaOptions read_fda_options(const Options& options);
Demands fda_demands(const Options& options);

// Theta where `present` of `all` workers are there, 2 at least: with the monitor `exact` less for fewer (fda.cc).
double threshold_for(const WatchOptions& watch, double threshold, std::size_t present, std::size_t all);

}  // namespace laconic
