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

// What programs write where a value is missing; pandas reads all of them so.
bool is_missing_value(std::string_view text) {
  constexpr std::array<std::string_view, 17> kMissing = {"#N/A", "#N/A N/A", "#NA",     "-1.#IND", "-1.#QNAN", "-NaN",
                                                         "-nan", "1.#IND",   "1.#QNAN", "<NA>",    "N/A",      "NA",
                                                         "NULL", "NaN",      "n/a",     "nan",     "null"};
  return std::find(kMissing.begin(), kMissing.end(), text) != kMissing.end();
}

class CsvParser {
 public:
  CsvParser(std::string_view text, const std::string& path, const CsvFormat& format)
      : rest_(text), path_(path), format_(format) {
    if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
  }

  CsvTable parse() {
    if (!next_line()) fail("the file has no line; check that it is the right one");
    const bool header = find_label();
    if (width_ < 2) {
      fail("there is one column, and labels need others to learn from; check data.separator");
    }
    table_.features = width_ - 1;
    if (header) {
      for (std::size_t column = 0; column < width_; ++column) {
        if (column == label_) continue;
        if (fields_[column].empty()) {
          fail("column " + std::to_string(column + 1) +
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
    if (table_.labels.empty()) fail("no sample follows on the header; check data.header, and that the file is whole");
    return std::move(table_);
  }

 private:
  [[noreturn]] void fail(const std::string& problem) const {
    throw UsageError(path_ + ":" + std::to_string(std::max<std::size_t>(line_, 1)) + ": " + problem);
  }
  [[noreturn]] void fail_in(std::size_t column, const std::string& problem) const {
    const std::size_t feature = column < label_ ? column : column - 1;
    const bool named = column != label_ && feature < table_.columns.size();
    fail("column " + std::to_string(column + 1) + (named ? " (" + shown(table_.columns[feature]) + ")" : "") + ": " +
         problem);
  }

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
        fail("column " + std::to_string(count_) + ": a quote is not closed in its line; close it, or double it");
      }
      field += line.substr(0, quote);
      line.remove_prefix(quote + 1);
      if (!line.starts_with('"')) break;
      field += '"';
      line.remove_prefix(1);
    }
    const std::size_t next = std::min(line.find(format_.separator), line.size());
    if (!without_blanks(line.substr(0, next), format_.separator).empty()) {
      fail("column " + std::to_string(count_) + ": text follows on a closed quote; double a quote within quotes");
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
      const auto columns = std::span(fields_).first(width_);
      const auto found = std::find(columns.begin(), columns.end(), format_.label);
      if (found != columns.end()) {
        if (std::find(found + 1, columns.end(), format_.label) != columns.end()) {
          fail("two columns have the name " + shown(format_.label) + "; rename one, or set data.label to a number");
        }
        label_ = static_cast<std::size_t>(found - columns.begin());
        return true;
      }
    }
    if (!number) {
      fail("no column has the name " + shown(format_.label) + "; set data.label to one of the header (" +
           some_columns() + "), or to the column's number, counted from 1");
    }
    if (*number < 1 || *number > width_) {
      fail("data.label is column " + format_.label + ", and the line has " + std::to_string(width_) +
           "; check data.label and data.separator");
    }
    label_ = *number - 1;
    if (format_.header != CsvHeader::kAuto) return format_.header == CsvHeader::kYes;
    bool counted_from_0 = true;
    bool counted_from_1 = true;
    for (std::size_t column = 0; column < width_; ++column) {
      if (column != label_ && !decimal_number(fields_[column])) return true;
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
      if (column == label_) {
        if (field.empty()) fail_in(column, "the label is empty; fill it in, or remove the line");
        if (is_missing_value(field)) {
          fail_in(column, "the label is " + shown(field) +
                              ", which stands for a missing one; fill it in, or remove the line (a class of that name "
                              "needs another)");
        }
        table_.labels.push_back(number_of(field));
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
      table_.values.push_back(value);
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
  std::map<std::string, std::uint32_t> numbers_;
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
