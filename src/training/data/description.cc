#include "training/data/description.h"

#include <fmt/core.h>

#include <algorithm>

#include "training/formats/input_file.h"

namespace laconic {
namespace {

constexpr std::size_t kMostNames = 12;

std::string names_of_classes(const Dataset& dataset) {
  if (dataset.class_names.empty()) return {};
  std::string text;
  for (std::size_t i = 0; i < std::min(dataset.class_names.size(), kMostNames); ++i) {
    text += (i == 0 ? "" : ", ") + shown(dataset.class_names[i]);
  }
  return " (" + text + (dataset.class_names.size() > kMostNames ? ", ..." : "") + ")";
}

}  // namespace

std::string kind_text(const Dataset& dataset) {
  if (dataset.input == Input::kText) return "text of " + std::to_string(dataset.classes) + " different tokens";
  const bool bytes = dataset.train.values.empty();
  const ImageShape& shape = dataset.shape;
  if (shape.channels == 1 && shape.height == 1) {
    return fmt::format("vectors of {} {} in {} classes", shape.width, bytes ? "bytes" : "numbers", dataset.classes);
  }
  return fmt::format("images of {}x{}x{}{} in {} classes", shape.channels, shape.height, shape.width,
                     bytes ? "" : " numbers", dataset.classes);
}

std::string description(const Dataset& dataset, std::uint64_t training) {
  std::string text = kind_text(dataset) + names_of_classes(dataset) + "; ";
  if (dataset.stream) return text + "samples are drawn as they are needed";
  text += fmt::format("{} training samples", training);
  if (!dataset.user_names.empty()) text += fmt::format(" of {} users", dataset.user_names.size());
  if (dataset.validation.count() > 0) text += fmt::format(", {} validation samples", dataset.validation.count());
  text += fmt::format(", {} test samples", dataset.test.count());
  for (const std::string& note : dataset.notes) text += "\n" + note;
  return text;
}

}  // namespace laconic
