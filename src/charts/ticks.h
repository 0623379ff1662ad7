// Where an axis has its ticks, and what they say. Internal to charts.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "charts/figure.h"

namespace laconic::charts {

// The part of an axis that is drawn.
struct Range {
  double low = 0.0;  // below `high`; both finite, and positive where it is logarithmic
  double high = 1.0;
  bool logarithmic = false;

  // 0 at `low`, 1 at `high`.
  double share_of(double value) const;
};

// Around the finite ones of `values`, with `margin` of the whole on either side; 0 to 1 where there are none. Logarithmic
// where that is `wanted` and all of `values` are positive. Values that are never negative have no range below 0.
Range range_of(const std::vector<double>& values, bool wanted_logarithmic, double margin);

struct Ticks {
  std::vector<double> at;          // ascending, inside the range
  std::vector<std::string> texts;  // of each
  std::vector<double> between;     // without texts, of a logarithmic axis
  std::string unit;                // of all texts, for the axis' title: "MB", "%", "×10⁻⁷"; may be empty
};

// At most `most` with texts (at least 2), at 1, 2 or 5 times a power of ten of the unit that is shown.
Ticks ticks_of(const Range& range, Unit unit, std::size_t most);

// One value with its unit: "1.23 MB", "87.1%".
std::string value_text(double value, Unit unit);

}  // namespace laconic::charts
