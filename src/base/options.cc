#include "base/options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iomanip>
#include <limits>
#include <optional>
#include <sstream>

#include "base/error.h"
#include "base/spelling.h"
#include "base/utf8.h"

namespace laconic {
namespace {

// As a message shows what the user wrote.
std::string in_quotes(const std::string& text) { return "'" + printable(text) + "'"; }

// The whole text as a number; false when it is anything else. "inf" is a number: a threshold may be infinite.
bool parse_number(std::string_view text, double& value) {
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  return result.ec == std::errc{} && result.ptr == end && !std::isnan(value);
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
  for (const std::string_view word : spec.choices) text << " or '" << word << "'";
  if (spec.scheduled) text << " or one that changes (\"0.2 -> 0.01 over 2 epochs\")";
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

// The percentage that `text` is, as a fraction: "10%" is "0.1". Of a number that may be more than 1 nobody knows what it
// would be a percentage of.
std::optional<std::string> fraction_of_percent(const OptionSpec& spec, const std::string& text) {
  if (spec.type != OptionType::kNumber || !(spec.maximum <= 1.0) || !text.ends_with('%')) return std::nullopt;
  std::string digits = text.substr(0, text.size() - 1);
  while (digits.ends_with(' ')) digits.pop_back();
  double percent = 0.0;
  if (!parse_number(digits, percent)) return std::nullopt;
  std::array<char, 64> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), percent / 100.0);
  return std::string(buffer.data(), end.ptr);
}

// Checks `text` against `spec` and returns its numeric form (0 for texts, NaN for a word in the place of a number).
// What the table knows under another spelling gets the table's.
double check_value(const OptionSpec& spec, std::string& text) {
  double number = 0.0;
  switch (spec.type) {
    case OptionType::kText:
      return 0.0;
    case OptionType::kChoice: {
      const std::string_view same = same_word(text, spec.choices);
      if (same.empty()) {
        throw UsageError(in_quotes(text) + " is not one of: " + listed(spec.choices) +
                         did_you_mean(text, spec.choices));
      }
      text = same;
      return 0.0;
    }
    case OptionType::kFlag:
      if (text != "true" && text != "false") throw UsageError(in_quotes(text) + " is neither true nor false");
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
      if (std::optional<std::string> fraction = fraction_of_percent(spec, text)) text = *std::move(fraction);
      if (const std::string_view word = same_word(text, spec.choices); !word.empty()) {
        text = word;
        return std::numeric_limits<double>::quiet_NaN();
      }
      constexpr double kLargestExact = 9007199254740992.0;  // 2^53: every integer below is exact in a double
      const std::optional<std::uint64_t> exact = whole ? exact_integer(text) : std::nullopt;
      const bool too_large = whole && only_digits(text) && (!exact || *exact > kLargestInteger);
      if (too_large && !std::isfinite(spec.maximum)) {
        throw UsageError(in_quotes(text) + " is above " + std::to_string(kLargestInteger) +
                         ", the largest whole number");
      }
      if (!parse_number(text, number) || number < spec.minimum || number > spec.maximum ||
          (whole && (number != std::floor(number) || number < 0.0 || (!exact && number > kLargestExact)))) {
        throw UsageError(in_quotes(text) + " is not " + range_text(spec));
      }
      return number;
    }
  }
  return number;
}

}  // namespace

// Checks a value's text and fills what follows from it.
void Options::check(Value& value) {
  const bool is_number = value.spec.type == OptionType::kNumber || value.spec.type == OptionType::kInteger;
  if (is_number && !value.spec.scheduled && looks_scheduled(value.text)) {
    throw UsageError(in_quotes(value.text) + ": this key cannot change over a run; give " + range_text(value.spec));
  }
  value.schedule = value.spec.scheduled ? parse_number_schedule(value.text) : std::nullopt;
  if (!value.schedule) {
    value.number = check_value(value.spec, value.text);
    return;
  }
  for (const double end : {value.schedule->first, value.schedule->last}) {
    if (end >= value.spec.minimum && end <= value.spec.maximum) continue;
    OptionSpec plain = value.spec;
    plain.scheduled = false;
    plain.choices.clear();
    throw UsageError(in_quotes(value.text) + ": both its ends must be " + range_text(plain));
  }
  value.number = value.schedule->last;
  value.text = value.schedule->text();
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
    const std::string hint = did_you_mean(name, names);
    throw UsageError(option.where + ": unknown key '" + name_of(printable(name)) + "'" +
                     (hint.empty() ? "; known are: " + listed(names) : hint));
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
      check(value);
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
    value.text = text;
    check(value);
    return result;
  }
  LACONIC_CHECK(false, "no option '" << name << "' in section '" << section_ << "'");
  return result;
}
const NumberSchedule* Options::schedule(std::string_view name) const {
  const Value& value = find(name, OptionType::kNumber);
  return value.schedule ? &*value.schedule : nullptr;
}
const OptionSpec* Options::scheduled() const {
  for (const Value& value : values_) {
    if (value.schedule && has_meaning(value)) return &value.spec;
  }
  return nullptr;
}
Options Options::at_lowest() const {
  Options result = *this;
  for (Value& value : result.values_) {
    if (!value.schedule) continue;
    std::array<char, 32> text{};
    value.number = std::min(value.schedule->first, value.schedule->last);
    value.text.assign(text.data(), std::to_chars(text.data(), text.data() + text.size(), value.number).ptr);
    value.schedule.reset();
  }
  return result;
}
Options Options::in_steps(double steps_per_epoch) const {
  Options result = *this;
  for (Value& value : result.values_) {
    if (!value.schedule || !value.schedule->over.in_epochs) continue;
    if (!(steps_per_epoch > 0.0)) {
      throw UsageError(place(value.spec.name) + ": how long an epoch is is not known here; give a number of steps");
    }
    const TrainingLength& over = value.schedule->over;
    const double steps =
        std::ceil(static_cast<double>(over.numerator) * steps_per_epoch / static_cast<double>(over.denominator));
    value.schedule->over = {.numerator = static_cast<std::uint64_t>(std::max(1.0, steps))};
    value.text = value.schedule->text();
  }
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
