// The tensors of a model as matrices: what algorithms that send thin factors see of a flat vector.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "base/layout.h"

namespace laconic::compress {

// A tensor as a matrix: its first dimension against the others, row after row in the flat vector.
struct Matrix {
  std::size_t offset = 0;  // in the flat vector
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t size() const { return rows * cols; }
  std::size_t shorter() const { return std::min(rows, cols); }
};

struct Run {  // of elements that travel as they are
  std::size_t offset = 0;
  std::size_t size = 0;
};

// A layout's tensors in its order: as matrices those of which `rank` vectors of rows and of columns are smaller than
// the tensor, as runs the others (those of one dimension among them).
struct Matrices {
  std::vector<Matrix> matrices;
  std::vector<Run> rest;
};
Matrices matrices_of(const Layout& layout, std::size_t rank);

// out = M x, or M^T x when `transposed`, for the elements of M row after row: the sums in double. `x` has as many
// elements as M has columns and `out` as M has rows, or the other way round.
void multiply(std::span<const float> matrix, const Matrix& shape, bool transposed, std::span<const float> x,
              std::span<double> out);

}  // namespace laconic::compress
