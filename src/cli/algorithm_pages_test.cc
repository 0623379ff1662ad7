// docs/algorithms: the pages written by hand beside the table of strategies.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "job/job.h"
#include "job/tiny_job_test.h"
#include "protocol/strategy.h"
#include "strategies/registry.h"

namespace laconic {
namespace {

const std::string kFolder = "docs/algorithms/";
const std::string kChooser = "README";

std::set<std::string> pages() {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    EXPECT_EQ(entry.path().extension(), ".md") << entry.path();
    names.insert(entry.path().stem().string());
  }
  return names;
}

std::string page(const std::string& name) { return testing::read_text(kFolder + name + ".md"); }

// What stands between lines "```toml" and "```".
std::vector<std::string> jobs_of(const std::string& text) {
  std::vector<std::string> jobs;
  bool inside = false;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line == "```toml") {
      EXPECT_FALSE(inside);
      inside = true;
      jobs.emplace_back();
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      jobs.back() += line + "\n";
    }
  }
  EXPECT_FALSE(inside);
  return jobs;
}

// The targets "(...)" of a text's links, without those to other sites.
std::vector<std::string> links_of(const std::string& text) {
  std::vector<std::string> targets;
  for (std::size_t at = text.find("]("); at != std::string::npos; at = text.find("](", at + 2)) {
    const std::string target = text.substr(at + 2, text.find(')', at) - at - 2);
    if (!target.starts_with("https://")) targets.push_back(target);
  }
  return targets;
}

TEST(AlgorithmPages, AreOneForEachStrategyAndTheChooser) {
  std::set<std::string> expected{kChooser};
  for (const StrategyRow* row : strategies()) expected.emplace(row->name);
  EXPECT_EQ(pages(), expected);
}

TEST(AlgorithmPages, HaveAJobOfTheirStrategyThatParses) {
  const testing::TemporaryFolder folder;
  for (const StrategyRow* row : strategies()) {
    const std::string name(row->name);
    const std::vector<std::string> jobs = jobs_of(page(name));
    EXPECT_FALSE(jobs.empty()) << name;
    for (const std::string& text : jobs) {
      const std::string path = folder.path(name + ".toml");
      testing::write_text(path, text);
      try {
        const Job job = load_job(path);
        EXPECT_EQ(job.strategy, row) << name;
      } catch (const UsageError& error) {
        ADD_FAILURE() << kFolder << name << ".md: " << error.what();
      }
    }
  }
}

TEST(AlgorithmPages, LinkToFilesThatAreThere) {
  for (const std::string& name : pages()) {
    for (const std::string& target : links_of(page(name))) {
      const std::string file = target.substr(0, target.find('#'));
      EXPECT_TRUE(file.empty() || std::filesystem::exists(kFolder + file)) << name << ".md: " << target;
    }
  }
}

TEST(AlgorithmPages, AreAllInTheChooser) {
  const std::vector<std::string> links = links_of(page(kChooser));
  const std::set<std::string> found(links.begin(), links.end());
  for (const StrategyRow* row : strategies()) {
    EXPECT_TRUE(found.contains(std::string(row->name) + ".md")) << row->name;
  }
}

}  // namespace
}  // namespace laconic
