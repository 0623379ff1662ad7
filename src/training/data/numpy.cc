#include "training/data/numpy.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "base/error.h"
#include "training/data/augmentation.h"
#include "training/data/data_files.h"
#include "training/data/table_notes.h"
#include "training/data/users.h"
#include "training/formats/npy.h"
#include "training/formats/npz.h"

namespace laconic {
namespace {

constexpr std::size_t kMostTargets = 65536;
constexpr std::string_view kSplitWord = "{split}";
constexpr std::string_view kArchiveEnding = ".npz";

bool is_archive(std::string_view file) { return file.ends_with(kArchiveEnding); }

// An array, open before its first byte.
struct OpenArray {
  std::string name;  // for errors
  std::unique_ptr<InputStream> stream;
  NpyHeader header;
};

OpenArray open_array(const std::string& path, const std::string& array, bool may_be_text = false) {
  OpenArray open;
  if (is_archive(path)) {
    open.name = path + ":" + array;
    open.stream = std::make_unique<NpzArray>(path, array);
  } else {
    open.name = path;
    open.stream = std::make_unique<InputFile>(path);
  }
  open.header = read_npy_header(*open.stream, may_be_text);
  return open;
}

// Where the arrays of a split are.
class SplitFiles {
 public:
  SplitFiles(const DatasetRow& row, const std::string& directory, const Options& options, const std::string& split)
      : options_(options), split_(split), inputs_(find(row, directory, options.text(split + "_file"))) {
    const std::string& labels = options.text(split + "_labels");
    if (labels.empty() && !is_archive(inputs_)) {
      throw UsageError("data." + split + "_labels is missing: " + inputs_ +
                       " is one array, the inputs; name the .npy file of their labels");
    }
    labels_ = labels.empty() ? inputs_ : find(row, directory, labels);
    if (options.given("inputs") && !is_archive(inputs_)) refuse_name("inputs", inputs_);
    if (options.given("labels") && !is_archive(labels_)) refuse_name("labels", labels_);
    if (split == "train") find_users(row, directory, options.text("train_users"));
  }

  OpenArray open_inputs() const { return open_array(inputs_, array("inputs")); }
  OpenArray open_labels() const { return open_array(labels_, array("labels")); }
  // Nothing where nobody says who made the samples.
  std::optional<OpenArray> open_users() const {
    if (users_.empty()) return std::nullopt;
    return open_array(users_, array("user"), true);
  }

 private:
  static std::string find(const DatasetRow& row, const std::string& directory, const std::string& file) {
    std::string path = find_data_file(row, directory, file);
    if (is_archive(file) && !is_archive(path)) {
      throw UsageError(path + ": an archive is not read through gzip; unpack it: gunzip " + path);
    }
    return path;
  }

  void find_users(const DatasetRow& row, const std::string& directory, const std::string& file) {
    const bool named = !options_.text("user").empty();
    if (file.empty() && !named) return;
    users_ = file.empty() ? inputs_ : find(row, directory, file);
    if (named && !is_archive(users_)) refuse_name("user", users_);
    if (!named && is_archive(users_)) {
      throw UsageError("data.user is missing: " + users_ + " is an archive; name the array of it that has the users");
    }
  }

  void refuse_name(std::string_view key, const std::string& path) const {
    throw UsageError(options_.place(key) + " names an array of an archive, and " + path + " is none; remove it");
  }

  std::string array(std::string_view key) const { return filled_in(options_.text(key), kSplitWord, split_); }

  const Options& options_;
  std::string split_;
  std::string inputs_;
  std::string labels_;
  std::string users_;
};

bool channels_last(const Options& options) { return options.text("layout") == "channels-last"; }

// The size of one sample.
ImageShape sample_shape(const OpenArray& inputs, const Options& options) {
  const std::vector<std::size_t>& shape = inputs.header.shape;
  const auto side = [&](std::size_t dimension) { return static_cast<std::int64_t>(shape[dimension]); };
  const auto refuse = [&](const std::string& problem) {
    inputs.stream->refuse("the inputs are " + shape_text(shape) + problem);
  };
  if (shape.size() != 4 && channels_last(options)) refuse(", without channels that could be last; remove data.layout");
  switch (shape.size()) {
    case 2:
      return {.channels = 1, .height = 1, .width = side(1)};
    case 3:
      return {.channels = 1, .height = side(1), .width = side(2)};
    case 4:
      if (channels_last(options)) return {.channels = side(3), .height = side(1), .width = side(2)};
      // A few channels behind a long side: nobody would see what a model then makes of the images.
      if (!options.given("layout") && shape[3] <= 4 && shape[1] > 4) {
        refuse(", which looks like channels last; say which with data.layout");
      }
      return {.channels = side(1), .height = side(2), .width = side(3)};
    default:
      refuse("; give N x F, N x H x W or N x C x H x W: reshape the array");
      return {};
  }
}

// `classes`: 0 becomes one more than the largest label.
std::vector<std::uint16_t> read_labels(const SplitFiles& files, std::uint32_t& classes) {
  const OpenArray open = files.open_labels();
  const std::vector<std::size_t>& shape = open.header.shape;
  if (shape.empty() || shape.size() > 2 || (shape.size() == 2 && shape[1] != 1)) {
    open.stream->refuse("the labels are " + shape_text(shape) +
                        ", and each sample has one, the number of its class; save y.argmax(1) of scores");
  }
  std::vector<std::uint16_t> labels = read_npy_labels(*open.stream, open.header);
  const auto largest = std::max_element(labels.begin(), labels.end());
  if (classes == 0) classes = 1U + *largest;
  if (classes < 2) {
    open.stream->refuse("all samples have the label 0, from which nothing is learnt; check the labels");
  }
  if (*largest >= classes) {
    open.stream->refuse(
        fmt::format("label {} of sample {} is not below {}, the classes; set data.classes to one more than the largest "
                    "of all, or correct the label",
                    *largest, largest - labels.begin(), classes));
  }
  return labels;
}

// The numbers to be predicted, one or several of each sample.
void read_targets(const SplitFiles& files, Samples& samples) {
  const OpenArray open = files.open_labels();
  const std::vector<std::size_t>& shape = open.header.shape;
  if (shape.empty() || shape.size() > 2) {
    open.stream->refuse("the targets are " + shape_text(shape) + "; give N, or N x T: reshape the array");
  }
  samples.targets_each = shape.size() == 2 ? shape[1] : 1;
  if (samples.targets_each > kMostTargets) {
    open.stream->refuse("there are " + std::to_string(samples.targets_each) + " targets a sample, and " +
                        std::to_string(kMostTargets) + " is the most");
  }
  samples.targets = read_npy_floats(*open.stream, open.header, std::vector<bool>(shape[0], true));
}

// What is to be predicted of a split. `dataset` says which classes or how many numbers; a training split, of which it
// says neither yet, decides that.
void read_answers(const SplitFiles& files, bool numbers, Dataset& dataset, Samples& samples) {
  if (!numbers) {
    samples.labels = read_labels(files, dataset.classes);
    return;
  }
  read_targets(files, samples);
  if (dataset.numbers == 0) dataset.numbers = static_cast<std::uint32_t>(samples.targets_each);
  if (samples.targets_each != dataset.numbers) {
    files.open_labels().stream->refuse(
        fmt::format("there are {} targets a sample, and training has {}", samples.targets_each, dataset.numbers));
  }
}

void read_users(const SplitFiles& files, Dataset& dataset) {
  const std::optional<OpenArray> open = files.open_users();
  if (!open) return;
  const std::vector<std::size_t>& shape = open->header.shape;
  const std::size_t count = dataset.train.count();
  if (shape.empty() || shape.size() > 2 || (shape.size() == 2 && shape[1] != 1) || shape[0] != count) {
    open->stream->refuse("the users are " + shape_text(shape) + " for " + std::to_string(count) +
                         " samples; give the one of each");
  }
  std::map<std::string, std::uint32_t> numbers;
  for (const std::string& name : read_npy_names(*open->stream, open->header)) {
    const auto [at, is_new] = numbers.try_emplace(name, static_cast<std::uint32_t>(numbers.size()));
    if (name.empty()) {
      open->stream->refuse("the user of sample " + std::to_string(dataset.train.users.size()) +
                           " is empty; say whose it is, or take the sample out");
    }
    if (is_new) dataset.user_names.push_back(name);
    dataset.train.users.push_back(at->second);
  }
  dataset.train.users = numbered(dataset.train.users, sort_names(dataset.user_names));
}

// From each sample's H x W x C to C x H x W.
template <typename Number>
void to_channels_first(std::vector<Number>& samples, const ImageShape& shape) {
  const auto channels = static_cast<std::size_t>(shape.channels);
  const std::size_t area = shape.size() / channels;
  std::vector<Number> sample(shape.size());
  for (auto start = samples.begin(); start != samples.end(); start += static_cast<std::ptrdiff_t>(sample.size())) {
    std::copy_n(start, sample.size(), sample.begin());
    for (std::size_t channel = 0; channel < channels; ++channel) {
      for (std::size_t i = 0; i < area; ++i) {
        start[static_cast<std::ptrdiff_t>(channel * area + i)] = sample[i * channels + channel];
      }
    }
  }
}

// The inputs that `keep` marks, a mark for each.
void read_inputs(const OpenArray& inputs, const Options& options, const std::vector<bool>& keep,
                 const ImageShape& shape, Samples& samples) {
  if (inputs.header.is_bytes()) {
    samples.pixels = read_npy_bytes(*inputs.stream, inputs.header, keep);
    if (channels_last(options)) to_channels_first(samples.pixels, shape);
  } else {
    samples.values = read_npy_floats(*inputs.stream, inputs.header, keep);
    if (channels_last(options)) to_channels_first(samples.values, shape);
  }
}

void check_count(const OpenArray& inputs, std::size_t labels) {
  if (inputs.header.shape[0] == labels) return;
  inputs.stream->refuse("there are " + std::to_string(inputs.header.shape[0]) + " inputs and " +
                        std::to_string(labels) + " labels; each sample needs both");
}

}  // namespace

std::span<const OptionSpec> numpy_options() {
  static const std::array options = {
      OptionSpec{
          .name = "train_file",
          .default_value = "train.npz",
          .help = "the training inputs in data.dir: an archive (.npz) that also has their labels, or one array (.npy)"},
      OptionSpec{.name = "train_labels",
                 .default_value = "",
                 .help = "the file of their labels; empty: they are in the archive data.train_file"},
      OptionSpec{.name = "train_users",
                 .default_value = "",
                 .help = "the file with the user of each sample, names or integers, for data.partition = \"user\"; "
                         "empty: in the archive data.train_file if data.user names an array"},
      OptionSpec{.name = "test_file",
                 .default_value = "test.npz",
                 .help = "the test inputs, in the same form; may be the archive data.train_file"},
      OptionSpec{.name = "test_labels",
                 .default_value = "",
                 .help = "the file of their labels; empty: they are in the archive data.test_file"},
      OptionSpec{
          .name = "inputs",
          .default_value = "x",
          .help =
              "name of the array of inputs in an archive; {split} in it becomes train or test, as in \"x_{split}\""},
      OptionSpec{.name = "labels",
                 .default_value = "y",
                 .help = "name of the array of labels in an archive; {split} as in data.inputs"},
      OptionSpec{.name = "targets",
                 .type = OptionType::kChoice,
                 .default_value = "classes",
                 .choices = {"classes", "numbers"},
                 .help = "whether the array of labels has classes, or numbers to predict as they are (regression), one "
                         "or several per sample, which need a model.loss of mse, l1 or huber"},
      OptionSpec{.name = "user",
                 .default_value = "",
                 .help = "name of the array with the user of each training sample; {split} as in data.inputs; empty: "
                         "users are not known"},
      OptionSpec{.name = "layout",
                 .type = OptionType::kChoice,
                 .default_value = "channels-first",
                 .choices = {"channels-first", "channels-last"},
                 .help = "order of four-dimensional inputs: N x C x H x W or N x H x W x C"},
      OptionSpec{.name = "classes",
                 .type = OptionType::kInteger,
                 .default_value = "0",
                 .minimum = 0,
                 .maximum = static_cast<double>(kMostClasses),
                 .only_with = {"targets", "classes"},
                 .help = "number of classes; 0: one more than the largest training label"},
      augment_option()};
  return options;
}

Dataset open_numpy(const DatasetRow& row, const std::string& directory, const Options& options, Splits splits) {
  const SplitFiles files(row, directory, options, "train");
  const OpenArray inputs = files.open_inputs();
  Dataset dataset;
  dataset.name = row.name;
  dataset.shape = sample_shape(inputs, options);
  const bool numbers = options.text("targets") == "numbers";
  if (!numbers) dataset.classes = static_cast<std::uint32_t>(options.integer("classes"));
  dataset.augmentation = parse_augmentation(options.text("augment"));
  if (dataset.augmentation != Augmentation::kNone && (!inputs.header.is_bytes() || inputs.header.shape.size() < 3)) {
    throw UsageError(options.place("augment") + " is for images of bytes, and " + inputs.name + " has " +
                     shape_text(inputs.header.shape) + " of type " + inputs.header.type +
                     "; remove it, or save images as uint8");
  }
  read_answers(files, numbers, dataset, dataset.train);
  check_count(inputs, dataset.train.count());
  // Where the job names the classes, its workers may have files that lack some.
  const bool are_counted = !numbers && options.integer("classes") == 0;
  const std::string note =
      are_counted ? note_of_classes(dataset.train.labels, dataset.classes) : note_of_targets(dataset.train);
  if (!note.empty()) dataset.notes.push_back(note);
  read_users(files, dataset);
  if (splits == Splits::kTraining) return dataset;

  const SplitFiles test_files(row, directory, options, "test");
  const OpenArray test = test_files.open_inputs();
  const auto form = [](const OpenArray& array) {
    const std::vector<std::size_t>& shape = array.header.shape;
    return shape_text({shape.begin() + 1, shape.end()}) + (array.header.is_bytes() ? " bytes" : " numbers");
  };
  if (sample_shape(test, options) != dataset.shape || form(test) != form(inputs)) {
    test.stream->refuse("a sample is " + form(test) + ", and one of " + inputs.name + " is " + form(inputs) +
                        "; both splits need the same");
  }
  read_answers(test_files, numbers, dataset, dataset.test);
  check_count(test, dataset.test.count());
  read_inputs(test, options, std::vector<bool>(dataset.test.count(), true), dataset.shape, dataset.test);
  return dataset;
}

void read_numpy_inputs(const DatasetRow& row, const std::string& directory, const Options& options,
                       const std::vector<bool>& keep, Dataset& dataset) {
  const OpenArray inputs = SplitFiles(row, directory, options, "train").open_inputs();
  if (inputs.header.shape.empty() || inputs.header.shape[0] != keep.size() ||
      sample_shape(inputs, options) != dataset.shape) {
    inputs.stream->refuse("it changed while it was read; run again");
  }
  read_inputs(inputs, options, keep, dataset.shape, dataset.train);
}

}  // namespace laconic
