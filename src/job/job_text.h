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
  enum class Kind { kText, kInteger, kNumber, kFlag, kList, kOther, kOverride };
  std::string text;   // of a list its elements with ", " between
  std::string where;  // "job.toml:12", "--set"
  Kind kind = Kind::kText;
};

struct WrittenSection {
  std::string where;  // of its head
  std::map<std::string, WrittenValue> keys;
};

using WrittenJob = std::map<std::string, WrittenSection>;

// `file` names the text in errors. Throws UsageError, one line with the place, for what is not TOML and for a key
// outside any section.
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
