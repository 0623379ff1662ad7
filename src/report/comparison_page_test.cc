#include "report/comparison_page.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>

#include "base/error.h"

namespace laconic {
namespace {

using Json = nlohmann::json;

PageRun run_of(double accuracy) {
  const Json line = {{"type", "measurement"},
                     {"step", 10},
                     {"epoch", 1},
                     {"time_s", 2},
                     {"wire_bytes", 3},
                     {"test", {{"accuracy", accuracy}}},
                     {"traffic", Json::object()}};
  return {.name = "a",
          .job = "[job]\n",
          .metrics = line.dump() + "\n",
          .summary = R"({"program": "laconic 0.1.0", "steps": 10, "wire_bytes": 3, "traffic": {}, "finished": true})",
          .workers = R"({"labels": [[1, 2]]})"};
}

// Of the groups of these names, each with two runs.
std::string page_of(const std::vector<std::string>& names) {
  std::vector<ComparedRun> runs;
  std::vector<RunGroup> groups;
  for (const std::string& name : names) {
    groups.push_back({.name = name, .marks = {}, .runs = {run_of(0.25), run_of(0.75)}});
    for (const char* seed : {"1", "2"}) {
      ComparedRun run{
          .group = name, .settings = {{"job", name}}, .seed = seed, .folder = "runs/" + name, .figures = {}};
      run.figures.finished = true;
      run.figures.accuracy = 0.5;
      runs.push_back(run);
    }
  }
  return comparison_page(compare_runs(runs), groups);
}

// As a browser finds it: up to the end of its script element.
Json data_of(const std::string& page) {
  const std::string opening = "<script type=\"application/json\" id=\"data\">";
  const std::size_t begin = page.find(opening) + opening.size();
  return Json::parse(page.substr(begin, page.find("</script>", begin) - begin));
}

TEST(ComparisonPage, HoldsTheGroupsAndTheirChartsAsNumbers) {
  const Json data = data_of(page_of({"a", "b"}));
  ASSERT_EQ(data.at("groups").size(), 2U);
  EXPECT_EQ(data.at("groups").at(1).at("name"), "b");
  EXPECT_EQ(data.at("groups").at(0).at("workers"), Json::parse(R"({"labels": [[1, 2]]})"));
  EXPECT_EQ(data.at("comparison").at("groups").at(0).at("accuracy").at("mean"), 0.5);
  EXPECT_EQ(data.at("charts").at("positions").at(0),
            Json::parse(R"({"step": [10.0], "epoch": [1.0], "bytes": [3.0], "time": [2.0]})"));
  const Json& accuracy = data.at("charts").at("charts").at(0);
  EXPECT_EQ(accuracy.at("title"), "Test accuracy");
  EXPECT_EQ(accuracy.at("lines").at(1),
            Json::parse(R"({"name": "b", "runs": 2, "positions": 1, "style": 1, "mean": [0.5], "low": [0.25],
                            "high": [0.75]})"));
}

TEST(ComparisonPage, NamesNothingOutsideItselfAndKeepsTextsThatLookLikePartsOfAPage) {
  const std::string name = "</script><!-- @SCRIPT@ @STYLE@ \xff";
  const std::string page = page_of({name});
  EXPECT_EQ(data_of(page).at("groups").at(0).at("name"), "</script><!-- @SCRIPT@ @STYLE@ \xEF\xBF\xBD");
  const std::string plain = page_of({"a"});
  for (const char* outward : {"src=", "href=\"http", "url(http", "@import"}) {
    EXPECT_EQ(plain.find(outward), std::string::npos) << outward;
  }
  EXPECT_NE(plain.find("connect-src 'none'"), std::string::npos);
  std::smatch left;
  EXPECT_FALSE(std::regex_search(plain, left, std::regex("@[A-Z_]+@"))) << left.str();
}

TEST(ComparisonPage, OfManyGroupsLeavesOutTheirWorkers) {
  std::vector<std::string> names;
  for (int i = 0; i < 40; ++i) names.push_back("group " + std::to_string(i));
  const Json data = data_of(page_of(names));
  for (const Json& group : data.at("groups")) EXPECT_FALSE(group.contains("workers"));
}

}  // namespace
}  // namespace laconic
