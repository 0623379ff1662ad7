#include "job/sweep_grid.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>
#include <optional>

#include "base/error.h"
#include "base/options.h"
#include "job/bare_key.h"
#include "job/schema.h"

namespace laconic {
namespace {

// Of a folder's name; file systems take 255 bytes, and results may get ".interrupted" behind it.
constexpr std::size_t kLongestName = 200;

std::optional<std::uint32_t> whole_number(std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

bool is_number(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

// Whether no row of the section takes anything but a number as this key.
bool takes_numbers(const SweptKey& swept) {
  bool known = false;
  bool numbers = true;
  const auto look = [&](std::span<const OptionSpec> specs) {
    for (const OptionSpec& spec : specs) {
      if (spec.name != swept.key) continue;
      known = true;
      numbers = numbers && (spec.type == OptionType::kInteger || spec.type == OptionType::kNumber);
    }
  };
  for (const SchemaSection& section : schema()) {
    if (section.name != swept.section) continue;
    look(section.options);
    for (const SchemaSection::Variant& variant : section.variants) look(variant.options);
  }
  return known && numbers;
}

// Throws UsageError where `text` is a range in another spelling ("1-3", "1:3", "1...3", "0.1..0.5"). `written` is the
// key as the user has it.
void refuse_other_range(std::string_view text, std::string_view written) {
  for (const std::string_view sign : {"...", "..", ":", "-", "\xE2\x80\x93", "\xE2\x80\xA6", " to "}) {
    for (std::size_t at = text.find(sign); at != std::string_view::npos; at = text.find(sign, at + 1)) {
      const std::string first(trimmed(text.substr(0, at)));
      const std::string last(trimmed(text.substr(at + sign.size())));
      if (!is_number(first) || !is_number(last)) continue;
      if (sign == ".." && whole_number(first) && whole_number(last)) return;
      const std::string begin = "'" + std::string(text) + "' is no range; ";
      if (whole_number(first) && whole_number(last)) {
        throw UsageError(std::string(written) + ": " + begin + "write " + std::string(written) + "=" + first + ".." +
                         last);
      }
      throw UsageError(std::string(written) + ": " + begin +
                       "ranges are for whole numbers, so write the values, such as " + std::string(written) + "=" +
                       first + "," + last);
    }
  }
}

// Adds what `text` stands for: itself, or the numbers of a range.
void add_values(std::string_view text, const std::string& path, std::vector<std::string>& values) {
  const std::size_t dots = text.find("..");
  const auto first = whole_number(text.substr(0, dots));
  const auto last = dots == std::string_view::npos ? std::nullopt : whole_number(text.substr(dots + 2));
  if (!first || !last) {
    values.emplace_back(text);
    return;
  }
  if (*first > *last || *last - *first >= kMostCombinations) {
    throw UsageError(path + ": '" + std::string(text) + "' is no range: from the smaller to the larger number, of " +
                     std::to_string(kMostCombinations) + " at most");
  }
  for (std::uint32_t number = *first; number <= *last; ++number) values.push_back(std::to_string(number));
}

bool is_plain(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
         letter == '.' || letter == '_' || letter == '-' || letter == '+';
}

}  // namespace

std::string folder_text(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string result;
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if (is_plain(letter)) {
      result += letter;
    } else {
      result += '%';
      result += kDigits[byte >> 4];
      result += kDigits[byte & 15];
    }
  }
  return result;
}

SweptKey parse_swept_key(std::string_view text) {
  const std::size_t equals = text.find('=');
  std::string_view path = trimmed(text.substr(0, equals));
  const std::string_view written = path;
  if (equals == std::string_view::npos || path.empty()) {
    throw UsageError("'" + std::string(text) + "' says no values; give key=value,value or key=1..3");
  }
  SweptKey swept;
  if (const std::size_t at = path.find('@'); at != std::string_view::npos) {
    swept.job = trimmed(path.substr(at + 1));
    path = trimmed(path.substr(0, at));
    if (path.empty() || swept.job.empty()) {
      throw UsageError("'" + std::string(text) +
                       "': give key@JOB=value,value, where JOB is a job file's name without .toml");
    }
  }
  const std::size_t dot = path.find('.');
  const std::string full = dot == std::string_view::npos ? full_key(path) : std::string(path);
  swept.section = full.substr(0, full.find('.'));
  swept.key = full.substr(full.find('.') + 1);
  if (swept.path() == "output.dir" || swept.path() == "job.name") {
    throw UsageError(swept.path() + ": a sweep gives each run its folder; leave it out");
  }
  const bool of_numbers = takes_numbers(swept);
  const char separator = is_list(swept.section, swept.key) ? ';' : ',';
  for (std::string_view rest = text.substr(equals + 1);;) {
    const std::size_t end = rest.find(separator);
    const std::string_view value = trimmed(rest.substr(0, end));
    if (value.empty()) {
      throw UsageError(swept.path() + ": a value is missing in '" + std::string(text) + "'");
    }
    if (of_numbers) refuse_other_range(value, written);
    add_values(value, swept.path(), swept.values);
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  std::vector<std::string> sorted = swept.values;
  std::sort(sorted.begin(), sorted.end());
  if (const auto twice = std::adjacent_find(sorted.begin(), sorted.end()); twice != sorted.end()) {
    throw UsageError(swept.path() + ": the value " + *twice + " comes twice");
  }
  return swept;
}

std::vector<SweptKey> parse_grid(std::span<const std::string> texts) {
  std::vector<SweptKey> keys;
  std::map<std::string, std::size_t> counts = {{"", 1}};  // by job; of all jobs under ""
  for (const std::string& text : texts) {
    SweptKey key = parse_swept_key(text);
    for (const SweptKey& other : keys) {
      const bool meet = other.job == key.job || other.job.empty() || key.job.empty();
      if (meet && other.path() == key.path())
        throw UsageError(key.path() + ": comes twice; give all its values in one place");
    }
    counts.emplace(key.job, 1).first->second *= key.values.size();
    const std::size_t in_all = counts.at("");
    const bool too_many = std::any_of(counts.begin(), counts.end(), [&](const auto& count) {
      return count.second * (count.first.empty() ? 1 : in_all) > kMostCombinations;
    });
    if (too_many) {
      throw UsageError("the grid has more than " + std::to_string(kMostCombinations) +
                       " combinations; give fewer values");
    }
    keys.push_back(std::move(key));
  }
  return keys;
}

std::vector<Combination> combinations(std::span<const SweptKey> keys) {
  std::vector<Combination> all = {{}};
  for (const SweptKey& key : keys) {
    std::vector<Combination> longer;
    for (const Combination& combination : all) {
      for (const std::string& value : key.values) {
        longer.push_back(combination);
        longer.back().push_back(value);
      }
    }
    all = std::move(longer);
  }
  return all;
}

std::vector<SweptKey> keys_of(std::span<const SweptKey> keys, std::string_view job) {
  std::vector<SweptKey> its;
  for (const SweptKey& key : keys) {
    if (key.job.empty() || key.job == job) its.push_back(key);
  }
  return its;
}

std::string folder_name(std::span<const SweptKey> keys, const Combination& combination) {
  std::string name;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto shares =
        std::count_if(keys.begin(), keys.end(), [&](const SweptKey& key) { return key.key == keys[i].key; });
    name += (i == 0 ? "" : ",") + folder_text(shares > 1 ? keys[i].path() : keys[i].key) + "=" +
            folder_text(combination[i]);
  }
  if (name.size() > kLongestName) {
    throw UsageError("the values of one combination make a folder name of " + std::to_string(name.size()) +
                     " characters, and " + std::to_string(kLongestName) + " is the most; sweep fewer keys at once");
  }
  return name;
}

}  // namespace laconic
