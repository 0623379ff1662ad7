#include "report/sweep.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/random.h"

namespace laconic {
namespace {

SweepRun run(const std::string& threshold, const std::string& seed, double accuracy, std::uint64_t bytes) {
  SweepRun result{.settings = {{"strategy.threshold", threshold}},
                  .seed = seed,
                  .folder = "runs/a.sweep/threshold=" + threshold + ",seed=" + seed,
                  .figures = {}};
  result.figures.finished = true;
  result.figures.end = "steps";
  result.figures.accuracy = accuracy;
  result.figures.loss = 1.0 - accuracy;
  result.figures.wire_bytes = bytes;
  result.figures.steps = 100;
  result.figures.syncs = 4;
  result.figures.time = {2.5};
  return result;
}

TEST(Spreads, AreWhatIsWorkedOutByHand) {
  const Spread spread = spread_of(std::vector{2.0, 4.0, 9.0});
  EXPECT_EQ(spread.count, 3U);
  EXPECT_DOUBLE_EQ(spread.mean, 5.0);
  EXPECT_DOUBLE_EQ(spread.deviation.value(), std::sqrt((9.0 + 1.0 + 16.0) / 2.0));
  EXPECT_EQ(spread.minimum, 2.0);
  EXPECT_EQ(spread.maximum, 9.0);
  EXPECT_FALSE(spread_of(std::vector{2.0}).deviation);
  EXPECT_EQ(spread_of(std::vector<double>{}).count, 0U);
}

TEST(SweepGroups, AreRunsThatDifferInTheirSeedAlone) {
  const std::vector<SweepRun> runs = {run("1", "1", 0.5, 100), run("1", "2", 0.75, 300), run("2", "1", 0.5, 50)};
  const auto groups = sweep_groups(runs);
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].runs, 2U);
  EXPECT_DOUBLE_EQ(groups[0].accuracy.mean, 0.625);
  EXPECT_DOUBLE_EQ(groups[0].wire_bytes.mean, 200.0);
  EXPECT_EQ(groups[1].runs, 1U);
  EXPECT_EQ(groups[1].settings, (Settings{{"strategy.threshold", "2"}}));
}

TEST(SweepGroups, AreInFrontWhereNoOtherIsAsGoodWithNoMoreBytes) {
  RandomStream stream(1, "sweeps");
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<SweepRun> runs;
    for (int i = 0; i < 8; ++i) {
      runs.push_back(run(std::to_string(i), "1", 0.1 * static_cast<double>(stream.below(5)), 10 * stream.below(5)));
    }
    const auto groups = sweep_groups(runs);
    for (std::size_t i = 0; i < runs.size(); ++i) {
      bool dominated = false;
      for (const SweepRun& other : runs) {
        const double gain = *other.figures.accuracy - *runs[i].figures.accuracy;
        const auto saved =
            static_cast<double>(runs[i].figures.wire_bytes) - static_cast<double>(other.figures.wire_bytes);
        dominated = dominated || (gain >= 0.0 && saved >= 0.0 && gain + saved > 0.0);
      }
      EXPECT_EQ(groups[i].on_pareto_front, !dominated) << "trial " << trial << ", run " << i;
    }
  }
}

TEST(SweepGroups, WithAFailedRunAreNotInFrontAndCountTheOthers) {
  std::vector<SweepRun> runs = {run("1", "1", 0.9, 10), run("1", "2", 0.8, 10), run("2", "1", 0.5, 100)};
  runs[1].figures.finished = false;
  const auto groups = sweep_groups(runs);
  EXPECT_EQ(groups[0].unfinished, 1U);
  EXPECT_DOUBLE_EQ(groups[0].accuracy.mean, 0.9);
  EXPECT_FALSE(groups[0].on_pareto_front);
  EXPECT_TRUE(groups[1].on_pareto_front);
}

TEST(SweepText, HasALineForEachGroupWithMeanAndDeviation) {
  const std::vector<SweepRun> runs = {run("1", "1", 0.5, 100), run("1", "2", 0.7, 300), run("2", "1", 0.4, 50)};
  const std::string text = sweep_text(sweep_groups(runs), 200);
  EXPECT_NE(text.find("60.00% ±14"), std::string::npos) << text;
  EXPECT_NE(text.find("40.00%"), std::string::npos) << text;
  EXPECT_NE(text.find("4.00x"), std::string::npos) << text;
}

TEST(SweepText, OfNumbersHasTheirR2) {
  std::vector<SweepRun> runs = {run("1", "1", 0.5, 100), run("1", "2", 0.7, 100)};
  for (SweepRun& one : runs) one.figures.r2 = std::exchange(one.figures.accuracy, std::nullopt);
  const auto groups = sweep_groups(runs);
  const std::string text = sweep_text(groups, 200);
  EXPECT_NE(text.find("R2"), std::string::npos);
  EXPECT_NE(text.find("0.6000 ±0.14"), std::string::npos) << text;
  EXPECT_EQ(text.find("accura"), std::string::npos) << text;
  EXPECT_TRUE(groups[0].on_pareto_front);
  EXPECT_NEAR(nlohmann::json::parse(sweep_json("a", groups, runs)).at("groups").at(0).at("r2").at("mean").get<double>(),
              0.6, 1e-12);
}

TEST(SweepFiles, HoldEveryRunAndEveryGroup) {
  std::vector<SweepRun> runs = {run("1", "1", 0.5, 100), run("a,\"b\"", "1", 0.25, 300)};
  runs[1].figures.accuracy.reset();
  const auto json = nlohmann::json::parse(sweep_json("a", sweep_groups(runs), runs));
  EXPECT_EQ(json.at("groups").size(), 2U);
  EXPECT_EQ(json.at("groups").at(0).at("accuracy").at("mean"), 0.5);
  EXPECT_TRUE(json.at("groups").at(0).at("pareto"));
  EXPECT_TRUE(json.at("groups").at(1).at("accuracy").is_null());
  EXPECT_EQ(json.at("runs").at(0).at("settings").at("strategy.threshold"), "1");
  EXPECT_EQ(sweep_csv(runs),
            "strategy.threshold,job.seed,folder,end,accuracy,r2,loss,wire_bytes,payload_bytes,steps,syncs,time_s\n"
            "1,1,\"runs/a.sweep/threshold=1,seed=1\",steps,0.5,,0.5,100,0,100,4,2.5\n"
            "\"a,\"\"b\"\"\",1,\"runs/a.sweep/threshold=a,\"\"b\"\",seed=1\",steps,,,0.75,300,0,100,4,2.5\n");
}

}  // namespace
}  // namespace laconic
