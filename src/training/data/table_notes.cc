#include "training/data/table_notes.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "training/formats/input_file.h"

namespace laconic {
namespace {

// Fewer lines number themselves by chance.
constexpr std::size_t kFewestNumbered = 10;
constexpr std::size_t kMostShown = 5;

std::string column_text(const CsvTable& table, std::size_t feature) {
  return table.columns.empty() ? "feature " + std::to_string(feature + 1) : "column " + shown(table.columns[feature]);
}

// Whether the values are whole numbers, one after the other, each once, in whatever order.
bool numbers_the_lines(const CsvTable& table, std::size_t feature) {
  const std::size_t lines = table.values.size() / table.features;
  const auto value = [&](std::size_t line) { return table.values[line * table.features + feature]; };
  if (lines < kFewestNumbered) return false;
  double least = value(0);
  for (std::size_t line = 0; line < lines; ++line) {
    if (std::floor(value(line)) != value(line)) return false;
    least = std::min(least, value(line));
  }
  std::vector<bool> seen(lines, false);
  for (std::size_t line = 0; line < lines; ++line) {
    const double place = value(line) - least;
    if (!(place < static_cast<double>(lines))) return false;
    const auto at = static_cast<std::size_t>(place);
    if (seen[at]) return false;
    seen[at] = true;
  }
  return true;
}

// In lower case, with no blanks around it and one where there are several.
std::string folded(const std::string& name) {
  std::string result;
  for (const char c : name) {
    const bool is_blank = c == ' ' || c == '\t';
    if (is_blank && (result.empty() || result.back() == ' ')) continue;
    result += is_blank ? ' ' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  if (result.ends_with(' ')) result.pop_back();
  return result;
}

std::string list_text(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < std::min(words.size(), kMostShown); ++i) text += (i == 0 ? "" : ", ") + words[i];
  return text + (words.size() > kMostShown ? ", ..." : "");
}

// `seen`: a mark for each class.
std::string missing_text(const std::vector<bool>& seen) {
  std::vector<std::string> missing;
  for (std::size_t label = 0; label < seen.size(); ++label) {
    if (!seen[label]) missing.push_back(std::to_string(label));
  }
  if (missing.empty()) return {};
  const bool is_only_0 = missing.size() == 1 && !seen[0];
  return fmt::format("{} of the {} classes have no training sample: {}; classes are numbered from 0{}", missing.size(),
                     seen.size(), list_text(missing), is_only_0 ? ": subtract 1 from each label, or write names" : "");
}

}  // namespace

std::vector<std::string> notes_of_columns(const CsvTable& table, bool normalised) {
  // Whole numbers up to here are all floats, or doubles.
  constexpr double kWholeFloats = 16777216.0;
  constexpr double kWholeDoubles = 9007199254740992.0;
  std::vector<std::string> notes;
  for (std::size_t feature = 0; feature < table.features; ++feature) {
    if (numbers_the_lines(table, feature)) {
      notes.push_back(
          column_text(table, feature) +
          " numbers the lines, one by one: if it says nothing of the samples, remove it, as the model learns "
          "from it");
    }
    bool is_cut = false;
    bool vanishes = false;
    for (std::size_t at = feature; at < table.values.size(); at += table.features) {
      const double value = table.values[at];
      is_cut = is_cut || (std::floor(value) == value && std::abs(value) > (normalised ? kWholeDoubles : kWholeFloats) &&
                          (normalised || static_cast<double>(static_cast<float>(value)) != value));
      vanishes = vanishes || (!normalised && value != 0.0 && static_cast<float>(value) == 0.0F);
    }
    if (is_cut) {
      notes.push_back(column_text(table, feature) + " has whole numbers of more digits than " +
                      (normalised ? "are read: subtract a constant from it"
                                  : "a float has: normalise it (data.normalise), or subtract a constant from it"));
    }
    if (vanishes) {
      notes.push_back(column_text(table, feature) +
                      " has numbers so small that floats are 0 there: normalise it (data.normalise), or scale it");
    }
  }
  return notes;
}

std::vector<std::string> notes_of_labels(const CsvTable& table, std::uint32_t classes) {
  std::vector<std::string> notes;
  std::map<std::string, std::vector<std::string>> alike;
  std::vector<bool> seen(classes, false);
  bool whole = true;
  for (const CsvTable::Name& name : table.names) {
    const std::optional<std::size_t> number = whole_number(name.text);
    whole = whole && number;
    if (number && *number < classes) seen[*number] = true;
    alike[number ? std::to_string(*number) : folded(name.text)].push_back(shown(name.text));
  }
  for (const auto& [name, texts] : alike) {
    if (texts.size() < 2) continue;
    notes.push_back("labels " + list_text(texts) +
                    (whole ? " are one class: make them the same, or give them other names"
                           : " are several classes: make them the same if they mean one"));
  }
  if (!whole) return notes;
  const std::string missing = missing_text(seen);
  if (!missing.empty()) notes.push_back(missing);
  return notes;
}

std::string note_of_classes(const std::vector<std::uint16_t>& labels, std::uint32_t classes) {
  std::vector<bool> seen(classes, false);
  for (const std::uint16_t label : labels) seen.at(label) = true;
  return missing_text(seen);
}

std::string note_of_targets(const Samples& samples) {
  constexpr double kFloatRounding = 1.0 / (1 << 24);
  constexpr double kShare = 0.01;  // of the deviation
  for (std::size_t number = 0; number < samples.targets_each; ++number) {
    double mean = 0.0;
    double largest = 0.0;
    const auto count = static_cast<double>(samples.count());
    for (std::size_t i = number; i < samples.targets.size(); i += samples.targets_each) {
      mean += samples.targets[i] / count;
      largest = std::max(largest, std::abs(static_cast<double>(samples.targets[i])));
    }
    double variance = 0.0;
    for (std::size_t i = number; i < samples.targets.size(); i += samples.targets_each) {
      variance += (samples.targets[i] - mean) * (samples.targets[i] - mean) / count;
    }
    if (largest * kFloatRounding <= kShare * std::sqrt(variance)) continue;
    return fmt::format(
        "target {} is near {:.4g} and differs by too little for floats, which predict it: subtract a constant from it",
        number + 1, mean);
  }
  return {};
}

}  // namespace laconic
