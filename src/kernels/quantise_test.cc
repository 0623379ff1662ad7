#include "kernels/quantise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "base/error.h"
#include "kernels/every_target.h"
#include "kernels/test_values.h"
#include "kernels/vector_ops.h"

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace laconic::kernels {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// ---- sums and signs

struct Expected {
  long double sum = 0.0L;
  // As in the test of vector_ops.h: size/kLanes additions a partial sum, 4 to fold, a rounding in the term; each of
  // unit roundoff 2^-53. All terms are positive. The long double reference adds size * 2^-64.
  double tolerance(std::size_t size) const {
    const double roundings = static_cast<double>(size) / static_cast<double>(kLanes) + 8.0;
    return (roundings * 0x1p-53 + static_cast<double>(size) * 0x1p-64) * static_cast<double>(sum);
  }
};

TEST(Mass, EqualsTheSumsInLongDouble) {
  for_sizes_and_offsets([](std::size_t size, std::size_t offset) {
    const std::vector<float> storage = values(size + offset, 1);
    const std::span<const float> x = std::span(storage).subspan(offset);
    Expected absolute;
    Expected squared;
    for (const float value : x) {
      absolute.sum += std::abs(static_cast<long double>(value));
      squared.sum += static_cast<long double>(value) * value;
    }
    const Mass found = mass(x);
    ASSERT_NEAR(found.absolute, static_cast<double>(absolute.sum), absolute.tolerance(size));
    ASSERT_NEAR(found.squared, static_cast<double>(squared.sum), squared.tolerance(size));
    ASSERT_EQ(found.squared, squared_norm(x));  // the same bits
  });
}

TEST(Mass, IsFiniteExactlyWhenEveryValueIs) {
  on_every_target([] {
    for (const std::size_t size : {1UL, 16UL, 37UL}) {
      std::vector<float> x(size, -kLargest);
      EXPECT_TRUE(std::isfinite(mass(x).absolute));
      EXPECT_TRUE(std::isfinite(mass(x).squared));
      for (std::size_t place = 0; place < size; ++place) {
        for (const float bad : {kNan, kInfinity, -kInfinity}) {
          x[place] = bad;
          EXPECT_FALSE(std::isfinite(mass(x).absolute)) << place;
          EXPECT_FALSE(std::isfinite(mass(x).squared)) << place;
          x[place] = 0.0F;
        }
      }
    }
  });
}

TEST(Mass, HasTheSameBitsOnEveryInstructionSet) {
  const std::vector<float> x = values(1025, 3);
  const Mass best = mass(x);
  std::vector<std::byte> bits(200);
  const double best_packed = pack_signs(x, 3, bits);
  on_every_target([&] {
    EXPECT_EQ(mass(x).absolute, best.absolute);
    EXPECT_EQ(mass(x).squared, best.squared);
    EXPECT_EQ(pack_signs(x, 3, bits), best_packed);
  });
  EXPECT_EQ(best_packed, best.absolute);
}

bool bit_at(std::span<const std::byte> bits, std::size_t place) {
  return (std::to_integer<unsigned>(bits[place / 8]) >> place % 8 & 1U) != 0;
}

TEST(PackSigns, WritesItsBitsAndNoOthers) {
  for_sizes_and_offsets([](std::size_t size, std::size_t offset) {
    const std::vector<float> storage = values(size + offset, 1);
    const std::span<const float> x = std::span(storage).subspan(offset);
    for (const std::size_t first_bit : {0UL, 1UL, 4UL, 7UL, 8UL, 13UL, 64UL}) {
      for (const std::byte before : {std::byte{0x00}, std::byte{0xff}, std::byte{0xa5}}) {
        std::vector<std::byte> bits((first_bit + size + 7) / 8 + 2, before);
        const std::vector<std::byte> untouched = bits;
        const double sum = pack_signs(x, first_bit, std::span(bits).first(bits.size() - 2));
        ASSERT_EQ(sum, mass(x).absolute);
        for (std::size_t place = 0; place < 8 * bits.size(); ++place) {
          const bool of_x = place >= first_bit && place < first_bit + size;
          ASSERT_EQ(bit_at(bits, place), of_x ? std::signbit(x[place - first_bit]) : bit_at(untouched, place))
              << first_bit << " " << place;
        }
      }
    }
  });
}

TEST(AddSigns, AddsTheAmountWithTheSignOfEachBit) {
  for_sizes_and_offsets([](std::size_t size, std::size_t offset) {
    const std::vector<float> signs = values(size, 1);
    const std::vector<float> before = values(size + offset, 2);
    for (const std::size_t first_bit : {0UL, 1UL, 4UL, 7UL, 8UL, 13UL, 64UL}) {
      // Exactly as long as promised: a byte beyond would be found by the address sanitizer.
      std::vector<std::byte> bits((first_bit + size + 7) / 8);
      pack_signs(signs, first_bit, bits);
      std::vector<float> y = before;
      add_signs(bits, first_bit, 0.3F, std::span(y).subspan(offset));
      for (std::size_t j = 0; j < offset; ++j) ASSERT_EQ(bits_of(y[j]), bits_of(before[j]));
      for (std::size_t j = 0; j < size; ++j) {
        const float amount = std::signbit(signs[j]) ? -0.3F : 0.3F;
        ASSERT_EQ(bits_of(y[offset + j]), bits_of(before[offset + j] + amount)) << first_bit << " " << j;
      }
    }
  });
}

// ---- 16 bits

// A format's value from its definition: `mantissa_bits` after the hidden one, exponent bias `bias`.
struct Format {
  int mantissa_bits;
  int bias;
  bool (*encode)(std::span<const float>, std::span<std::byte>);
  bool (*finite)(std::span<const std::byte>);
  void (*add)(std::span<const std::byte>, float, std::span<float>);

  std::uint16_t infinity() const { return static_cast<std::uint16_t>(0x7fff >> mantissa_bits << mantissa_bits); }
  double value(std::uint16_t half) const {
    const int unit = 1 << mantissa_bits;
    const int exponent = (half & 0x7fff) / unit;
    const int mantissa = (half & 0x7fff) % unit + (exponent > 0 ? unit : 0);
    const double magnitude = std::ldexp(mantissa, std::max(exponent, 1) - bias - mantissa_bits);
    return (half & 0x8000) != 0 ? -magnitude : magnitude;
  }
  // Nearest, ties to even, at most the largest finite value: by bisection among all encodings.
  std::uint16_t nearest(float x) const {
    const double magnitude = std::abs(static_cast<double>(x));
    std::uint16_t low = 0;
    std::uint16_t high = infinity();
    while (high - low > 1) {
      const auto middle = static_cast<std::uint16_t>((low + high) / 2);
      (value(middle) <= magnitude ? low : high) = middle;
    }
    if (high < infinity()) {
      const double below = magnitude - value(low);
      const double above = value(high) - magnitude;
      if (above < below || (above == below && low % 2 == 1)) low = high;
    }
    return static_cast<std::uint16_t>(low | (std::signbit(x) ? 0x8000 : 0));
  }
};
constexpr Format kBfloat16 = {
    .mantissa_bits = 7, .bias = 127, .encode = to_bfloat16, .finite = bfloat16_finite, .add = add_bfloat16};
constexpr Format kFloat16 = {
    .mantissa_bits = 10, .bias = 15, .encode = to_float16, .finite = float16_finite, .add = add_float16};

std::vector<std::byte> bytes_of(const std::vector<std::uint16_t>& halves) {
  std::vector<std::byte> bytes;
  for (const std::uint16_t half : halves) {
    bytes.push_back(static_cast<std::byte>(half & 0xff));
    bytes.push_back(static_cast<std::byte>(half >> 8));
  }
  return bytes;
}

std::vector<std::uint16_t> encoded(const Format& format, std::span<const float> x) {
  std::vector<std::byte> bytes(2 * x.size() + 1, std::byte{0x77});
  EXPECT_TRUE(format.encode(x, std::span(bytes).first(2 * x.size())));
  EXPECT_EQ(bytes.back(), std::byte{0x77});
  std::vector<std::uint16_t> halves;
  for (std::size_t j = 0; j < x.size(); ++j) {
    halves.push_back(
        static_cast<std::uint16_t>(std::to_integer<int>(bytes[2 * j]) | std::to_integer<int>(bytes[2 * j + 1]) << 8));
  }
  return halves;
}

std::vector<std::uint16_t> finite_encodings(const Format& format) {
  std::vector<std::uint16_t> halves;
  for (std::uint32_t half = 0; half < 0x10000; ++half) {
    if ((half & 0x7fff) < format.infinity()) halves.push_back(static_cast<std::uint16_t>(half));
  }
  return halves;
}

class SixteenBits : public testing::TestWithParam<Format> {};

TEST_P(SixteenBits, DecodeEveryEncodingAndEncodeItBack) {
  const Format format = GetParam();
  on_every_target([&] {
    const std::vector<std::uint16_t> halves = finite_encodings(format);
    ASSERT_TRUE(format.finite(bytes_of(halves)));
    std::vector<float> x(halves.size(), -0.0F);
    format.add(bytes_of(halves), 1.0F, x);
    for (std::size_t i = 0; i < halves.size(); ++i) {
      ASSERT_EQ(bits_of(x[i]), bits_of(static_cast<float>(format.value(halves[i])))) << halves[i];
    }
    ASSERT_EQ(encoded(format, x), halves);
  });
}

TEST_P(SixteenBits, RoundToTheNearestAndTiesToEven) {
  const Format format = GetParam();
  std::vector<float> x;
  for (const std::uint16_t half : finite_encodings(format)) {
    const auto next = static_cast<std::uint16_t>(half + 1);
    const double last_step = format.value(static_cast<std::uint16_t>(format.infinity() - 1)) -
                             format.value(static_cast<std::uint16_t>(format.infinity() - 2));
    // Beyond the largest value there is half a step more, to what would round to infinity.
    const double middle = (next & 0x7fff) == format.infinity()
                              ? format.value(half) + std::copysign(last_step / 2, format.value(half))
                              : (format.value(half) + format.value(next)) / 2;
    const float tie = static_cast<float>(middle);
    ASSERT_EQ(static_cast<double>(tie), middle);
    x.insert(x.end(), {std::nextafter(tie, -kInfinity), tie, std::nextafter(tie, kInfinity)});
  }
  RandomStream stream(7, "sixteen_bits");
  for (int i = 0; i < 100000; ++i) {
    const float value = std::bit_cast<float>(static_cast<std::uint32_t>(stream()));
    if (std::isfinite(value)) x.push_back(value);
  }
  x.insert(x.end(), {0.0F, -0.0F, kLargest, -kLargest, kDenormal, -kDenormal});
  std::erase_if(x, [](float value) { return !std::isfinite(value); });
  std::vector<std::uint16_t> expected;
  for (const float value : x) expected.push_back(format.nearest(value));
  on_every_target([&] {
    const std::vector<std::uint16_t> found = encoded(format, x);
    for (std::size_t i = 0; i < x.size(); ++i) ASSERT_EQ(found[i], expected[i]) << x[i];
  });
#if defined(__SSE__)
  // Where the processor is told to take denormals for zero, as in training, the bits are the same.
  const unsigned mode = _mm_getcsr();
  on_every_target([&] {
    _mm_setcsr(mode | 0x8040);
    const std::vector<std::uint16_t> found = encoded(format, x);
    _mm_setcsr(mode);
    EXPECT_TRUE(found == expected);
  });
#endif
}

TEST_P(SixteenBits, TakeAnySizeAndPlace) {
  const Format format = GetParam();
  for_sizes_and_offsets([&](std::size_t size, std::size_t offset) {
    const std::vector<float> storage = values(size + offset, 1);
    const std::span<const float> x = std::span(storage).subspan(offset);
    std::vector<std::byte> bytes(2 * size + offset);
    const std::span<std::byte> out = std::span(bytes).subspan(offset);  // odd places too
    ASSERT_TRUE(format.encode(x, out));
    ASSERT_TRUE(format.finite(out));
    std::vector<std::uint16_t> expected;
    for (const float value : x) expected.push_back(format.nearest(value));
    const std::vector<std::byte> expected_bytes = bytes_of(expected);
    ASSERT_TRUE(std::equal(out.begin(), out.end(), expected_bytes.begin(), expected_bytes.end()));
    const std::vector<float> before = values(size + offset, 2);
    std::vector<float> y = before;
    format.add(out, 0.3F, std::span(y).subspan(offset));
    for (std::size_t j = 0; j < offset; ++j) ASSERT_EQ(bits_of(y[j]), bits_of(before[j]));
    for (std::size_t j = 0; j < size; ++j) {
      volatile float product = 0.3F * static_cast<float>(format.value(expected[j]));  // never fused with the sum
      ASSERT_EQ(bits_of(y[offset + j]), bits_of(before[offset + j] + product)) << j;
    }
  });
}

TEST_P(SixteenBits, FindOneBadValueAnywhere) {
  const Format format = GetParam();
  on_every_target([&] {
    for (const std::size_t size : {1UL, 16UL, 37UL, 100UL}) {
      std::vector<float> x(size, -kLargest);
      std::vector<std::uint16_t> halves(size, static_cast<std::uint16_t>(0x8000 | (format.infinity() - 1)));
      std::vector<std::byte> out(2 * size);
      ASSERT_TRUE(format.encode(x, out));
      ASSERT_EQ(out, bytes_of(halves));
      ASSERT_TRUE(format.finite(out));
      for (std::size_t place = 0; place < size; ++place) {
        for (const float bad : {kNan, -kNan, kInfinity, -kInfinity}) {
          x[place] = bad;
          EXPECT_FALSE(format.encode(x, out)) << size << " " << place;
          x[place] = 1.0F;
        }
        const std::uint16_t good = halves[place];
        for (const int bad : {0x7fff, 0xffff, int{format.infinity()}, 0x8000 | format.infinity()}) {
          halves[place] = static_cast<std::uint16_t>(bad);
          EXPECT_FALSE(format.finite(bytes_of(halves))) << size << " " << place;
        }
        halves[place] = good;
      }
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Formats, SixteenBits, testing::Values(kBfloat16, kFloat16), [](const auto& info) {
  return info.index == 0 ? std::string("Bfloat16") : std::string("Float16");
});

TEST(SixteenBitsKnown, Values) {
  // From the definitions: 1 is 0x3f80 and 0x3c00; 65519 is the largest that rounds to 65504, 65520 and all above are
  // cut.
  const std::vector<float> x = {1.0F, -2.0F, 65519.0F, 65520.0F, -1e30F, 0x1p-24F, 0x1p-25F, 0x1.8p-25F};
  EXPECT_EQ(encoded(kFloat16, x),
            (std::vector<std::uint16_t>{0x3c00, 0xc000, 0x7bff, 0x7bff, 0xfbff, 0x0001, 0x0000, 0x0001}));
  const std::vector<float> y = {1.0F, -2.0F, 0x1.01p0F, 0x1.03p0F, kLargest, -kLargest};
  EXPECT_EQ(encoded(kBfloat16, y), (std::vector<std::uint16_t>{0x3f80, 0xc000, 0x3f80, 0x3f82, 0x7f7f, 0xff7f}));
}

TEST(Quantise, RefusesRoomThatDoesNotFit) {
  std::vector<float> x(9);
  std::vector<std::byte> bytes(1);
  EXPECT_THROW(pack_signs(x, 0, bytes), CheckFailed);
  EXPECT_THROW(add_signs(bytes, 0, 1.0F, x), CheckFailed);
  for (const Format& format : {kBfloat16, kFloat16}) {
    EXPECT_THROW(format.encode(x, bytes), CheckFailed);
    EXPECT_THROW(format.finite(bytes), CheckFailed);
    EXPECT_THROW(format.add(bytes, 1.0F, x), CheckFailed);
  }
}

}  // namespace
}  // namespace laconic::kernels
