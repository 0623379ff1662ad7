#include "training/data/leaf.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <map>

#include "base/error.h"
#include "training/data/fingerprint.h"
#include "training/data/label_classes.h"
#include "training/data/users.h"
#include "training/formats/leaf_json.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;

static_assert(kMostLeafLabels <= kMostClasses);

// The files of a split, in the order of their names.
std::vector<std::string> files_in(const fs::path& folder) {
  std::error_code error;
  std::vector<std::string> files;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const fs::path& path = entry->path();
    if (!path.filename().string().starts_with('.') && path.extension() == ".json") files.push_back(path.string());
  }
  if (error) throw UsageError(folder.string() + ": cannot be read (" + error.message() + "); check data.dir");
  if (files.empty()) throw UsageError(folder.string() + ": holds no .json file; check data.dir");
  std::sort(files.begin(), files.end());
  return files;
}

// The files of a split as one.
struct LeafSplit {
  LeafFile all;
  std::vector<PlacedLabel> labels;  // all.label_names, each with the file that has it first
};

// `text`, which is one of `names` by its place, or added to them.
std::uint32_t number_in(std::map<std::string, std::uint32_t>& numbers, std::vector<std::string>& names,
                        const std::string& text) {
  const auto [at, is_new] = numbers.try_emplace(text, static_cast<std::uint32_t>(names.size()));
  if (is_new) names.push_back(text);
  return at->second;
}

// `keep`: as of read_leaf_json, over all files.
LeafSplit read_split(const fs::path& folder, const std::vector<bool>& keep = {}) {
  LeafSplit split;
  std::map<std::string, std::uint32_t> users;
  std::map<std::string, std::uint32_t> labels;
  std::string first;
  for (const std::string& path : files_in(folder)) {
    const LeafFile file = read_leaf_json(path, keep, split.all.users.size());
    if (first.empty()) {
      first = path;
      split.all.features = file.features;
    }
    if (file.features != split.all.features) {
      throw UsageError(fmt::format("{}: a sample has {} numbers, and those of {} have {}; all need the same", path,
                                   file.features, first, split.all.features));
    }
    std::vector<std::uint32_t> user_of;
    for (const std::string& name : file.user_names) user_of.push_back(number_in(users, split.all.user_names, name));
    std::vector<std::uint32_t> label_of;
    for (const std::string& name : file.label_names) {
      label_of.push_back(number_in(labels, split.all.label_names, name));
      if (split.labels.size() < split.all.label_names.size()) split.labels.push_back({.text = name, .place = path});
    }
    for (const std::uint32_t user : file.users) split.all.users.push_back(user_of[user]);
    for (const std::uint32_t label : file.labels) split.all.labels.push_back(label_of[label]);
    split.all.values.insert(split.all.values.end(), file.values.begin(), file.values.end());
  }
  return split;
}

// "1x28x28", "28x28", or a vector.
ImageShape parse_shape(const Options& options, std::size_t features) {
  const std::string& text = options.text("shape");
  if (text.empty()) return {.channels = 1, .height = 1, .width = static_cast<std::int64_t>(features)};
  std::vector<std::int64_t> sides;
  std::size_t product = 1;
  for (const char* at = text.data(); sides.size() <= 3;) {
    std::int64_t side = 0;
    const char* const end_of_text = text.data() + text.size();
    const auto [end, error] = std::from_chars(at, end_of_text, side);
    if (error != std::errc{} || side < 1 || side > static_cast<std::int64_t>(features)) break;
    sides.push_back(side);
    product *= static_cast<std::size_t>(side);
    if (end == end_of_text && (sides.size() == 2 || sides.size() == 3)) {
      if (product != features) {
        throw UsageError(options.place("shape") + ": " + text + " is " + std::to_string(product) +
                         " numbers, and a sample has " + std::to_string(features) + "; correct it");
      }
      if (sides.size() == 2) sides.insert(sides.begin(), 1);
      return {.channels = sides[0], .height = sides[1], .width = sides[2]};
    }
    if (end == end_of_text || *end != 'x') break;
    at = end + 1;
  }
  throw UsageError(options.place("shape") + ": '" + text + "' is no shape of " + std::to_string(features) +
                   " numbers; give height x width or channels x height x width, such as \"28x28\"");
}

}  // namespace

std::span<const OptionSpec> leaf_options() {
  static const std::array options = {
      OptionSpec{.name = "shape",
                 .default_value = "",
                 .help = "shape of a sample: height x width, such as \"28x28\" for FEMNIST, or channels x height x "
                         "width; empty: a vector"},
      OptionSpec{
          .name = "classes",
          .type = OptionType::kInteger,
          .default_value = "0",
          .minimum = 0,
          .maximum = static_cast<double>(kMostLeafLabels),
          .help = "number of classes where labels are whole numbers; 0: one more than the largest training label"}};
  return options;
}

Dataset open_leaf(const DatasetRow& row, const std::string& directory, const Options& options, Splits splits) {
  const fs::path place(directory);
  LeafSplit train = read_split(place / "train");
  const LabelClasses classes(train.labels, static_cast<std::uint32_t>(options.integer("classes")),
                             (place / "train").string(), "data.classes");
  if (classes.count() < 2) {
    throw UsageError((place / "train").string() + ": all samples have one label, from which nothing is learnt");
  }
  Dataset dataset;
  dataset.name = row.name;
  dataset.shape = parse_shape(options, train.all.features);
  dataset.classes = classes.count();
  dataset.class_names = classes.names();
  dataset.vocabulary = fingerprint_of_names(classes.names());
  dataset.train.labels = classes.numbers(train.all.labels, train.labels);
  dataset.user_names = std::move(train.all.user_names);
  dataset.train.users = numbered(train.all.users, sort_names(dataset.user_names));
  if (splits == Splits::kTraining) return dataset;

  const fs::path folder = place / "test";
  std::size_t count = 0;
  for (const std::string& path : files_in(folder)) count += read_leaf_json(path).users.size();
  LeafSplit test = read_split(folder, std::vector<bool>(count, true));
  if (test.all.features != train.all.features) {
    throw UsageError(fmt::format("{}: a sample has {} numbers, and one of training {}; both splits need the same",
                                 folder.string(), test.all.features, train.all.features));
  }
  dataset.test.labels = classes.numbers(test.all.labels, test.labels);
  dataset.test.values = std::move(test.all.values);
  return dataset;
}

void read_leaf_inputs(const DatasetRow&, const std::string& directory, const Options&, const std::vector<bool>& keep,
                      Dataset& dataset) {
  const fs::path folder = fs::path(directory) / "train";
  LeafSplit train = read_split(folder, keep);
  if (train.all.users.size() != keep.size() || train.all.features != dataset.shape.size()) {
    throw UsageError(folder.string() + ": it changed while it was read; run again");
  }
  dataset.train.values = std::move(train.all.values);
}

}  // namespace laconic
