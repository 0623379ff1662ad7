#include "job/stray_words.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <span>
#include <vector>

#include "base/error.h"
#include "base/spelling.h"
#include "base/utf8.h"
#include "job/foreign_words.h"
#include "job/job_sections.h"
#include "job/value_example.h"
#include "strategies/registry.h"

namespace laconic {
namespace {

using Kind = WrittenValue::Kind;

bool is_override(const WrittenValue& value) { return value.kind == Kind::kOverride; }

const OptionSpec* find_spec(std::span<const OptionSpec> specs, std::string_view key) {
  const auto found = std::find_if(specs.begin(), specs.end(), [&](const OptionSpec& spec) { return spec.name == key; });
  return found == specs.end() ? nullptr : &*found;
}

// What `section` has for a key, of its own or by any of its rows.
std::vector<const OptionSpec*> specs_of(const SchemaSection& section, std::string_view key) {
  std::vector<const OptionSpec*> found;
  if (const OptionSpec* own = find_spec(section.options, key)) found.push_back(own);
  for (const SchemaSection::Variant& variant : section.variants) {
    if (const OptionSpec* spec = find_spec(variant.options, key)) found.push_back(spec);
  }
  return found;
}

// The value as TOML writes it.
std::string toml_text(const WrittenValue& value) {
  const bool plain = value.kind == Kind::kInteger || value.kind == Kind::kNumber || value.kind == Kind::kFlag;
  return plain ? value.text : toml_quoted(value.text);
}

// Where and how a line is written: "[data] batch = 32", "batch = 32" in the section itself, "data.batch=32" with --set.
// Several lines have " and " between.
std::string written(std::string_view section, std::string_view own_section, const std::string& lines, bool with_set) {
  if (!with_set) return (section == own_section ? "" : "[" + std::string(section) + "] ") + printable(lines, 200);
  std::string result;
  for (std::size_t begin = 0; begin < lines.size();) {
    const std::size_t end = std::min(lines.find(" and ", begin), lines.size());
    const std::string line = lines.substr(begin, end - begin);
    const std::size_t equals = std::min(line.find(" = "), line.size());
    std::string value = line.substr(std::min(equals + 3, line.size()));
    if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"')) value = value.substr(1, value.size() - 2);
    result.append(result.empty() ? "" : " and ").append(section).append(".").append(line.substr(0, equals));
    result.append("=").append(printable(value, 200));
    begin = std::min(end + 5, lines.size());
  }
  return result;
}

// Whether any of `specs` takes the value.
bool takes(const SchemaSection& section, const std::vector<const OptionSpec*>& specs, const WrittenValue& value) {
  return std::any_of(specs.begin(), specs.end(), [&](const OptionSpec* spec) {
    try {
      check_kind(section, *spec, value);
      check_value(section, *spec, value);
      return true;
    } catch (const UsageError&) {
      return false;
    }
  });
}

// Whether `spec` takes the text, of whatever type it was written.
bool takes_text(const SchemaSection& section, const OptionSpec& spec, const std::string& text) {
  OptionSpec alone = spec;
  alone.only_with = {};
  try {
    Options(section.name, std::span(&alone, 1), {{std::string(spec.name), {text, {}}}});
    return true;
  } catch (const UsageError&) {
    return false;
  }
}

// The lines that a value was meant to be (line_meant), if the job would take them.
std::optional<std::string> right_line_meant(const SchemaSection& section, const OptionSpec& spec,
                                            const WrittenValue& value) {
  std::optional<std::string> line = line_meant(section.name, spec, value);
  const std::string start = std::string(spec.name) + " = ";
  if (!line || !line->starts_with(start)) return line;
  std::string text = line->substr(start.size());
  if (text.size() >= 2 && text.starts_with('"')) text = text.substr(1, text.size() - 2);
  return takes_text(section, spec, text) ? line : std::nullopt;
}

// The line of `key` with the user's value where it fits, else with `example`.
std::string line_of(const SchemaSection& section, const std::string& key, const WrittenValue& value, bool same_value,
                    std::string_view example) {
  const std::vector<const OptionSpec*> specs = specs_of(section, key);
  if (same_value && value.kind != Kind::kTable && takes(section, specs, value)) {
    return key + " = " + (is_override(value) ? value.text : toml_text(value));
  }
  if (same_value) {
    const ForeignValue* other = find_foreign_value(std::string(section.name) + "." + key, value.text);
    if (other != nullptr && !other->lines.empty()) return std::string(other->lines);
  }
  if (!example.empty()) return key + " = " + std::string(example);
  return specs.empty() ? key + " = ..." : example_line(section.name, *specs.front());
}

// "optimizer" and "learning_rate".
struct Place {
  const SchemaSection* section;
  std::string key;
};
Place place_of(std::string_view full) {
  const std::size_t dot = full.find('.');
  return {find_section(full.substr(0, dot)), std::string(full.substr(dot + 1))};
}

// The sections that have a key of this name, in their order; `name` is in too many to tell.
std::vector<const SchemaSection*> owners_of(std::string_view key) {
  std::vector<const SchemaSection*> owners;
  if (key == "name") return owners;
  for (const SchemaSection& section : schema()) {
    if (!specs_of(section, key).empty()) owners.push_back(&section);
  }
  return owners;
}

// What another program's key is here; `own` is the section it stands in, empty outside any.
[[noreturn]] void refuse_foreign(const ForeignKey& row, std::string_view own, const std::string& key,
                                 const WrittenValue& value) {
  const std::string full = own.empty() ? key : std::string(own) + "." + key;
  if (row.key.empty()) throw UsageError(value.where + ": '" + printable(full) + "': " + std::string(row.note));
  const Place place = place_of(row.key);
  const std::string_view name = place.section->name == own ? std::string_view(place.key) : row.key;
  const std::string line = line_of(*place.section, place.key, value, row.same_value, row.example);
  throw UsageError(value.where + ": '" + printable(full) + "' is " + std::string(name) + " here" +
                   (row.note.empty() ? "" : " (" + std::string(row.note) + ")") + "; write " +
                   written(place.section->name, own, line, is_override(value)));
}

// A table inside a section.
[[noreturn]] void refuse_table(const SchemaSection& section, const std::string& key, const WrittenValue& value) {
  std::vector<std::string_view> rows;
  for (const auto& variant : section.variants) rows.push_back(variant.name);
  const std::string_view row = same_word(key, rows);
  const std::string name(section.name);
  throw UsageError(
      value.where + ": [" + name + "." + printable(key) + "]: sections cannot be nested; put the keys under [" + name +
      "]" + (row.empty() ? "" : ", with " + std::string(section.variant_key) + " = \"" + std::string(row) + "\""));
}

// The options of rows of the section that were not chosen.
void refuse_option_of_other(const SchemaSection& section, const std::string& chosen, const std::string& key,
                            const WrittenValue& value) {
  const std::string full = std::string(section.name) + "." + key;
  std::vector<std::string_view> owners;
  for (const auto& variant : section.variants) {
    if (find_spec(variant.options, key) != nullptr) owners.push_back(variant.name);
  }
  if (owners.empty()) return;
  const SchemaSection* between = section.name == "strategy" ? find_section("between") : nullptr;
  const StrategyRow* strategy = between == nullptr || chosen.empty() ? nullptr : &find_strategy(chosen);
  if (strategy != nullptr && between->used_by(*strategy, default_demands(*strategy)) &&
      !specs_of(*between, key).empty() && find_spec(between->options, key) == nullptr) {
    throw UsageError(value.where + ": '" + full + "' is an option of what runs between the groups of " + chosen +
                     "; put it under [between]");
  }
  throw UsageError(value.where + ": '" + full + "' is an option of " + listed(owners) + ", but " +
                   std::string(section.name) + "." + std::string(section.variant_key) + " is '" + chosen +
                   "'; remove it, or change the " + std::string(section.variant_key));
}

std::string_view type_name(const OptionSpec& spec) {
  switch (spec.type) {
    case OptionType::kInteger:
      return "a whole number";
    case OptionType::kNumber:
      return "a number";
    case OptionType::kFlag:
      return "true or false";
    case OptionType::kText:
    case OptionType::kChoice:
      return "text in quotes";
    case OptionType::kBytes:
    case OptionType::kDuration:
    case OptionType::kRate:
      break;
  }
  return "a number with its unit, in quotes";
}

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::kText:
      return "text";
    case Kind::kInteger:
    case Kind::kNumber:
      return "a number";
    case Kind::kFlag:
      return "a flag";
    case Kind::kList:
      return "a list";
    case Kind::kTable:
      return "a section";
    case Kind::kOther:
    case Kind::kOverride:
      break;
  }
  return "a value of this kind";
}

// Of a list where one value is wanted, its first one.
std::string refusal_of_list(const SchemaSection& section, const OptionSpec& spec, const WrittenValue& value) {
  const std::string name(spec.name);
  WrittenValue first = value;
  first.text = value.text.substr(0, value.text.find(", "));
  const bool plain =
      spec.type == OptionType::kInteger || spec.type == OptionType::kNumber || spec.type == OptionType::kFlag;
  first.kind = plain ? Kind::kNumber : Kind::kText;
  if (spec.type == OptionType::kFlag) first.kind = Kind::kFlag;
  const std::string line =
      takes(section, {&spec}, first) ? name + " = " + toml_text(first) : example_line(section.name, spec);
  return "takes one value, not a list; write " + line + " (laconic sweep runs a job with each of several)";
}

}  // namespace

void refuse_section(const std::string& where, const std::string& name) {
  if (const ForeignSection* row = find_foreign_section(name)) {
    const std::string note(row->note);
    if (row->section.empty()) throw UsageError(where + ": [" + printable(name) + "]: " + note);
    throw UsageError(where + ": [" + printable(name) + "] is [" + std::string(row->section) + "] here" +
                     (note.empty() ? "" : " (" + note + ")") + "; write [" + std::string(row->section) + "]");
  }
  std::vector<std::string_view> names;
  std::string known;
  for (const SchemaSection& section : schema()) {
    names.push_back(section.name);
    known += (known.empty() ? "[" : ", [") + std::string(section.name) + "]";
  }
  const std::string_view near = nearest(name, names);
  throw UsageError(where + ": unknown section [" + printable(name) + "]" +
                   (near.empty() ? "; known are: " + known : "; did you mean [" + std::string(near) + "]?"));
}

void refuse_outside(const std::string& key, const WrittenValue& value) {
  const bool is_section = find_section(key) != nullptr;
  const std::vector<const SchemaSection*> owners = owners_of(key);
  if (!owners.empty() && !is_section) {
    throw UsageError(value.where + ": '" + key + "' is outside any section; put it under [" +
                     std::string(owners.front()->name) + "]");
  }
  if (const ForeignKey* row = find_foreign_key({}, key)) refuse_foreign(*row, {}, key, value);
  throw UsageError(value.where + ": '" + printable(key) + "' is outside any section; put it under one, such as [job]");
}

void refuse_key(const SchemaSection& section, const std::string& chosen, const std::string& key,
                const WrittenValue& value) {
  if (value.kind == Kind::kTable) refuse_table(section, key, value);
  refuse_option_of_other(section, chosen, key, value);
  const ForeignKey* foreign = find_foreign_key(section.name, key);
  if (foreign != nullptr && !foreign->section.empty()) refuse_foreign(*foreign, section.name, key, value);
  // A key of ours in another section, unless it has the name of a section, which is then meant.
  for (const SchemaSection* owner : owners_of(key)) {
    if (owner->name == section.name || find_section(key) != nullptr) continue;
    const std::string line = line_of(*owner, key, value, true, {});
    throw UsageError(value.where + ": unknown key '" + std::string(section.name) + "." + key + "'; it belongs to [" +
                     std::string(owner->name) + "]: write " +
                     written(owner->name, section.name, line, is_override(value)));
  }
  if (foreign != nullptr) refuse_foreign(*foreign, section.name, key, value);
}

void check_kind(const SchemaSection& section, const OptionSpec& spec, const WrittenValue& value) {
  if (is_override(value)) return;
  const std::string place = value.where + ": " + std::string(section.name) + "." + std::string(spec.name) + ": ";
  const auto refuse = [&] {
    if (value.kind == Kind::kList) throw UsageError(place + refusal_of_list(section, spec, value));
    const std::optional<std::string> meant = right_line_meant(section, spec, value);
    const bool in_quotes = meant && value.kind == Kind::kText && *meant == std::string(spec.name) + " = " + value.text;
    if (in_quotes) {
      const bool is_flag = spec.type == OptionType::kFlag;
      throw UsageError(place + (is_flag ? "true and false take no quotes" : "a number takes no quotes") + "; write " +
                       *meant);
    }
    const bool is_amount =
        spec.type == OptionType::kBytes || spec.type == OptionType::kDuration || spec.type == OptionType::kRate;
    if (meant && is_amount) throw UsageError(place + "needs a unit, in quotes; write " + *meant + ", or another unit");
    throw UsageError(place + "takes " + std::string(type_name(spec)) + ", not " + std::string(kind_name(value.kind)) +
                     (meant ? "; write " + *meant : ", such as " + example_line(section.name, spec)));
  };
  const bool is_text = value.kind == Kind::kText;
  const bool is_number = value.kind == Kind::kInteger || value.kind == Kind::kNumber;
  if (is_list(section.name, spec.name)) {
    if (value.kind == Kind::kOther || value.kind == Kind::kTable || value.kind == Kind::kFlag) refuse();
    return;
  }
  switch (spec.type) {
    case OptionType::kInteger:
      if (!is_number && !(is_text && looks_scheduled(value.text))) refuse();
      return;
    case OptionType::kNumber: {
      // A word, a percentage and a number that changes are for Options to judge; a number has no quotes.
      const bool is_word = is_text && !spec.choices.empty() && !value.text.empty() &&
                           std::isalpha(static_cast<unsigned char>(value.text[0])) != 0;
      const bool is_schedule = is_text && looks_scheduled(value.text);
      const bool is_percentage = is_text && spec.maximum <= 1.0 && value.text.ends_with('%');
      if (!is_number && !is_word && !is_percentage && !is_schedule) refuse();
      return;
    }
    case OptionType::kFlag:
      if (value.kind != Kind::kFlag) refuse();
      return;
    case OptionType::kText:
    case OptionType::kChoice:
    case OptionType::kBytes:
    case OptionType::kDuration:
    case OptionType::kRate:
      if (!is_text) refuse();
      return;
  }
}

void check_value(const SchemaSection& section, const OptionSpec& spec, const WrittenValue& value) {
  const std::string key(spec.name);
  const std::string full = std::string(section.name) + "." + key;
  const ForeignValue* foreign = find_foreign_value(full, value.text);
  if (foreign != nullptr && same_word(value.text, spec.choices).empty()) {
    std::string refusal =
        value.where + ": " + full + ": '" + printable(value.text) + "': " + std::string(foreign->note);
    if (!foreign->lines.empty()) {
      refusal += foreign->note.empty() ? "write " : "; write ";
      refusal += written(section.name, section.name, std::string(foreign->lines), is_override(value));
    }
    throw UsageError(refusal);
  }
  OptionSpec alone = spec;
  alone.only_with = {};
  try {
    Options(section.name, std::span(&alone, 1), {{key, {value.text, value.where}}});
  } catch (const UsageError& error) {
    // Lists of words, units and numbers that change come with what is right.
    const bool wants_example =
        (spec.type == OptionType::kInteger || spec.type == OptionType::kNumber || spec.type == OptionType::kFlag) &&
        !looks_scheduled(value.text);
    if (!wants_example) throw;
    WrittenValue as_text = value;
    as_text.kind = Kind::kText;
    const std::optional<std::string> meant =
        is_override(value) ? right_line_meant(section, spec, as_text) : std::nullopt;
    const std::string line = meant.value_or(example_line(section.name, spec));
    throw UsageError(error.what() + std::string(meant ? "; write " : ", such as ") +
                     (is_override(value) ? written(section.name, {}, line, true) : line));
  }
}

}  // namespace laconic
