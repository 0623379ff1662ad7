// A new algorithm is one file with its row, and one line here.
#include "strategies/registry.h"

#include <array>
#include <string>
#include <vector>

#include "base/error.h"
#include "strategies/rows.h"

namespace laconic {

namespace {
constexpr std::array kRows = {&kFda,
                              &kFdaOpt,
                              &kDma,
                              &kSynchronous,
                              &kPeriodic,
                              &kFedAvg,
                              &kFedOpt,
                              &kAllReduce,
                              &kDPsgd,
                              &kQgDsgdm,
                              &kPowerGossip,
                              &kChoco,
                              &kDcdPsgd,
                              &kEcdPsgd,
                              &kDeepSqueeze,
                              &kSgp,
                              &kSparsePush,
                              &kScsp,
                              &kQuantizedPushSum,
                              &kHierarchical,
                              &kLocal,
                              &kSerial};
}

std::span<const StrategyRow* const> strategies() { return kRows; }

const StrategyRow& find_strategy(std::string_view name) {
  std::vector<std::string_view> names;
  for (const StrategyRow* row : kRows) {
    if (row->name == name) return *row;
    names.push_back(row->name);
  }
  const std::string_view near = nearest(name, names);
  throw UsageError("unknown strategy '" + std::string(name) + "'" +
                   (near.empty() ? "" : "; did you mean '" + std::string(near) + "'?") +
                   " (`laconic list strategies` shows them)");
}

}  // namespace laconic
