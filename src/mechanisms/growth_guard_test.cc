#include "mechanisms/growth_guard.h"

#include <cmath>
#include <functional>
#include <limits>

#include "mechanisms/test_worker.h"

namespace laconic {
namespace {

// Windows of a constant each; the word at the end of the last one.
std::optional<double> word_after(const std::vector<double>& means, GrowthGuard guard = {}) {
  std::optional<double> word;
  for (const double mean : means) {
    for (std::uint64_t t = 0; t < GrowthGuard::kWindow; ++t) {
      EXPECT_FALSE(word) << "before the last window";
      word = guard.add(mean);
    }
  }
  return word;
}

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

TEST(GrowthGuard, SpeaksAtTenTimesTheMedianAfterFourRisesAndNotBefore) {
  EXPECT_EQ(word_after({1, 2, 3, 4, 30}), 10.0) << "the median of four is the upper of the middle ones";
  EXPECT_EQ(word_after({1, 2, 3, 4, 29.9}), std::nullopt);
  EXPECT_EQ(word_after({1, 2, 3, 30}), std::nullopt) << "too few windows";
  EXPECT_EQ(word_after({1, 1, 2, 3, 40}), std::nullopt) << "level from the first to the second";
  EXPECT_EQ(word_after({5, 1, 2, 3, 4, 50}), std::optional(50.0 / 3.0));
}

TEST(GrowthGuard, WhereAllIsZeroThereIsNothingToGrowAndWhatIsNotFiniteHasGrown) {
  EXPECT_EQ(word_after(std::vector<double>(40, 0.0)), std::nullopt);
  EXPECT_EQ(word_after({0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5}), std::nullopt) << "a median of 0";
  for (const double value : {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_EQ(GrowthGuard().add(value), std::numeric_limits<double>::infinity());
  }
}

TEST(GrowthGuard, SavedAndLoadedInTheMiddleOfAWindowItSpeaksAtTheSameRound) {
  for (const int load_at : {0, 1, 26, 60, 110, 124}) {
    GrowthGuard kept, guard;
    for (int t = 0; t < 200; ++t) {
      if (t == load_at) {
        const std::vector<std::byte> bytes = saved(kept);
        load(guard, bytes);
        EXPECT_EQ(saved(guard), bytes);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
          EXPECT_THROW(load(guard, std::span(bytes).first(size)), DecodeError) << size;
        }
        load(guard, bytes);
      }
      const double value = std::exp(0.06 * t);
      const std::optional<double> word = kept.add(value);
      if (t >= load_at) {
        EXPECT_EQ(guard.add(value), word) << t;
      }
    }
  }
}

}  // namespace
}  // namespace laconic
