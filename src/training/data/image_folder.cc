#include "training/data/image_folder.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <sstream>

#include "base/error.h"
#include "base/supervision.h"
#include "training/data/augmentation.h"
#include "training/data/data_files.h"
#include "training/data/fingerprint.h"
#include "training/formats/image_file.h"
#include "training/formats/input_file.h"
#include "training/formats/resize.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;

// The names of the folders in a folder, in the order of bytes.
std::vector<std::string> classes_in(const fs::path& folder) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    std::error_code ignored;
    if (!name.starts_with('.') && entry->is_directory(ignored)) names.push_back(name);
  }
  if (error) throw UsageError(folder.string() + ": cannot be read (" + error.message() + "); check data.dir");
  std::sort(names.begin(), names.end());
  return names;
}

bool is_image(const fs::path& path) {
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  });
  constexpr std::array<std::string_view, 7> kEndings = {".png", ".jpg", ".jpeg", ".jfif", ".jpe", ".webp", ".bmp"};
  return std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end();
}

struct ImageList {
  std::vector<std::string> paths;
  std::vector<std::uint16_t> labels;
  std::map<std::string, std::size_t> left_out;  // files by their ending that are no images read here
  std::size_t loose = 0;                        // images in no class's folder
};

// The files below a folder, those of its folders too, by their paths from it, in the order of bytes. A link to a folder
// is not gone into; what begins with a dot is nobody's sample.
std::vector<fs::path> files_below(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> files;
  fs::recursive_directory_iterator entry(folder, error);
  for (const fs::recursive_directory_iterator end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    const bool hidden = entry->path().filename().string().starts_with('.');
    if (hidden) entry.disable_recursion_pending();
    const bool goes_in = entry->is_directory(ignored) && !entry->is_symlink(ignored) && !is_image(entry->path());
    if (!hidden && !goes_in) {
      files.push_back(entry->path().lexically_relative(folder));
    }
  }
  if (error) throw UsageError(folder.string() + ": cannot be read (" + error.message() + "); check data.dir");
  std::sort(files.begin(), files.end(), [](const fs::path& a, const fs::path& b) { return a.native() < b.native(); });
  return files;
}

void note_left_out(const ImageList& list, const std::string& split, Dataset& dataset) {
  if (list.loose > 0) {
    dataset.notes.push_back(
        fmt::format("left out of {}, as they are in no class's folder: {} images", split, list.loose));
  }
  if (list.left_out.empty()) return;
  std::string text = "left out of " + split + ", as they are no PNG, JPEG, WebP or BMP: ";
  bool first = true;
  for (const auto& [ending, files] : list.left_out) {
    text += fmt::format("{}{} {}", first ? "" : ", ", files, shown(ending));
    first = false;
  }
  dataset.notes.push_back(std::move(text));
}

// Images that lie beside the folders of classes.
std::size_t loose_images(const fs::path& folder) {
  std::error_code error;
  std::size_t count = 0;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (!entry->path().filename().string().starts_with('.') && is_image(entry->path()) &&
        !entry->is_directory(ignored)) {
      ++count;
    }
  }
  return count;
}

// Folders of other names than those of the splits are somebody's splits too, as a rule.
void note_other_folders(const fs::path& place, Dataset& dataset) {
  std::string others;
  for (const std::string& name : classes_in(place)) {
    if (name != "train" && name != "test") others += (others.empty() ? "" : ", ") + shown(name);
  }
  if (!others.empty()) dataset.notes.push_back("not read, as they are neither train nor test: " + others);
}

// `needs_all`: every class has to have an image.
ImageList list_images(const fs::path& folder, const std::vector<std::string>& classes, bool needs_all) {
  for (const std::string& name : classes_in(folder)) {
    if (std::find(classes.begin(), classes.end(), name) == classes.end()) {
      throw UsageError((folder / name).string() +
                       ": is none of the classes that training has; take it away, or list it in data.classes");
    }
  }
  ImageList list;
  list.loose = loose_images(folder);
  for (std::size_t label = 0; label < classes.size(); ++label) {
    const fs::path place = folder / classes[label];
    std::error_code error;
    if (!fs::exists(place, error)) continue;  // a split, or a worker, without images of this class
    for (const fs::path& name : files_below(place)) {
      report_progress("looking for images", list.paths.size());
      if (!is_image(name)) {
        ++list.left_out[name.has_extension() ? name.extension().string() : "without an ending"];
        continue;
      }
      if (!fs::is_regular_file(place / name, error)) {
        throw UsageError((place / name).string() + ": is called an image and is no file" +
                         (fs::is_symlink(place / name, error) ? ", but a link to none" : "") +
                         "; mend it or take it away");
      }
      list.paths.push_back((place / name).string());
      list.labels.push_back(static_cast<std::uint16_t>(label));
    }
    if (needs_all && (list.labels.empty() || list.labels.back() != label)) {
      throw UsageError(
          place.string() +
          ": holds no .png, .jpg, .jpeg, .webp or .bmp; take the class away, or list all classes in data.classes");
    }
  }
  if (list.paths.empty()) {
    throw UsageError(folder.string() +
                     ": holds no image: it needs a folder a class with .png, .jpg, .jpeg, .webp or .bmp in it");
  }
  return list;
}

// How images are read.
struct ImageReading {
  explicit ImageReading(const Options& options)
      : grey(options.text("colours") == "grey"), fit(parse_fit(options.text("fit"))) {
    const std::string& text = options.text("size");
    if (text.empty()) return;
    try {
      size = parse_image_size(text);
    } catch (const UsageError& error) {
      throw UsageError(options.place("size") + ": " + error.what());
    }
  }

  ImageBytes read(const std::string& path) const {
    const ImageBytes image = read_image(path, grey);
    return size ? fitted(image, *size, fit) : image;
  }

  bool grey;
  std::optional<ImageSize> size;  // that all are brought to
  Fit fit;
};

// The images of a list that `keep` marks, which must have `shape`.
std::vector<std::uint8_t> read_images(const ImageList& list, const std::vector<bool>& keep, const ImageReading& reading,
                                      const ImageShape& shape) {
  std::vector<std::uint8_t> pixels;
  pixels.reserve(static_cast<std::size_t>(std::count(keep.begin(), keep.end(), true)) * shape.size());
  for (std::size_t i = 0; i < list.paths.size(); ++i) {
    if (!keep[i]) continue;
    report_progress("reading images", i, list.paths.size());
    const ImageBytes image = reading.read(list.paths[i]);
    if (image.shape != shape) {
      throw UsageError(
          list.paths[i] + ": is " + std::to_string(image.shape.width) + " x " + std::to_string(image.shape.height) +
          " pixels, and the first image of training " + std::to_string(shape.width) + " x " +
          std::to_string(shape.height) +
          fmt::format("; set data.size, such as \"{}x{}\", which brings all to one size", shape.width, shape.height));
    }
    pixels.insert(pixels.end(), image.pixels.begin(), image.pixels.end());
  }
  return pixels;
}

std::vector<std::string> listed(const std::string& text) {
  std::vector<std::string> names;
  std::istringstream stream(text);
  for (std::string name; std::getline(stream, name, ',');) {
    name.erase(0, name.find_first_not_of(' '));
    name.erase(name.find_last_not_of(' ') + 1);
    if (name.empty() || name.find('/') != std::string::npos || name.starts_with('.')) {
      throw UsageError("data.classes: '" + name + "' is no name of a folder; give names behind commas");
    }
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      throw UsageError("data.classes: '" + name + "' comes twice; give each class once");
    }
    names.push_back(name);
  }
  return names;
}

}  // namespace

std::span<const OptionSpec> image_folder_options() {
  static const std::array options = {
      OptionSpec{.name = "colours",
                 .type = OptionType::kChoice,
                 .default_value = "rgb",
                 .choices = {"rgb", "grey"},
                 .help = "rgb: three channels; grey: one"},
      OptionSpec{.name = "size",
                 .default_value = "",
                 .help = "width x height to which every image is resized, such as \"224x192\", or one number for a "
                         "square; empty: all images have the same size already"},
      OptionSpec{.name = "fit",
                 .type = OptionType::kChoice,
                 .default_value = "crop",
                 .choices = {"crop", "pad", "stretch"},
                 .only_with = {"size", OptionSpec::kAnyText},
                 .help = "crop: resized in proportion to cover the size, then the middle is cut out; pad: resized in "
                         "proportion to fit, then padded with black; stretch: width and height resized independently"},
      augment_option(),
      OptionSpec{
          .name = "classes",
          .default_value = "",
          .help = "names of the classes' folders, in the order of their numbers, such as \"cat,dog\"; by default those "
                  "of train/ in the order of their names; needed where workers' own folders lack some classes"}};
  return options;
}

Dataset open_image_folder(const DatasetRow& row, const std::string& directory, const Options& options, Splits splits) {
  const fs::path place(directory);
  std::vector<std::string> classes = listed(options.text("classes"));
  const bool found = classes.empty();
  if (found) classes = classes_in(place / "train");
  if (found && classes.size() == 1) {
    throw UsageError((place / "train").string() + ": has one class, " + shown(classes.front()) +
                     ", and there is nothing to tell apart; give two at least");
  }
  if (classes.size() > kMostClasses) {
    throw UsageError(directory + ": has " + std::to_string(classes.size()) + " classes; " +
                     std::to_string(kMostClasses) + " is the most");
  }
  const ImageList train = list_images(place / "train", classes, found);
  Dataset dataset;
  dataset.name = row.name;
  dataset.classes = static_cast<std::uint32_t>(classes.size());
  dataset.vocabulary = fingerprint_of_names(classes);
  dataset.class_names = classes;
  dataset.augmentation = parse_augmentation(options.text("augment"));
  const ImageReading reading(options);
  dataset.shape = reading.read(train.paths.front()).shape;
  dataset.train.labels = train.labels;
  dataset.files = train.paths;
  note_left_out(train, "train", dataset);
  if (splits == Splits::kTraining) return dataset;
  note_other_folders(place, dataset);
  const ImageList test = list_images(place / "test", classes, false);
  dataset.test.labels = test.labels;
  note_left_out(test, "test", dataset);
  dataset.test.pixels = read_images(test, std::vector<bool>(test.paths.size(), true), reading, dataset.shape);
  return dataset;
}

void read_folder_images(const DatasetRow&, const std::string&, const Options& options, const std::vector<bool>& keep,
                        Dataset& dataset) {
  const ImageList list{.paths = std::move(dataset.files), .labels = {}, .left_out = {}, .loose = 0};
  dataset.files.clear();
  dataset.train.pixels = read_images(list, keep, ImageReading(options), dataset.shape);
}

}  // namespace laconic
