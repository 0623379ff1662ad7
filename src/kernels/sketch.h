// AMS sketch of a flat vector (Alon, Matias, Szegedy 1996; the bucketed form of Cormode and Garofalakis 2005, as used
// by Theologitis et al. 2025, sec. 3).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace laconic::kernels {

// For every coordinate and row: the bucket (a pairwise independent hash) and the sign (a 4-wise independent one, a
// cubic polynomial mod 2^31 - 1), packed into two bytes. Made once from a seed and shared by all workers of a process:
// 2 * rows bytes a coordinate. Immutable, usable from any number of threads.
class SketchTable {
 public:
  // 1 <= rows <= 64, 1 <= cols <= 32767.
  SketchTable(std::uint64_t seed, std::size_t rows, std::size_t cols, std::size_t dimension);

  std::size_t rows() const { return rows_; }
  std::size_t cols() const { return cols_; }
  std::size_t dimension() const { return dimension_; }
  // Entry of coordinate j, row r: 2 * bucket + (1 when the sign is negative).
  std::uint16_t entry(std::size_t j, std::size_t r) const { return entries_[j * rows_ + r]; }
  std::span<const std::uint16_t> entries() const { return entries_; }

 private:
  std::size_t rows_, cols_, dimension_;
  std::vector<std::uint16_t> entries_;
};

// Sketches u = params - reference: sketch[r * cols + c] = sum over the coordinates j of row r's bucket c of sign_rj
// u_j, summed in double. `sketch` has rows * cols elements and is overwritten. Returns ||u||^2, from the same pass.
double sketch_drift(const SketchTable& table, std::span<const float> params, std::span<const float> reference,
                    std::span<float> sketch);

// M2: the median over rows of the row's sum of squares, an estimate of ||u||^2. For an even number of rows the mean of
// the two middle ones.
double sketch_squared_norm(std::span<const float> sketch, std::size_t rows);

}  // namespace laconic::kernels
