// What a job file may hold: its sections, their keys, and for sections that name a row of a table (data, model,
// optimizer, strategy) the keys of each row. Parsing, checking, `laconic list` and job.resolved.toml follow from it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/options.h"
#include "protocol/strategy.h"

namespace laconic {

struct SchemaSection {
  std::string_view name;
  std::string_view help;
  // Keys that the section always takes.
  std::vector<OptionSpec> options;
  // For a section whose key `variant_key` names a row of a table: what each name adds.
  struct Variant {
    std::string_view name;
    std::string_view help;
    std::span<const OptionSpec> options;
  };
  std::vector<Variant> variants;
  std::string_view variant_key = "name";
  // Whether a strategy with these demands, or the one between its groups, has a use for the section; unset: every one
  // has. Elsewhere the section is refused.
  bool (*used_by)(const StrategyRow&, const Demands&) = nullptr;
  // Of those, the ones that do without it where a job does not have it; unset: none.
  bool (*optional_for)(const Demands&) = nullptr;
  // Whether it means something where the loop is the user's own, which has its data, model and optimiser.
  bool in_own_loop = true;
};

// In the order in which job.resolved.toml has them.
const std::vector<SchemaSection>& schema();

// Whether a key's text is a list, which TOML may write as an array too: ["10 ms", "20 ms"] for "10 ms, 20 ms".
bool is_list(std::string_view section, std::string_view key);

// Whether a key changes how fast a run is or what it shows, but nothing of its result.
bool changes_no_result(std::string_view section, std::string_view key);
// Whether a run that goes on from its checkpoint may have another value: how long it is and what ends it; and, with other
// workers, who trains and who talks with whom.
bool may_change_on_resume(std::string_view section, std::string_view key);
bool may_change_with_workers(std::string_view section, std::string_view key);

// "whole number of at least 1", "one of: star, ring", "duration": what a value may be, for help.
std::string type_text(const OptionSpec& spec);

}  // namespace laconic
