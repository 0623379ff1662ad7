#include "training/data/dataset.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "base/row.h"
#include "training/data/cifar.h"
#include "training/data/csv_data.h"
#include "training/data/data_files.h"
#include "training/data/graphical_model.h"
#include "training/data/idx_data.h"
#include "training/data/image_folder.h"
#include "training/data/leaf.h"
#include "training/data/numpy.h"
#include "training/data/splits.h"
#include "training/data/text.h"

namespace laconic {
namespace {

// Mean and standard deviation of each channel over all pixels.
std::vector<ChannelScale> channel_scales(const Samples& samples, const ImageShape& shape) {
  const auto channels = static_cast<std::size_t>(shape.channels);
  const std::size_t area = shape.size() / channels;
  std::vector<ChannelScale> scales;
  for (std::size_t channel = 0; channel < channels; ++channel) {
    std::array<std::uint64_t, 256> counts{};
    for (std::size_t sample = 0; sample < samples.count(); ++sample) {
      const std::uint8_t* pixels = samples.pixels.data() + sample * shape.size() + channel * area;
      for (std::size_t i = 0; i < area; ++i) ++counts[pixels[i]];
    }
    const auto total = static_cast<double>(samples.count() * area);
    double mean = 0.0;
    double square = 0.0;
    for (std::size_t value = 0; value < counts.size(); ++value) {
      const double level = static_cast<double>(value) / 255.0;
      mean += level * static_cast<double>(counts[value]) / total;
      square += level * level * static_cast<double>(counts[value]) / total;
    }
    const double variance = std::max(0.0, square - mean * mean);
    // A channel of one value only is shifted to zero.
    scales.push_back({.mean = static_cast<float>(mean),
                      .deviation = variance > 1e-12 ? static_cast<float>(std::sqrt(variance)) : 1.0F});
  }
  return scales;
}

Dataset open_cifar10(const DatasetRow& row, const std::string& place, const Options& options, Splits splits) {
  Dataset dataset;
  dataset.name = row.name;
  dataset.shape = kCifarShape;
  dataset.classes = row.classes;
  for (const std::string_view name :
       {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"}) {
    read_cifar10(find_data_file(row, place, name), dataset.train);
  }
  if (splits == Splits::kAll) read_cifar10(find_data_file(row, place, "test_batch.bin"), dataset.test);
  if (options.flag("normalise")) dataset.normalisation = channel_scales(dataset.train, dataset.shape);
  if (options.flag("augment")) dataset.augmentation = Augmentation::kCropMirror;
  return dataset;
}

const std::array kCifarOptions = {
    OptionSpec{
        .name = "augment",
        .type = OptionType::kFlag,
        .default_value = "false",
        .help = "training images are padded by 4 black pixels, cropped at random, and mirrored with probability 1/2"},
    OptionSpec{.name = "normalise",
               .type = OptionType::kFlag,
               .default_value = "true",
               .help = "each channel gets mean 0 and deviation 1 over the training images"}};

// Where the files are; empty for a stream.
std::string place_of(const DatasetRow& row, const std::string& directory) {
  if (row.is_stream) {
    if (directory.empty()) return {};
    throw UsageError("data.dir: " + std::string(row.name) + " has no files; remove it");
  }
  const std::string place = directory.empty() ? std::string(row.default_directory) : directory;
  if (place.empty()) {
    const std::string_view first = row.input == Input::kText ? row.train_text : row.train_images;
    const std::string what = row.holds.empty() ? std::string(first) + ".gz" : std::string(row.holds);
    throw UsageError("data.dir is missing: data set " + std::string(row.name) +
                     " is in no Debian package; name the directory that holds " + what);
  }
  return place;
}

}  // namespace

std::span<const DatasetRow> datasets() {
  static const std::array rows = {
      DatasetRow{.name = "fashion_mnist",
                 .summary = "70,000 grey images 28x28 of clothes in 10 classes (Xiao et al. 2017)",
                 .default_directory = "/usr/share/datasets/fashion-mnist",
                 .package = "dataset-fashion-mnist",
                 .classes = 10,
                 .open = open_idx,
                 .read_images = read_idx_images,
                 .train_images = "train-images-idx3-ubyte",
                 .train_labels = "train-labels-idx1-ubyte",
                 .test_images = "t10k-images-idx3-ubyte",
                 .test_labels = "t10k-labels-idx1-ubyte"},
      DatasetRow{.name = "mnist",
                 .summary = "70,000 grey images 28x28 of handwritten digits (LeCun et al. 1998)",
                 .classes = 10,
                 .open = open_idx,
                 .read_images = read_idx_images,
                 .train_images = "train-images-idx3-ubyte",
                 .train_labels = "train-labels-idx1-ubyte",
                 .test_images = "t10k-images-idx3-ubyte",
                 .test_labels = "t10k-labels-idx1-ubyte"},
      DatasetRow{.name = "femnist",
                 .summary = "grey images 28x28 of handwritten digits and letters in 62 classes, with their writers "
                            "(LEAF, Caldas et al. 2018)",
                 .classes = 62,
                 .open = open_idx,
                 .read_images = read_idx_images,
                 .train_images = "femnist-train-images-idx3-ubyte",
                 .train_labels = "femnist-train-labels-idx1-ubyte",
                 .train_users = "femnist-train-users-idx1-int32",
                 .test_images = "femnist-test-images-idx3-ubyte",
                 .test_labels = "femnist-test-labels-idx1-ubyte",
                 .test_users = "femnist-test-users-idx1-int32"},
      DatasetRow{.name = "idx",
                 .summary = "your own grey images and labels in IDX files (the format of MNIST), with any file names",
                 .options = idx_options(),
                 .holds = "its IDX files",
                 .open = open_idx,
                 .read_images = read_idx_images},
      DatasetRow{.name = "cifar10",
                 .summary = "60,000 colour images 32x32 of things and animals in 10 classes, binary version "
                            "(Krizhevsky 2009)",
                 .options = kCifarOptions,
                 .classes = 10,
                 .open = open_cifar10,
                 .train_images = "data_batch_1.bin"},
      DatasetRow{.name = "image_folder",
                 .summary = "your own images: dir/train/CLASS/*.png, *.jpg, *.webp or *.bmp, dir/test/CLASS/*",
                 .options = image_folder_options(),
                 .holds = "train/ and test/ with a folder a class",
                 .open = open_image_folder,
                 .read_images = read_folder_images},
      DatasetRow{.name = "csv",
                 .summary = "a table of your own: numbers and a column of labels, for mlp and logistic_regression",
                 .options = csv_options(),
                 .holds = "its tables",
                 .open = open_csv},
      DatasetRow{.name = "numpy",
                 .summary = "arrays of your own from NumPy, NPZ or NPY: images or vectors, and labels",
                 .options = numpy_options(),
                 .holds = "its arrays",
                 .open = open_numpy,
                 .read_images = read_numpy_inputs},
      DatasetRow{.name = "leaf",
                 .summary =
                     "LEAF's JSON: dir/train/*.json, dir/test/*.json, images or vectors of numbers with their users "
                     "(Caldas et al. 2018)",
                 .options = leaf_options(),
                 .holds = "train/ and test/ with its .json files",
                 .open = open_leaf,
                 .read_images = read_leaf_inputs},
      DatasetRow{.name = "tinyshakespeare",
                 .summary = "1.1 million characters of plays, the last part to test (Karpathy 2015)",
                 .input = Input::kText,
                 .options = text_options_one_file(),
                 .open = open_text,
                 .train_text = "tinyshakespeare.txt"},
      DatasetRow{.name = "wikitext2",
                 .summary = "2.5 million words of encyclopedia articles (WikiText-2, Merity et al. 2017)",
                 .input = Input::kText,
                 .options = text_options_words(),
                 .has_validation = true,
                 .open = open_text,
                 .train_text = "wiki.train.tokens",
                 .validation_text = "wiki.valid.tokens",
                 .test_text = "wiki.test.tokens"},
      DatasetRow{.name = "graphical_model",
                 .summary = "an endless stream of bits in two classes from a random graphical model, which drift.kind "
                            "= \"redraw\" redraws (after Kamp et al. 2018); for mlp and logistic_regression",
                 .options = graphical_model_options(),
                 .classes = 2,
                 .is_stream = true,
                 .open = make_graphical_model_data},
  };
  return rows;
}

const DatasetRow& find_dataset(std::string_view name) { return find_row(datasets(), name, "data.dataset"); }

Dataset open_dataset(const DatasetRow& row, const std::string& directory, const Options& options, Splits splits) {
  return row.open(row, place_of(row, directory), options, splits);
}

void read_chosen(const DatasetRow& row, const std::string& directory, const Options& options,
                 const std::vector<bool>& keep, Dataset& dataset) {
  keep_samples(dataset.train, keep, dataset.shape.size());
  if (row.read_images != nullptr) row.read_images(row, place_of(row, directory), options, keep, dataset);
}

Dataset load_dataset(const DatasetRow& row, const std::string& directory, const Options& options) {
  Dataset dataset = open_dataset(row, directory, options);
  if (!row.is_stream) read_chosen(row, directory, options, std::vector<bool>(dataset.train.count(), true), dataset);
  return dataset;
}

}  // namespace laconic
