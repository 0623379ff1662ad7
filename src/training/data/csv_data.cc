#include "training/data/csv_data.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "training/data/data_files.h"
#include "training/data/fingerprint.h"
#include "training/data/splits.h"
#include "training/data/text.h"
#include "training/formats/csv.h"
#include "training/formats/input_file.h"

namespace laconic {
namespace {

constexpr double kLargestFloat = std::numeric_limits<float>::max();

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
          throw UsageError(
              fmt::format("{}:{}: label {} is not a whole number below {}{}", path, name.line, shown(name.text), count_,
                          path == path_ ? "; check data.label and data.classes"
                                        : ", the classes of " + path_ + "; set data.classes, or correct the label"));
        }
        classes.push_back(static_cast<std::uint8_t>(*number));
        continue;
      }
      const auto found = std::lower_bound(names_.begin(), names_.end(), name.text);
      if (found == names_.end() || *found != name.text) {
        throw UsageError(
            fmt::format("{}:{}: label {} is not in {}, so that no model learns it; correct it, or remove its lines",
                        path, name.line, shown(name.text), path_));
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
    throw UsageError(fmt::format("{}: {} columns of numbers, and {} has {}; both need the same", test_path,
                                 test.features, train_path, train.features));
  }
  if (test.columns.empty() || train.columns.empty()) return;
  for (std::size_t i = 0; i < train.features; ++i) {
    if (test.columns[i] == train.columns[i]) continue;
    throw UsageError(fmt::format("{}:1: column {} stands where {} has {}; both need the same in the same order",
                                 test_path, shown(test.columns[i]), train_path, shown(train.columns[i])));
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
