#include "report/live.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

namespace laconic {
namespace {

using Json = nlohmann::json;

PageRun example() {
  return {.name = "a", .job = "[job]\n", .metrics = "", .summary = R"({"job": "a", "end": "steps"})", .workers = ""};
}

std::string measurement(int step) { return R"({"type": "measurement", "step": )" + std::to_string(step) + "}"; }

// What the page holds as data, up to the end of its script element.
Json data_of(const std::string& page) {
  const std::string opening = "<script type=\"application/json\" id=\"data\">";
  const std::size_t begin = page.find(opening) + opening.size();
  return Json::parse(page.substr(begin, page.find("</script>", begin) - begin));
}

Json news_of(const LiveRun& run, std::uint64_t from) {
  const std::string text = run.news(from).text;
  EXPECT_EQ(text.find_first_of("\r\n"), std::string::npos) << text;
  return Json::parse(text);
}

TEST(LiveRun, NewsAreTheLinesFromWhereOneIs) {
  LiveRun run(example(), 40, "1-2");
  EXPECT_EQ(news_of(run, 0), Json::parse(R"({"session": "1-2", "from": 0, "step": 0, "steps": 40, "lines": []})"));
  run.add_metric(measurement(10));
  run.add_metric(measurement(20));
  run.step({21});
  EXPECT_EQ(news_of(run, 1), Json::parse(R"({"session": "1-2", "from": 1, "step": 21, "steps": 40,
                                             "lines": [{"type": "measurement", "step": 20}]})"));
  EXPECT_EQ(run.news(1).next, 2u);
  EXPECT_EQ(news_of(run, 2).at("lines").size(), 0u);
}

TEST(LiveRun, WhoClaimsMoreLinesThanThereAreGetsAll) {
  LiveRun run(example(), 40, "1");
  run.add_metric(measurement(10));
  for (const std::uint64_t from : {std::uint64_t{2}, ~std::uint64_t{0}}) {
    EXPECT_EQ(news_of(run, from).at("from"), 0);
    EXPECT_EQ(news_of(run, from).at("lines").size(), 1u);
    EXPECT_EQ(run.news(from).next, 1u);
  }
}

TEST(LiveRun, ManyLinesComeInPartsAndTheSummaryWithTheLast) {
  LiveRun run(example(), 40, "1");
  const int count = static_cast<int>(LiveRun::kMostLines) * 2 + 3;
  for (int line = 0; line < count; ++line) run.add_metric(measurement(line));
  run.end("{\n  \"end\": \"until\",\n  \"error\": \"a\\nb\"\n}\n");
  int next = 0;
  for (std::uint64_t from = 0;;) {
    const LiveRun::News news = run.news(from);
    const Json json = Json::parse(news.text);
    EXPECT_EQ(json.at("from"), from);
    EXPECT_LE(json.at("lines").size(), LiveRun::kMostLines);
    for (const Json& line : json.at("lines")) EXPECT_EQ(line.at("step"), next++);
    EXPECT_EQ(json.contains("summary"), news.is_all);
    if (news.is_all) {
      EXPECT_EQ(json.at("summary"), Json::parse(R"({"end": "until", "error": "a\nb"})"));
      EXPECT_EQ(news.text.find('\n'), std::string::npos);
      break;
    }
    from = news.next;
  }
  EXPECT_EQ(next, count);
}

TEST(LiveRun, PageHoldsWhatThereIsAndWhereItsNewsBegin) {
  LiveRun run(example(), 40, "1-2");
  Json data = data_of(run.page());
  EXPECT_EQ(data.at("live"),
            Json::parse(R"({"session": "1-2", "lines": 0, "step": 0, "steps": 40, "has_ended": false})"));
  EXPECT_EQ(data.at("runs").at(0).at("measurements").size(), 0u);
  for (int line = 0; line < static_cast<int>(LiveRun::kMostLines) + 1; ++line) run.add_metric(measurement(line));
  run.add_metric(R"({"type": "sync", "step": 5})");
  run.step({7});
  data = data_of(run.page());
  EXPECT_EQ(data.at("live").at("lines"), LiveRun::kMostLines + 2);
  EXPECT_EQ(data.at("live").at("step"), 7);
  EXPECT_EQ(data.at("runs").at(0).at("measurements").size(), LiveRun::kMostLines + 1);
  EXPECT_EQ(data.at("runs").at(0).at("syncs"), Json::parse(R"([{"step": 5}])"));
  run.end(R"({"job": "a", "end": "until"})");
  data = data_of(run.page());
  EXPECT_EQ(data.at("live").at("has_ended"), true);
  EXPECT_EQ(data.at("runs").at(0).at("summary").at("end"), "until");
}

TEST(LiveRun, PageMayAskWhereItCameFromAndNowhereElse) {
  const std::string page = LiveRun(example(), 40, "1").page();
  EXPECT_NE(page.find("connect-src 'self';"), std::string::npos);
  EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
  EXPECT_EQ(page.find("@CONNECTS@"), std::string::npos);
}

TEST(LiveRun, LinesOfARunThatGoesOnTakeThePlaceOfThoseBefore) {
  LiveRun run(example(), 40, "1");
  run.add_metric(measurement(1));
  run.set_metrics(measurement(10) + "\n" + measurement(20) + "\n");
  EXPECT_EQ(news_of(run, 0).at("lines").size(), 2u);
  EXPECT_EQ(news_of(run, 0).at("lines").at(1).at("step"), 20);
}

TEST(LiveRun, IsAskedWhileItIsTold) {
  LiveRun run(example(), 5000, "1");
  std::thread teller([&run] {
    for (int step = 0; step < 5000; ++step) {
      run.add_metric(measurement(step));
      run.step({static_cast<std::uint64_t>(step)});
    }
    run.end(R"({"end": "steps"})");
  });
  int next = 0;
  for (bool has_ended = false; !has_ended;) {
    const Json news = news_of(run, static_cast<std::uint64_t>(next));
    for (const Json& line : news.at("lines")) ASSERT_EQ(line.at("step"), next++);
    has_ended = news.contains("summary");
    if (next % 7 == 0) run.page();
  }
  teller.join();
  EXPECT_EQ(next, 5000);
}

}  // namespace
}  // namespace laconic
