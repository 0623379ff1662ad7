// CSV: one sample a line, a column of labels, perhaps one of users, numbers in all others.
//
//   file   = [BOM] [header] sample*      lines end with LF or CRLF; empty ones are skipped
//   header = the names of the columns
//   sample = fields, as many in every line, with a separator between each two
//   field  = text, or "text" in which "" stands for a quote; blanks around either do not count
//
// A number is decimal ("-1.5e3", "+2"), finite and within float's range; so is what stands in the column of labels with
// `has_targets`. A label is any text but the empty one and those that stand for a missing value (NA, nan, null, ...); so
// is a user. Every column of a header has a name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace laconic {

enum class CsvHeader { kAuto, kYes, kNo };

struct CsvFormat {
  char separator = ',';
  // Auto: the first line is the header where `label` is a name; where it is a number, if a field of that line that is
  // no label is not a number either.
  CsvHeader header = CsvHeader::kAuto;
  // The column of labels: its name in the header, or else its number, counted from 1.
  std::string label = "label";
  // That column has numbers to be predicted, not classes.
  bool has_targets = false;
  // The column that says whose each sample is, likewise; empty: there is none.
  std::string user = {};
};

inline constexpr std::size_t kMostCsvLabels = 65536;

struct CsvTable {
  std::vector<std::string> columns;   // the header without the columns of labels and users; empty without a header
  std::size_t features = 0;           // numbers in a line, at least one
  std::vector<double> values;         // samples x features, line after line, each within the range of float
  std::vector<std::uint32_t> labels;  // of each sample: which of `names`; empty with has_targets
  std::vector<double> targets;        // of each sample with has_targets, else empty; within the range of float
  std::string label;                  // the name of that column; empty without a header
  std::vector<std::uint32_t> users;   // of each sample: which of `user_names`; empty without a column of users
  struct Name {
    std::string text;
    std::size_t line = 0;  // where it stands first, counted from 1
  };
  std::vector<Name> names;              // at most kMostCsvLabels different ones, in the order in which they appear
  std::vector<std::string> user_names;  // likewise, as many as there are
};

// The table in `text`; `path` names it in errors. Throws UsageError, one line with path, line, column and remedy, for
// whatever is not as above, more than kMostCsvLabels labels, and a text without a sample.
CsvTable parse_csv(std::string_view text, const std::string& path, const CsvFormat& format);

// The whole number that `text` is, and nothing else; nothing where it is none.
std::optional<std::size_t> whole_number(std::string_view text);
// The same of a number as in a table.
std::optional<double> decimal_number(std::string_view text);

}  // namespace laconic
