#include "kernels/vector_ops.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <span>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/random.h"

namespace laconic::kernels {
namespace {

// Around the vector widths (1 to 16 floats), the 16 partial sums, the mean's tile of 128 and all_finite's block of
// 4096.
constexpr std::size_t kSizes[] = {0,  1,  2,  3,   5,   7,   8,   15,  16,   17,   31,   32,   33,   47,
                                  63, 64, 65, 100, 127, 128, 129, 255, 1000, 1023, 1024, 1025, 4097, 10007};
constexpr std::size_t kOffsets[] = {0, 1, 3, 7};  // floats beyond an allocation's start
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kDenormal = std::numeric_limits<float>::denorm_min();

// Gaussian values of very different magnitudes, some zeros and denormals among them.
std::vector<float> values(std::size_t size, std::uint64_t index) {
  RandomStream stream(7, "vector_ops_test", {index, size});
  std::vector<float> result(size);
  for (float& value : result) {
    const std::uint64_t kind = stream.below(16);
    const double scale = std::exp2(static_cast<double>(stream.below(20)) - 10.0);
    value = kind == 0   ? 0.0F
            : kind == 1 ? kDenormal * static_cast<float>(stream.below(1000))
                        : static_cast<float>(stream.gaussian() * scale);
  }
  return result;
}

struct Expected {
  long double sum = 0.0L;
  long double mass = 0.0L;  // sum of magnitudes
  void add(long double term) {
    sum += term;
    mass += std::abs(term);
  }
};

// The bound of the header: size/kLanes additions a partial sum, 4 to fold, at most 4 roundings in a term; each of unit
// roundoff 2^-53. The long double reference adds size * 2^-64.
double tolerance(const Expected& expected, std::size_t size) {
  const double roundings = static_cast<double>(size) / static_cast<double>(kLanes) + 8.0;
  const double reference_roundings = static_cast<double>(size) * 0x1p-64;
  return (roundings * 0x1p-53 + reference_roundings) * static_cast<double>(expected.mass);
}

template <typename Body>
void for_sizes_and_offsets(const Body& body) {
  for (const std::size_t size : kSizes) {
    for (const std::size_t offset : kOffsets) {
      SCOPED_TRACE("size " + std::to_string(size) + " offset " + std::to_string(offset));
      body(size, offset);
    }
  }
}

TEST(Dot, EqualsTheSumInLongDouble) {
  for_sizes_and_offsets([](std::size_t size, std::size_t offset) {
    const std::vector<float> a = values(size + offset, 1);
    const std::vector<float> b = values(size, 2);
    Expected expected;
    for (std::size_t j = 0; j < size; ++j) expected.add(static_cast<long double>(a[offset + j]) * b[j]);
    EXPECT_NEAR(dot(std::span(a).subspan(offset), b), static_cast<double>(expected.sum), tolerance(expected, size));
  });
}

TEST(SquaredNorm, EqualsTheSumInLongDouble) {
  for_sizes_and_offsets([](std::size_t size, std::size_t offset) {
    const std::vector<float> a = values(size + offset, 1);
    Expected expected;
    for (std::size_t j = 0; j < size; ++j) expected.add(static_cast<long double>(a[offset + j]) * a[offset + j]);
    EXPECT_NEAR(squared_norm(std::span(a).subspan(offset)), static_cast<double>(expected.sum),
                tolerance(expected, size));
  });
}

TEST(SquaredDistance, EqualsTheSumInLongDouble) {
  for_sizes_and_offsets([](std::size_t size, std::size_t offset) {
    const std::vector<float> a = values(size + offset, 1);
    const std::vector<float> b = values(size, 2);
    Expected expected;
    for (std::size_t j = 0; j < size; ++j) {
      const long double difference = static_cast<long double>(a[offset + j]) - b[j];
      expected.add(difference * difference);
    }
    EXPECT_NEAR(squared_distance(std::span(a).subspan(offset), b), static_cast<double>(expected.sum),
                tolerance(expected, size));
  });
}

TEST(SquaredDistance, KeepsASmallDriftOfLargeParameters) {
  // In float the difference of squares would vanish; the difference itself is exact.
  const std::vector<float> a(1000, 16777215.0F);
  const std::vector<float> b(1000, 16777214.0F);
  EXPECT_EQ(squared_distance(a, b), 1000.0);
}

TEST(Drift, EqualsItsTwoSumsInLongDouble) {
  for_sizes_and_offsets([](std::size_t size, std::size_t offset) {
    const std::vector<float> params = values(size + offset, 1);
    const std::vector<float> reference = values(size, 2);
    const std::vector<float> previous = values(size + 2 * offset, 3);
    Expected norm;
    Expected along;
    for (std::size_t j = 0; j < size; ++j) {
      const long double moved = static_cast<long double>(params[offset + j]) - reference[j];
      norm.add(moved * moved);
      along.add(moved * (static_cast<long double>(reference[j]) - previous[2 * offset + j]));
    }
    const Drift found = drift(std::span(params).subspan(offset), reference, std::span(previous).subspan(2 * offset));
    EXPECT_NEAR(found.squared_norm, static_cast<double>(norm.sum), tolerance(norm, size));
    EXPECT_NEAR(found.along, static_cast<double>(along.sum), tolerance(along, size));
  });
}

TEST(Drift, HasTheBitsOfSquaredDistance) {
  const std::vector<float> a = values(1003, 1);
  const std::vector<float> b = values(1003, 2);
  EXPECT_EQ(drift(a, b, values(1003, 3)).squared_norm, squared_distance(a, b));
}

TEST(Sums, OfDenormalsAreExact) {
  const std::vector<float> a(35, kDenormal);
  EXPECT_EQ(squared_norm(a), 35.0 * 0x1p-298);
  EXPECT_EQ(dot(a, a), 35.0 * 0x1p-298);
}

TEST(Sums, PropagateNanAndInfinityFromAnyPlace) {
  for (const std::size_t size : {1UL, 16UL, 37UL}) {
    const std::vector<float> ones(size, 1.0F);
    for (std::size_t place = 0; place < size; ++place) {
      std::vector<float> a(size, 1.0F);
      a[place] = kNan;
      EXPECT_TRUE(std::isnan(dot(a, ones))) << place;
      EXPECT_TRUE(std::isnan(squared_norm(a))) << place;
      EXPECT_TRUE(std::isnan(squared_distance(ones, a))) << place;
      EXPECT_TRUE(std::isnan(drift(a, ones, ones).squared_norm)) << place;
      EXPECT_TRUE(std::isnan(drift(ones, ones, a).along)) << place;
      a[place] = -kInfinity;
      EXPECT_EQ(dot(a, ones), -std::numeric_limits<double>::infinity()) << place;
      EXPECT_EQ(squared_norm(a), std::numeric_limits<double>::infinity()) << place;
    }
  }
}

TEST(Subtract, EqualsThePlainLoop) {
  for_sizes_and_offsets([](std::size_t size, std::size_t offset) {
    const std::vector<float> a = values(size + offset, 1);
    const std::vector<float> b = values(size, 2);
    std::vector<float> out(size + offset, 9.0F);
    subtract(std::span(a).subspan(offset), b, std::span(out).subspan(offset));
    for (std::size_t j = 0; j < size; ++j) ASSERT_EQ(out[offset + j], a[offset + j] - b[j]) << j;
    for (std::size_t j = 0; j < offset; ++j) ASSERT_EQ(out[j], 9.0F);
    std::vector<float> in_place = b;
    subtract(std::span(a).subspan(offset), in_place, in_place);
    for (std::size_t j = 0; j < size; ++j) ASSERT_EQ(in_place[j], out[offset + j]) << j;
  });
}

TEST(AxpyDifference, RoundsTheDifferenceThenTheProductThenTheSum) {
  for_sizes_and_offsets([](std::size_t size, std::size_t offset) {
    const std::vector<float> a = values(size + offset, 1);
    const std::vector<float> b = values(size, 3);
    const std::vector<float> before = values(size, 2);
    std::vector<float> y = before;
    axpy_difference(0.3F, std::span(a).subspan(offset), b, y);
    for (std::size_t j = 0; j < size; ++j) {
      volatile float difference = a[offset + j] - b[j];
      volatile float product = 0.3F * difference;
      ASSERT_EQ(y[j], before[j] + product) << j;
    }
  });
}

TEST(AxpyDifference, IsTheSameWhereTheOutputIsOneOfTheInputs) {
  for_sizes_and_offsets([](std::size_t size, std::size_t) {
    const std::vector<float> a = values(size, 1);
    const std::vector<float> b = values(size, 3);
    std::vector<float> expected = a;
    axpy_difference(0.3F, a, b, expected);
    std::vector<float> y = a;
    axpy_difference(0.3F, y, b, y);
    ASSERT_EQ(y, expected);
    expected = b;
    axpy_difference(0.3F, a, b, expected);
    y = b;
    axpy_difference(0.3F, a, y, y);
    ASSERT_EQ(y, expected);
  });
}

TEST(Scaled, IsTheProductAndAddChangeAddsWhatZIsMoreThanIt) {
  for_sizes_and_offsets([](std::size_t size, std::size_t offset) {
    const std::vector<float> z = values(size + offset, 1);
    const std::vector<float> before = values(size, 3);
    std::vector<float> x = before;
    add_change(0.7F, 0.3F, std::span(z).subspan(offset), x);
    std::vector<float> product(size);
    scaled(0.3F, before, product);
    for (std::size_t j = 0; j < size; ++j) {
      volatile float expected = 0.3F * before[j];
      ASSERT_EQ(product[j], expected) << j;
      volatile float difference = z[offset + j] - expected;
      volatile float change = 0.7F * difference;
      ASSERT_EQ(x[j], before[j] + change) << j;
    }
    x = before;
    add_change(0.7F, 0.3F, product, x);
    ASSERT_EQ(x, before);
  });
}

TEST(Axpy, RoundsTheProductThenTheSum) {
  for_sizes_and_offsets([](std::size_t size, std::size_t offset) {
    const std::vector<float> x = values(size + offset, 1);
    const std::vector<float> before = values(size, 2);
    std::vector<float> y = before;
    axpy(0.3F, std::span(x).subspan(offset), y);
    for (std::size_t j = 0; j < size; ++j) {
      volatile float product = 0.3F * x[offset + j];  // volatile: never fused with the sum
      ASSERT_EQ(y[j], before[j] + product) << j;
    }
  });
}

TEST(Scale, EqualsThePlainLoop) {
  for_sizes_and_offsets([](std::size_t size, std::size_t offset) {
    const std::vector<float> before = values(size + offset, 1);
    std::vector<float> x = before;
    scale(-1.7F, std::span(x).subspan(offset));
    for (std::size_t j = 0; j < x.size(); ++j) ASSERT_EQ(x[j], j < offset ? before[j] : -1.7F * before[j]) << j;
  });
}

TEST(Means, AccumulateAndFinishEqualThePlainLoop) {
  for_sizes_and_offsets([](std::size_t size, std::size_t offset) {
    const std::vector<float> x = values(size + offset, 1);
    const std::vector<float> y = values(size, 2);
    std::vector<double> sum(size + offset, 0.0);
    const std::span<double> view = std::span(sum).subspan(offset);
    accumulate(3.1, std::span(x).subspan(offset), view);
    accumulate(0.7, y, view);
    std::vector<float> out(size);
    finish_mean(view, 3.8, out);
    for (std::size_t j = 0; j < size; ++j) {
      volatile double first = 3.1 * static_cast<double>(x[offset + j]);
      volatile double second = 0.7 * static_cast<double>(y[j]);
      ASSERT_EQ(view[j], first + second) << j;
      ASSERT_EQ(out[j], static_cast<float>(view[j] / 3.8)) << j;
    }
  });
}

TEST(Means, WeightedMeanHasTheBitsOfAccumulateAndFinish) {
  for (const std::size_t count : {1UL, 2UL, 3UL, 5UL, 8UL, 9UL, 19UL}) {
    for_sizes_and_offsets([count](std::size_t size, std::size_t offset) {
      std::vector<std::vector<float>> vectors;
      std::vector<std::span<const float>> views;
      std::vector<double> weights;
      std::vector<double> sum(size, 0.0);
      double divisor = 0.0;
      for (std::size_t k = 0; k < count; ++k) vectors.push_back(values(size + offset, k));
      for (std::size_t k = 0; k < count; ++k) {
        views.push_back(std::span(vectors[k]).subspan(offset));
        weights.push_back(1.0 + 0.1 * static_cast<double>(k));
        accumulate(weights[k], views[k], sum);
        divisor += weights[k];
      }
      std::vector<float> expected(size);
      finish_mean(sum, divisor, expected);
      std::vector<float> out(size + offset);
      weighted_mean(views, weights, std::span(out).subspan(offset));
      for (std::size_t j = 0; j < size; ++j) ASSERT_EQ(out[offset + j], expected[j]) << count << " vectors, " << j;
      weighted_mean(views, weights, std::span(vectors[count - 1]).subspan(offset));  // onto one of its inputs
      for (std::size_t j = 0; j < size; ++j) ASSERT_EQ(vectors[count - 1][offset + j], expected[j]) << j;
    });
  }
}

TEST(Means, LargeResultsThatGoPastTheCacheAreTheSame) {
  constexpr std::size_t kSize = (std::size_t{1} << 20) + 1003;
  const std::vector<float> x = values(kSize, 1);
  const std::vector<float> y = values(kSize, 2);
  const std::vector<double> weights = {1.0, 3.0};
  for (const std::size_t offset : kOffsets) {
    std::vector<float> out(kSize + offset + 1, 9.0F);
    const std::vector<std::span<const float>> views = {x, y};
    weighted_mean(views, weights, std::span(out).subspan(offset, kSize));
    for (std::size_t j = 0; j < kSize; ++j) {
      const double sum = static_cast<double>(x[j]) + 3.0 * static_cast<double>(y[j]);  // 3 y is exact
      ASSERT_EQ(out[offset + j], static_cast<float>(sum / 4.0)) << j;
    }
    for (std::size_t j = 0; j < offset; ++j) ASSERT_EQ(out[j], 9.0F);
    ASSERT_EQ(out.back(), 9.0F);
  }
}

TEST(AllFinite, FindsOneBadValueAnywhere) {
  for (const std::size_t size : kSizes) {
    std::vector<float> x(size, std::numeric_limits<float>::lowest());
    EXPECT_TRUE(all_finite(x)) << size;
    for (std::size_t place = 0; place < size; place += size < 200 ? 1 : 97) {
      for (const float bad : {kNan, -kNan, kInfinity, -kInfinity}) {
        x[place] = bad;
        EXPECT_FALSE(all_finite(x)) << size << " " << place << " " << bad;
      }
      x[place] = -kDenormal;
    }
    EXPECT_TRUE(all_finite(x)) << size;
  }
}

TEST(Copy, IsTheVectorAtAnySizeAndAlignment) {
  for (const std::size_t size : {0, 1, 15, 16, 1000}) {
    for (const std::size_t shift : {0, 1, 3}) {
      std::vector<float> from(size + shift);
      for (std::size_t j = 0; j < from.size(); ++j) from[j] = static_cast<float>(j) - 7.5F;
      std::vector<float> to(size, 1.0F);
      copy(std::span<const float>(from).subspan(shift), to);
      EXPECT_EQ(to, std::vector<float>(from.begin() + static_cast<std::ptrdiff_t>(shift), from.end()));
    }
  }
}

TEST(Kernels, CountTheElementsThatTheirThreadGoesOver) {
  const std::vector<float> a(100, 1.0F);
  std::vector<float> b(100, 2.0F);
  std::vector<double> sum(100, 0.0);
  const auto counted = [](const auto& work) {
    const std::uint64_t before = elements_on_this_thread();
    work();
    return elements_on_this_thread() - before;
  };
  EXPECT_EQ(counted([&] { axpy(1.0F, a, b); }), 100U);
  EXPECT_EQ(counted([&] { scale(2.0F, b); }), 100U);
  EXPECT_EQ(counted([&] { copy(a, b); }), 100U);
  const std::vector<std::span<const float>> vectors = {a, b, a};
  EXPECT_EQ(counted([&] { weighted_mean(vectors, std::vector<double>(3, 1.0), b); }), 300U);
  EXPECT_EQ(counted([&] {
              std::thread other([&] {
                accumulate(1.0, a, sum);
                finish_mean(sum, 1.0, b);
              });
              other.join();
            }),
            0U);
}

TEST(Kernels, RefuseVectorsOfDifferentSizes) {
  const std::vector<float> a(3);
  std::vector<float> b(4);
  std::vector<double> sum(4);
  EXPECT_THROW(dot(a, b), CheckFailed);
  EXPECT_THROW(squared_distance(a, b), CheckFailed);
  EXPECT_THROW(drift(a, a, b), CheckFailed);
  EXPECT_THROW(axpy(1.0F, a, b), CheckFailed);
  EXPECT_THROW(accumulate(1.0, a, sum), CheckFailed);
  const std::vector<std::span<const float>> views = {b, a};
  const std::vector<double> weights = {1.0, 1.0};
  EXPECT_THROW(weighted_mean(views, weights, b), CheckFailed);
  EXPECT_THROW(weighted_mean({}, {}, b), CheckFailed);
}

// Every result of every kernel on ragged, misaligned data, as bits.
std::vector<std::uint64_t> all_bits() {
  std::vector<std::uint64_t> bits;
  const auto keep = [&](double value) { bits.push_back(std::bit_cast<std::uint64_t>(value)); };
  for_sizes_and_offsets([&](std::size_t size, std::size_t offset) {
    const std::vector<float> a_storage = values(size + offset, 1);
    const std::span<const float> a = std::span(a_storage).subspan(offset);
    const std::vector<float> b = values(size, 2);
    const std::vector<float> c = values(size, 3);
    keep(dot(a, b));
    keep(squared_norm(a));
    keep(squared_distance(a, b));
    const Drift both = drift(a, b, c);
    keep(both.squared_norm);
    keep(both.along);
    std::vector<float> out(size);
    const auto keep_out = [&] {
      for (const float value : out) bits.push_back(std::bit_cast<std::uint32_t>(value));
    };
    subtract(a, b, out);
    keep_out();
    axpy(0.3F, c, out);
    keep_out();
    scale(1.1F, out);
    keep_out();
    const std::vector<std::span<const float>> views = {a, b, c};
    const std::vector<double> weights = {0.3, 1.1, 2.7};
    weighted_mean(views, weights, out);
    keep_out();
    std::vector<double> sum(size, 0.1);
    accumulate(0.3, a, sum);
    for (const double value : sum) keep(value);
    finish_mean(sum, 0.7, out);
    keep_out();
    bits.push_back(all_finite(a) ? 1 : 0);
  });
  return bits;
}

TEST(Kernels, HaveTheSameBitsOnEveryInstructionSet) {
  const std::vector<std::uint64_t> best = all_bits();
  const std::int64_t supported = hwy::SupportedTargets();
  for (std::int64_t left = supported; left != 0; left &= left - 1) {
    const std::int64_t target = left & -left;
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    const std::vector<std::uint64_t> found = all_bits();
    ASSERT_EQ(found.size(), best.size());
    for (std::size_t i = 0; i < best.size(); ++i) {
      if (found[i] == best[i]) continue;
      ADD_FAILURE() << hwy::TargetName(target) << " differs at result " << i;
      break;
    }
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace
}  // namespace laconic::kernels
