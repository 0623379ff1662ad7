// Edges of the guard, and what it keeps; growth, plateaus and straight lines are in tests/protocols.
#include "mechanisms/growth_guard.h"

#include <cmath>
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
