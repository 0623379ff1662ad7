#include "training/data/column_scale.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace laconic {

std::vector<ColumnScale> column_scales(std::span<const double> values, std::size_t columns,
                                       const std::vector<bool>& left_out) {
  std::vector<ColumnScale> scales(columns, ColumnScale{.mean = 0.0, .deviation = 0.0});
  const auto count = static_cast<double>(std::count(left_out.begin(), left_out.end(), false));
  const auto over_rows = [&](const auto& use) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!left_out[i / columns]) use(scales[i % columns], values[i]);
    }
  };
  over_rows([&](ColumnScale& scale, double value) { scale.mean += value / count; });
  // The square of a tiny difference is nothing, so differences are squared as shares of one near the largest: a power of
  // two, by which nothing is rounded.
  std::vector<double> unit(columns, 0.0);
  over_rows([&](ColumnScale& scale, double value) {
    double& largest = unit[static_cast<std::size_t>(&scale - scales.data())];
    largest = std::max(largest, std::abs(value - scale.mean));
  });
  for (double& largest : unit) largest = largest > 0.0 ? std::ldexp(1.0, std::ilogb(largest)) : 1.0;
  over_rows([&](ColumnScale& scale, double value) {
    const double share = (value - scale.mean) / unit[static_cast<std::size_t>(&scale - scales.data())];
    scale.deviation += share * share / count;
  });
  for (std::size_t column = 0; column < columns; ++column) {
    ColumnScale& scale = scales[column];
    scale.deviation = std::sqrt(scale.deviation) * unit[column];
    // What the mean's own rounding leaves is no deviation.
    if (!(scale.deviation > 1e-12 * std::abs(scale.mean))) scale.deviation = 1.0;
  }
  return scales;
}

std::vector<float> scaled(std::span<const double> values, std::span<const ColumnScale> scales) {
  constexpr double kLargestFloat = std::numeric_limits<float>::max();
  std::vector<float> result(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const ColumnScale scale = scales.empty() ? ColumnScale{} : scales[i % scales.size()];
    result[i] =
        static_cast<float>(std::clamp((values[i] - scale.mean) / scale.deviation, -kLargestFloat, kLargestFloat));
  }
  return result;
}

}  // namespace laconic
