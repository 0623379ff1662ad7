#include "report/comparison.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/random.h"

namespace laconic {
namespace {

using Json = nlohmann::json;

ComparedRun run(const std::string& threshold, const std::string& seed, double accuracy, std::uint64_t bytes) {
  ComparedRun result{.group = "threshold=" + threshold,
                     .settings = {{"strategy.threshold", threshold}},
                     .seed = seed,
                     .folder = "runs/a.sweep/threshold=" + threshold + ",seed=" + seed,
                     .figures = {}};
  result.figures.finished = true;
  result.figures.end = "steps";
  result.figures.strategy = "fda";
  result.figures.runtime = "simulator";
  result.figures.dataset = "mnist";
  result.figures.data = "aa";
  result.figures.accuracy = accuracy;
  result.figures.loss = 1.0 - accuracy;
  result.figures.wire_bytes = bytes;
  result.figures.payload_bytes = bytes;
  result.figures.steps = 100;
  result.figures.syncs = 4;
  result.figures.time = {2.5};
  return result;
}

ComparedRun with_validation(ComparedRun run, double accuracy) {
  run.figures.validation_accuracy = accuracy;
  run.figures.validation_loss = 2.0 - accuracy;
  return run;
}

bool has_note(const Comparison& comparison, const std::string& part) {
  for (const std::string& note : comparison.notes) {
    if (note.find(part) != std::string::npos) return true;
  }
  return false;
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

TEST(ComparedGroups, AreRunsThatDifferInTheirSeedAlone) {
  const Comparison comparison =
      compare_runs({run("1", "1", 0.5, 100), run("2", "1", 0.5, 50), run("1", "2", 0.75, 300)});
  ASSERT_EQ(comparison.groups.size(), 2U);
  EXPECT_EQ(comparison.groups[0].runs, (std::vector<std::size_t>{0, 2}));
  EXPECT_DOUBLE_EQ(comparison.groups[0].test.mean, 0.625);
  EXPECT_DOUBLE_EQ(comparison.groups[0].wire_bytes.mean, 200.0);
  EXPECT_EQ(comparison.groups[1].settings, (Settings{{"strategy.threshold", "2"}}));
}

TEST(ComparedGroups, AreRankedByValidationThoughTheTestSplitWouldRankOtherwise) {
  const Comparison comparison =
      compare_runs({with_validation(run("1", "1", 0.90, 100), 0.70), with_validation(run("2", "1", 0.80, 100), 0.75),
                    with_validation(run("3", "1", 0.85, 100), 0.72)});
  EXPECT_EQ(comparison.ranked_by, Comparison::RankedBy::kValidation);
  EXPECT_EQ(comparison.ranking(), (std::vector<std::size_t>{1, 2, 0})) << "by test it would be 0, 2, 1";
  EXPECT_TRUE(comparison.groups[1].on_pareto_front);
  EXPECT_FALSE(comparison.groups[0].on_pareto_front) << "its test accuracy is the best, which must choose nothing";
  EXPECT_TRUE(has_note(comparison, "Ranked by validation accuracy."));
  const std::string text = comparison_text(comparison, 200);
  EXPECT_LT(text.find("75.00%"), text.find("72.00%")) << text;
  EXPECT_LT(text.find("72.00%"), text.find("70.00%")) << text;
  for (const char* head : {"validation accuracy", "test accuracy"})
    EXPECT_NE(text.find(head), std::string::npos) << text;
}

TEST(ComparedGroups, AreRankedByTestWhereSomeHaveNoValidationDataAndSayWhich) {
  const Comparison comparison =
      compare_runs({with_validation(run("1", "1", 0.90, 100), 0.70), run("2", "1", 0.95, 100)});
  EXPECT_EQ(comparison.ranked_by, Comparison::RankedBy::kTest);
  EXPECT_EQ(comparison.ranking(), (std::vector<std::size_t>{1, 0}));
  EXPECT_TRUE(has_note(comparison, "Ranked by test accuracy, as there are no validation data for threshold=2"));
}

TEST(ComparedGroups, OfEqualScoresAreRankedByTheirBytes) {
  const Comparison comparison = compare_runs({run("1", "1", 0.9, 200), run("2", "1", 0.9, 100)});
  EXPECT_EQ(comparison.ranking(), (std::vector<std::size_t>{1, 0}));
}

TEST(ComparedGroups, OnOtherDataAreMarkedAndNotRanked) {
  std::vector<ComparedRun> runs = {run("1", "1", 0.5, 100), run("2", "1", 0.9, 100), run("3", "1", 0.6, 100)};
  runs[1].figures.data = "bb";
  Comparison comparison = compare_runs(runs);
  EXPECT_TRUE(comparison.groups[1].has_other_data);
  EXPECT_FALSE(comparison.groups[1].rank);
  EXPECT_EQ(comparison.ranking(), (std::vector<std::size_t>{2, 0, 1}));
  EXPECT_TRUE(
      has_note(comparison, "† Measured on other test data (other samples of mnist) than the other rows (mnist)"));
  EXPECT_NE(comparison_text(comparison, 200).find("2 †"), std::string::npos);

  runs[1].figures.dataset = "cifar10";
  EXPECT_TRUE(has_note(compare_runs(runs), "† Measured on other test data (cifar10) than"));

  // Results of an older version do not tell: their data sets' names have to do.
  runs[1].figures.dataset = "mnist";
  runs[0].figures.data.clear();
  comparison = compare_runs(runs);
  EXPECT_FALSE(comparison.groups[1].has_other_data);
  EXPECT_EQ(comparison.ranking().front(), 1U);
}

TEST(ComparedGroups, WithAnotherClockOrOfAnotherVersionAreMarkedAndRanked) {
  std::vector<ComparedRun> runs = {run("1", "1", 0.5, 100), run("2", "1", 0.9, 100), run("3", "1", 0.6, 100)};
  runs[1].figures.runtime = "mpi";
  runs[2].figures.program_version = "0.0.9";
  const Comparison comparison = compare_runs(runs);
  EXPECT_EQ(comparison.groups[0].marks(), "");
  EXPECT_EQ(comparison.groups[1].marks(), "‡");
  EXPECT_EQ(comparison.groups[2].marks(), "§");
  EXPECT_EQ(comparison.ranking(), (std::vector<std::size_t>{1, 2, 0}));
  EXPECT_TRUE(has_note(comparison, "‡ Real time over MPI"));
  EXPECT_TRUE(has_note(comparison, "§ Results of another version"));
}

TEST(ComparedGroups, AreInFrontWhereNoOtherIsAsGoodWithNoMoreBytes) {
  RandomStream stream(1, "sweeps");
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<ComparedRun> runs;
    for (int i = 0; i < 8; ++i) {
      runs.push_back(run(std::to_string(i), "1", 0.1 * static_cast<double>(stream.below(5)), 10 * stream.below(5)));
    }
    const Comparison comparison = compare_runs(runs);
    for (std::size_t i = 0; i < runs.size(); ++i) {
      bool dominated = false;
      for (const ComparedRun& other : runs) {
        const double gain = *other.figures.accuracy - *runs[i].figures.accuracy;
        const auto saved =
            static_cast<double>(runs[i].figures.wire_bytes) - static_cast<double>(other.figures.wire_bytes);
        dominated = dominated || (gain >= 0.0 && saved >= 0.0 && gain + saved > 0.0);
      }
      EXPECT_EQ(comparison.groups[i].on_pareto_front, !dominated) << "trial " << trial << ", run " << i;
    }
  }
}

TEST(ComparedGroups, WithAFailedRunAreNotRankedAndCountTheOthers) {
  std::vector<ComparedRun> runs = {run("1", "1", 0.9, 10), run("1", "2", 0.8, 10), run("2", "1", 0.5, 100)};
  runs[1].figures.finished = false;
  const Comparison comparison = compare_runs(runs);
  EXPECT_EQ(comparison.groups[0].unfinished, 1U);
  EXPECT_DOUBLE_EQ(comparison.groups[0].test.mean, 0.9);
  EXPECT_FALSE(comparison.groups[0].on_pareto_front);
  EXPECT_TRUE(comparison.groups[1].on_pareto_front);
  EXPECT_EQ(comparison.ranking(), (std::vector<std::size_t>{1, 0}));
}

TEST(ComparisonText, HasALineForEachGroupWithMeanAndDeviation) {
  const std::string text =
      comparison_text(compare_runs({run("1", "1", 0.5, 100), run("1", "2", 0.7, 300), run("2", "1", 0.4, 50)}), 200);
  EXPECT_NE(text.find("60.00% ±14"), std::string::npos) << text;
  EXPECT_NE(text.find("40.00%"), std::string::npos) << text;
  EXPECT_NE(text.find("4.00x"), std::string::npos) << text;
  EXPECT_NE(text.find("Means over the seeds"), std::string::npos) << text;
}

TEST(ComparisonText, GivesTheRatioOfBytesToTheGroupThatSentMost) {
  std::vector<ComparedRun> runs = {run("", "1", 0.875, 1000), run("", "1", 0.75, 50000), run("", "1", 0.5, 0)};
  const std::array names = {"fda", "synchronous", "local"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    runs[i].group = runs[i].figures.strategy = names.at(i);
    runs[i].settings = {{"job", names.at(i)}};
    runs[i].figures.trace_hash = "00000000000000aa";
  }
  runs[1].figures.end = "until";
  const std::string text = comparison_text(compare_runs(runs), 200);
  EXPECT_EQ(
      text.substr(0, text.find("Ranked")),
      "job          strategy     test accuracy  test loss  on the wire  fewer bytes  steps  syncs    time  front  "
      "trace "
      "hash        end\n"
      "-----------  -----------  -------------  ---------  -----------  -----------  -----  -----  ------  -----  "
      "----------------  -----\n"
      "fda          fda                 87.50%      0.125         1 kB        50.0x    100      4  2.50 s  *      "
      "00000000000000aa  steps\n"
      "synchronous  synchronous         75.00%      0.250        50 kB        1.00x    100      4  2.50 s         "
      "00000000000000aa  until\n"
      "local        local               50.00%      0.500          0 B     no bytes    100      4  2.50 s  *      "
      "00000000000000aa  steps\n");
}

TEST(ComparisonText, OfNumbersHasTheirR2) {
  std::vector<ComparedRun> runs = {run("1", "1", 0.5, 100), run("1", "2", 0.7, 100)};
  for (ComparedRun& one : runs) one.figures.r2 = std::exchange(one.figures.accuracy, std::nullopt);
  const Comparison comparison = compare_runs(runs);
  const std::string text = comparison_text(comparison, 200);
  EXPECT_NE(text.find("test R2"), std::string::npos);
  EXPECT_NE(text.find("0.6000 ±0.14"), std::string::npos) << text;
  EXPECT_EQ(text.find("accura"), std::string::npos) << text;
  EXPECT_TRUE(comparison.groups[0].on_pareto_front);
  EXPECT_NEAR(Json::parse(comparison_json("a", comparison)).at("groups").at(0).at("r2").at("mean").get<double>(), 0.6,
              1e-12);
}

TEST(ComparisonFiles, HoldEveryRunAndEveryGroup) {
  std::vector<ComparedRun> runs = {with_validation(run("1", "1", 0.5, 100), 0.25), run("a,\"b\"", "1", 0.25, 300)};
  runs[1].figures.accuracy.reset();
  const auto json = Json::parse(comparison_json("a", compare_runs(runs)));
  EXPECT_EQ(json.at("job"), "a");
  EXPECT_EQ(json.at("ranked_by"), "validation") << "the other has no score at all";
  ASSERT_EQ(json.at("groups").size(), 2U);
  EXPECT_EQ(json.at("groups").at(0).at("accuracy").at("mean"), 0.5);
  EXPECT_EQ(json.at("groups").at(0).at("validation_accuracy").at("mean"), 0.25);
  EXPECT_EQ(json.at("groups").at(0).at("rank"), 1);
  EXPECT_TRUE(json.at("groups").at(0).at("pareto"));
  EXPECT_TRUE(json.at("groups").at(1).at("accuracy").is_null());
  EXPECT_TRUE(json.at("groups").at(1).at("rank").is_null());
  EXPECT_EQ(json.at("runs").at(0).at("settings").at("strategy.threshold"), "1");
  EXPECT_EQ(json.at("runs").at(0).at("validation_loss"), 1.75);
  runs[1].settings = {{"job", "b"}};
  EXPECT_EQ(comparison_csv(compare_runs(runs)),
            "strategy.threshold,job,job.seed,folder,end,validation_accuracy,validation_r2,validation_loss,accuracy,r2,"
            "loss,wire_bytes,payload_bytes,steps,syncs,time_s\n"
            "1,,1,\"runs/a.sweep/threshold=1,seed=1\",steps,0.25,,1.75,0.5,,0.5,100,100,100,4,2.5\n"
            ",b,1,\"runs/a.sweep/threshold=a,\"\"b\"\",seed=1\",steps,,,,,,0.75,300,300,100,4,2.5\n");
}

}  // namespace
}  // namespace laconic
