// A new algorithm is one file that defines its row, and the row's name in both lists here. No header has the rows, so
// that no other strategy is compiled anew; a row that no file defines is an error of the linker's.
#include "strategies/registry.h"

#include <array>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/spelling.h"
#include "base/utf8.h"

namespace laconic {

extern const StrategyRow kFda, kFdaOpt, kDma, kSynchronous, kPeriodic, kFedAvg, kFedOpt, kAllReduce, kDPsgd, kQgDsgdm,
    kPowerGossip, kChoco, kDcdPsgd, kEcdPsgd, kDeepSqueeze, kSgp, kSparsePush, kScsp, kQuantizedPushSum, kRelay,
    kHierarchical, kLocal, kSerial;

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
                              &kRelay,
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
  throw UsageError("unknown strategy '" + printable(name) + "'" + did_you_mean(name, names) +
                   " (`laconic list strategies` shows them)");
}

}  // namespace laconic
