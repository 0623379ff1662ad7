#include "training/data/idx_data.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "training/data/augmentation.h"
#include "training/data/data_files.h"
#include "training/formats/idx.h"

namespace laconic {
namespace {

bool named_by_job(const DatasetRow& row) { return row.train_images.empty(); }

// Names of files in the directory; without `users` nobody knows who made the samples.
struct SplitFiles {
  std::string images;
  std::string labels;
  std::string users;
};

SplitFiles training_files(const DatasetRow& row, const Options& options) {
  if (!named_by_job(row)) {
    return {std::string(row.train_images), std::string(row.train_labels), std::string(row.train_users)};
  }
  return {options.text("train_images"), options.text("train_labels"), options.text("train_users")};
}

SplitFiles test_files(const DatasetRow& row, const Options& options) {
  if (!named_by_job(row)) {
    return {std::string(row.test_images), std::string(row.test_labels), std::string(row.test_users)};
  }
  return {options.text("test_images"), options.text("test_labels"), {}};
}

// A split without its images, and their shape.
struct Split {
  Samples samples;
  ImageShape shape;
};

// `classes`: 0 becomes one more than the largest label.
Split open_split(const DatasetRow& row, const std::string& directory, const SplitFiles& files, std::uint32_t& classes) {
  const std::string images_path = find_data_file(row, directory, files.images);
  const std::string labels_path = find_data_file(row, directory, files.labels);
  const std::vector<std::size_t> sizes = read_idx_sizes(images_path, 3);
  std::vector<std::uint16_t> labels = read_idx_labels(labels_path);
  const std::size_t count = sizes[0];
  const auto check_count = [&](const std::string& path, std::size_t found, const char* what) {
    if (found == count) return;
    throw UsageError(
        fmt::format("{}: {} {} for the {} images of {}; take both files from the same release of the data set", path,
                    found, what, count, images_path));
  };
  check_count(labels_path, labels.size(), "labels");
  if (classes == 0) classes = 1U + *std::max_element(labels.begin(), labels.end());
  if (classes < 2) {
    throw UsageError(labels_path + ": all samples have the label 0, from which nothing is learnt; check the labels");
  }
  const auto bad = std::find_if(labels.begin(), labels.end(), [&](std::uint16_t label) { return label >= classes; });
  if (bad != labels.end()) {
    throw UsageError(
        fmt::format("{}: label {} of sample {} is not below {}, the classes of {}; {}", labels_path, *bad,
                    bad - labels.begin(), classes, row.name,
                    named_by_job(row) ? "set data.classes, or correct the label" : "check data.dataset and data.dir"));
  }
  Split split;
  split.shape = {
      .channels = 1, .height = static_cast<std::int64_t>(sizes[1]), .width = static_cast<std::int64_t>(sizes[2])};
  split.samples.labels = std::move(labels);
  if (!files.users.empty()) {
    const std::string users_path = find_data_file(row, directory, files.users);
    split.samples.users = read_idx_integers(users_path);
    check_count(users_path, split.samples.users.size(), "users");
  }
  return split;
}

// The images of a split that `keep` marks.
std::vector<std::uint8_t> read_images(const std::string& path, const std::vector<bool>& keep, const ImageShape& shape) {
  IdxBytes images = read_idx_rows(path, 3, keep);
  if (images.sizes[1] != static_cast<std::size_t>(shape.height) ||
      images.sizes[2] != static_cast<std::size_t>(shape.width)) {
    throw UsageError(path + ": it changed while it was read; run again");
  }
  return std::move(images.elements);
}

}  // namespace

std::span<const OptionSpec> idx_options() {
  static const std::array options = {
      OptionSpec{.name = "train_images",
                 .default_value = "train-images-idx3-ubyte",
                 .help = "the file of training images in data.dir, plain or .gz"},
      OptionSpec{.name = "train_labels", .default_value = "train-labels-idx1-ubyte", .help = "their labels"},
      OptionSpec{
          .name = "train_users",
          .default_value = "",
          .help = "the file with the user of each sample, for data.partition = \"user\"; empty: users are not known"},
      OptionSpec{.name = "test_images", .default_value = "t10k-images-idx3-ubyte", .help = "the test images"},
      OptionSpec{.name = "test_labels", .default_value = "t10k-labels-idx1-ubyte", .help = "their labels"},
      OptionSpec{.name = "classes",
                 .type = OptionType::kInteger,
                 .default_value = "0",
                 .minimum = 0,
                 .maximum = static_cast<double>(kMostClasses),
                 .help = "number of classes; 0: one more than the largest training label"},
      augment_option()};
  return options;
}

Dataset open_idx(const DatasetRow& row, const std::string& directory, const Options& options, Splits splits) {
  Dataset dataset;
  dataset.name = row.name;
  dataset.classes = named_by_job(row) ? static_cast<std::uint32_t>(options.integer("classes")) : row.classes;
  if (named_by_job(row)) dataset.augmentation = parse_augmentation(options.text("augment"));
  Split train = open_split(row, directory, training_files(row, options), dataset.classes);
  dataset.shape = train.shape;
  dataset.train = std::move(train.samples);
  if (splits == Splits::kTraining) return dataset;

  const SplitFiles files = test_files(row, options);
  Split test = open_split(row, directory, files, dataset.classes);
  if (train.shape != test.shape) {
    throw UsageError(fmt::format(
        "{}: the images for training are {}x{} and those for testing {}x{}; take both from the same release "
        "of the data set",
        directory, train.shape.height, train.shape.width, test.shape.height, test.shape.width));
  }
  dataset.test = std::move(test.samples);
  dataset.test.pixels = read_images(find_data_file(row, directory, files.images),
                                    std::vector<bool>(dataset.test.count(), true), test.shape);
  return dataset;
}

void read_idx_images(const DatasetRow& row, const std::string& directory, const Options& options,
                     const std::vector<bool>& keep, Dataset& dataset) {
  dataset.train.pixels =
      read_images(find_data_file(row, directory, training_files(row, options).images), keep, dataset.shape);
}

}  // namespace laconic
