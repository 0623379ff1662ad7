// examples/comparison: its own job files, swept and drawn.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/commands_test.h"

namespace laconic {
namespace {

const std::string kFolder = "examples/comparison/";

class ComparisonExample : public CommandTest {};

TEST_F(ComparisonExample, SweepsItsThreeJobsOverThreeSeedsAndMakesOnePage) {
  std::vector<std::string> words;
  for (const char* job : {"fda", "periodic", "choco"}) words.push_back(kFolder + job + ".toml");
  words.emplace_back("seed=1..3");
  // Its jobs on little images and for a moment; all else is as it is in the files.
  const std::vector<std::string> shorter = {"job.steps=20",
                                            "evaluation.every=10 steps",
                                            "data.dataset=mnist",
                                            "data.dir=" + root_.path("data"),
                                            "data.batch=8",
                                            "workers.threads=1",
                                            "output.dir=" + root_.path("runs/example")};
  EXPECT_EQ(sweep_command(console_, {.jobs_and_values = words, .overrides = shorter}), ExitCode::kDone);
  const std::string table = printed();
  EXPECT_NE(table.find("Ranked by validation accuracy."), std::string::npos) << table;
  const std::string folder = root_.path("runs/example.sweep");
  const auto json = nlohmann::json::parse(testing::read_text(folder + "/sweep.json"));
  ASSERT_EQ(json.at("groups").size(), 3U);
  for (const auto& group : json.at("groups")) {
    EXPECT_EQ(group.at("runs"), 3);
    EXPECT_EQ(group.at("name"), group.at("strategy"));
    EXPECT_TRUE(group.at("rank").is_number());
  }
  ReportArguments report{.folders = {folder}, .output = {}};
  report.charts = {{charts::Format::kSvg, ""}, {charts::Format::kPng, ""}};
  EXPECT_EQ(report_command(console_, report), ExitCode::kDone);
  for (const char* file : {"svg", "png", "csv"}) {
    EXPECT_TRUE(exists("runs/example.sweep/charts/validation_accuracy." + std::string(file))) << file;
  }
  const std::string page = testing::read_text(folder + "/report.html");
  EXPECT_NE(page.find("\"title\":\"Validation accuracy\""), std::string::npos);
  EXPECT_NE(page.find("\"high\":["), std::string::npos) << "a band over the seeds";
}

}  // namespace
}  // namespace laconic
