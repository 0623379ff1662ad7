#include "report/charts.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

namespace laconic {
namespace {

using Json = nlohmann::json;

Json measurement(int step, double accuracy, double bytes) {
  return {{"type", "measurement"}, {"step", step},
          {"epoch", 0.5 * step},   {"time_s", 2.0 * step},
          {"train_loss", 1.0},     {"test", {{"accuracy", accuracy}, {"loss", 1.0 - accuracy}, {"samples", 10}}},
          {"wire_bytes", bytes},   {"traffic", {{"model", {{"wire_bytes", bytes}}}}}};
}

PageRun run_of(const std::vector<Json>& lines, bool finished = true, const std::string& job = "") {
  PageRun run{.name = "a", .job = job, .metrics = {}, .summary = {}, .workers = {}};
  for (const Json& line : lines) run.metrics += line.dump() + "\n";
  run.summary = Json{{"steps", 2}, {"wire_bytes", 1}, {"traffic", Json::object()}, {"finished", finished}}.dump();
  return run;
}

const Chart& chart(const ChartSet& set, const std::string& key) {
  for (const Chart& chart : set.charts) {
    if (chart.key == key) return chart;
  }
  throw std::runtime_error("no chart " + key);
}

TEST(Charts, OfAGroupHaveTheMeanOfItsRunsAndTheBandFromTheLowestToTheHighest) {
  const std::vector<RunGroup> groups = {
      {.name = "one", .marks = "†", .runs = {run_of({measurement(1, 0.2, 100), measurement(2, 0.5, 400)})}},
      {.name = "three",
       .marks = {},
       .runs = {run_of({measurement(1, 0.1, 10), measurement(2, 0.75, 20)}),
                run_of({measurement(1, 0.3, 30), measurement(2, 0.25, 90)}),
                run_of({measurement(1, 0.2, 20), measurement(2, 0.5, 40)})}}};
  const ChartSet set = charts_of(groups);
  const Chart& accuracy = chart(set, "test_accuracy");
  ASSERT_EQ(accuracy.lines.size(), 2U);
  EXPECT_EQ(accuracy.lines[0].name, "one †");
  EXPECT_EQ(accuracy.lines[0].mean, (std::vector{0.2, 0.5}));
  EXPECT_TRUE(accuracy.lines[0].low.empty());
  const ChartLine& three = accuracy.lines[1];
  EXPECT_EQ(three.runs, 3U);
  EXPECT_NEAR(three.mean.at(0), 0.2, 1e-15);
  EXPECT_NEAR(three.mean.at(1), 0.5, 1e-15);
  EXPECT_EQ(three.low, (std::vector{0.1, 0.25}));
  EXPECT_EQ(three.high, (std::vector{0.3, 0.75}));
  EXPECT_EQ(set.positions.at(three.positions), (ChartPositions{{{1, 2}, {0.5, 1}, {20, 50}, {2, 4}}}));
  EXPECT_EQ(chart(set, "bytes").lines[1].style, three.style) << "a group looks the same in all charts";
  EXPECT_NE(set.band_text, "");
  EXPECT_EQ(charts_of(std::span(groups).first(1)).band_text, "");
}

TEST(Charts, OfAGroupHaveTheStepsThatAllItsFinishedRunsHaveMeasured) {
  const std::vector<RunGroup> groups = {
      {.name = "a",
       .marks = {},
       .runs = {run_of({measurement(1, 0.1, 1), measurement(2, 0.2, 1), measurement(3, 0.3, 1)}),
                run_of({measurement(1, 0.5, 1), measurement(3, 0.5, 1)}),
                run_of({measurement(1, 0.9, 1)}, /*finished=*/false)}},
      {.name = "broken", .marks = {}, .runs = {run_of({measurement(1, 0.9, 1)}, false)}}};
  const ChartSet set = charts_of(groups);
  const Chart& accuracy = chart(set, "test_accuracy");
  EXPECT_EQ(accuracy.lines.at(0).runs, 2U);
  EXPECT_EQ(set.positions[0][0], (std::vector{1.0, 3.0}));
  EXPECT_EQ(accuracy.lines[0].low, (std::vector{0.1, 0.3}));
  EXPECT_EQ(accuracy.lines.at(1).mean, (std::vector{0.9})) << "where no run came to its end there is what it had";
}

TEST(Charts, HaveAMeanWithinTheBandWhateverIsRounded) {
  std::vector<PageRun> runs;
  for (int i = 0; i < 3; ++i) runs.push_back(run_of({measurement(1, 0.1, 1)}));
  const std::vector<RunGroup> groups = {{.name = "a", .marks = {}, .runs = runs}};
  const ChartSet set = charts_of(groups);
  EXPECT_EQ(chart(set, "test_accuracy").lines[0].mean, (std::vector{0.1}));
}

TEST(Charts, LeaveOutWhatNobodyMeasured) {
  std::vector<Json> lines = {measurement(1, 0.5, 1), measurement(2, 0.6, 2)};
  lines[1]["validation"] = {{"accuracy", 0.7}};
  const std::vector<RunGroup> groups = {{.name = "a", .marks = {}, .runs = {run_of(lines)}},
                                        {.name = "b", .marks = {}, .runs = {run_of({measurement(1, 0.5, 1)})}}};
  const ChartSet set = charts_of(groups);
  const Chart& validation = chart(set, "validation_accuracy");
  ASSERT_EQ(validation.lines.size(), 1U);
  EXPECT_TRUE(std::isnan(validation.lines[0].mean[0]));
  EXPECT_EQ(validation.lines[0].mean[1], 0.7);
  EXPECT_THROW(chart(set, "test_r2"), std::runtime_error);
  EXPECT_THROW(chart(set, "consensus_distance"), std::runtime_error);
}

TEST(Charts, OfARunHaveItsThresholdAndItsSynchronisations) {
  std::vector<Json> lines = {measurement(4, 0.5, 1), measurement(8, 0.6, 2)};
  for (Json& line : lines) line["watched"] = {{"variance_estimate", 0.25}};
  lines.push_back({{"type", "sync"}, {"step", 6}, {"epoch", 3}, {"watched", {{"variance_estimate", 2.5}}}});
  const std::string job = "[job]\nthreshold = 9\n\n[strategy]\nname = \"fda\"\nthreshold = 1.5\n\n[between]\n";
  const ChartSet set = charts_of(run_of(lines, true, job));
  const Chart& estimate = chart(set, "variance_estimate");
  ASSERT_EQ(estimate.lines.size(), 3U);
  EXPECT_TRUE(estimate.steps_alone);
  EXPECT_EQ(set.positions[estimate.lines[0].positions][0], (std::vector{4.0, 6.0, 8.0}));
  EXPECT_EQ(estimate.lines[0].mean, (std::vector{0.25, 2.5, 0.25}));
  EXPECT_EQ(estimate.lines[1].mean, (std::vector{1.5, 1.5, 1.5}));
  EXPECT_EQ(estimate.lines[2].kind, ChartLine::Kind::kMarks);
  EXPECT_EQ(set.positions[estimate.lines[2].positions], (ChartPositions{{{6}, {3}, {}, {}}}));
  EXPECT_EQ(estimate.lines[2].mean, (std::vector{2.5}));

  // One that follows what happens is told by the measurements.
  lines[0]["watched"]["threshold"] = 0.5;
  lines[2]["threshold"] = 0.75;
  const ChartSet moving = charts_of(run_of(lines));
  const std::vector<double> limits = chart(moving, "variance_estimate").lines.at(1).mean;
  EXPECT_EQ(limits.at(0), 0.5);
  EXPECT_EQ(limits.at(1), 0.75);
  EXPECT_TRUE(std::isnan(limits.at(2)));
}

TEST(Charts, HaveKeysThatAreFileNamesAndDiffer) {
  std::vector<Json> lines = {measurement(1, 0.5, 1)};
  lines[0]["watched"] = {{"../loss", 1.0}, {"___loss", 2.0}, {"loss", 3.0}};
  std::set<std::string> keys;
  for (const Chart& chart : charts_of(run_of(lines)).charts) {
    EXPECT_EQ(chart.key.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), std::string::npos) << chart.key;
    EXPECT_TRUE(keys.insert(chart.key).second) << chart.key;
  }
  EXPECT_TRUE(keys.contains("loss_2"));
}

}  // namespace
}  // namespace laconic
