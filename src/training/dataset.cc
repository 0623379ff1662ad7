#include "training/dataset.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <utility>

#include "base/error.h"
#include "base/random.h"
#include "training/cifar.h"
#include "training/data_files.h"
#include "training/graphical_model.h"
#include "training/idx.h"
#include "training/row.h"
#include "training/text.h"

namespace laconic {
namespace {

struct Split {
  Samples samples;
  ImageShape shape;
};

Split load_split(const DatasetRow& row, const std::string& directory, std::string_view images_stem,
                 std::string_view labels_stem, std::string_view users_stem) {
  const std::string images_path = find_data_file(row, directory, images_stem);
  const std::string labels_path = find_data_file(row, directory, labels_stem);
  IdxBytes images = read_idx_bytes(images_path, 3);
  IdxBytes labels = read_idx_bytes(labels_path, 1);
  const std::size_t count = images.sizes[0];
  const auto check_count = [&](const std::string& path, std::size_t found, const char* what) {
    if (found == count) return;
    throw UsageError(path + ": " + std::to_string(found) + " " + what + " for the " + std::to_string(count) +
                     " images of " + images_path + "; take both files from the same release of the data set");
  };
  check_count(labels_path, labels.elements.size(), "labels");
  const auto bad = std::find_if(labels.elements.begin(), labels.elements.end(),
                                [&](std::uint8_t label) { return label >= row.classes; });
  if (bad != labels.elements.end()) {
    throw UsageError(labels_path + ": label " + std::to_string(*bad) + " of sample " +
                     std::to_string(bad - labels.elements.begin()) + " is not below " + std::to_string(row.classes) +
                     ", the classes of " + std::string(row.name) + "; check data.dataset and data.dir");
  }
  Split split;
  split.shape = {.channels = 1,
                 .height = static_cast<std::int64_t>(images.sizes[1]),
                 .width = static_cast<std::int64_t>(images.sizes[2])};
  split.samples.pixels = std::move(images.elements);
  split.samples.labels = std::move(labels.elements);
  if (!users_stem.empty()) {
    const std::string users_path = find_data_file(row, directory, users_stem);
    split.samples.users = read_idx_integers(users_path);
    check_count(users_path, split.samples.users.size(), "users");
  }
  return split;
}

Dataset load_idx(const DatasetRow& row, const std::string& place, const Options&) {
  Split train = load_split(row, place, row.train_images, row.train_labels, row.train_users);
  Split test = load_split(row, place, row.test_images, row.test_labels, row.test_users);
  if (train.shape != test.shape) {
    throw UsageError(place + ": the images for training are " + std::to_string(train.shape.height) + "x" +
                     std::to_string(train.shape.width) + " and those for testing " + std::to_string(test.shape.height) +
                     "x" + std::to_string(test.shape.width) + "; take both from the same release of the data set");
  }
  Dataset dataset;
  dataset.name = row.name;
  dataset.shape = train.shape;
  dataset.classes = row.classes;
  dataset.train = std::move(train.samples);
  dataset.test = std::move(test.samples);
  return dataset;
}

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

Dataset load_cifar10(const DatasetRow& row, const std::string& place, const Options& options) {
  Dataset dataset;
  dataset.name = row.name;
  dataset.shape = kCifarShape;
  dataset.classes = row.classes;
  for (const std::string_view name :
       {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"}) {
    read_cifar10(find_data_file(row, place, name), dataset.train);
  }
  read_cifar10(find_data_file(row, place, "test_batch.bin"), dataset.test);
  if (options.flag("normalise")) dataset.normalisation = channel_scales(dataset.train, dataset.shape);
  dataset.augmented = options.flag("augment");
  return dataset;
}

const std::array kCifarOptions = {
    OptionSpec{
        .name = "augment",
        .type = OptionType::kFlag,
        .default_value = "false",
        .help = "training images are cropped at random, padded by 4 black pixels, and mirrored in half the cases"},
    OptionSpec{.name = "normalise",
               .type = OptionType::kFlag,
               .default_value = "true",
               .help = "each channel gets mean 0 and deviation 1 over the training images"}};

// Copies sample `from` of `source` behind the samples of `target`.
void append(const Samples& source, std::size_t from, std::size_t sample_size, Samples& target) {
  if (source.tokens_each > 0) {
    const auto first = source.tokens.begin() + static_cast<std::ptrdiff_t>(from * source.tokens_each);
    target.tokens_each = source.tokens_each;
    target.tokens.insert(target.tokens.end(), first, first + static_cast<std::ptrdiff_t>(source.tokens_each));
    return;
  }
  const auto first = source.pixels.begin() + static_cast<std::ptrdiff_t>(from * sample_size);
  target.pixels.insert(target.pixels.end(), first, first + static_cast<std::ptrdiff_t>(sample_size));
  target.labels.push_back(source.labels[from]);
  if (!source.users.empty()) target.users.push_back(source.users[from]);
}

}  // namespace

void hold_out_validation(Dataset& dataset, double fraction, std::uint64_t seed) {
  if (fraction == 0.0) return;
  if (!(fraction > 0.0 && fraction < 1.0)) {
    throw UsageError("data.validation: " + std::to_string(fraction) + " is not a fraction from 0 to below 1");
  }
  if (dataset.validation.count() > 0) {
    throw UsageError("data.validation: data set " + dataset.name +
                     " brings a validation split of its own; remove the fraction");
  }
  if (dataset.stream) {
    throw UsageError("data.validation: " + dataset.name +
                     " is a stream without end, of which every sample is new; remove the fraction");
  }
  const std::size_t total = dataset.train.count();
  const auto held = static_cast<std::size_t>(std::llround(fraction * static_cast<double>(total)));
  if (held == 0 || held == total) {
    throw UsageError("data.validation: a fraction of " + std::to_string(fraction) + " of " + std::to_string(total) +
                     " training samples leaves a split empty; choose another fraction, or 0 for no validation");
  }
  RandomStream stream(seed, "validation");
  std::vector<bool> is_held(total, false);
  for (const std::uint32_t sample :
       random_subset(stream, static_cast<std::uint32_t>(held), static_cast<std::uint32_t>(total))) {
    is_held[sample] = true;
  }
  Samples train;
  Samples validation;
  train.pixels.reserve((total - held) * dataset.shape.size());
  validation.pixels.reserve(held * dataset.shape.size());
  for (std::size_t sample = 0; sample < total; ++sample) {
    append(dataset.train, sample, dataset.shape.size(), is_held[sample] ? validation : train);
  }
  dataset.train = std::move(train);
  dataset.validation = std::move(validation);
}

std::string find_data_file(const DatasetRow& row, const std::string& directory, std::string_view name) {
  const std::filesystem::path plain = std::filesystem::path(directory) / name;
  const std::filesystem::path compressed = plain.string() + ".gz";
  std::error_code ignored;
  if (std::filesystem::is_regular_file(compressed, ignored)) return compressed.string();
  if (std::filesystem::is_regular_file(plain, ignored)) return plain.string();
  const bool in_package = !row.package.empty() && directory == row.default_directory;
  throw UsageError(compressed.string() + ": no such file; " +
                   (in_package ? "install it: apt-get install " + std::string(row.package)
                               : "data set " + std::string(row.name) + " needs it (or without .gz): check data.dir"));
}

std::span<const DatasetRow> datasets() {
  static const std::array rows = {
      DatasetRow{.name = "fashion_mnist",
                 .summary = "70,000 grey images 28x28 of clothes in 10 classes (Xiao et al. 2017)",
                 .default_directory = "/usr/share/datasets/fashion-mnist",
                 .package = "dataset-fashion-mnist",
                 .classes = 10,
                 .load = load_idx,
                 .train_images = "train-images-idx3-ubyte",
                 .train_labels = "train-labels-idx1-ubyte",
                 .test_images = "t10k-images-idx3-ubyte",
                 .test_labels = "t10k-labels-idx1-ubyte"},
      DatasetRow{.name = "mnist",
                 .summary = "70,000 grey images 28x28 of handwritten digits (LeCun et al. 1998)",
                 .classes = 10,
                 .load = load_idx,
                 .train_images = "train-images-idx3-ubyte",
                 .train_labels = "train-labels-idx1-ubyte",
                 .test_images = "t10k-images-idx3-ubyte",
                 .test_labels = "t10k-labels-idx1-ubyte"},
      DatasetRow{.name = "femnist",
                 .summary = "grey images 28x28 of handwritten digits and letters in 62 classes, with their writers "
                            "(LEAF, Caldas et al. 2018)",
                 .classes = 62,
                 .load = load_idx,
                 .train_images = "femnist-train-images-idx3-ubyte",
                 .train_labels = "femnist-train-labels-idx1-ubyte",
                 .train_users = "femnist-train-users-idx1-int32",
                 .test_images = "femnist-test-images-idx3-ubyte",
                 .test_labels = "femnist-test-labels-idx1-ubyte",
                 .test_users = "femnist-test-users-idx1-int32"},
      DatasetRow{.name = "cifar10",
                 .summary = "60,000 colour images 32x32 of things and animals in 10 classes, binary version "
                            "(Krizhevsky 2009)",
                 .options = kCifarOptions,
                 .classes = 10,
                 .load = load_cifar10,
                 .train_images = "data_batch_1.bin"},
      DatasetRow{.name = "tinyshakespeare",
                 .summary = "1.1 million characters of plays, the last part to test (Karpathy 2015)",
                 .input = Input::kText,
                 .options = text_options_one_file(),
                 .load = load_text,
                 .train_text = "tinyshakespeare.txt"},
      DatasetRow{.name = "wikitext2",
                 .summary = "2.5 million words of encyclopedia articles (WikiText-2, Merity et al. 2017)",
                 .input = Input::kText,
                 .options = text_options_words(),
                 .has_validation = true,
                 .load = load_text,
                 .train_text = "wiki.train.tokens",
                 .validation_text = "wiki.valid.tokens",
                 .test_text = "wiki.test.tokens"},
      DatasetRow{.name = "graphical_model",
                 .summary = "endless bits of two classes from a random graphical model, which drift.kind = \"redraw\" "
                            "draws anew (after Kamp et al. 2018); for mlp and logistic_regression",
                 .options = graphical_model_options(),
                 .classes = 2,
                 .is_stream = true,
                 .load = make_graphical_model_data},
  };
  return rows;
}

const DatasetRow& find_dataset(std::string_view name) { return find_row(datasets(), name, "data.dataset"); }

Dataset load_dataset(const DatasetRow& row, const std::string& directory, const Options& options) {
  if (row.is_stream) {
    if (directory.empty()) return row.load(row, directory, options);
    throw UsageError("data.dir: " + std::string(row.name) + " has no files; remove it");
  }
  const std::string place = directory.empty() ? std::string(row.default_directory) : directory;
  if (place.empty()) {
    const std::string_view first = row.input == Input::kText ? row.train_text : row.train_images;
    throw UsageError("data.dir is missing: data set " + std::string(row.name) +
                     " is in no Debian package; name the directory that holds " + std::string(first) + ".gz");
  }
  return row.load(row, place, options);
}

}  // namespace laconic
