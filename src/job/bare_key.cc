#include "job/bare_key.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/options.h"
#include "base/spelling.h"
#include "job/foreign_words.h"
#include "job/schema.h"

namespace laconic {
namespace {

// Of sections that choose no row of a table.
struct MainKey {
  std::string_view section;
  std::string_view key;
};
constexpr std::array kMainKeys = {
    MainKey{"workers", "count"},
    MainKey{"topology", "graph"},
    MainKey{"evaluation", "every"},
    MainKey{"checkpoint", "every"},
};

bool has_key(const SchemaSection& section, std::string_view key) {
  const auto is_it = [&](const OptionSpec& option) { return option.name == key; };
  if (std::any_of(section.options.begin(), section.options.end(), is_it)) return true;
  return std::any_of(section.variants.begin(), section.variants.end(), [&](const SchemaSection::Variant& variant) {
    return std::any_of(variant.options.begin(), variant.options.end(), is_it);
  });
}

// "; did you mean strategy.threshold?", or empty.
std::string key_meant(std::string_view name) {
  if (const ForeignKey* foreign = find_foreign_key("", name)) {
    return foreign->key.empty() ? ": " + std::string(foreign->note)
                                : "; did you mean " + std::string(foreign->key) + "?";
  }
  std::vector<std::string_view> names;
  for (const SchemaSection& section : schema()) {
    for (const OptionSpec& option : section.options) names.push_back(option.name);
    for (const SchemaSection::Variant& variant : section.variants) {
      for (const OptionSpec& option : variant.options) names.push_back(option.name);
    }
  }
  const std::string_view near = nearest(name, names);
  if (near.empty()) return {};
  return "; did you mean " + keys_named(near).front() + "?";
}

}  // namespace

std::vector<std::string> keys_named(std::string_view name) {
  std::vector<std::string> keys;
  for (const SchemaSection& section : schema()) {
    if (has_key(section, name)) keys.push_back(std::string(section.name) + "." + std::string(name));
  }
  return keys;
}

std::string key_of_section(std::string_view section) {
  for (const MainKey& row : kMainKeys) {
    if (row.section == section) return std::string(section) + "." + std::string(row.key);
  }
  for (const SchemaSection& row : schema()) {
    if (row.name == section && !row.variants.empty()) return std::string(section) + "." + std::string(row.variant_key);
  }
  return {};
}

std::string full_key(std::string_view name) {
  if (std::string of_section = key_of_section(name); !of_section.empty()) return of_section;
  std::vector<std::string> keys = keys_named(name);
  if (keys.size() == 1 || (!keys.empty() && keys.front() == "job." + std::string(name) && name != "name")) {
    return keys.front();
  }
  const std::string quoted = "'" + std::string(name) + "'";
  if (keys.empty()) {
    const std::string meant = key_meant(name);
    throw UsageError(quoted + " is no key of a job" +
                     (meant.empty() ? "; laconic list options shows them all" : meant));
  }
  std::string candidates = keys.front();
  for (std::size_t i = 1; i < keys.size(); ++i) candidates += (i + 1 < keys.size() ? ", " : " or ") + keys[i];
  throw UsageError(quoted + " is a key of several sections; write " + candidates);
}

}  // namespace laconic
