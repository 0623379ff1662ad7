// Keys of a job that are given without their section, as "steps" for "job.steps".
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace laconic {

// "section.key" of every key of that name, in the order of the schema.
std::vector<std::string> keys_named(std::string_view name);

// "strategy.name" for "strategy", "workers.count" for "workers": the key that a section's bare name means. Empty where
// the section has no such key, and for a name that is no section's.
std::string key_of_section(std::string_view section);

// The one that is meant: that of the section so named, else that of [job], else the only one. "name" is never that of
// [job] alone, as rows of tables have names too. Throws UsageError, with the candidates, for a name of several keys, and for one of none.
std::string full_key(std::string_view name);

}  // namespace laconic
