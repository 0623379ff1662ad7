// Columns of numbers brought to mean 0 and deviation 1.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "training/data/dataset.h"

namespace laconic {

// Of `columns` columns of a table, row after row: mean and deviation over the rows that are not `left_out` (a mark a
// row), in double, as times near 1.7e9 would lose their seconds as floats. A column of a single value has deviation 1,
// so that it becomes 0.
std::vector<ColumnScale> column_scales(std::span<const double> values, std::size_t columns,
                                       const std::vector<bool>& left_out);

// The values less their column's mean, by its deviation, as floats; as they are where there is no scale.
std::vector<float> scaled(std::span<const double> values, std::span<const ColumnScale> scales);

}  // namespace laconic
