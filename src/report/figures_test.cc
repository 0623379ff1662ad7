#include "report/figures.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "charts/csv.h"

namespace laconic {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

ChartSet example() {
  ChartSet set;
  set.band_text = "band: from the lowest run to the highest";
  ChartPositions positions;
  positions[0] = {10, 20, 30, 40};
  positions[1] = {1, 2, 3, 4};
  positions[2] = {0, 500, 500, 900};  // nothing was sent from step 20 to step 30
  set.positions = {positions, {}};
  ChartLine line{.name = "fda", .runs = 3, .style = 5, .mean = {0.1, 0.5, 0.6, kNaN}};
  line.low = {0.0, 0.4, 0.5, kNaN};
  line.high = {0.2, 0.6, 0.7, kNaN};
  set.charts.push_back({.key = "test_accuracy",
                        .title = "Test accuracy",
                        .label = "accuracy",
                        .note = "",
                        .unit = ChartUnit::kFraction,
                        .lines = {line}});
  ChartLine limit{.name = "threshold", .kind = ChartLine::Kind::kStairs, .mean = {2, kNaN, 3, 3}};
  ChartLine marks{.name = "synchronisations", .kind = ChartLine::Kind::kMarks, .mean = {kNaN, 2.5, kNaN, 3.5}};
  set.charts.push_back({.key = "variance_estimate",
                        .title = "Variance estimate",
                        .label = "estimate",
                        .note = "",
                        .logarithmic = true,
                        .steps_alone = true,
                        .lines = {limit, marks}});
  return set;
}

const charts::LineChart& lines_of(const NamedFigure& figure) { return std::get<charts::LineChart>(figure.figure); }

TEST(Figures, HaveTheNumbersOfTheCharts) {
  const std::vector<NamedFigure> figures = figures_of(example(), {});
  ASSERT_EQ(figures.size(), 2U);
  EXPECT_EQ(figures[0].name, "test_accuracy");
  const charts::LineChart& accuracy = lines_of(figures[0]);
  EXPECT_EQ(accuracy.title, "Test accuracy");
  EXPECT_EQ(accuracy.x.title, "Steps");
  EXPECT_EQ(accuracy.y.title, "Accuracy");
  EXPECT_EQ(accuracy.y.unit, charts::Unit::kPercent);
  EXPECT_EQ(accuracy.note, "Band: from the lowest run to the highest");
  ASSERT_EQ(accuracy.lines.size(), 1U);
  EXPECT_EQ(accuracy.lines[0].index, 5U);
  EXPECT_EQ(accuracy.lines[0].name, "fda (n=3)");
  EXPECT_EQ(accuracy.lines[0].x, (std::vector<double>{10, 20, 30}));
  EXPECT_EQ(accuracy.lines[0].y, (std::vector<double>{0.1, 0.5, 0.6}));
  EXPECT_EQ(accuracy.lines[0].low, (std::vector<double>{0.0, 0.4, 0.5}));
  EXPECT_EQ(accuracy.lines[0].high, (std::vector<double>{0.2, 0.6, 0.7}));
}

TEST(Figures, OfTheVarianceHaveItsThresholdAndSynchronisations) {
  const std::vector<NamedFigure> figures = figures_of(example(), {});
  const charts::LineChart& variance = lines_of(figures.at(1));
  EXPECT_TRUE(variance.y.logarithmic);
  EXPECT_FALSE(variance.x.logarithmic);
  ASSERT_EQ(variance.lines.size(), 2U);
  EXPECT_EQ(variance.lines[0].style, charts::Line::Style::kSteps);
  EXPECT_EQ(variance.lines[0].x, (std::vector<double>{10, 30, 40}));
  EXPECT_EQ(variance.lines[1].style, charts::Line::Style::kPoints);
  EXPECT_EQ(variance.lines[1].y, (std::vector<double>{2.5, 3.5}));
}

TEST(Figures, AgainstBytesHaveOnePointForEachNumberOfBytes) {
  const std::vector<NamedFigure> figures = figures_of(example(), {.against = ChartAxis::kBytes, .logarithmic = true});
  EXPECT_EQ(figures.at(0).name, "test_accuracy_against_bytes");
  const charts::LineChart& accuracy = lines_of(figures[0]);
  EXPECT_TRUE(accuracy.x.logarithmic && accuracy.y.logarithmic);
  EXPECT_EQ(accuracy.x.unit, charts::Unit::kBytes);
  EXPECT_EQ(accuracy.lines.at(0).x, (std::vector<double>{0, 500}));
  EXPECT_EQ(accuracy.lines.at(0).y, (std::vector<double>{0.1, 0.6}));
  // Nobody knows the bytes at a synchronisation.
  EXPECT_EQ(figures.at(1).name, "variance_estimate");
  EXPECT_EQ(lines_of(figures[1]).x.title, "Steps");
}

TEST(Figures, LeaveOutWhatHasNoPlaceAlongAnAxis) {
  ChartSet set = example();
  set.charts[0].lines[0].positions = 1;
  EXPECT_EQ(figures_of(set, {}).size(), 1U);
}

TEST(Figures, HaveNamesOfTheirOwn) {
  ChartSet set = example();
  Chart chart = set.charts[0];
  chart.key = std::string(300, 'a') + "1";
  set.charts = {chart, chart, chart};
  set.charts[1].key.back() = '2';
  const std::vector<NamedFigure> figures = figures_of(set, {});
  ASSERT_EQ(figures.size(), 3U);
  EXPECT_EQ(figures[1].name, figures[0].name + "_2");
  EXPECT_EQ(figures[2].name, figures[0].name + "_3");
  EXPECT_LE(figures[2].name.size(), 100U);
}

TEST(Figures, OfARunMarkTheStepsAfterWhichItsDataChanged) {
  PageRun run{.name = "a", .job = "", .metrics = "", .summary = "", .workers = ""};
  run.metrics = R"({"type": "measurement", "step": 1, "wire_bytes": 5, "test": {"accuracy": 0.5}, "traffic": {}})"
                "\n";
  run.summary = R"({"steps": 1, "wire_bytes": 5, "traffic": {}, "drifts": [10, 25]})";
  const auto marks = [&](ChartAxis axis) {
    const std::vector<NamedFigure> figures = figures_of(run, {.against = axis});
    return lines_of(figures.at(0)).marks;
  };
  ASSERT_EQ(marks(ChartAxis::kSteps).size(), 2U);
  EXPECT_EQ(marks(ChartAxis::kSteps)[1].x, 25.0);
  EXPECT_EQ(marks(ChartAxis::kSteps)[1].text, "data changed");
  EXPECT_TRUE(marks(ChartAxis::kBytes).empty());
  run.summary = R"({"steps": 1, "wire_bytes": 5, "traffic": {}, "drifts": "never"})";
  EXPECT_TRUE(marks(ChartAxis::kSteps).empty());
}

TEST(Pictures, OfARunAreItsBytesItsLabelsAndItsGraph) {
  PageRun run{.name = "a", .job = "", .metrics = "", .summary = "", .workers = ""};
  run.summary = R"({"steps": 1, "wire_bytes": 7, "traffic": {"models": {"wire_bytes": 5}, "control": {"wire_bytes": 2}},
                    "by_worker": [{"sent": {"wire_bytes": 3}, "received": {"wire_bytes": 4}}],
                    "coordinator": {"sent": {"wire_bytes": 4}, "received": {"wire_bytes": 3}}})";
  run.workers = R"({"labels": [[1, 2], [3]], "classes": ["cat"],
                    "graph": {"nodes": 3, "directed": true, "rounds": [[[0, 1], [1, 2]], [[2, 0]]]}})";
  const std::vector<NamedFigure> figures = pictures_of(run);
  ASSERT_EQ(figures.size(), 4U);
  EXPECT_EQ(figures[0].name, "bytes_by_kind");
  EXPECT_EQ(charts::csv_text(figures[0].figure), "name,Bytes on the wire\nmodels,5\ncontrol,2\n");
  EXPECT_EQ(figures[1].name, "bytes_by_worker");
  EXPECT_EQ(charts::csv_text(figures[1].figure),
            "name,Bytes on the wire\n\"worker 0, sent\",3\n\"worker 0, received\",4\n"
            "\"coordinator, sent\",4\n\"coordinator, received\",3\n");
  EXPECT_EQ(figures[2].name, "labels_by_worker");
  EXPECT_EQ(charts::csv_text(figures[2].figure), "worker,cat,1\n0,1,2\n1,3,\n");
  EXPECT_EQ(figures[3].name, "graph");
  EXPECT_EQ(charts::csv_text(figures[3].figure), "round,from,to\n0,0,1\n0,1,2\n1,2,0\n");
}

TEST(Pictures, OfClassesAreTheirConfusionMatrixAndTables) {
  PageRun run{.name = "a", .job = "", .metrics = "", .summary = "", .workers = ""};
  run.summary = R"({"traffic": {}, "classification": {"split": "test", "confusion": [[3, 1], [0, 2]],
      "by_class": [{"class": 0, "name": "cat", "samples": 4, "predicted": 3, "precision": 1, "recall": 0.75, "f1": 0.875},
                   {"class": 1, "samples": 2, "predicted": 3, "precision": null, "recall": 1, "f1": 0.5}]},
      "by_worker": [{"sent": {"wire_bytes": 1}, "own_accuracy": 0.5, "own_samples": 10, "test_accuracy": 0.25}, {}]})";
  const std::vector<NamedFigure> figures = pictures_of(run);
  ASSERT_EQ(figures.back().name, "confusion");
  EXPECT_EQ(std::get<charts::HeatMap>(figures.back().figure).shading, charts::HeatMap::Shading::kConfusion);
  EXPECT_EQ(charts::csv_text(figures.back().figure), "class,cat,1\ncat,3,1\n1,0,2\n");
  std::vector<NamedTable> tables = tables_of(run);
  ASSERT_EQ(tables.size(), 2U);
  EXPECT_EQ(tables[0].name, "classes");
  EXPECT_EQ(tables[0].csv, "class,samples,predicted,precision,recall,F1\ncat,4,3,1,0.75,0.875\n1,2,3,,1,0.5\n");
  EXPECT_EQ(tables[1].name, "workers");
  EXPECT_EQ(tables[1].csv, "worker,own data,samples,test split\n0,0.5,10,0.25\n");
  run.summary = R"({"traffic": {}, "classification": {"by_class": [{}, {"name": "dog"}],
      "most_confused": [{"class": 1, "predicted": 0, "samples": 9}, {"class": -1}, 7]}})";
  tables = tables_of(run);
  ASSERT_EQ(tables.size(), 2U);
  EXPECT_EQ(tables[1].name, "most_confused");
  EXPECT_EQ(tables[1].csv, "class,predicted,samples\ndog,0,9\n,,\n,,\n");
  for (const char* other : {R"({"classification": 3})", R"({"classification": {"confusion": 3, "by_class": 4}})"}) {
    run.summary = other;
    EXPECT_TRUE(tables_of(run).empty()) << other;
    EXPECT_TRUE(pictures_of(run).empty()) << other;
  }
}

TEST(Pictures, PassOverWhatIsNoGraph) {
  PageRun run{.name = "a", .job = "", .metrics = "", .summary = R"({"traffic": {}})", .workers = ""};
  for (const char* workers : {R"({"graph": 3})", R"({"graph": {"nodes": -1}})", R"({"graph": {"nodes": 1e99}})",
                              R"({"graph": []})", "{}", R"({"labels": 3, "classes": {}})"}) {
    run.workers = workers;
    for (const NamedFigure& figure : pictures_of(run)) EXPECT_NE(figure.name, "graph") << workers;
  }
  run.workers = R"({"graph": {"nodes": 2, "rounds": [[[0, 1], [0], "x", [0, -1], [1, 1e30]]]}})";
  EXPECT_EQ(charts::csv_text(pictures_of(run).at(0).figure), "round,from,to\n0,0,1\n");
}

TEST(Pictures, OfGroupsAreTheBytesOfEachAndLabelsAndGraphsOnceWhereTheyAreAlike) {
  const auto run = [](const char* workers) {
    return PageRun{.name = "a", .job = "", .metrics = "", .summary = R"({"traffic": {}})", .workers = workers};
  };
  const char* ring = R"({"labels": [[1], [2]], "graph": {"nodes": 2, "rounds": [[[0, 1]]]}})";
  const char* star = R"({"labels": [[1], [2]], "graph": {"nodes": 3, "rounds": [[[0, 1], [0, 2]]]}})";
  const std::vector<RunGroup> groups = {
      {"fda", "", {run(ring), run(star)}}, {"choco", "", {run(star)}}, {"d_psgd", "", {run(ring)}}};
  Comparison comparison;
  for (const auto& [name, bytes] : {std::pair("fda", 20.0), std::pair("choco", 100.0), std::pair("d_psgd", 7.0)}) {
    ComparedGroup group;
    group.name = name;
    group.wire_bytes.count = 1;
    group.wire_bytes.mean = bytes;
    comparison.groups.push_back(group);
  }
  const std::vector<NamedFigure> figures = pictures_of(comparison, groups);
  ASSERT_EQ(figures.size(), 4U);
  EXPECT_EQ(figures[0].name, "bytes_by_group");
  EXPECT_EQ(charts::csv_text(figures[0].figure), "name,Bytes on the wire\nfda,20\nchoco,100\nd_psgd,7\n");
  EXPECT_EQ(figures[1].name, "labels_by_worker");
  EXPECT_EQ(std::get<charts::HeatMap>(figures[1].figure).title, "Labels by worker");
  EXPECT_EQ(figures[2].name, "graph");
  EXPECT_EQ(std::get<charts::Graph>(figures[2].figure).title, "Graph, fda, d_psgd");
  EXPECT_EQ(figures[3].name, "graph_2");
  EXPECT_EQ(std::get<charts::Graph>(figures[3].figure).title, "Graph, choco");
}

TEST(Pictures, OfAGroupWhoseSeedsDivideLabelsInOtherWaysSayWhoseTheyDraw) {
  const auto run = [](const char* name, const char* workers) {
    return PageRun{.name = name, .job = "", .metrics = "", .summary = R"({"traffic": {}})", .workers = workers};
  };
  const std::vector<RunGroup> groups = {
      {"fda", "", {run("fda,seed=1", R"({"labels": [[1], [2]]})"), run("fda,seed=2", R"({"labels": [[2], [1]]})")}}};
  Comparison comparison;
  comparison.groups.emplace_back().name = "fda";
  const std::vector<NamedFigure> figures = pictures_of(comparison, groups);
  ASSERT_EQ(figures.back().name, "labels_by_worker");
  EXPECT_EQ(std::get<charts::HeatMap>(figures.back().figure).title,
            "Labels by worker (of fda,seed=1; other runs differ)");
}

}  // namespace
}  // namespace laconic
