#include "job/job_sections.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <span>
#include <vector>

#include "base/error.h"
#include "strategies/registry.h"
#include "training/data/data_files.h"

namespace laconic {
namespace {

bool has(std::span<const OptionSpec> specs, std::string_view key) {
  return std::any_of(specs.begin(), specs.end(), [&](const OptionSpec& spec) { return spec.name == key; });
}

const SchemaSection::Variant* find_variant(const SchemaSection& section, std::string_view name) {
  const auto found = std::find_if(section.variants.begin(), section.variants.end(),
                                  [&](const auto& variant) { return variant.name == name; });
  return found == section.variants.end() ? nullptr : &*found;
}

// What `key` of `section` is not: an option of the section's chosen row, or of any. Returns when Options says it best.
void refuse_key(const SchemaSection& section, const std::string& chosen, const std::string& key,
                const WrittenValue& value) {
  const std::string full = std::string(section.name) + "." + key;
  std::string owners;
  for (const auto& variant : section.variants) {
    if (has(variant.options, key)) owners += (owners.empty() ? "" : ", ") + std::string(variant.name);
  }
  const SchemaSection* between = section.name == "strategy" ? find_section("between") : nullptr;
  if (!owners.empty() && between != nullptr && between->used_by(find_strategy(chosen)) &&
      std::any_of(between->variants.begin(), between->variants.end(),
                  [&](const auto& variant) { return has(variant.options, key); })) {
    throw UsageError(value.where + ": '" + full + "' is an option of what runs between the groups of " + chosen +
                     "; put it under [between]");
  }
  if (!owners.empty()) {
    throw UsageError(value.where + ": '" + full + "' is an option of " + owners + ", but " + std::string(section.name) +
                     "." + std::string(section.variant_key) + " is '" + chosen + "'; remove it, or change the " +
                     std::string(section.variant_key));
  }
  for (const SchemaSection& other : schema()) {
    bool known = has(other.options, key) && key != "name";
    for (const auto& variant : other.variants) known = known || has(variant.options, key);
    if (known && other.name != section.name) {
      throw UsageError(value.where + ": unknown key '" + full + "'; [" + std::string(other.name) +
                       "] has a key of that name: put it there");
    }
  }
}

std::string example_of(const OptionSpec& spec) {
  const std::string name(spec.name);
  switch (spec.type) {
    case OptionType::kFlag:
      return name + " = true";
    case OptionType::kInteger:
      return name + " = 1";
    case OptionType::kNumber:
      return name + " = 0.5";
    case OptionType::kChoice:
      return name + " = \"" + std::string(spec.choices.front()) + "\"";
    case OptionType::kBytes:
      return name + " = \"10 MB\"";
    case OptionType::kDuration:
      return name + " = \"20 ms\"";
    case OptionType::kRate:
      return name + " = \"100 Mbit/s\"";
    case OptionType::kText:
      break;
  }
  return name + " = \"...\"";
}

// Refuses a value that TOML gave another type than the key has; Options checks the rest.
void check_kind(const SchemaSection& section, const OptionSpec& spec, const WrittenValue& value) {
  using Kind = WrittenValue::Kind;
  const auto refuse = [&](const std::string& wanted) {
    throw UsageError(value.where + ": " + std::string(section.name) + "." + std::string(spec.name) + ": a " + wanted +
                     " is wanted here, such as " + example_of(spec));
  };
  if (value.kind == Kind::kOverride) return;
  const bool is_text = value.kind == Kind::kText;
  if (is_list(section.name, spec.name)) {
    if (value.kind == Kind::kOther || value.kind == Kind::kFlag) refuse("list");
    return;
  }
  switch (spec.type) {
    case OptionType::kInteger:
      if (value.kind != Kind::kInteger && value.kind != Kind::kNumber) refuse("whole number");
      return;
    case OptionType::kNumber:
      // A word is for Options to judge; a number has no quotes.
      if (is_text && !spec.choices.empty() && !value.text.empty() &&
          std::isalpha(static_cast<unsigned char>(value.text[0])) != 0) {
        return;
      }
      if (value.kind != Kind::kInteger && value.kind != Kind::kNumber) refuse("number");
      return;
    case OptionType::kFlag:
      if (value.kind != Kind::kFlag) refuse("flag (true or false)");
      return;
    case OptionType::kText:
    case OptionType::kChoice:
      if (!is_text) refuse("text");
      return;
    case OptionType::kBytes:
    case OptionType::kDuration:
    case OptionType::kRate:
      if (!is_text) refuse("number with its unit");
      return;
  }
}

}  // namespace

const SchemaSection* find_section(std::string_view name) {
  const auto found =
      std::find_if(schema().begin(), schema().end(), [&](const SchemaSection& row) { return row.name == name; });
  return found == schema().end() ? nullptr : &*found;
}

[[noreturn]] void refuse_section(const std::string& where, const std::string& name) {
  std::vector<std::string_view> names;
  std::string known;
  for (const SchemaSection& section : schema()) {
    names.push_back(section.name);
    known += (known.empty() ? "[" : ", [") + std::string(section.name) + "]";
  }
  const std::string_view near = nearest(name, names);
  throw UsageError(where + ": unknown section [" + name + "]" +
                   (near.empty() ? "; known are: " + known : "; did you mean [" + std::string(near) + "]?"));
}

Options resolve_section(const SchemaSection& section, const WrittenSection* written, const std::string& file) {
  static const WrittenSection kAbsent;
  const WrittenSection& given_section = written == nullptr ? kAbsent : *written;
  const std::string section_name(section.name);
  const auto missing = [&](const OptionSpec& spec) {
    throw UsageError((written == nullptr ? file : given_section.where) + ": '" + section_name + "." +
                     std::string(spec.name) + "' is missing (" + std::string(spec.help) + "); write [" + section_name +
                     "] " + example_of(spec));
  };

  std::vector<OptionSpec> specs = section.options;
  std::string chosen;
  if (!section.variants.empty()) {
    const std::string key(section.variant_key);
    const auto name = given_section.keys.find(key);
    if (name == given_section.keys.end()) missing(section.options.front());
    check_kind(section, section.options.front(), name->second);
    const std::map<std::string, GivenOption> only_name = {{key, {name->second.text, name->second.where}}};
    chosen = Options(section.name, section.options, only_name).text(key);
    const SchemaSection::Variant* variant = find_variant(section, chosen);
    specs.insert(specs.end(), variant->options.begin(), variant->options.end());
  }

  std::map<std::string, GivenOption> given;
  for (const auto& [key, value] : given_section.keys) {
    const auto spec = std::find_if(specs.begin(), specs.end(), [&](const OptionSpec& row) { return row.name == key; });
    if (spec == specs.end()) {
      refuse_key(section, chosen, key, value);
    } else {
      check_kind(section, *spec, value);
    }
    given[key] = {value.text, value.where};
  }
  for (const OptionSpec& spec : specs) {
    if (spec.required && !given.contains(std::string(spec.name))) {
      // A misspelt key is the likelier reason: Options names it.
      const bool all_known =
          std::all_of(given.begin(), given.end(), [&](const auto& item) { return has(specs, item.first); });
      if (all_known) missing(spec);
    }
  }
  return {section.name, specs, given};
}

void apply_override(const Override& change, WrittenJob& job) {
  const SchemaSection* section = find_section(change.section);
  if (section == nullptr) refuse_section("--set " + change.section + "." + change.key, change.section);
  WrittenSection& written = job[change.section];
  if (written.where.empty()) written.where = "--set";
  if (change.section == "job" && change.key == "steps") written.keys.erase("epochs");
  if (change.section == "job" && change.key == "epochs") written.keys.erase("steps");
  if (change.section == "data" && change.key == "dir" && change.value.find(kRankWord) != std::string::npos) {
    const auto partition = written.keys.find("partition");
    if (partition != written.keys.end() && partition->second.kind != WrittenValue::Kind::kOverride) {
      written.keys.erase(partition);
    }
  }
  if (change.key == section->variant_key && !section->variants.empty()) {
    const auto former = written.keys.find(change.key);
    const SchemaSection::Variant* before =
        former == written.keys.end() ? nullptr : find_variant(*section, former->second.text);
    const SchemaSection::Variant* after = find_variant(*section, change.value);
    if (before != nullptr && after != nullptr) {
      std::erase_if(written.keys, [&](const auto& item) {
        return item.second.kind != WrittenValue::Kind::kOverride && has(before->options, item.first) &&
               !has(after->options, item.first);
      });
    }
  }
  // What the file gives for options that mean nothing beside the new value goes too.
  const auto drop_meaningless = [&](std::span<const OptionSpec> specs) {
    for (const OptionSpec& spec : specs) {
      if (spec.only_with.option != change.key || spec.only_with.holds(change.value)) continue;
      const auto key = written.keys.find(std::string(spec.name));
      if (key != written.keys.end() && key->second.kind != WrittenValue::Kind::kOverride) written.keys.erase(key);
    }
  };
  drop_meaningless(section->options);
  for (const SchemaSection::Variant& variant : section->variants) drop_meaningless(variant.options);
  written.keys[change.key] = {change.value, "--set", WrittenValue::Kind::kOverride};
}

void name_model_of_file(WrittenJob& job) {
  const auto model = job.find("model");
  if (model == job.end() || model->second.keys.contains("name")) return;
  const auto file = model->second.keys.find("file");
  if (file == model->second.keys.end()) return;
  model->second.keys["name"] = {"torchscript", file->second.where, WrittenValue::Kind::kText};
}

}  // namespace laconic
