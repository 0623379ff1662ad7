#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "kernels/quantise.h"
#include "kernels/test_values.h"

namespace laconic::kernels {
namespace {

constexpr NoiseKey kKey = {.first = 0x12345678, .second = 0x9abcdef0};

struct Symbols {
  std::vector<std::uint32_t> indices;
  std::vector<std::uint32_t> symbols;
  bool operator==(const Symbols&) const = default;
};

Symbols levels_by_definition(std::span<const float> x, float inverse_step, std::uint32_t first_index) {
  Symbols result;
  for (std::size_t j = 0; j < x.size(); ++j) {
    const std::uint32_t index = first_index + static_cast<std::uint32_t>(j);
    const float t = std::abs(x[j]) * inverse_step;
    const double fraction = static_cast<double>(t) - std::floor(static_cast<double>(t));
    auto level = static_cast<std::uint32_t>(t);
    if (static_cast<double>(noise(kKey, index) >> 1) < fraction * 0x1p31) ++level;
    if (level == 0) continue;
    result.indices.push_back(index);
    result.symbols.push_back(2 * level + (std::signbit(x[j]) ? 1 : 0));
  }
  return result;
}

Symbols powers_by_definition(std::span<const float> x, std::uint32_t first_index) {
  Symbols result;
  for (std::size_t j = 0; j < x.size(); ++j) {
    const std::uint32_t index = first_index + static_cast<std::uint32_t>(j);
    const std::uint32_t carried = (bits_of(x[j]) & 0x7fffffffU) + (noise(kKey, index) & 0x7fffffU);
    const std::uint32_t exponent = std::min(carried >> 23, 254U);
    if (exponent == 0) continue;
    result.indices.push_back(index);
    result.symbols.push_back(2 * exponent + (std::signbit(x[j]) ? 1 : 0));
  }
  return result;
}

// What `write` writes into outputs of x.size() elements; checks that it stays within them.
template <typename Write>
Symbols written(std::size_t size, const Write& write) {
  constexpr std::uint32_t kUntouched = 0xdeadbeef;
  Symbols result;
  result.indices.assign(size + 1, kUntouched);
  result.symbols.assign(size + 1, kUntouched);
  const std::size_t count = write(std::span(result.indices).first(size), std::span(result.symbols).first(size));
  EXPECT_EQ(result.indices.back(), kUntouched);
  EXPECT_EQ(result.symbols.back(), kUntouched);
  result.indices.resize(count);
  result.symbols.resize(count);
  return result;
}

Symbols levels(std::span<const float> x, float inverse_step, std::uint32_t first_index) {
  return written(x.size(), [&](auto indices, auto symbols) {
    return quantise_levels(x, inverse_step, kKey, first_index, indices, symbols);
  });
}

Symbols powers(std::span<const float> x, std::uint32_t first_index) {
  return written(x.size(),
                 [&](auto indices, auto symbols) { return round_to_powers(x, kKey, first_index, indices, symbols); });
}

TEST(QuantiseLevels, EqualsThePlainLoop) {
  for_sizes_and_offsets([](std::size_t size, std::size_t offset) {
    std::vector<float> storage = values(size + offset, 1);
    const std::span<const float> x = std::span(storage).subspan(offset);
    for (const float inverse_step : {0.0F, 1e-40F, 0.001F, 0.3F, 5.0F}) {
      for (float& value : storage) value = std::clamp(value, -10000.0F, 10000.0F);  // the bound of 65535
      ASSERT_EQ(levels(x, inverse_step, 77), levels_by_definition(x, inverse_step, 77)) << inverse_step;
    }
  });
}

TEST(QuantiseLevels, AreExactAroundTheNoise) {
  // f 2^31 at, just below and just above the integer drawn: strictly below is what counts.
  on_every_target([] {
    std::vector<float> x;
    for (std::uint32_t j = 0; j < 4096; ++j) {
      const float drawn = static_cast<float>(static_cast<double>(noise(kKey, j) >> 1) * 0x1p-31);
      x.push_back(j % 3 == 0 ? drawn : std::nextafter(drawn, j % 3 == 1 ? 0.0F : 1.0F));
    }
    x.insert(x.end(), {0.0F, -0.0F, 1.0F, -1.0F, 65535.0F, -65535.0F, 0x1.fffffep-1F, 0x1p-31F, 0x1p-126F, kDenormal});
    ASSERT_EQ(levels(x, 1.0F, 0), levels_by_definition(x, 1.0F, 0));
    ASSERT_EQ(levels(x, 0x1p-30F, 0), levels_by_definition(x, 0x1p-30F, 0));
    std::vector<float> tiny;  // the step is so small that 2^31 steps are beyond a float
    for (const float value : x) tiny.push_back(value * 0x1p-120F);
    ASSERT_EQ(levels(tiny, 0x1p120F, 0), levels_by_definition(tiny, 0x1p120F, 0));
  });
}

TEST(QuantiseLevels, AreRightOnAverage) {
  constexpr std::size_t kDraws = std::size_t{1} << 18;
  for (const float t : {0.003F, 0.25F, 0.5F, 0.999F, 1.0F, 3.7F, 65534.5F}) {
    const std::vector<float> x(kDraws, -t / 2);
    const Symbols found = levels(x, 2.0F, 0);
    double sum = 0.0;
    for (const std::uint32_t symbol : found.symbols) {
      EXPECT_EQ(symbol % 2, 1U);
      sum += symbol / 2;
    }
    const double fraction = static_cast<double>(t) - std::floor(static_cast<double>(t));
    const double deviation = std::sqrt(fraction * (1.0 - fraction) / static_cast<double>(kDraws));
    EXPECT_NEAR(sum / static_cast<double>(kDraws), t, 4.0 * deviation) << t;
  }
}

TEST(RoundToPowers, EqualsThePlainLoop) {
  for_sizes_and_offsets([](std::size_t size, std::size_t offset) {
    const std::vector<float> storage = values(size + offset, 1);
    const std::span<const float> x = std::span(storage).subspan(offset);
    ASSERT_EQ(powers(x, 0xffffff00U), powers_by_definition(x, 0xffffff00U));
  });
}

TEST(RoundToPowers, IsRightOnAverage) {
  constexpr std::size_t kDraws = std::size_t{1} << 18;
  constexpr float kTiny = 0x1p-126F;  // the smallest power that is written
  for (const float value : {1.0F, 1.5F, 1.9F, 0.3F, 1e-20F, 1e30F, kTiny, 0.3F * kTiny, 3e38F}) {
    const std::vector<float> x(kDraws, value);
    double sum = 0.0;
    for (const std::uint32_t symbol : powers(x, 0).symbols) sum += std::ldexp(1.0, static_cast<int>(symbol / 2) - 127);
    if (value > 0x1p127F) {
      EXPECT_EQ(sum, static_cast<double>(kDraws) * 0x1p127);  // no exponent beyond 254
      continue;
    }
    const double low = value < kTiny ? 0.0 : std::exp2(std::floor(std::log2(static_cast<double>(value))));
    const double gap = value < kTiny ? static_cast<double>(kTiny) : low;
    const double up = (static_cast<double>(value) - low) / gap;
    const double deviation = gap * std::sqrt(up * (1.0 - up) / static_cast<double>(kDraws));
    EXPECT_NEAR(sum / static_cast<double>(kDraws), value, 4.0 * deviation) << value;
  }
}

TEST(Noise, LooksUniformInEveryByte) {
  constexpr std::uint32_t kDraws = 1U << 20;
  constexpr double kExpected = kDraws / 256.0;
  for (int shift = 0; shift < 32; shift += 8) {
    std::vector<double> counts(256, 0.0);
    for (std::uint32_t j = 0; j < kDraws; ++j) ++counts[noise(kKey, j) >> shift & 0xff];
    double chi_square = 0.0;
    for (const double count : counts) chi_square += (count - kExpected) * (count - kExpected) / kExpected;
    // 255 degrees of freedom: mean 255, deviation sqrt(510) = 22.6; four deviations either way.
    EXPECT_GT(chi_square, 255.0 - 4.0 * std::sqrt(510.0)) << shift;
    EXPECT_LT(chi_square, 255.0 + 4.0 * std::sqrt(510.0)) << shift;
  }
}

TEST(Noise, OfNeighboursAndOfKeysDrawnAtRandomIsUncorrelated) {
  constexpr std::uint32_t kDraws = 1U << 18;
  // A product of two uniforms on (-1/2, 1/2) has deviation 1/12; four deviations of the mean.
  const double tolerance = 4.0 / 12.0 / std::sqrt(kDraws);
  const auto correlation = [](NoiseKey a, NoiseKey b, std::uint32_t lag) {
    const auto centred = [](std::uint32_t bits) { return bits * 0x1p-32 - 0.5; };
    double sum = 0.0;
    for (std::uint32_t j = 0; j < kDraws; ++j) sum += centred(noise(a, j)) * centred(noise(b, j + lag));
    return sum / kDraws;
  };
  for (const std::uint32_t lag : {1U, 2U, 3U, 16U, 64U, 1024U}) {
    EXPECT_NEAR(correlation(kKey, kKey, lag), 0.0, tolerance) << lag;
  }
  RandomStream stream(7, "noise_keys");
  NoiseKey last = kKey;
  for (int i = 0; i < 16; ++i) {
    const NoiseKey key = {.first = static_cast<std::uint32_t>(stream()),
                          .second = static_cast<std::uint32_t>(stream())};
    EXPECT_NEAR(correlation(last, key, 0), 0.0, tolerance) << i;
    last = key;
  }
}

TEST(StochasticRounding, RefusesRoomThatDoesNotFit) {
  const std::vector<float> x(9);
  std::vector<std::uint32_t> few(8);
  std::vector<std::uint32_t> enough(9);
  EXPECT_THROW(quantise_levels(x, 1.0F, kKey, 0, few, enough), CheckFailed);
  EXPECT_THROW(round_to_powers(x, kKey, 0, enough, few), CheckFailed);
}

}  // namespace
}  // namespace laconic::kernels
