#include "report/page.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>

#include "base/error.h"
#include "report/workers.h"

namespace laconic {
namespace {

using Json = nlohmann::json;

PageRun example() {
  return {.name = "a",
          .job = "[job]\nname = \"a\"\n",
          .metrics = R"({"type": "measurement", "step": 1})"
                     "\n"
                     R"({"type": "sync", "step": 2})"
                     "\n",
          .summary = R"({"job": "a"})",
          .workers = ""};
}

// What the page holds as data, as a browser finds it: up to the end of its script element.
Json data_of(const std::string& page) {
  const std::string opening = "<script type=\"application/json\" id=\"data\">";
  const std::size_t begin = page.find(opening) + opening.size();
  return Json::parse(page.substr(begin, page.find("</script>", begin) - begin));
}

TEST(ReportPage, HoldsTheRecordsOfTheRun) {
  PageRun run = example();
  run.workers = R"({"labels": [[1, 2]]})";
  const Json data = data_of(report_page(run));
  ASSERT_EQ(data.at("runs").size(), 1U);
  EXPECT_EQ(data.at("runs").at(0), Json::parse(R"({"name": "a", "job": "[job]\nname = \"a\"\n", "summary": {"job": "a"},
                                                   "workers": {"labels": [[1, 2]]},
                                                   "measurements": [{"step": 1}], "syncs": [{"step": 2}]})"));
}

TEST(ReportPage, NamesNothingOutsideItself) {
  const PageRun run = example();
  const std::string page = report_page(run);
  for (const char* outward : {"src=", "href=\"http", "url(http", "@import"}) {
    EXPECT_EQ(page.find(outward), std::string::npos) << outward;
  }
  EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
  EXPECT_NE(page.find("connect-src 'none'"), std::string::npos);
  // Every "@NAME@" of the template has been filled in.
  std::smatch left;
  EXPECT_FALSE(std::regex_search(page, left, std::regex("@[A-Z_]+@"))) << left.str();
}

TEST(ReportPage, KeepsTextsThatLookLikePartsOfAPage) {
  PageRun run = example();
  run.name = "</script><!-- @SCRIPT@ @STYLE@ \xff";
  const Json data = data_of(report_page(run));
  EXPECT_EQ(data.at("runs").at(0).at("name"), "</script><!-- @SCRIPT@ @STYLE@ \xEF\xBF\xBD");
}

TEST(ReportPage, IsRefusedOfTextsThatAreNoResults) {
  const auto refusal = [](auto change) {
    PageRun run = example();
    change(run);
    try {
      report_page(run);
    } catch (const DecodeError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_EQ(refusal([](PageRun& run) { run.summary = "{"; }).find("summary.json: "), 0U);
  EXPECT_EQ(refusal([](PageRun& run) { run.workers = "{"; }).find("workers.json: "), 0U);
  EXPECT_EQ(refusal([](PageRun& run) { run.metrics += "{"; }).find("metrics.jsonl:3: "), 0U);
  EXPECT_EQ(refusal([](PageRun& run) { run.metrics += "[1]\n"; }).find("metrics.jsonl:3: "), 0U);
  EXPECT_EQ(refusal([](PageRun& run) { run.metrics += "{\"type\": 3}\n"; }).find("metrics.jsonl:3: "), 0U);
}

TEST(WorkersText, HasLabelsAndTheLinksOfEachRound) {
  WorkersRecord record;
  EXPECT_EQ(Json::parse(workers_text(record)), Json::object());
  record.labels = {{1, 0}, {2, 5}};
  record.users = {{"Oslo"}, {"Bonn", "R\xf8"}};
  EXPECT_EQ(Json::parse(workers_text(record)),
            Json::parse(R"({"labels": [[1, 0], [2, 5]], "users": [["Oslo"], ["Bonn", "R\ufffd"]]})"));
  record.users = {};
  record.graph = {.nodes = 2, .directed = true, .period = 2, .rounds = {{{0, 1}}, {{1, 0}, {0, 1}}}};
  EXPECT_EQ(Json::parse(workers_text(record)), Json::parse(R"({"labels": [[1, 0], [2, 5]],
    "graph": {"nodes": 2, "directed": true, "period": 2, "rounds": [[[0, 1]], [[1, 0], [0, 1]]]}})"));
}

TEST(ReportPage, SaysWhichFileDoesNotHoldWhatItShows) {
  PageRun good = example();
  good.summary = R"({"steps": 3, "wire_bytes": 10, "traffic": {}})";
  good.metrics = R"({"type": "measurement", "step": 1, "test": {}, "traffic": {}})"
                 "\n";
  good.workers = R"({"labels": [[1, 2]]})";
  EXPECT_NO_THROW(check_page_run(good));
  const auto refusal = [&](std::string PageRun::*part, const std::string& text) {
    PageRun run = good;
    run.*part = text;
    try {
      check_page_run(run);
    } catch (const DecodeError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_EQ(refusal(&PageRun::summary, R"({"steps": "many", "wire_bytes": 10, "traffic": {}})"),
            "summary.json: 'steps' is missing or of another kind");
  EXPECT_EQ(refusal(&PageRun::summary, "[]"), "summary.json: 'steps' is missing or of another kind");
  EXPECT_EQ(refusal(&PageRun::metrics, good.metrics + R"({"type": "measurement", "step": 2, "traffic": {}})"),
            "metrics.jsonl: 2. of the measurements: 'test' is missing or of another kind");
  EXPECT_EQ(refusal(&PageRun::metrics, good.metrics + R"({"type": "measur)"),
            "metrics.jsonl:2: is no JSON: it is cut, or was changed");
  EXPECT_EQ(refusal(&PageRun::workers, R"({"labels": []})"), "workers.json: 'labels' is no table");
}

}  // namespace
}  // namespace laconic
