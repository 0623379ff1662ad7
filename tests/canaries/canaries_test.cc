// The oracle of `laconic simulate-faults` notices each mistake that this build can plant, within a few seeds, and objects
// to none of these without.
#include <gtest/gtest.h>

#include <cstdio>
#include <set>
#include <string>
#include <vector>

#include "base/canary.h"
#include "faults/trial.h"
#include "strategies/registry.h"

namespace laconic::faults {
namespace {

constexpr std::uint64_t kSeeds = 300;

FaultJob job(std::string_view strategy, const std::vector<OptionText>& options) {
  const StrategyRow& row = find_strategy(strategy);
  return {.strategy = &row, .options = options_of(row, {.options = options}, "test"), .workers = 5, .least = 3};
}

// That of docs/faults.md.
FaultJob periodic() { return job("periodic", {{"period", "5"}}); }

FaultJob asynchronous() { return job("dma", {{"threshold", "0.5"}, {"clock", "asynchronous"}}); }

Trial try_seed(const FaultJob& job, std::uint64_t seed, Canary canary) {
  plant(canary);
  Trial trial = try_plan(plan_of(seed, job));
  plant(Canary::kNone);
  return trial;
}

// Says at which seed, for a check that takes longer and longer to be seen.
void expect_noticed(const FaultJob& job, const CanaryRow& row) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Trial trial = try_seed(job, seed, row.canary);
    if (trial.objections.empty()) continue;
    std::printf("%-16.*s seed %llu: %s\n", static_cast<int>(row.name.size()), row.name.data(),
                static_cast<unsigned long long>(seed), trial.objections.front().c_str());
    return;
  }
  ADD_FAILURE() << row.name << ": " << row.mistake << ", and nothing objects in " << kSeeds << " seeds";
}

TEST(Canaries, EachPlantedMistakeIsNoticed) {
  for (const CanaryRow& row : kCanaries) expect_noticed(row.is_asynchronous ? asynchronous() : periodic(), row);
}

// There averages are not recomputed.
TEST(Canaries, EachButThoseOfAveragesIsNoticedWhereTheCommonModelIsNoMean) {
  const std::set<Canary> of_averages = {Canary::kMeanOverAll, Canary::kStalePart, Canary::kDoubleCount};
  for (const CanaryRow& row : kCanaries) {
    if (!of_averages.contains(row.canary) && !row.is_asynchronous)
      expect_noticed(job("fedopt", {{"server", "adam"}, {"period", "3"}}), row);
  }
}

TEST(Canaries, WithoutAMistakeTheSameSeedsAreSound) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    for (const FaultJob& job : {periodic(), asynchronous()}) {
      const Trial trial = try_seed(job, seed, Canary::kNone);
      EXPECT_EQ(trial.objections, std::vector<std::string>{}) << trial.account;
    }
  }
}

}  // namespace
}  // namespace laconic::faults
