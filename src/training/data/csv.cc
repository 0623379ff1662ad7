#include "training/data/csv.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/random.h"
#include "training/data/data_files.h"
#include "training/data/fingerprint.h"
#include "training/data/splits.h"
#include "training/data/text.h"
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

NumberFault parse_number(std::string_view text, float& number) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::invalid_argument || end != text.data() + text.size()) return NumberFault::kNoNumber;
  if (error != std::errc{}) return NumberFault::kTooLarge;
  if (!std::isfinite(value)) return NumberFault::kNotFinite;
  if (std::abs(value) > kLargestFloat) return NumberFault::kTooLarge;
  number = static_cast<float>(value);
  return NumberFault::kNone;
}

bool is_number(std::string_view text) {
  float ignored = 0.0F;
  return parse_number(text, ignored) == NumberFault::kNone;
}

std::optional<std::size_t> whole_number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
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
        if (column != label_) table_.columns.push_back(fields_[column]);
      }
    } else {
      take_sample();
    }
    while (next_line()) take_sample();
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
    for (std::size_t column = 0; column < width_; ++column) {
      if (column != label_ && !is_number(fields_[column])) return true;
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
        table_.labels.push_back(number_of(field));
        continue;
      }
      float value = 0.0F;
      switch (parse_number(field, value)) {
        case NumberFault::kNone:
          break;
        case NumberFault::kNoNumber:
          fail_in(column, field.empty() ? "the field is empty; fill in a number, or remove the line"
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

// Labels as classes: whole numbers, or names in the order of their bytes.
class Classes {
 public:
  // `count`: of whole numbers, 0 for one more than the largest.
  Classes(const CsvTable& train, const std::string& path, std::uint32_t count) : path_(path) {
    const bool whole = std::all_of(train.names.begin(), train.names.end(),
                                   [](const CsvTable::Name& name) { return whole_number(name.text).has_value(); });
    if (!whole) {
      if (count > 0) {
        throw UsageError(path + ": its labels are names, which are as many as it has; remove data.classes");
      }
      for (const CsvTable::Name& name : train.names) names_.push_back(name.text);
      std::sort(names_.begin(), names_.end());
      count_ = static_cast<std::uint32_t>(names_.size());
      return;
    }
    count_ = count > 0 ? count : static_cast<std::uint32_t>(kMostCsvLabels);
    std::size_t largest = 0;
    for (const std::uint8_t label : classes_of_names(train, path)) largest = std::max<std::size_t>(largest, label);
    if (count == 0) count_ = static_cast<std::uint32_t>(largest + 1);
  }

  std::uint32_t count() const { return count_; }
  // Zero where classes have no names.
  std::uint64_t fingerprint() const {
    if (names_.empty()) return 0;
    Fingerprint fingerprint;
    for (const std::string& name : names_) fingerprint.add(name);
    return fingerprint.value();
  }

  std::vector<std::uint8_t> of(const CsvTable& table, const std::string& path) const {
    const std::vector<std::uint8_t> class_of_name = classes_of_names(table, path);
    std::vector<std::uint8_t> labels;
    labels.reserve(table.labels.size());
    for (const std::uint32_t label : table.labels) labels.push_back(class_of_name[label]);
    return labels;
  }

 private:
  // The class of each of the table's names.
  std::vector<std::uint8_t> classes_of_names(const CsvTable& table, const std::string& path) const {
    std::vector<std::uint8_t> classes;
    for (const CsvTable::Name& name : table.names) {
      if (names_.empty()) {
        const std::optional<std::size_t> number = whole_number(name.text);
        if (!number || *number >= count_) {
          throw UsageError(path + ":" + std::to_string(name.line) + ": label " + shown(name.text) +
                           " is not a whole number below " + std::to_string(count_) +
                           (path == path_ ? "; check data.label and data.classes"
                                          : ", the classes of " + path_ + "; set data.classes, or correct the label"));
        }
        classes.push_back(static_cast<std::uint8_t>(*number));
        continue;
      }
      const auto found = std::lower_bound(names_.begin(), names_.end(), name.text);
      if (found == names_.end() || *found != name.text) {
        throw UsageError(path + ":" + std::to_string(name.line) + ": label " + shown(name.text) + " is not in " +
                         path_ + ", so that no model learns it; correct it, or remove its lines");
      }
      classes.push_back(static_cast<std::uint8_t>(found - names_.begin()));
    }
    return classes;
  }

  const std::string& path_;
  std::vector<std::string> names_;
  std::uint32_t count_ = 0;
};

CsvFormat format_of(const Options& options) {
  CsvFormat format;
  const std::string& separator = options.text("separator");
  format.separator = separator == "semicolon" ? ';' : separator == "tab" ? '\t' : ',';
  const std::string& header = options.text("header");
  format.header = header == "yes" ? CsvHeader::kYes : header == "no" ? CsvHeader::kNo : CsvHeader::kAuto;
  format.label = options.text("label");
  return format;
}

// The test file has the training file's columns in their order.
void require_same_columns(const CsvTable& train, const std::string& train_path, const CsvTable& test,
                          const std::string& test_path) {
  if (test.features != train.features) {
    throw UsageError(test_path + ": " + std::to_string(test.features) + " columns of numbers, and " + train_path +
                     " has " + std::to_string(train.features) + "; both need the same");
  }
  if (test.columns.empty() || train.columns.empty()) return;
  for (std::size_t i = 0; i < train.features; ++i) {
    if (test.columns[i] == train.columns[i]) continue;
    throw UsageError(test_path + ":1: column " + shown(test.columns[i]) + " stands where " + train_path + " has " +
                     shown(train.columns[i]) + "; both need the same in the same order");
  }
}

// Moves a share of the training samples to the test split. Files are often in the order of their labels, so they are
// drawn, by the number of samples alone.
void hold_out_test(Dataset& dataset, double share, const std::string& path) {
  const std::size_t total = dataset.train.count();
  const auto held = static_cast<std::size_t>(std::llround(share * static_cast<double>(total)));
  if (held == 0 || held == total) {
    throw UsageError(path + ": data.test of its " + std::to_string(total) +
                     " samples leaves a split empty; choose another share, or name a data.test_file");
  }
  std::vector<bool> marked(total, false);
  RandomStream stream(0, "test split of a table");
  for (const std::uint32_t sample :
       random_subset(stream, static_cast<std::uint32_t>(held), static_cast<std::uint32_t>(total))) {
    marked[sample] = true;
  }
  std::vector<bool> others = marked;
  others.flip();
  dataset.test = dataset.train;
  keep_samples(dataset.test, marked, dataset.shape.size());
  keep_samples(dataset.train, others, dataset.shape.size());
}

// Each feature gets mean 0 and deviation 1 over the training samples; one that has a single value there becomes 0.
void normalise(Dataset& dataset) {
  const std::size_t features = dataset.shape.size();
  const auto count = static_cast<double>(dataset.train.count());
  std::vector<double> mean(features), deviation(features);
  const std::vector<float>& train = dataset.train.values;
  for (std::size_t i = 0; i < train.size(); ++i) mean[i % features] += train[i] / count;
  for (std::size_t i = 0; i < train.size(); ++i) {
    const double difference = train[i] - mean[i % features];
    deviation[i % features] += difference * difference / count;
  }
  for (std::size_t feature = 0; feature < features; ++feature) {
    deviation[feature] = std::sqrt(deviation[feature]);
    // What the mean's own rounding leaves is no deviation.
    if (deviation[feature] <= 1e-12 * std::abs(mean[feature])) deviation[feature] = 0.0;
  }
  for (Samples* samples : {&dataset.train, &dataset.test}) {
    for (std::size_t i = 0; i < samples->values.size(); ++i) {
      const std::size_t feature = i % features;
      const double difference = samples->values[i] - mean[feature];
      const double scaled = deviation[feature] > 0.0 ? difference / deviation[feature] : difference;
      samples->values[i] = static_cast<float>(std::clamp(scaled, -kLargestFloat, kLargestFloat));
    }
  }
}

}  // namespace

CsvTable parse_csv(std::string_view text, const std::string& path, const CsvFormat& format) {
  return CsvParser(text, path, format).parse();
}

std::span<const OptionSpec> csv_options() {
  static const std::array options = {
      OptionSpec{.name = "train_file", .default_value = "train.csv", .help = "the training samples, in data.dir"},
      OptionSpec{.name = "test_file",
                 .default_value = "test.csv",
                 .help = "the test samples, in data.dir, with the same columns; empty: some of the training file"},
      OptionSpec{.name = "test",
                 .type = OptionType::kNumber,
                 .default_value = "0.2",
                 .minimum = 0.001,
                 .maximum = 0.9,
                 .only_with = {"test_file", ""},
                 .help = "fraction of the training file, drawn at random, that is the test split"},
      OptionSpec{.name = "label",
                 .default_value = "label",
                 .help = "the column of labels: its name in the header, or its number, counted from 1"},
      OptionSpec{.name = "classes",
                 .type = OptionType::kInteger,
                 .default_value = "0",
                 .minimum = 0,
                 .maximum = static_cast<double>(kMostCsvLabels),
                 .help = "classes where labels are whole numbers; 0: one more than the largest of the training file"},
      OptionSpec{.name = "separator",
                 .type = OptionType::kChoice,
                 .default_value = "comma",
                 .choices = {"comma", "semicolon", "tab"},
                 .help = "what stands between two fields"},
      OptionSpec{.name = "header",
                 .type = OptionType::kChoice,
                 .default_value = "auto",
                 .choices = {"auto", "yes", "no"},
                 .help = "whether the first line names the columns; auto: where data.label is a name, or that line has "
                         "words in the place of numbers"},
      OptionSpec{.name = "normalise",
                 .type = OptionType::kFlag,
                 .default_value = "true",
                 .help = "each feature gets mean 0 and deviation 1 over the training samples"}};
  return options;
}

Dataset open_csv(const DatasetRow& row, const std::string& directory, const Options& options, Splits splits) {
  const CsvFormat format = format_of(options);
  const std::string& test_file = options.text("test_file");
  const std::string train_path = find_data_file(row, directory, options.text("train_file"));
  CsvTable train = parse_csv(read_text(train_path), train_path, format);
  const Classes classes(train, train_path, static_cast<std::uint32_t>(options.integer("classes")));
  if (classes.count() < 2) {
    throw UsageError(train_path + ": all samples have one label, from which nothing is learnt; check data.label");
  }
  Dataset dataset;
  dataset.name = row.name;
  dataset.shape = {.channels = 1, .height = 1, .width = static_cast<std::int64_t>(train.features)};
  dataset.classes = classes.count();
  dataset.vocabulary = classes.fingerprint();
  dataset.train.labels = classes.of(train, train_path);
  dataset.train.values = std::move(train.values);
  if (test_file.empty()) {
    hold_out_test(dataset, options.number("test"), train_path);
  } else if (splits == Splits::kAll) {
    const std::string test_path = find_data_file(row, directory, test_file);
    CsvTable test = parse_csv(read_text(test_path), test_path, format);
    require_same_columns(train, train_path, test, test_path);
    dataset.test.labels = classes.of(test, test_path);
    dataset.test.values = std::move(test.values);
  }
  if (options.flag("normalise")) normalise(dataset);
  if (splits == Splits::kTraining) dataset.test = {};
  return dataset;
}

}  // namespace laconic
