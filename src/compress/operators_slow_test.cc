// What every operator claims of its mean error and of its bias, over many draws.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "compress/test_support.h"

namespace laconic {
namespace {

TEST(C6, TheMeanErrorOfEveryOperatorIsAtMostOneMinusItsOmega) {
  const Layout layout = small_layout();
  constexpr int kDraws = 400;
  for (const Case& each : all_cases()) {
    for (const NamedVector& v : finite_vectors(layout.size)) {
      SCOPED_TRACE(each.text + " on " + v.name);
      const CompressorFactory factory = each.row->make(each.options, layout);
      const std::unique_ptr<Compressor> compressor = factory();
      RandomStream random(1, "draws");
      double sum = 0.0;
      double sum_of_squares = 0.0;
      bool beyond_range = false;
      for (int draw = 0; draw < kDraws && !beyond_range; ++draw) {
        std::vector<std::byte> message;
        try {
          message = message_of(*compressor, v.values, random);
        } catch (const RunError&) {
          // A scale, a factor or a value times d/k can be beyond float32 where the values are as large as they can be:
          // then the sender refuses, never a receiver.
          ASSERT_EQ(v.name, "largest");
          beyond_range = true;
          continue;
        }
        const double error = squared_error(decoded(*compressor, message, layout.size), v.values);
        ASSERT_TRUE(std::isfinite(error));
        sum += error;
        sum_of_squares += error * error;
      }
      if (beyond_range) continue;
      const double mean = sum / kDraws;
      const double spread = std::sqrt(std::max(0.0, sum_of_squares / kDraws - mean * mean) / kDraws);
      // Scales and values are float32: relative 2^-22 of the norm, absolute half the smallest denormal a coordinate.
      const double norm = squared(v.values);
      const double rounding = 0x1p-20 * norm + static_cast<double>(layout.size) * 0x1p-298;
      if (const std::optional<double> omega = compressor->omega(v.values)) {
        EXPECT_LE(mean, (1.0 - *omega) * norm + 5.0 * spread + rounding) << "omega " << *omega;
      }
      if (norm == 0.0) {
        EXPECT_EQ(mean, 0.0);
      }
    }
  }
}

TEST(Operators, ThatClaimNoBiasHaveTheVectorAsMean) {
  const Layout layout = small_layout();
  const std::vector<float> v = gaussian_vector(layout.size, 10);
  constexpr int kDraws = 6000;
  int claims = 0;
  for (const Case& each : all_cases()) {
    const std::unique_ptr<Compressor> compressor = each.row->make(each.options, layout)();
    if (!compressor->unbiased()) continue;
    ++claims;
    RandomStream random(2, "draws");
    std::vector<double> sum(v.size(), 0.0);
    double largest = 0.0;  // magnitude of what was ever decoded
    for (int draw = 0; draw < kDraws; ++draw) {
      const std::vector<float> c = decoded(*compressor, message_of(*compressor, v, random), v.size());
      for (std::size_t j = 0; j < v.size(); ++j) {
        sum[j] += c[j];
        largest = std::max(largest, static_cast<double>(std::abs(c[j])));
      }
    }
    for (std::size_t j = 0; j < v.size(); ++j) {
      // E[c^2] <= largest E|c| = largest |v|, since no operator changes a sign. 6 standard deviations are passed by
      // chance once in 10^9; 2^-20 is for the rounding of scales.
      const double deviation = std::sqrt(largest * std::abs(v[j]) / kDraws);
      EXPECT_NEAR(sum[j] / kDraws, v[j], 6.0 * deviation + 0x1p-20 * std::abs(v[j]))
          << each.text << ", coordinate " << j;
    }
  }
  EXPECT_GE(claims, 10);
}

}  // namespace
}  // namespace laconic
