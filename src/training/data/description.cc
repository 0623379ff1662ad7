#include "training/data/description.h"

#include <fmt/core.h>

#include <algorithm>

#include "training/formats/input_file.h"

namespace laconic {
namespace {

constexpr std::size_t kMostNames = 12;

std::string names_of_answers(const Dataset& dataset) {
  if (dataset.input == Input::kText) return {};
  const std::vector<std::string>& names = dataset.numbers > 0 ? dataset.target_names : dataset.class_names;
  if (names.empty()) return {};
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kMostNames); ++i) {
    text += (i == 0 ? "" : ", ") + shown(names[i]);
  }
  return " (" + text + (names.size() > kMostNames ? ", ..." : "") + ")";
}

}  // namespace

std::string kind_text(const Dataset& dataset) {
  if (dataset.input == Input::kText) return "text of " + std::to_string(dataset.classes) + " different tokens";
  const bool bytes = dataset.train.values.empty();
  const ImageShape& shape = dataset.shape;
  const std::string answers =
      dataset.numbers > 0 ? fmt::format("with {} number{} to predict", dataset.numbers, dataset.numbers == 1 ? "" : "s")
                          : fmt::format("in {} classes", dataset.classes);
  if (shape.channels == 1 && shape.height == 1) {
    return fmt::format("vectors of {} {} {}", shape.width, bytes ? "bytes" : "numbers", answers);
  }
  return fmt::format("images of {}x{}x{}{} {}", shape.channels, shape.height, shape.width, bytes ? "" : " numbers",
                     answers);
}

std::string description(const Dataset& dataset, std::uint64_t training) {
  std::string text = kind_text(dataset) + names_of_answers(dataset) + "; ";
  if (dataset.stream) return text + "samples are drawn as they are needed";
  text += fmt::format("{} training samples", training);
  if (!dataset.user_names.empty()) text += fmt::format(" of {} users", dataset.user_names.size());
  if (dataset.validation.count() > 0) text += fmt::format(", {} validation samples", dataset.validation.count());
  text += fmt::format(", {} test samples", dataset.test.count());
  for (const std::string& note : dataset.notes) text += "\n" + note;
  return text;
}

}  // namespace laconic
