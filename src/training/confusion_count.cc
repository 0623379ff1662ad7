#include "training/confusion_count.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"

namespace laconic {

ConfusionCount::ConfusionCount(std::size_t classes) {
  LACONIC_CHECK(classes > 0 && classes <= kMostConfusedClasses, classes << " classes to be counted");
  counted_.samples.resize(classes);
  counted_.counts.resize(classes * classes);
}

void ConfusionCount::add(std::span<const std::int64_t> labels, std::span<const std::int64_t> predicted,
                         std::span<const double> margins) {
  const auto classes = static_cast<std::int64_t>(counted_.classes());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto label = static_cast<std::size_t>(labels[i]);
    ++counted_.samples.at(label);
    if (predicted[i] >= 0 && predicted[i] < classes) {
      ++counted_.counts[label * counted_.classes() + static_cast<std::size_t>(predicted[i])];
    }
    if (!margins.empty()) margins_[label].push_back(margins[i]);
  }
}

Confusion ConfusionCount::confusion() const {
  Confusion result = counted_;
  if (counted_.classes() == 2) result.auc = area_under_roc(margins_[0], margins_[1]);
  return result;
}

std::optional<double> area_under_roc(std::span<const double> negatives, std::span<const double> positives) {
  if (negatives.empty() || positives.empty()) return std::nullopt;
  std::vector<std::pair<double, bool>> all;
  all.reserve(negatives.size() + positives.size());
  for (const double score : negatives) all.emplace_back(score, false);
  for (const double score : positives) all.emplace_back(score, true);
  if (std::ranges::any_of(all, [](const auto& one) { return std::isnan(one.first); })) return std::nullopt;
  std::ranges::sort(all);
  // Twice the pairs in the right order, those of equal scores once.
  std::uint64_t twice = 0;
  std::uint64_t below = 0;  // negatives with a smaller score
  for (std::size_t first = 0; first < all.size();) {
    std::uint64_t equal[2] = {0, 0};
    const double score = all[first].first;
    for (; first < all.size() && all[first].first == score; ++first) ++equal[all[first].second ? 1 : 0];
    twice += equal[1] * (2 * below + equal[0]);
    below += equal[0];
  }
  return static_cast<double>(twice) /
         (2.0 * static_cast<double>(negatives.size()) * static_cast<double>(positives.size()));
}

}  // namespace laconic
