#include "charts/csv.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <vector>

namespace laconic::charts {
namespace {

// Fields by row, by RFC 4180.
std::vector<std::vector<std::string>> fields_of(const std::string& text) {
  std::vector<std::vector<std::string>> rows(1, {""});
  bool is_quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_quoted) {
      if (text[i] != '"') {
        rows.back().back() += text[i];
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        rows.back().back() += text[++i];
      } else {
        is_quoted = false;
      }
    } else if (text[i] == '"') {
      is_quoted = true;
    } else if (text[i] == ',') {
      rows.back().emplace_back();
    } else if (text[i] == '\n') {
      rows.push_back({""});
    } else {
      rows.back().back() += text[i];
    }
  }
  EXPECT_EQ(rows.back(), std::vector<std::string>{""}) << "the last line has an end";
  rows.pop_back();
  return rows;
}

TEST(FigureCsv, ReadsBackAsTheSameNumbers) {
  const std::vector<double> x = {0.1, 1.0 / 3.0, 12345678901234567.0, 1e22};
  const std::vector<double> y = {std::numeric_limits<double>::denorm_min(), -0.1 + 0.3, 1e-7,
                                 std::numeric_limits<double>::max()};
  LineChart chart{.x = {.title = "Steps"}};
  chart.lines = {{.name = "a", .x = x, .y = y}};
  const auto rows = fields_of(csv_text(chart));
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_EQ(rows[0], (std::vector<std::string>{"Steps", "a"}));
  for (std::size_t i = 0; i < x.size(); ++i) {
    EXPECT_EQ(std::strtod(rows[i + 1].at(0).c_str(), nullptr), x[i]);
    EXPECT_EQ(std::strtod(rows[i + 1].at(1).c_str(), nullptr), y[i]);
  }
}

TEST(FigureCsv, HasARowForEachXOfAnyLineAndTheEdgesOfBands) {
  LineChart chart{.x = {.title = "Steps"}};
  chart.lines = {{.name = "a", .x = {1, 3}, .y = {10, std::nan("")}, .low = {9, 29}, .high = {11, 31}},
                 {.name = "b", .x = {2, 3}, .y = {5, 6}}};
  EXPECT_EQ(csv_text(chart),
            "Steps,a,a lowest,a highest,b\n"
            "1,10,9,11,\n"
            "2,,,,5\n"
            "3,,29,31,6\n");
}

TEST(FigureCsv, KeepsNamesThatLookLikePartsOfIt) {
  BarChart chart;
  chart.value.title = "Bytes";
  chart.bars = {{"a,b", 1}, {"say \"so\"", 2}, {"two\nlines", 3}, {"", 4}};
  const auto rows = fields_of(csv_text(chart));
  ASSERT_EQ(rows.size(), 5U);
  for (std::size_t i = 0; i < chart.bars.size(); ++i) {
    EXPECT_EQ(rows[i + 1], (std::vector<std::string>{chart.bars[i].name, std::to_string(i + 1)}));
  }
}

TEST(FigureCsv, HoldsAllRoundsOfAGraphAndAllCellsOfAMap) {
  const Graph graph{.nodes = 3, .rounds = {{{0, 1}}, {{1, 2}, {2, 0}}}};
  EXPECT_EQ(csv_text(graph), "round,from,to\n0,0,1\n1,1,2\n1,2,0\n");
  const HeatMap map{.row_title = "worker", .rows = {"0", "1"}, .columns = {"cat", "dog"}, .cells = {{1, 2}, {3, 4}}};
  EXPECT_EQ(csv_text(map), "worker,cat,dog\n0,1,2\n1,3,4\n");
}

TEST(TableCsv, HasTextsAndNumbersAndNothingForWhatIsNoNumber) {
  const Table table{.head = {"class", "F1"}, .rows = {{"cat, tame", 0.5}, {"dog", std::nan("")}}};
  EXPECT_EQ(csv_text(table), "class,F1\n\"cat, tame\",0.5\ndog,\n");
}

}  // namespace
}  // namespace laconic::charts
