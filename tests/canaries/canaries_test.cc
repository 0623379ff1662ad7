// The oracle of `laconic simulate-faults` notices each mistake that this build can plant, within a few seeds, and objects
// to none of these without.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>

#include "base/canary.h"
#include "faults/trial.h"
#include "strategies/registry.h"

namespace laconic::faults {
namespace {

constexpr std::uint64_t kSeeds = 300;

// The job of docs/faults.md.
FaultJob job() {
  const StrategyRow& row = find_strategy("periodic");
  const std::map<std::string, GivenOption> given = {{"period", {.text = "5", .where = "test"}}};
  return {.strategy = &row, .options = {"strategy", row.options, given}, .workers = 5, .least = 3};
}

Trial try_seed(std::uint64_t seed, Canary canary) {
  plant(canary);
  Trial trial = try_plan(plan_of(seed, job()));
  plant(Canary::kNone);
  return trial;
}

// The first seed whose run is not sound.
std::optional<std::uint64_t> first_noticed(Canary canary) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    if (!try_seed(seed, canary).objections.empty()) return seed;
  }
  return std::nullopt;
}

TEST(Canaries, EachPlantedMistakeIsNoticed) {
  for (const CanaryRow& row : kCanaries) {
    const std::optional<std::uint64_t> seed = first_noticed(row.canary);
    EXPECT_TRUE(seed) << row.name << ": " << row.mistake << ", and nothing objects in " << kSeeds << " seeds";
    if (seed) std::printf("%s: at seed %llu\n", std::string(row.name).c_str(), static_cast<unsigned long long>(*seed));
  }
}

TEST(Canaries, WithoutAMistakeTheSameSeedsAreSound) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Trial trial = try_seed(seed, Canary::kNone);
    EXPECT_EQ(trial.objections, std::vector<std::string>{}) << trial.account;
  }
}

}  // namespace
}  // namespace laconic::faults
