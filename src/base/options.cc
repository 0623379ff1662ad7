#include "base/options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iomanip>
#include <limits>
#include <numeric>
#include <optional>
#include <sstream>

#include "base/error.h"

namespace laconic {
namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row[b.size()];
}

// The whole text as a number; false when it is anything else. "inf" is a number: a threshold may be infinite.
bool parse_number(std::string_view text, double& value) {
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  return result.ec == std::errc{} && result.ptr == end && !std::isnan(value);
}

std::string words(const std::vector<std::string_view>& choices) {
  std::string text;
  for (const std::string_view choice : choices) text += (text.empty() ? "" : ", ") + std::string(choice);
  return text;
}

bool is_among(const std::string& text, const std::vector<std::string_view>& choices) {
  return std::find(choices.begin(), choices.end(), text) != choices.end();
}

std::string range_text(const OptionSpec& spec) {
  std::ostringstream text;
  text << (spec.type == OptionType::kInteger ? "a whole number" : "a number");
  if (spec.type == OptionType::kInteger) text << std::fixed << std::setprecision(0);
  const bool below = std::isfinite(spec.minimum);
  const bool above = std::isfinite(spec.maximum);
  if (below && above) text << " from " << spec.minimum << " to " << spec.maximum;
  if (below && !above) text << " of at least " << spec.minimum;
  if (!below && above) text << " of at most " << spec.maximum;
  for (const std::string_view word : spec.choices) text << " nor '" << word << "'";
  return text.str();
}

// TOML's largest; a job file that holds the resolved values has to be read again.
constexpr std::uint64_t kLargestInteger = std::numeric_limits<std::int64_t>::max();

// The whole number that `text` is digit by digit, which a double may not hold.
std::optional<std::uint64_t> exact_integer(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool only_digits(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

// Checks `text` against `spec` and returns its numeric form (0 for texts, NaN for a word in the place of a number).
double check_value(const OptionSpec& spec, const std::string& text) {
  double number = 0.0;
  switch (spec.type) {
    case OptionType::kText:
      return 0.0;
    case OptionType::kChoice:
      if (!is_among(text, spec.choices)) {
        const std::string_view near = nearest(text, spec.choices);
        throw UsageError("'" + text + "' is not one of: " + words(spec.choices) +
                         (near.empty() ? "" : "; did you mean '" + std::string(near) + "'?"));
      }
      return 0.0;
    case OptionType::kFlag:
      if (text != "true" && text != "false") throw UsageError("'" + text + "' is neither true nor false");
      return text == "true" ? 1.0 : 0.0;
    case OptionType::kBytes:
      return static_cast<double>(parse_bytes(text).value);
    case OptionType::kDuration:
      return parse_seconds(text).value;
    case OptionType::kRate:
      return parse_rate(text).value;
    case OptionType::kInteger:
    case OptionType::kNumber: {
      const bool whole = spec.type == OptionType::kInteger;
      if (is_among(text, spec.choices)) return std::numeric_limits<double>::quiet_NaN();
      constexpr double kLargestExact = 9007199254740992.0;  // 2^53: every integer below is exact in a double
      const std::optional<std::uint64_t> exact = whole ? exact_integer(text) : std::nullopt;
      const bool too_large = whole && only_digits(text) && (!exact || *exact > kLargestInteger);
      if (too_large && !std::isfinite(spec.maximum)) {
        throw UsageError("'" + text + "' is above " + std::to_string(kLargestInteger) + ", the largest whole number");
      }
      if (!parse_number(text, number) || number < spec.minimum || number > spec.maximum ||
          (whole && (number != std::floor(number) || number < 0.0 || (!exact && number > kLargestExact)))) {
        throw UsageError("'" + text + "' is not " + range_text(spec));
      }
      return number;
    }
  }
  return number;
}

}  // namespace

std::string_view nearest(std::string_view word, std::span<const std::string_view> known) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string_view candidate : known) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

Options::Options(std::string_view section, std::span<const OptionSpec> specs,
                 const std::map<std::string, GivenOption>& given)
    : section_(section) {
  const auto name_of = [&](std::string_view option) {
    return section_.empty() ? std::string(option) : section_ + "." + std::string(option);
  };
  for (const auto& [name, option] : given) {
    const auto known = [&](const OptionSpec& spec) { return spec.name == name; };
    if (std::any_of(specs.begin(), specs.end(), known)) continue;
    std::vector<std::string_view> names;
    for (const OptionSpec& spec : specs) names.push_back(spec.name);
    const std::string_view near = nearest(name, names);
    throw UsageError(option.where + ": unknown key '" + name_of(name) + "'" +
                     (near.empty() ? "; known are: " + words(names) : "; did you mean '" + std::string(near) + "'?"));
  }
  for (const OptionSpec& spec : specs) {
    Value value{.spec = spec, .text = std::string(spec.default_value), .where = {}};
    if (const auto found = given.find(std::string(spec.name)); found != given.end()) {
      value.text = found->second.text;
      value.where = found->second.where;
    } else if (spec.required) {
      throw UsageError("'" + name_of(spec.name) + "' is missing: " + std::string(spec.help));
    }
    try {
      value.number = check_value(spec, value.text);
    } catch (const UsageError& error) {
      throw UsageError((value.where.empty() ? "default" : value.where) + ": " + name_of(spec.name) + ": " +
                       error.what());
    }
    values_.push_back(std::move(value));
  }
  for (const Value& value : values_) {
    if (value.where.empty() || has_meaning(value)) continue;
    const OptionSpec::Condition& condition = value.spec.only_with;
    throw UsageError(place(value.spec.name) + ": has no meaning with " + name_of(condition.option) + " = \"" +
                     text(condition.option) + "\"; remove it, or " +
                     (condition.value == OptionSpec::kAnyText
                          ? "give " + name_of(condition.option)
                          : "choose " + std::string(condition.option) + " " + condition.values()));
  }
}

bool OptionSpec::Condition::holds(std::string_view text) const {
  if (value == kAnyText) return !text.empty();
  for (std::string_view rest = value;;) {
    const std::size_t end = rest.find('|');
    if (rest.substr(0, end) == text) return true;
    if (end == std::string_view::npos) return false;
    rest.remove_prefix(end + 1);
  }
}

std::string OptionSpec::Condition::values() const {
  if (value == kAnyText) return "given";
  std::string result = "\"" + std::string(value) + "\"";
  for (std::size_t at = 0; (at = result.find('|', at)) != std::string::npos;) result.replace(at, 1, "\" or \"");
  return result;
}

bool Options::has_meaning(const Value& value) const {
  const OptionSpec::Condition& condition = value.spec.only_with;
  return condition.option.empty() || condition.holds(text(condition.option));
}

const Options::Value& Options::find(std::string_view name) const {
  const auto place =
      std::find_if(values_.begin(), values_.end(), [&](const Value& value) { return value.spec.name == name; });
  LACONIC_CHECK(place != values_.end(), "no option '" << name << "' in section '" << section_ << "'");
  return *place;
}

const Options::Value& Options::find(std::string_view name, OptionType type) const {
  const Value& value = find(name);
  LACONIC_CHECK(value.spec.type == type, "option '" << name << "' read as another type");
  return value;
}

std::uint64_t Options::integer(std::string_view name) const {
  const Value& value = find(name, OptionType::kInteger);
  return exact_integer(value.text).value_or(static_cast<std::uint64_t>(value.number));
}
double Options::number(std::string_view name) const {
  LACONIC_CHECK(!is_word(name), "option '" << name << "' read as a number");
  return find(name, OptionType::kNumber).number;
}
bool Options::is_word(std::string_view name) const { return std::isnan(find(name, OptionType::kNumber).number); }
Options Options::with(std::string_view name, const std::string& text) const {
  Options result = *this;
  for (Value& value : result.values_) {
    if (value.spec.name != name) continue;
    value.number = check_value(value.spec, text);
    value.text = text;
    return result;
  }
  LACONIC_CHECK(false, "no option '" << name << "' in section '" << section_ << "'");
  return result;
}
const std::string& Options::text(std::string_view name) const {
  const Value& value = find(name);
  LACONIC_CHECK(value.spec.type == OptionType::kText || value.spec.type == OptionType::kChoice,
                "option '" << name << "' read as a text");
  return value.text;
}
bool Options::flag(std::string_view name) const { return find(name, OptionType::kFlag).number != 0.0; }
Bytes Options::bytes(std::string_view name) const {
  return {static_cast<std::uint64_t>(find(name, OptionType::kBytes).number)};
}
Seconds Options::seconds(std::string_view name) const { return {find(name, OptionType::kDuration).number}; }
BitsPerSecond Options::rate(std::string_view name) const { return {find(name, OptionType::kRate).number}; }

bool Options::given(std::string_view name) const { return !find(name).where.empty(); }

std::string Options::place(std::string_view name) const {
  const Value& value = find(name);
  const std::string option = section_.empty() ? std::string(name) : section_ + "." + std::string(name);
  return value.where.empty() ? option : value.where + ": " + option;
}

std::vector<Options::Resolved> Options::resolved() const {
  std::vector<Resolved> result;
  for (const Value& value : values_) {
    if (has_meaning(value)) result.push_back({&value.spec, value.text});
  }
  return result;
}

}  // namespace laconic
