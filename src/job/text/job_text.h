// The text of a job file as sections and keys with their values and places, overrides applied: TOML in, nothing checked
// yet against what a job may hold.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/options.h"

namespace laconic {

// A value, and how the file wrote it.
struct WrittenValue {
  // kTable: a section in a section, [optimizer.sgd] or sgd = {...}; kOther: a date, a list of lists.
  enum class Kind { kText, kInteger, kNumber, kFlag, kList, kTable, kOther, kOverride };
  std::string text;   // of a list its elements with ", " between
  std::string where;  // "job.toml:12", "--set"
  Kind kind = Kind::kText;
};

struct WrittenSection {
  std::string where;  // of its head
  std::map<std::string, WrittenValue> keys;
};

using WrittenJob = std::map<std::string, WrittenSection>;

// The section of keys that stand outside any; there only where the text has some.
inline constexpr std::string_view kOutside = "";

// `file` names the text in errors. Throws UsageError, one line with the place and what to write, for bytes that are no
// text, for what is not TOML, and for a section with doubled brackets.
WrittenJob read_job_text(std::string_view text, const std::string& file);

struct Override {
  std::string section;
  std::string key;
  std::string value;
};

// "section.key=value", the value as it stands or in double quotes. Throws UsageError.
Override parse_override(std::string_view text);

// `text` as a TOML string, in quotes.
std::string toml_quoted(std::string_view text);

}  // namespace laconic
