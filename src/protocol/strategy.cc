#include "protocol/strategy.h"

#include <map>

#include "base/error.h"

namespace laconic {

Task<void> Strategy::coordinate(Coordinator& self) { return serve_collectives(self.comm()); }

void Strategy::archive_common(Archive&) {
  LACONIC_CHECK(false, "a strategy whose workers may not be absent has nothing that one which joins could take");
}

std::span<const float> Strategy::common_model() const {
  LACONIC_CHECK(false, "a strategy whose workers may not be absent has no model for one which joins");
  return {};
}

Demands default_demands(const StrategyRow& row) {
  std::vector<OptionSpec> specs;
  for (const OptionSpec& spec : row.options) {
    if (!spec.required) specs.push_back(spec);
  }
  return row.demands(Options(row.name, specs, {}));
}

Options options_of(const StrategyRow& row, const Variant& variant, std::string_view where) {
  std::map<std::string, GivenOption> given;
  for (const OptionText& option : variant.options) {
    given[std::string(option.name)] = {.text = std::string(option.text), .where = std::string(where)};
  }
  return {"strategy", row.options, given};
}

std::span<const Variant> variants_of(const StrategyRow& row) {
  static const Variant plain;
  return row.variants.empty() ? std::span(&plain, 1) : row.variants;
}

const Variant* variant_where(const StrategyRow& row, bool (*holds)(const Demands& demands)) {
  for (const Variant& variant : row.variants) {
    if (holds(row.demands(options_of(row, variant, row.name)))) return &variant;
  }
  return nullptr;
}

std::string text_of(const StrategyRow& row, const Variant& variant, std::string_view section) {
  std::string text;
  for (const OptionText& option : variant.options) {
    bool quoted = true;
    for (const OptionSpec& spec : row.options) {
      const bool is_word =
          spec.type != OptionType::kInteger && spec.type != OptionType::kNumber && spec.type != OptionType::kFlag;
      if (spec.name == option.name) quoted = is_word;
    }
    const std::string quote = quoted ? "\"" : "";
    text += (text.empty() ? "" : " and ") + std::string(section) + "." + std::string(option.name) + " = " + quote +
            std::string(option.text) + quote;
  }
  return text;
}

const OptionSpec* option_against(const StrategyRow& row, const Options& options,
                                 bool (*holds)(const Demands& demands)) {
  for (const OptionSpec& spec : row.options) {
    if (spec.required || !options.given(spec.name)) continue;
    if (holds(row.demands(options.with(spec.name, std::string(spec.default_value))))) return &spec;
  }
  return nullptr;
}

}  // namespace laconic
