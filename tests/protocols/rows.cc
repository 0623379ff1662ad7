#include "rows.h"

#include "base/error.h"
#include "strategies/registry.h"

namespace laconic::tests {
namespace {

bool makes_groups(const StrategyRow& row, const Variant& variant, int workers) {
  if (row.groups == nullptr) return true;
  try {
    row.groups(options_of(row, variant, "test"), static_cast<std::uint32_t>(workers));
  } catch (const UsageError&) {
    return false;
  }
  return true;
}

}  // namespace

std::vector<Row> rows(int workers) {
  std::vector<Row> result;
  for (const StrategyRow* row : strategies()) {
    const std::vector<std::string> all_between =
        row->groups == nullptr ? std::vector<std::string>{""} : std::vector<std::string>{"choco", "d_psgd"};
    for (const Variant& variant : variants_of(*row)) {
      if (!makes_groups(*row, variant, workers)) continue;
      Row plain{.strategy = std::string(row->name),
                .variant = variant,
                .options = {},
                .demands = row->demands(options_of(*row, variant, "test")),
                .collective = {},
                .between = {},
                .compressor = {}};
      for (const OptionText& option : variant.options) plain.options.emplace(option.name, option.text);
      for (const Collective collective : {Collective::kStar, Collective::kRing}) {
        plain.collective = collective;
        for (const std::string& between : all_between) {
          result.push_back(plain);
          result.back().between = between;
        }
        if (plain.demands.compression != Compression::kOptional) continue;
        result.push_back(plain);
        result.back().compressor = "sign";  // whose messages have one size
      }
    }
  }
  return result;
}

std::string Row::name() const {
  std::string text = strategy;
  for (const std::string& part : {between, std::string(variant.name), compressor}) {
    if (!part.empty()) text += "_" + part;
  }
  return text + (collective == Collective::kStar ? "_star" : "_ring");
}

void PrintTo(const Row& row, std::ostream* out) { *out << row.name(); }

}  // namespace laconic::tests
