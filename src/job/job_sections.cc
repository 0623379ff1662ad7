#include "job/job_sections.h"

#include <algorithm>
#include <map>
#include <span>
#include <vector>

#include "base/error.h"
#include "base/spelling.h"
#include "base/utf8.h"
#include "job/stray_words.h"
#include "job/value_example.h"
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

// The word of the key's table that `value` is but for its spelling, so that what follows from it finds it.
std::string canonical(const SchemaSection& section, const std::string& key, const std::string& value) {
  const auto in = [&](std::span<const OptionSpec> specs) -> std::string_view {
    for (const OptionSpec& spec : specs) {
      if (spec.name == key && spec.type == OptionType::kChoice) return same_word(value, spec.choices);
    }
    return {};
  };
  std::string_view found = in(section.options);
  for (const SchemaSection::Variant& variant : section.variants) {
    if (found.empty()) found = in(variant.options);
  }
  return found.empty() ? value : std::string(found);
}

// Where the key that names a row is missing: the keys that no row has, one of which may have been meant as that key.
void refuse_other_names(const SchemaSection& section, const WrittenSection& written) {
  for (const auto& [key, value] : written.keys) {
    const bool known = has(section.options, key) ||
                       std::any_of(section.variants.begin(), section.variants.end(),
                                   [&, &name = key](const auto& variant) { return has(variant.options, name); });
    if (known) continue;
    refuse_key(section, {}, key, value);
    const std::string hint = did_you_mean(key, std::span(&section.variant_key, 1));
    if (hint.empty()) continue;
    throw UsageError(value.where + ": unknown key '" + std::string(section.name) + "." + printable(key) + "'" + hint);
  }
}

}  // namespace

const SchemaSection* find_section(std::string_view name) {
  const auto found =
      std::find_if(schema().begin(), schema().end(), [&](const SchemaSection& row) { return row.name == name; });
  return found == schema().end() ? nullptr : &*found;
}

Options resolve_section(const SchemaSection& section, const WrittenSection* written, const std::string& file) {
  static const WrittenSection kAbsent;
  const WrittenSection& given_section = written == nullptr ? kAbsent : *written;
  const std::string section_name(section.name);
  const auto missing = [&](const OptionSpec& spec) {
    throw UsageError((written == nullptr ? file : given_section.where) + ": '" + section_name + "." +
                     std::string(spec.name) + "' is missing (" + std::string(spec.help) + "); write [" + section_name +
                     "] " + example_line(section.name, spec));
  };

  std::vector<OptionSpec> specs = section.options;
  std::string chosen;
  if (!section.variants.empty()) {
    const std::string key(section.variant_key);
    const auto name = given_section.keys.find(key);
    if (name == given_section.keys.end()) {
      refuse_other_names(section, given_section);
      missing(section.options.front());
    }
    check_kind(section, section.options.front(), name->second);
    check_value(section, section.options.front(), name->second);
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
      check_value(section, *spec, value);
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

void apply_override(const Override& given, WrittenJob& job) {
  const SchemaSection* section = find_section(given.section);
  if (section == nullptr) refuse_section("--set " + given.section + "." + given.key, given.section);
  const Override change = {given.section, given.key, canonical(*section, given.key, given.value)};
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
        former == written.keys.end() ? nullptr
                                     : find_variant(*section, canonical(*section, change.key, former->second.text));
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
