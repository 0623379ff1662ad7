#include "training/formats/csv.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <span>
#include <utility>

#include "base/error.h"
#include "base/supervision.h"
#include "training/formats/input_file.h"

namespace laconic {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr double kLargestFloat = std::numeric_limits<float>::max();

std::string_view without_blanks(std::string_view text, char separator) {
  const auto is_blank = [&](char c) { return (c == ' ' || c == '\t') && c != separator; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

enum class NumberFault { kNone, kNoNumber, kNotFinite, kTooLarge };

NumberFault parse_number(std::string_view text, double& number) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::invalid_argument || end != text.data() + text.size()) return NumberFault::kNoNumber;
  if (error != std::errc{}) return NumberFault::kTooLarge;
  if (!std::isfinite(value)) return NumberFault::kNotFinite;
  if (std::abs(value) > kLargestFloat) return NumberFault::kTooLarge;
  number = value;
  return NumberFault::kNone;
}

// What programs write where a value is missing: all that pandas reads so, and what stands there in old tables. Not "none",
// which may well be a class, nor "Nan", a name.
bool is_missing_value(std::string_view text) {
  constexpr std::array<std::string_view, 24> kMissing = {
      "#N/A", "#N/A N/A", "#NA",  "#NULL!", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A",
      "NA",   "NAN",      "NULL", "NaN",    "None",    "Null",     "n/a",  "nan",  "null",   "?",       ".",    "--"};
  return std::find(kMissing.begin(), kMissing.end(), text) != kMissing.end();
}

// Bytes that no table of lines begins with, and what to do with them; empty for others.
std::string foreign_text(std::string_view text) {
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) return "the file is UTF-16; save it as UTF-8";
  if (text.find('\n') == std::string_view::npos && text.find('\r') < text.find_last_not_of('\r')) {
    return "the lines end with CR alone, as on old Macs; save the file with LF";
  }
  return {};
}

class CsvParser {
 public:
  CsvParser(std::string_view text, const std::string& path, const CsvFormat& format)
      : rest_(text), path_(path), format_(format) {
    if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
  }

  CsvTable parse() {
    if (const std::string problem = foreign_text(rest_); !problem.empty()) {
      line_ = 1;
      fail(problem);
    }
    if (!next_line()) fail("the file has no line; check that it is the right one");
    const bool header = find_label();
    if (!format_.user.empty()) find_user(header);
    table_.features = width_ - (user_ ? 2 : 1);
    if (width_ < (user_ ? 3 : 2)) {
      fail(width_ == 1 ? "there is one column, and labels need others to learn from; check data.separator"
                       : "there are a label and a user in the line, and nothing to learn from; check data.separator");
    }
    if (header) {
      for (std::size_t column = 0; column < width_; ++column) {
        if (column == label_) table_.label = fields_[column];
        if (!is_feature(column)) continue;
        const std::string& name = fields_[column];
        if (name.empty() || name.starts_with("Unnamed: ")) {
          fail("column " + std::to_string(column + 1) + (name.empty() ? "" : ", " + shown(name) + ",") +
               " has no name: is it the number of the row, as pandas writes it? Remove it (index=False), as a model "
               "would learn from it, or give it a name");
        }
        table_.columns.push_back(fields_[column]);
      }
    } else {
      take_sample();
    }
    constexpr std::size_t kTell = 1024;  // rows
    for (std::size_t row = 0; next_line(); ++row) {
      if (row % kTell == 0) report_progress("reading rows", row);
      take_sample();
    }
    refuse_dash();
    if (table_.values.empty()) fail("no sample follows the header; check data.header, and that the file is complete");
    return std::move(table_);
  }

 private:
  [[noreturn]] void fail(const std::string& problem) const {
    throw UsageError(path_ + ":" + std::to_string(std::max<std::size_t>(line_, 1)) + ": " + problem);
  }
  // A dash is a class beside a plus, and a missing value beside anything else.
  void refuse_dash() {
    const auto named = [&](std::string_view text) {
      return std::find_if(table_.names.begin(), table_.names.end(),
                          [&](const CsvTable::Name& name) { return name.text == text; });
    };
    const auto dash = named("-");
    if (dash == table_.names.end() || named("+") != table_.names.end()) return;
    line_ = dash->line;
    fail_in(label_, "the label is '-', which stands for a missing one; fill it in, or remove the line");
  }
  [[noreturn]] void fail_in(std::size_t column, const std::string& problem) const {
    const std::size_t feature = column - (column > label_ ? 1 : 0) - (user_ && column > *user_ ? 1 : 0);
    const bool named = is_feature(column) && feature < table_.columns.size();
    fail("column " + std::to_string(column + 1) + (named ? " (" + shown(table_.columns[feature]) + ")" : "") + ": " +
         problem);
  }

  bool is_feature(std::size_t column) const { return column != label_ && column != user_; }

  // Splits the next line that is not empty into fields_. False at the end of the text.
  bool next_line() {
    while (!rest_.empty()) {
      const std::size_t end = std::min(rest_.find('\n'), rest_.size());
      std::string_view line = rest_.substr(0, end);
      rest_.remove_prefix(std::min(end + 1, rest_.size()));
      ++line_;
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (without_blanks(line, format_.separator).empty()) continue;
      split(line);
      return true;
    }
    return false;
  }

  void split(std::string_view line) {
    count_ = 0;
    while (true) {
      while (!line.empty() && (line[0] == ' ' || line[0] == '\t') && line[0] != format_.separator) {
        line.remove_prefix(1);
      }
      std::string& field = new_field();
      if (line.starts_with('"')) {
        line.remove_prefix(1);
        take_quoted(line, field);
      } else {
        const std::size_t length = std::min(line.find(format_.separator), line.size());
        field = without_blanks(line.substr(0, length), format_.separator);
        line.remove_prefix(length);
      }
      if (line.empty()) return;
      line.remove_prefix(1);  // the separator
    }
  }

  // The rest of a field behind its first quote, up to the separator or the end of the line.
  void take_quoted(std::string_view& line, std::string& field) {
    while (true) {
      const std::size_t quote = line.find('"');
      if (quote == std::string_view::npos) {
        fail("column " + std::to_string(count_) +
             ": a quote is not closed in its line; close it, or write it twice if it is text");
      }
      field += line.substr(0, quote);
      line.remove_prefix(quote + 1);
      if (!line.starts_with('"')) break;
      field += '"';
      line.remove_prefix(1);
    }
    const std::size_t next = std::min(line.find(format_.separator), line.size());
    if (!without_blanks(line.substr(0, next), format_.separator).empty()) {
      fail("column " + std::to_string(count_) + ": text follows a closed quote; write a quote inside quotes twice");
    }
    line.remove_prefix(next);
  }

  // The strings of former lines are used again.
  std::string& new_field() {
    if (count_ == fields_.size()) fields_.emplace_back();
    fields_[count_].clear();
    return fields_[count_++];
  }

  // From the first line the number of columns and which has the labels. Whether that line is a header.
  bool find_label() {
    width_ = count_;
    const std::optional<std::size_t> number = whole_number(format_.label);
    if (format_.header == CsvHeader::kYes || (format_.header == CsvHeader::kAuto && !number)) {
      if (const auto found = column_named(format_.label, "data.label")) {
        label_ = *found;
        return true;
      }
    }
    label_ = column_numbered(format_.label, "data.label");
    if (format_.header != CsvHeader::kAuto) return format_.header == CsvHeader::kYes;
    const std::optional<std::size_t> user = whole_number(format_.user);
    if (!format_.user.empty() && !user) return true;
    bool counted_from_0 = true;
    bool counted_from_1 = true;
    for (std::size_t column = 0; column < width_; ++column) {
      if (column != label_ && user != column + 1 && !decimal_number(fields_[column])) return true;
      counted_from_0 = counted_from_0 && whole_number(fields_[column]) == column;
      counted_from_1 = counted_from_1 && whole_number(fields_[column]) == column + 1;
    }
    if (width_ > 2 && (counted_from_0 || counted_from_1)) {
      fail(
          "the line counts the columns, so that it may be their names or a sample; say which: data.header = \"yes\" or "
          "\"no\"");
    }
    return false;
  }

  void find_user(bool header) {
    const std::optional<std::size_t> named = header ? column_named(format_.user, "data.user") : std::nullopt;
    user_ = named ? named : column_numbered(format_.user, "data.user");
    if (user_ == label_) {
      fail("data.user and data.label are both column " + std::to_string(label_ + 1) + "; set one to another column");
    }
  }

  // The place of the column with this name in the header, nothing where there is none.
  std::optional<std::size_t> column_named(const std::string& name, const std::string& key) const {
    const auto columns = std::span(fields_).first(width_);
    const auto found = std::find(columns.begin(), columns.end(), name);
    if (found == columns.end()) return std::nullopt;
    if (std::find(found + 1, columns.end(), name) != columns.end()) {
      fail("two columns have the name " + shown(name) + "; rename one, or set " + key + " to a number");
    }
    return static_cast<std::size_t>(found - columns.begin());
  }

  // The place of the column that `text` counts, from 1.
  std::size_t column_numbered(const std::string& text, const std::string& key) const {
    const std::optional<std::size_t> number = whole_number(text);
    if (!number) {
      fail("no column has the name " + shown(text) + "; set " + key + " to one of the header (" + some_columns() +
           "), or to the column's number, counted from 1" + (width_ == 1 ? "; check data.separator" : ""));
    }
    if (*number < 1 || *number > width_) {
      fail(key + " is column " + text + ", and the line has " + std::to_string(width_) + "; check " + key +
           " and data.separator");
    }
    return *number - 1;
  }

  std::string some_columns() const {
    constexpr std::size_t kMost = 5;
    std::string text;
    for (std::size_t column = 0; column < std::min(width_, kMost); ++column) {
      text += (column == 0 ? "" : ", ") + shown(fields_[column]);
    }
    return text + (width_ > kMost ? ", ..." : "");
  }

  void take_sample() {
    if (count_ != width_) {
      fail("the line has " + std::to_string(count_) + " fields, the first one " + std::to_string(width_) +
           "; correct it, or check data.separator");
    }
    for (std::size_t column = 0; column < width_; ++column) {
      const std::string& field = fields_[column];
      if (column == label_ && !format_.has_targets) {
        if (field.empty()) fail_in(column, "the label is empty; fill it in, or remove the line");
        if (is_missing_value(field)) {
          fail_in(column, "the label is " + shown(field) +
                              ", which stands for a missing one; fill it in, or remove the line (a class of that name "
                              "needs another)");
        }
        table_.labels.push_back(number_of(field));
        continue;
      }
      if (column == user_) {
        if (field.empty() || is_missing_value(field)) {
          fail_in(column, (field.empty() ? "the user is empty"
                                         : "the user is " + shown(field) + ", which stands for a missing one") +
                              std::string("; fill it in, or remove the line"));
        }
        const auto [at, is_new] = users_.try_emplace(field, static_cast<std::uint32_t>(users_.size()));
        if (is_new) table_.user_names.push_back(field);
        table_.users.push_back(at->second);
        continue;
      }
      double value = 0.0;
      switch (parse_number(field, value)) {
        case NumberFault::kNone:
          break;
        case NumberFault::kNoNumber:
          fail_in(column, field.empty() ? "the field is empty; fill in a number, or remove the line"
                          : is_missing_value(field)
                              ? shown(field) + " stands for a missing number; fill it in, or remove the line"
                              : shown(field) + " is not a number; turn it into one, or remove the column");
        case NumberFault::kNotFinite:
          fail_in(column, shown(field) + " is not finite; fill in a number, or remove the line");
        case NumberFault::kTooLarge:
          fail_in(column, shown(field) + " is outside the range of float; scale the column");
      }
      (column == label_ ? table_.targets : table_.values).push_back(value);
    }
  }

  std::uint32_t number_of(const std::string& label) {
    const auto [at, is_new] = numbers_.try_emplace(label, static_cast<std::uint32_t>(numbers_.size()));
    if (is_new) {
      if (numbers_.size() > kMostCsvLabels) {
        fail_in(label_, "more than " + std::to_string(kMostCsvLabels) +
                            " different labels, too many for classes; check data.label");
      }
      table_.names.push_back({.text = label, .line = line_});
    }
    return at->second;
  }

  std::string_view rest_;
  const std::string& path_;
  const CsvFormat& format_;
  std::size_t line_ = 0;
  std::vector<std::string> fields_;  // the first count_ are the line's
  std::size_t count_ = 0;
  std::size_t width_ = 0;
  std::size_t label_ = 0;
  std::optional<std::size_t> user_;
  std::map<std::string, std::uint32_t> numbers_;
  std::map<std::string, std::uint32_t> users_;
  CsvTable table_;
};

}  // namespace

std::optional<std::size_t> whole_number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> decimal_number(std::string_view text) {
  double value = 0.0;
  if (parse_number(text, value) != NumberFault::kNone) return std::nullopt;
  return value;
}

CsvTable parse_csv(std::string_view text, const std::string& path, const CsvFormat& format) {
  return CsvParser(text, path, format).parse();
}

}  // namespace laconic
