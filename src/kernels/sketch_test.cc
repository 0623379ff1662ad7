#include "kernels/sketch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/random.h"
#include "kernels/vector_ops.h"

namespace laconic::kernels {
namespace {

std::vector<float> gaussian(std::size_t size, std::uint64_t index) {
  RandomStream stream(11, "sketch_test", {index});
  std::vector<float> result(size);
  for (float& value : result) value = static_cast<float>(stream.gaussian());
  return result;
}

TEST(SketchTable, IsThePolynomialsByDivisionInWideIntegers) {
  constexpr std::uint64_t kPrime = 2147483647;
  constexpr std::size_t kRows = 3;
  constexpr std::size_t kCols = 250;
  constexpr std::size_t kDimension = 20000;
  __extension__ using Wide = unsigned __int128;
  const SketchTable table(42, kRows, kCols, kDimension);
  for (std::size_t row = 0; row < kRows; ++row) {
    RandomStream stream(42, "sketch", {row});
    Wide coefficients[6];
    for (Wide& coefficient : coefficients) coefficient = stream.below(kPrime);
    for (Wide j = 0; j < kDimension; ++j) {
      const Wide place = (coefficients[0] + coefficients[1] * j) % kPrime;
      const Wide value =
          (coefficients[2] + coefficients[3] * j + coefficients[4] * j * j + coefficients[5] * j * j * j) % kPrime;
      const auto expected = static_cast<unsigned>(2 * (place * kCols / (kPrime + 1)) + value % 2);
      ASSERT_EQ(table.entry(static_cast<std::size_t>(j), row), expected) << "row " << row << " at " << double(j);
    }
  }
}

TEST(SketchTable, SpreadsCoordinatesEvenlyOverBucketsAndSigns) {
  constexpr std::size_t kDimension = 100000;
  constexpr std::size_t kCols = 50;
  const SketchTable table(1, 5, kCols, kDimension);
  for (std::size_t row = 0; row < 5; ++row) {
    std::vector<double> counts(2 * kCols, 0.0);
    for (std::size_t j = 0; j < kDimension; ++j) {
      ASSERT_LT(table.entry(j, row), 2 * kCols);
      counts[table.entry(j, row)] += 1.0;
    }
    // A cell expects 1000 with a standard deviation of about 31.5; six of them leave 500 cells a chance of 1e-6.
    for (const double count : counts) EXPECT_NEAR(count, 1000.0, 190.0) << "row " << row;
  }
}

TEST(SketchTable, DependsOnSeedAndRowAlone) {
  const SketchTable one(1, 5, 250, 100);
  const SketchTable longer(1, 5, 250, 300);
  const SketchTable other(2, 5, 250, 100);
  EXPECT_TRUE(std::equal(one.entries().begin(), one.entries().end(), longer.entries().begin()));
  EXPECT_FALSE(std::equal(one.entries().begin(), one.entries().end(), other.entries().begin()));
  std::size_t same = 0;
  for (std::size_t j = 0; j < 100; ++j) same += one.entry(j, 0) == one.entry(j, 1) ? 1 : 0;
  EXPECT_LT(same, 10U);
}

TEST(SketchTable, RefusesWhatItsEntriesCannotHold) {
  EXPECT_THROW(SketchTable(1, 0, 250, 10), CheckFailed);
  EXPECT_THROW(SketchTable(1, 65, 250, 10), CheckFailed);
  EXPECT_THROW(SketchTable(1, 5, 0, 10), CheckFailed);
  EXPECT_THROW(SketchTable(1, 5, 32768, 10), CheckFailed);
  EXPECT_THROW(SketchTable(1, 5, 250, 2147483647), CheckFailed);
  EXPECT_LE(SketchTable(1, 1, 32767, 1000).entry(999, 0), 65533);
}

TEST(SketchDrift, IsTheSignedSumsOfTheDrift) {
  for (const std::size_t rows : {1UL, 4UL, 5UL, 7UL}) {
    for (const std::size_t size : {0UL, 1UL, 17UL, 511UL, 512UL, 513UL, 3001UL}) {
      const std::size_t cols = 29;
      const SketchTable table(5, rows, cols, size);
      const std::vector<float> params = gaussian(size, 1);
      const std::vector<float> reference = gaussian(size, 2);
      std::vector<long double> sums(rows * cols, 0.0L);
      std::vector<long double> masses(rows * cols, 0.0L);
      for (std::size_t j = 0; j < size; ++j) {
        const long double moved = static_cast<long double>(params[j]) - reference[j];
        for (std::size_t row = 0; row < rows; ++row) {
          const unsigned entry = table.entry(j, row);
          sums[row * cols + entry / 2] += entry % 2 == 0 ? moved : -moved;
          masses[row * cols + entry / 2] += std::abs(moved);
        }
      }
      std::vector<float> sketch(rows * cols, 9.0F);
      const double norm = sketch_drift(table, params, reference, sketch);
      EXPECT_EQ(norm, squared_distance(params, reference)) << rows << " x " << size;
      for (std::size_t i = 0; i < sketch.size(); ++i) {
        // One rounding to float, and at most `size` additions in double.
        const double bound = 0x1p-24 * std::abs(static_cast<double>(sums[i])) +
                             (static_cast<double>(size) + 2.0) * 0x1p-53 * static_cast<double>(masses[i]);
        ASSERT_NEAR(sketch[i], static_cast<double>(sums[i]), bound) << rows << " x " << size << " bucket " << i;
      }
    }
  }
}

TEST(SketchDrift, PropagatesNan) {
  const SketchTable table(5, 5, 29, 100);
  std::vector<float> params(100, 1.0F);
  params[77] = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> sketch(5 * 29);
  EXPECT_TRUE(std::isnan(sketch_drift(table, params, std::vector<float>(100, 0.0F), sketch)));
  EXPECT_TRUE(std::isnan(sketch_squared_norm(sketch, 5)));
}

TEST(SketchDrift, RefusesVectorsOfAnotherDimension) {
  const SketchTable table(5, 5, 29, 100);
  std::vector<float> sketch(5 * 29);
  const std::vector<float> right(100);
  const std::vector<float> wrong(101);
  EXPECT_THROW(sketch_drift(table, wrong, wrong, sketch), CheckFailed);
  EXPECT_THROW(sketch_drift(table, right, wrong, sketch), CheckFailed);
  EXPECT_THROW(sketch_drift(table, right, right, std::span(sketch).first(100)), CheckFailed);
}

TEST(SketchSquaredNorm, IsTheMedianOverRows) {
  const std::vector<float> odd = {3.0F, 0.0F, 1.0F, 1.0F, 10.0F, 0.0F};
  EXPECT_EQ(sketch_squared_norm(odd, 3), 9.0);
  const std::vector<float> even = {3.0F, 0.0F, 1.0F, 1.0F, 10.0F, 0.0F, 0.0F, 2.0F};
  EXPECT_EQ(sketch_squared_norm(even, 4), 6.5);
  EXPECT_THROW(sketch_squared_norm(odd, 4), CheckFailed);
}

TEST(SketchSquaredNorm, EachRowIsUnbiased) {
  // One row over many seeds: the mean is ||u||^2, with a variance of at most 2 ||u||^4 / cols a sample.
  constexpr std::size_t kCols = 20;
  constexpr int kSeeds = 2000;
  const std::vector<float> u = gaussian(200, 3);
  const std::vector<float> zero(200, 0.0F);
  std::vector<float> sketch(kCols);
  double sum = 0.0;
  for (int seed = 0; seed < kSeeds; ++seed) {
    sketch_drift(SketchTable(static_cast<std::uint64_t>(seed), 1, kCols, 200), u, zero, sketch);
    sum += sketch_squared_norm(sketch, 1);
  }
  const double norm = squared_norm(u);
  const double deviation = norm * std::sqrt(2.0 / kCols / kSeeds);
  EXPECT_NEAR(sum / kSeeds, norm, 5.0 * deviation);
}

}  // namespace
}  // namespace laconic::kernels
