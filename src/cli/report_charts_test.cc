// `laconic report --svg`: the charts of a run's page as files.
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "base/error.h"
#include "cli/commands_test.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;

using ReportCharts = CommandTest;

std::set<std::string> files_in(const std::string& folder) {
  std::set<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    names.insert(entry.path().filename().string());
  return names;
}

// The numbers of a CSV file by column; empty fields are left out. The names of the tests' columns need no quotes.
std::map<std::string, std::vector<double>> columns_of(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  std::vector<std::string> heads;
  std::istringstream head(line);
  for (std::string field; std::getline(head, field, ',');) heads.push_back(field);
  std::map<std::string, std::vector<double>> columns;
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::size_t column = 0;
    for (std::string field; std::getline(fields, field, ','); ++column) {
      double number = 0.0;
      if (field.empty()) continue;
      EXPECT_EQ(std::from_chars(field.data(), field.data() + field.size(), number).ec, std::errc()) << field;
      columns[heads.at(column)].push_back(number);
    }
  }
  return columns;
}

TEST_F(ReportCharts, AreFilesWithTheNumbersOfTheMeasurements) {
  run(job("a"));
  const std::string folder = root_.path("runs/a");
  printed();
  ReportArguments arguments{.folders = {folder}, .output = ""};
  arguments.charts = {
      {charts::Format::kSvg, ""}, {charts::Format::kPng, ""}, {charts::Format::kPdf, root_.path("pdf")}};
  EXPECT_EQ(report_command(console_, arguments), ExitCode::kDone);
  const std::string told = printed();
  EXPECT_NE(told.find(folder + "/report.html\n"), std::string::npos) << told;
  EXPECT_NE(told.find(folder + "/charts: "), std::string::npos) << told;
  EXPECT_NE(told.find(" charts as SVG, numbers as CSV\n"), std::string::npos) << told;

  const std::set<std::string> files = files_in(folder + "/charts");
  const std::set<std::string> pdfs = files_in(root_.path("pdf"));
  std::size_t charts = 0;
  std::size_t tables = 0;
  for (const std::string& name : files) {
    if (!name.ends_with(".csv")) continue;
    const std::string stem = name.substr(0, name.size() - 4);
    EXPECT_EQ(testing::read_text(folder + "/charts/" + name), testing::read_text(root_.path("pdf/" + name)));
    if (stem == "classes" || stem == "workers") {
      ++tables;
      continue;
    }
    EXPECT_TRUE(files.contains(stem + ".svg") && files.contains(stem + ".png") && pdfs.contains(stem + ".pdf")) << stem;
    ++charts;
  }
  EXPECT_EQ(tables, 2U) << "are not drawn";
  EXPECT_EQ(files.size(), 3 * charts + tables);
  for (const char* name :
       {"accuracy", "loss", "variance_estimate", "bytes", "bytes_by_kind", "bytes_by_worker", "labels_by_worker"}) {
    EXPECT_TRUE(files.contains(std::string(name) + ".csv")) << name;
  }

  // The same numbers as metrics.jsonl has.
  std::map<std::string, std::vector<double>> measured;
  std::istringstream metrics(testing::read_text(folder + "/metrics.jsonl"));
  for (std::string line; std::getline(metrics, line);) {
    const nlohmann::json row = nlohmann::json::parse(line);
    if (row.at("type") == "sync") {
      measured["syncs"].push_back(row.at("watched").at("variance_estimate").get<double>());
      continue;
    }
    measured["steps"].push_back(row.at("step").get<double>());
    measured["accuracy"].push_back(row.at("test").at("accuracy").get<double>());
    measured["bytes"].push_back(row.at("wire_bytes").get<double>());
  }
  ASSERT_GT(measured["steps"].size(), 1U);
  ASSERT_GT(measured["syncs"].size(), 0U);
  auto accuracy = columns_of(folder + "/charts/accuracy.csv");
  EXPECT_EQ(accuracy["Steps"], measured["steps"]);
  EXPECT_EQ(accuracy["test"], measured["accuracy"]);
  EXPECT_EQ(columns_of(folder + "/charts/bytes.csv")["all"], measured["bytes"]);
  auto variance = columns_of(folder + "/charts/variance_estimate.csv");
  EXPECT_EQ(variance["synchronisations"], measured["syncs"]);
  EXPECT_EQ(variance["threshold"].front(), 0.05);
}

TEST_F(ReportCharts, StandAgainstWhatIsAskedFor) {
  run(job("a"));
  ReportArguments arguments{.folders = {root_.path("runs/a")}, .output = root_.path("page.html")};
  arguments.charts = {{charts::Format::kSvg, ""}};
  arguments.against = "bytes";
  arguments.logarithmic = true;
  EXPECT_EQ(report_command(console_, arguments), ExitCode::kDone);
  auto accuracy = columns_of(root_.path("charts/accuracy_against_bytes.csv"));
  EXPECT_TRUE(std::is_sorted(accuracy.at("Bytes").begin(), accuracy.at("Bytes").end()));
  EXPECT_FALSE(exists("charts/bytes_against_bytes.csv"));
  EXPECT_EQ(accuracy.at("Bytes").back(), summary("a").at("wire_bytes").get<double>());
  EXPECT_GT(accuracy.at("Bytes").back(), 0.0);
  // Nobody knows the bytes at a synchronisation.
  EXPECT_TRUE(exists("charts/variance_estimate.csv"));
  arguments.against = "weeks";
  try {
    report_command(console_, arguments);
    FAIL() << "accepted";
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(), "--against: 'weeks' is no axis; give one of steps, epochs, bytes, time");
  }
}

TEST_F(ReportCharts, GoAwayWithTheResultsThatTheyAreOf) {
  const std::string path = job("a");
  run(path);
  ReportArguments arguments{.folders = {root_.path("runs/a")}, .output = ""};
  arguments.charts = {{charts::Format::kSvg, ""}};
  EXPECT_EQ(report_command(console_, arguments), ExitCode::kDone);
  EXPECT_TRUE(exists("runs/a/charts/accuracy.svg"));
  EXPECT_EQ(run(path, {"job.seed=7"}), ExitCode::kDone);
  EXPECT_FALSE(exists("runs/a/charts"));
}

TEST_F(ReportCharts, AreRefusedInOneLineWhereTheyHaveNoPlace) {
  run(job("a"));
  testing::write_text(root_.path("file"), "");
  const auto refusal = [&](const std::string& folder) {
    ReportArguments arguments{.folders = {root_.path("runs/a")}, .output = root_.path("page.html")};
    arguments.charts = {{charts::Format::kPng, folder}};
    try {
      report_command(console_, arguments);
    } catch (const UsageError& error) {
      EXPECT_FALSE(exists("page.html")) << "nothing is written";
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_EQ(refusal(root_.path("file")), root_.path("file") + ": is a file; give a folder after --png");
  EXPECT_EQ(refusal(root_.path("out.PNG")),
            root_.path("out.PNG") + ": --png takes a folder, as there are several charts; give one, such as charts");
  EXPECT_FALSE(exists("out.PNG"));
  EXPECT_EQ(refusal(root_.path("file/charts")),
            root_.path("file/charts") + ": the folder cannot be made (Not a directory); give another one after --png");
}

TEST_F(ReportCharts, StayInTheirFolderWhateverARunWatched) {
  run(job("a"));
  const std::string folder = root_.path("runs/a");
  std::string metrics = testing::read_text(folder + "/metrics.jsonl");
  const std::string name = "variance_estimate";
  for (std::size_t at = metrics.find(name); at != std::string::npos; at = metrics.find(name, at + 1)) {
    metrics.replace(at, name.size(), "../../../escaped");
  }
  testing::write_text(folder + "/metrics.jsonl", metrics);
  const auto before = files_in(root_.path(""));
  ReportArguments arguments{.folders = {folder}, .output = ""};
  arguments.charts = {{charts::Format::kSvg, ""}};
  EXPECT_EQ(report_command(console_, arguments), ExitCode::kDone);
  EXPECT_TRUE(exists("runs/a/charts/_________escaped.csv"));
  EXPECT_EQ(files_in(root_.path("")), before);
  EXPECT_EQ(files_in(root_.path("runs")), std::set<std::string>{"a"});
}

}  // namespace
}  // namespace laconic
