#include "kernels/sketch.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/random.h"
#include "kernels/drift_tile.h"
#include "kernels/vector_ops.h"

namespace laconic::kernels {
namespace {

constexpr std::uint64_t kPrime = 0x7fffffff;  // p = 2^31 - 1
constexpr std::size_t kMaxRows = 64;
constexpr std::size_t kMaxCols = 32767;

// r mod p for r < 2^63. Since 2^31 = 1 mod p the high part is added to the low one; the first fold leaves less than
// 2^31 + 2^32, the second at most p + 3.
constexpr std::uint64_t reduce(std::uint64_t r) {
  r = (r & kPrime) + (r >> 31);
  r = (r & kPrime) + (r >> 31);
  return r >= kPrime ? r - kPrime : r;
}

// The hash functions of one row: polynomials with uniform coefficients below p.
struct RowHash {
  std::uint64_t bucket[2];  // constant first
  std::uint64_t sign[4];

  RowHash(std::uint64_t seed, std::size_t row) {
    RandomStream stream(seed, "sketch", {row});
    for (std::uint64_t& coefficient : bucket) coefficient = stream.below(kPrime);
    for (std::uint64_t& coefficient : sign) coefficient = stream.below(kPrime);
  }

  // The bucket is the hash scaled from [0, p) to [0, cols): no division, and as even as a hash with p values can be.
  std::uint16_t entry(std::uint64_t j, std::uint64_t cols) const {
    const std::uint64_t place = (reduce(bucket[1] * j + bucket[0]) * cols) >> 31;
    std::uint64_t value = sign[3];
    for (int power = 2; power >= 0; --power) value = reduce(value * j + sign[power]);
    return static_cast<std::uint16_t>(2 * place + (value & 1));
  }
};

// Adds coordinate values to the accumulators, two a bucket: the sum of the values with sign +, then of those with sign
// -. `kRows` 0 stands for a count known at run time only.
template <std::size_t kRows>
void add_tile(std::span<const double> values, const std::uint16_t* entries, std::size_t row_count, std::size_t stride,
              double* sums) {
  const std::size_t rows = kRows == 0 ? row_count : kRows;
  for (const double value : values) {
    for (std::size_t row = 0; row < rows; ++row) sums[row * stride + entries[row]] += value;
    entries += rows;
  }
}

}  // namespace

SketchTable::SketchTable(std::uint64_t seed, std::size_t rows, std::size_t cols, std::size_t dimension)
    : rows_(rows), cols_(cols), dimension_(dimension) {
  LACONIC_CHECK(rows >= 1 && rows <= kMaxRows, "rows " << rows);
  LACONIC_CHECK(cols >= 1 && cols <= kMaxCols, "cols " << cols);
  LACONIC_CHECK(dimension < kPrime, "dimension " << dimension << ": the hash functions tell apart fewer than 2^31 - 1");
  entries_.resize(rows * dimension);
  for (std::size_t row = 0; row < rows; ++row) {
    const RowHash hash(seed, row);
    std::uint16_t* entry = entries_.data() + row;
    for (std::size_t j = 0; j < dimension; ++j, entry += rows) *entry = hash.entry(j, cols);
  }
}

double sketch_drift(const SketchTable& table, std::span<const float> params, std::span<const float> reference,
                    std::span<float> sketch) {
  const std::size_t rows = table.rows();
  const std::size_t cols = table.cols();
  LACONIC_CHECK(
      params.size() == table.dimension() && reference.size() == table.dimension(),
      "a table of dimension " << table.dimension() << ", vectors of " << params.size() << " and " << reference.size());
  LACONIC_CHECK(sketch.size() == rows * cols, "a sketch of " << sketch.size() << " for " << rows << " x " << cols);

  constexpr std::size_t kTile = 512;
  alignas(64) std::array<double, kTile> difference;
  alignas(64) std::array<double, kLanes> lanes{};
  std::vector<double> sums(2 * rows * cols, 0.0);
  for (std::size_t begin = 0; begin < params.size(); begin += kTile) {
    const std::size_t size = std::min(kTile, params.size() - begin);
    const std::span<double> tile = std::span(difference).first(size);
    detail::drift_tile(params.subspan(begin, size), reference.subspan(begin, size), tile, lanes);
    const std::uint16_t* entries = table.entries().data() + begin * rows;
    if (rows == 5) {
      add_tile<5>(tile, entries, rows, 2 * cols, sums.data());
    } else {
      add_tile<0>(tile, entries, rows, 2 * cols, sums.data());
    }
  }
  for (std::size_t bucket = 0; bucket < rows * cols; ++bucket) {
    sketch[bucket] = static_cast<float>(sums[2 * bucket] - sums[2 * bucket + 1]);
  }
  return detail::fold_lanes(lanes);
}

double sketch_squared_norm(std::span<const float> sketch, std::size_t rows) {
  LACONIC_CHECK(rows >= 1 && rows <= kMaxRows && sketch.size() % rows == 0,
                "a sketch of " << sketch.size() << " in " << rows << " rows");
  const std::size_t cols = sketch.size() / rows;
  std::array<double, kMaxRows> norms;
  for (std::size_t row = 0; row < rows; ++row) {
    norms[row] = squared_norm(sketch.subspan(row * cols, cols));
    if (std::isnan(norms[row])) return std::numeric_limits<double>::quiet_NaN();
  }
  std::sort(norms.begin(), norms.begin() + static_cast<std::ptrdiff_t>(rows));
  return rows % 2 == 1 ? norms[rows / 2] : 0.5 * (norms[rows / 2 - 1] + norms[rows / 2]);
}

}  // namespace laconic::kernels
