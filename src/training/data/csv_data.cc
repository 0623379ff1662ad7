#include "training/data/csv_data.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "training/data/column_scale.h"
#include "training/data/data_files.h"
#include "training/data/fingerprint.h"
#include "training/data/label_classes.h"
#include "training/data/splits.h"
#include "training/data/table_notes.h"
#include "training/data/text.h"
#include "training/data/users.h"
#include "training/formats/csv.h"
#include "training/formats/input_file.h"

namespace laconic {
namespace {

static_assert(kMostCsvLabels <= kMostClasses);

// The labels of a table, each with its line.
std::vector<PlacedLabel> labels_of(const CsvTable& table, const std::string& path) {
  std::vector<PlacedLabel> labels;
  for (const CsvTable::Name& name : table.names) {
    labels.push_back({.text = name.text, .place = path + ":" + std::to_string(name.line)});
  }
  return labels;
}

// Numbers that are not all whole are no names of classes: prices are not, nor is 1.0 in a column that lacked a value.
void refuse_decimals(std::span<const PlacedLabel> labels) {
  if (!std::ranges::all_of(labels, [](const PlacedLabel& label) { return decimal_number(label.text).has_value(); })) {
    return;
  }
  const auto first = std::ranges::find_if(labels, [](const PlacedLabel& label) { return !whole_number(label.text); });
  if (first == labels.end()) return;
  throw UsageError(fmt::format(
      "{}: label {} is a number, but not a whole one from 0, and labels are classes: number these 0, 1, "
      "2, ... (a column of measurements, such as a price, is no column of classes: check data.label, or predict it "
      "with data.targets = \"numbers\")",
      first->place, shown(first->text)));
}

CsvFormat format_of(const Options& options) {
  CsvFormat format;
  const std::string& separator = options.text("separator");
  format.separator = separator == "semicolon" ? ';' : separator == "tab" ? '\t' : ',';
  const std::string& header = options.text("header");
  format.header = header == "yes" ? CsvHeader::kYes : header == "no" ? CsvHeader::kNo : CsvHeader::kAuto;
  format.label = options.text("label");
  format.has_targets = options.text("targets") == "numbers";
  format.user = options.text("user");
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

// Which of the lines of the training file are the test split: a share. Files are often in the order of their labels, so
// they are drawn, by the number of lines alone.
std::vector<bool> held_out(std::size_t total, double share, const std::string& path) {
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
  return marked;
}

}  // namespace

std::span<const OptionSpec> csv_options() {
  static const std::array options = {
      OptionSpec{.name = "train_file", .default_value = "train.csv", .help = "the training samples, in data.dir"},
      OptionSpec{
          .name = "test_file",
          .default_value = "test.csv",
          .help = "the file of test samples in data.dir, with the same columns; empty: a part of the training file"},
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
      OptionSpec{.name = "targets",
                 .type = OptionType::kChoice,
                 .default_value = "classes",
                 .choices = {"classes", "numbers"},
                 .help = "whether that column has classes, or numbers to predict (regression), which need a model.loss "
                         "of mse, l1 or huber"},
      OptionSpec{.name = "user",
                 .default_value = "",
                 .help = "the column with the user of each sample, such as a hospital, by name or number; it is not a "
                         "feature, and data.partition = \"user\" divides by it; empty: there is none"},
      OptionSpec{.name = "classes",
                 .type = OptionType::kInteger,
                 .default_value = "0",
                 .minimum = 0,
                 .maximum = static_cast<double>(kMostCsvLabels),
                 .only_with = {"targets", "classes"},
                 .help = "number of classes where labels are whole numbers; 0: one more than the largest label of the "
                         "training file"},
      OptionSpec{.name = "separator",
                 .type = OptionType::kChoice,
                 .default_value = "comma",
                 .choices = {"comma", "semicolon", "tab"},
                 .help = "separator of the fields"},
      OptionSpec{.name = "header",
                 .type = OptionType::kChoice,
                 .default_value = "auto",
                 .choices = {"auto", "yes", "no"},
                 .help = "whether the first line names the columns; auto: if data.label is a name, or that line has "
                         "words instead of numbers"},
      OptionSpec{.name = "normalise",
                 .type = OptionType::kFlag,
                 .default_value = "true",
                 .help = "each feature gets mean 0 and deviation 1 over the training samples, including those held out "
                         "for validation"},
      OptionSpec{.name = "normalise_targets",
                 .type = OptionType::kFlag,
                 .default_value = "true",
                 .only_with = {"targets", "numbers"},
                 .help = "the numbers to predict get mean 0 and deviation 1 too: the loss is then in normalised units, "
                         "the mean absolute error still in the unit of the file"}};
  return options;
}

// Of a data set that came as one file, the error says how that is split.
std::string find_test_file(const DatasetRow& row, const std::string& directory, const Options& options) {
  try {
    return find_data_file(row, directory, options.text("test_file"));
  } catch (const UsageError& error) {
    throw UsageError(std::string(error.what()) + "; or write data.test_file = \"\" to test on a part of " +
                     options.text("train_file") + ", drawn at random (data.test = 0.2)");
  }
}

Dataset open_csv(const DatasetRow& row, const std::string& directory, const Options& options, Splits splits) {
  const CsvFormat format = format_of(options);
  const std::string& test_file = options.text("test_file");
  const std::string train_path = find_data_file(row, directory, options.text("train_file"));
  const CsvTable train = parse_csv(read_text(train_path), train_path, format);
  Dataset dataset;
  dataset.name = row.name;
  dataset.shape = {.channels = 1, .height = 1, .width = static_cast<std::int64_t>(train.features)};
  dataset.feature_names = train.columns;
  std::optional<LabelClasses> classes;
  if (format.has_targets) {
    dataset.numbers = 1;
    if (std::ranges::all_of(train.targets, [&](double target) { return target == train.targets.front(); })) {
      throw UsageError(train_path + ": all samples have one target, from which nothing is learnt; check data.label");
    }
    if (!train.label.empty()) dataset.target_names = {train.label};
  } else {
    const std::vector<PlacedLabel> labels = labels_of(train, train_path);
    refuse_decimals(labels);
    classes.emplace(labels, static_cast<std::uint32_t>(options.integer("classes")), train_path,
                    "data.label and data.classes");
    if (classes->count() < 2) {
      throw UsageError(train_path + ": all samples have one label, from which nothing is learnt; check data.label");
    }
    dataset.classes = classes->count();
    dataset.vocabulary = fingerprint_of_names(classes->names());
    dataset.class_names = classes->names();
    dataset.notes = notes_of_labels(train, classes->count());
  }
  const std::size_t lines = train.values.size() / train.features;
  const std::vector<bool> held =
      test_file.empty() ? held_out(lines, options.number("test"), train_path) : std::vector<bool>(lines, false);
  if (options.flag("normalise")) dataset.feature_scale = column_scales(train.values, train.features, held);
  if (format.has_targets && options.flag("normalise_targets")) {
    dataset.target_scale = column_scales(train.targets, 1, held);
  }
  const std::vector<std::string> of_columns = notes_of_columns(train, options.flag("normalise"));
  dataset.notes.insert(dataset.notes.end(), of_columns.begin(), of_columns.end());
  const auto samples_of = [&](const CsvTable& table, const std::string& path) {
    Samples samples;
    samples.values = scaled(table.values, dataset.feature_scale);
    if (classes) {
      samples.labels = classes->numbers(table.labels, labels_of(table, path));
    } else {
      samples.targets_each = 1;
      samples.targets = scaled(table.targets, dataset.target_scale);
    }
    return samples;
  };
  dataset.train = samples_of(train, train_path);
  if (const std::string note = note_of_targets(dataset.train); !note.empty()) dataset.notes.push_back(note);
  dataset.user_names = train.user_names;
  dataset.train.users = numbered(train.users, sort_names(dataset.user_names));
  if (test_file.empty()) {
    std::vector<bool> others = held;
    others.flip();
    dataset.test = dataset.train;
    keep_samples(dataset.test, held, dataset.shape.size());
    keep_samples(dataset.train, others, dataset.shape.size());
    for (std::uint32_t line = 0; line < lines; ++line) {
      if (held[line]) dataset.test_rows.push_back(line);
    }
  } else if (splits == Splits::kAll) {
    const std::string test_path = find_test_file(row, directory, options);
    const CsvTable test = parse_csv(read_text(test_path), test_path, format);
    require_same_columns(train, train_path, test, test_path);
    dataset.test = samples_of(test, test_path);
  }
  if (splits == Splits::kTraining) dataset.test = {};
  return dataset;
}

}  // namespace laconic
