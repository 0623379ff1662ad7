// Labels that files give as text, as classes: whole numbers where all are, else names in the order of their bytes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace laconic {

// One label of a file, and where it stands first: "train.csv:3".
struct PlacedLabel {
  std::string text;
  std::string place;
};

class LabelClasses {
 public:
  // `train`: the different labels of training, at least one; `source`: their file or folder. `count`: of whole numbers,
  // 0 for one more than the largest; names are as many as they are. `keys`: of [data], what to check where a label does
  // not fit ("data.classes"). Throws UsageError with the place.
  LabelClasses(std::span<const PlacedLabel> train, std::uint32_t count, std::string source, const std::string& keys);

  std::uint32_t count() const { return count_; }
  // Empty where classes are numbers.
  const std::vector<std::string>& names() const { return names_; }

  // The class of each of `labels`, which count in `of`, the different labels of a split. Throws UsageError, with the
  // place, for one that training does not have.
  std::vector<std::uint16_t> numbers(std::span<const std::uint32_t> labels, std::span<const PlacedLabel> of) const;

 private:
  std::string source_;
  std::vector<std::string> names_;
  std::uint32_t count_ = 0;
};

}  // namespace laconic
