#include "mechanisms/growth_guard.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace laconic {

std::optional<double> GrowthGuard::add(double value) {
  if (!std::isfinite(value)) return std::numeric_limits<double>::infinity();
  sum_ += value;
  if (++count_ < kWindow) return std::nullopt;
  const auto mean = static_cast<float>(sum_ / static_cast<double>(count_));
  sum_ = 0.0;
  count_ = 0;
  means_.push_back(mean);
  const std::size_t before = means_.size() - 1;
  if (before < kFewestWindows) return std::nullopt;
  for (std::size_t i = 0; i < kRising; ++i) {
    if (means_[before - i] <= means_[before - i - 1]) return std::nullopt;
  }
  std::vector<float> earlier(means_.begin(), means_.end() - 1);
  const auto middle = earlier.begin() + static_cast<std::ptrdiff_t>(earlier.size() / 2);
  std::nth_element(earlier.begin(), middle, earlier.end());
  if (*middle <= 0.0F) return std::nullopt;
  const double factor = static_cast<double>(mean) / static_cast<double>(*middle);
  return factor >= kFactor ? std::optional(factor) : std::nullopt;
}

void GrowthGuard::archive(Archive& archive) {
  constexpr std::size_t kMost = std::size_t{1} << 32;
  archive.value("guard.sum", sum_);
  archive.value("guard.count", count_);
  archive.vector("guard.means", means_, kMost);
}

}  // namespace laconic
