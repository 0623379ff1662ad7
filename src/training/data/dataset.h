// Labelled images, vectors of numbers, or text, in memory, and the table of the data sets that can be loaded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/options.h"
#include "training/formats/image_shape.h"

namespace laconic {

// What a model learns: the class of an image or a vector, or the next token of a text.
enum class Input { kImages, kText };

// Classes that a data set can have at most; a label takes 16 bits.
inline constexpr std::uint32_t kMostClasses = 65'536;

// What is to be predicted of a sample, or of each token of a text: one of `classes`, or else `numbers` real numbers.
struct Prediction {
  Prediction(std::uint32_t classes = 0, std::uint32_t numbers = 0) : classes(classes), numbers(numbers) {}
  std::uint32_t classes;
  std::uint32_t numbers;
  // Scores or numbers that a model gives for a prediction.
  std::uint32_t outputs() const { return numbers > 0 ? numbers : classes; }
};

// Samples of one split.
struct Samples {
  // Of images. Pixels stay bytes, a quarter of the floats they become in a batch.
  std::vector<std::uint8_t> pixels;  // count x shape.size(), sample after sample, rows from the top
  // Of samples that are not bytes, in the place of pixels and as a model sees them: count x shape.size(), finite.
  std::vector<float> values;
  std::vector<std::uint16_t> labels;  // count, each below Dataset::classes
  // Of regression, in the place of labels: count x targets_each, finite, as a model is to predict them.
  std::vector<float> targets;
  std::size_t targets_each = 0;
  std::vector<std::uint32_t> users;  // who made each sample: count, or empty where that is not known
  // Of text: each sample is a run of tokens. All but the last are inputs, all but the first what should follow them.
  std::vector<std::uint32_t> tokens;  // count x tokens_each, sample after sample, each below Dataset::classes
  std::size_t tokens_each = 0;        // 0: images
  // Of a stream: how many samples it counts as. They are drawn when they are needed, and the vectors are empty.
  std::size_t drawn = 0;

  std::size_t count() const {
    if (drawn > 0) return drawn;
    if (tokens_each > 0) return tokens.size() / tokens_each;
    return targets_each > 0 ? targets.size() / targets_each : labels.size();
  }
  // Predictions that a model makes for one sample.
  std::size_t predictions_each() const { return tokens_each == 0 ? 1 : tokens_each - 1; }
  // Bytes that the vectors take.
  std::size_t memory() const {
    return pixels.size() + values.size() * sizeof(float) + labels.size() * sizeof(std::uint16_t) +
           targets.size() * sizeof(float) + (users.size() + tokens.size()) * sizeof(std::uint32_t);
  }
};

// What training images of bytes go through, drawn anew for each batch (augmentation.h).
enum class Augmentation { kNone, kMirror, kCropMirror, kResizedCropMirror };

// Of one channel of the images in [0, 1].
struct ChannelScale {
  float mean = 0.0F;
  float deviation = 1.0F;
};

// Of a column of numbers: a model sees, or predicts, (value - mean) / deviation.
struct ColumnScale {
  double mean = 0.0;
  double deviation = 1.0;  // positive
};

// Of a graphical model whose bits are the samples (graphical_model.h).
struct GraphicalModelSize {
  std::uint32_t inputs = 0;  // bits that are seen
  std::uint32_t hidden = 0;  // bits between them and the label
};

struct Dataset {
  std::string name;
  Input input = Input::kImages;
  ImageShape shape;           // of images
  std::uint32_t classes = 0;  // labels that an image can have, or tokens of the vocabulary; 0: numbers are predicted
  std::uint32_t numbers = 0;  // real numbers to be predicted of each sample; 0: its class is
  // The fingerprint of the tokens of text, or of the names of classes that folders give, in the order of their numbers.
  std::uint64_t vocabulary = 0;
  // What the classes are called, or the tokens, in the order of their numbers; empty where they have numbers alone.
  std::vector<std::string> class_names;
  // Who the users of the training samples are, in the order of their numbers; empty where they have numbers alone.
  std::vector<std::string> user_names;
  // What its owner should know of how it was read, such as what was left out; a line each.
  std::vector<std::string> notes;
  Samples train;
  Samples test;
  Samples validation;  // from a file of its own, or empty until some are held out (splits.h)
  // What a model sees of a channel is (value - mean) / deviation; one for each channel, or empty: the value.
  std::vector<ChannelScale> normalisation;
  // Of tables: what the columns of features and of targets are called, where they have names; and what was done to them,
  // one for each, or empty: they are as in the file.
  std::vector<std::string> feature_names;
  std::vector<std::string> target_names;
  std::vector<ColumnScale> feature_scale;
  std::vector<ColumnScale> target_scale;
  // Which rows of the training file are the test split, from 0 and ascending; empty where the test split has its own.
  std::vector<std::uint32_t> test_rows;
  std::vector<std::uint32_t> validation_rows;  // the same of the samples that were held out
  std::optional<GraphicalModelSize> stream;    // samples come from a random graphical model as they are needed
  std::vector<std::string> files;              // of training images that are files, as long as these are not read
  Augmentation augmentation = Augmentation::kNone;

  Prediction prediction() const { return {classes, numbers}; }
};

// Which splits of a data set are read: of one whose other splits nobody looks at, the training split alone.
enum class Splits { kAll, kTraining };

// One loadable data set. Each file is either as named here or has ".gz" behind.
struct DatasetRow {
  std::string_view name;
  std::string_view summary;
  Input input = Input::kImages;
  // Keys of [data] that this data set adds.
  std::span<const OptionSpec> options = {};
  std::string_view default_directory = {};  // empty: the job must name one,
  std::string_view holds = {};              // which holds this; empty: the first file below
  std::string_view package = {};            // Debian package that installs the default directory; empty: none
  std::uint32_t classes = 0;                // 0: the files decide
  bool has_validation = false;              // brings a validation split
  bool is_stream = false;                   // is made up as it is needed: there are no files
  // Reads the files, of the training split at least all but the images; `options` were resolved against the row's.
  Dataset (*open)(const DatasetRow& row, const std::string& directory, const Options& options, Splits splits) = nullptr;
  // Reads those of the training images that `keep` marks. Null: they come with the rest.
  void (*read_images)(const DatasetRow& row, const std::string& directory, const Options& options,
                      const std::vector<bool>& keep, Dataset& dataset) = nullptr;
  // Names of the files, empty where there are none of the kind or the job names them. IDX files: images, labels, users.
  std::string_view train_images = {}, train_labels = {}, train_users = {};
  std::string_view test_images = {}, test_labels = {}, test_users = {};
  // Files of text.
  std::string_view train_text = {}, validation_text = {}, test_text = {};
};

std::span<const DatasetRow> datasets();
// Throws UsageError with the known names.
const DatasetRow& find_dataset(std::string_view name);

// Reads `row` from `directory`, or from the row's default when it is empty; `options` were resolved against the row's
// (rows without any take the default). Throws UsageError, one line that names the file, what is wrong with it and the
// remedy, for a directory that was not given, a missing file, a file that is not what it claims to be, counts of
// images, labels and users that differ, a label that is not below `classes`, images of the training and the test split
// that differ in size, a text too short for one sample.
Dataset load_dataset(const DatasetRow& row, const std::string& directory, const Options& options = {});

// The same in two steps, for one that does not want all training samples. First everything that tells them apart:
// labels, users and number; of IDX files and arrays the images or inputs are left unread.
Dataset open_dataset(const DatasetRow& row, const std::string& directory, const Options& options = {},
                     Splits splits = Splits::kAll);
// Then those that `keep` marks, one mark for each of `dataset.train`, which was opened in the same way: it holds them
// alone, the order kept. The images of the others are never in memory where they were left unread. Not for streams.
void read_chosen(const DatasetRow& row, const std::string& directory, const Options& options,
                 const std::vector<bool>& keep, Dataset& dataset);

}  // namespace laconic
