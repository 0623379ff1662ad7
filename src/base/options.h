// Options as tables: a section of the job file, a strategy or a model declares what it takes, and parsing, checking,
// defaults, help and the resolved job all follow from the declaration.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/number_schedule.h"
#include "base/units.h"

namespace laconic {

enum class OptionType { kInteger, kNumber, kText, kChoice, kFlag, kBytes, kDuration, kRate };

// Written with designated initialisers; a member left out has the value below.
struct OptionSpec {
  std::string_view name;
  OptionType type = OptionType::kText;
  // Text of the default. A required option has none and must be given.
  std::string_view default_value = {};
  bool required = false;
  // Inclusive range of integers and numbers.
  double minimum = -std::numeric_limits<double>::infinity();
  double maximum = std::numeric_limits<double>::infinity();
  // The accepted words of a kChoice; of a kNumber the words that may stand in its place ("auto").
  std::vector<std::string_view> choices = {};
  // Of a kNumber: in its place may stand one that changes over the run, "0.2 -> 0.01 over 2 epochs".
  bool scheduled = false;
  // Has a meaning only where the kChoice or kText `option` of the same table has this value, or one of several
  // ("adam|yogi"), or any but the empty one (kAnyText); elsewhere it is refused when given and left out of what is
  // resolved.
  static constexpr std::string_view kAnyText = "*";
  struct Condition {
    std::string_view option = {};
    std::string_view value = {};
    bool holds(std::string_view text) const;
    std::string values() const;  // for people: "adam" or "yogi"; given
  };
  Condition only_with = {};
  // One line for `laconic list` and the docs, with the unit.
  std::string_view help = {};
};

// A value as the user wrote it and the place where ("job.toml:12", "--set").
struct GivenOption {
  std::string text;
  std::string where;
};

// Values for every OptionSpec of a table, each checked against it.
class Options {
 public:
  Options() = default;

  // Resolves `given` against `specs`. `section` ("strategy") names the options in errors. Throws UsageError that names
  // the place, the option and the remedy for: an unknown name (with the nearest known one), a missing required option,
  // a value of another type, unit or range, an option without a meaning beside the others. `specs` are copied by view:
  // their texts must outlive the result (they are string literals of tables).
  Options(std::string_view section, std::span<const OptionSpec> specs, const std::map<std::string, GivenOption>& given);

  // Typed access. Asking for a name or a type that the table does not declare is a caller's bug.
  std::uint64_t integer(std::string_view name) const;
  double number(std::string_view name) const;            // not a word in its place: see is_word; of a schedule the last
  const std::string& text(std::string_view name) const;  // kText and kChoice
  bool flag(std::string_view name) const;
  Bytes bytes(std::string_view name) const;
  Seconds seconds(std::string_view name) const;
  BitsPerSecond rate(std::string_view name) const;

  // Whether a word stands in the place of this kNumber.
  bool is_word(std::string_view name) const;
  // The schedule that stands in the place of this kNumber; null: none does.
  const NumberSchedule* schedule(std::string_view name) const;
  // The first option that has one; null: nothing changes over the run.
  const OptionSpec* scheduled() const;

  // The same options with one value replaced, which the table accepts (else UsageError): for what a word stood for.
  Options with(std::string_view name, const std::string& text) const;
  // The same options with the lengths of schedules in steps, rounded up. `steps_per_epoch` may be 0, not known: throws
  // UsageError for a length in epochs then.
  Options in_steps(double steps_per_epoch) const;
  // The same options with each schedule at its lowest number all the time.
  Options at_lowest() const;

  // Whether the user gave it, and where (empty when it is the default).
  bool given(std::string_view name) const;
  // "job.toml:12: strategy.threshold", for errors found later.
  std::string place(std::string_view name) const;
  // The resolved text of every option that has a meaning, in the order of the table, for job.resolved.toml.
  struct Resolved {
    const OptionSpec* spec;
    std::string text;
  };
  std::vector<Resolved> resolved() const;

 private:
  struct Value {
    OptionSpec spec;
    std::string text;
    std::string where;
    double number = 0.0;
    std::optional<NumberSchedule> schedule = {};
  };
  static void check(Value& value);
  const Value& find(std::string_view name) const;
  const Value& find(std::string_view name, OptionType type) const;
  bool has_meaning(const Value& value) const;
  std::string section_;
  std::vector<Value> values_;
};

}  // namespace laconic
