#include "training/data/label_classes.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "training/data/dataset.h"
#include "training/formats/csv.h"
#include "training/formats/input_file.h"

namespace laconic {

LabelClasses::LabelClasses(std::span<const PlacedLabel> train, std::uint32_t count, std::string source,
                           const std::string& keys)
    : source_(std::move(source)) {
  const auto is_whole = [](const PlacedLabel& label) { return whole_number(label.text).has_value(); };
  if (!std::ranges::all_of(train, is_whole)) {
    if (count > 0) {
      throw UsageError(source_ + ": its labels are names, which are as many as it has; remove data.classes");
    }
    for (const PlacedLabel& label : train) names_.push_back(label.text);
    std::ranges::sort(names_);
    count_ = static_cast<std::uint32_t>(names_.size());
    return;
  }
  const std::uint32_t most = count > 0 ? count : kMostClasses;
  for (const PlacedLabel& label : train) {
    const std::size_t number = whole_number(label.text).value_or(0);
    if (number >= most) {
      throw UsageError(fmt::format("{}: label {} is not a whole number below {}; check {}", label.place,
                                   shown(label.text), most, keys));
    }
    count_ = std::max(count_, static_cast<std::uint32_t>(number + 1));
  }
  if (count > 0) count_ = count;
}

std::vector<std::uint16_t> LabelClasses::numbers(std::span<const std::uint32_t> labels,
                                                 std::span<const PlacedLabel> of) const {
  std::vector<std::uint16_t> classes;
  for (const PlacedLabel& label : of) {
    if (names_.empty()) {
      const std::optional<std::size_t> number = whole_number(label.text);
      if (!number || *number >= count_) {
        throw UsageError(fmt::format(
            "{}: label {} is not a whole number below {}, the classes of {}; set data.classes, or correct the label",
            label.place, shown(label.text), count_, source_));
      }
      classes.push_back(static_cast<std::uint16_t>(*number));
      continue;
    }
    const auto found = std::ranges::lower_bound(names_, label.text);
    if (found == names_.end() || *found != label.text) {
      throw UsageError(
          fmt::format("{}: label {} is not in {}, so that no model learns it; correct it, or remove its lines",
                      label.place, shown(label.text), source_));
    }
    classes.push_back(static_cast<std::uint16_t>(found - names_.begin()));
  }
  std::vector<std::uint16_t> numbers;
  numbers.reserve(labels.size());
  for (const std::uint32_t label : labels) numbers.push_back(classes[label]);
  return numbers;
}

}  // namespace laconic
