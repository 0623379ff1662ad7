// Labelled images in memory, and the table of the data sets that can be loaded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace laconic {

// Size of one sample. A model sees channels x height x width floats in [0, 1]: pixel / 255.
struct ImageShape {
  std::int64_t channels = 1;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::size_t size() const { return static_cast<std::size_t>(channels * height * width); }
  friend bool operator==(const ImageShape&, const ImageShape&) = default;
};

// Samples of one split. Pixels stay bytes, a quarter of the floats they become in a batch.
struct Samples {
  std::vector<std::uint8_t> pixels;  // count x shape.size(), sample after sample, rows from the top
  std::vector<std::uint8_t> labels;  // count, each below Dataset::classes
  std::vector<std::uint32_t> users;  // who made each sample: count, or empty where that is not known
  std::size_t count() const { return labels.size(); }
};

struct Dataset {
  std::string name;
  ImageShape shape;
  std::uint32_t classes = 0;
  Samples train;
  Samples test;
  Samples validation;  // empty until hold_out_validation
};

// Moves a random `fraction` in [0, 1) of the training samples (rounded to the nearest count, the order kept) to the
// validation split; the draw depends on `seed` only. Throws UsageError when that leaves either split without a sample;
// 0 changes nothing.
void hold_out_validation(Dataset& dataset, double fraction, std::uint64_t seed);

// One loadable data set: IDX files, each either as named here or with ".gz" behind.
struct DatasetRow {
  std::string_view name;
  std::string_view summary;
  std::string_view default_directory;  // empty: the job must name one
  std::string_view package;            // Debian package that installs the default directory; empty: none
  std::uint32_t classes;
  // Stems of the files; users are empty where the data set knows no users.
  std::string_view train_images, train_labels, train_users;
  std::string_view test_images, test_labels, test_users;
};

std::span<const DatasetRow> datasets();
// Throws UsageError with the known names.
const DatasetRow& find_dataset(std::string_view name);

// Reads `row` from `directory`, or from the row's default when it is empty. Throws UsageError, one line that names the
// file, what is wrong with it and the remedy, for a directory that was not given, a missing file, a file that is not
// what it claims to be, counts of images, labels and users that differ, a label that is not below `classes`, images of
// the training and the test split that differ in size.
Dataset load_dataset(const DatasetRow& row, const std::string& directory);

}  // namespace laconic
