#include "mechanisms/growth_guard.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace laconic {
namespace {

TEST(GrowthGuard, SeesExponentialGrowthAndLetsPlateausAndStraightLinesBe) {
  const auto grown_at = [](const std::function<double(std::uint64_t)>& value) -> std::uint64_t {
    GrowthGuard guard;
    for (std::uint64_t t = 0; t < 20000; ++t) {
      if (guard.add(value(t))) return t;
    }
    return 0;
  };
  EXPECT_EQ(grown_at([](std::uint64_t t) { return 1.0 - std::exp(-0.01 * static_cast<double>(t)); }), 0U);
  EXPECT_EQ(grown_at([](std::uint64_t t) { return static_cast<double>(t); }), 0U);
  EXPECT_EQ(grown_at([](std::uint64_t t) { return 1.0 + 0.9 * std::sin(0.01 * static_cast<double>(t)); }), 0U);
  EXPECT_EQ(grown_at([](std::uint64_t t) { return std::exp(-0.01 * static_cast<double>(t)); }), 0U);
  const std::uint64_t at = grown_at([](std::uint64_t t) { return std::exp(0.002 * static_cast<double>(t)); });
  EXPECT_GT(at, 1000U);
  EXPECT_LT(at, 5000U);
  const std::uint64_t earliest = (GrowthGuard::kFewestWindows + 1) * GrowthGuard::kWindow - 1;
  EXPECT_EQ(grown_at([](std::uint64_t t) { return std::exp(0.1 * static_cast<double>(t)); }), earliest);
  EXPECT_EQ(grown_at([](std::uint64_t t) { return t < 10 ? 1.0 : std::nan(""); }), 10U);
}

}  // namespace
}  // namespace laconic
