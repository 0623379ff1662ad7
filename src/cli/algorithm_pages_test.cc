// docs/algorithms: the pages written by hand beside the table of strategies.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "cli/markdown_test.h"
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

TEST(AlgorithmPages, AreOneForEachStrategyAndTheChooser) {
  std::set<std::string> expected{kChooser};
  for (const StrategyRow* row : strategies()) expected.emplace(row->name);
  EXPECT_EQ(pages(), expected);
}

TEST(AlgorithmPages, HaveJobsOfTheirStrategy) {
  const testing::TemporaryFolder folder;
  for (const StrategyRow* row : strategies()) {
    const std::string name(row->name);
    std::size_t jobs = 0;
    for (const testing::CodeBlock& block : testing::read_markdown(page(name)).blocks) {
      if (block.language != "toml") continue;
      ++jobs;
      const std::string path = folder.path(name + ".toml");
      testing::write_text(path, block.text);
      EXPECT_EQ(load_job(path).strategy, row) << name;
    }
    EXPECT_GT(jobs, 0U) << name;
  }
}

TEST(AlgorithmPages, AreAllInTheChooser) {
  const std::vector<std::string> links = testing::read_markdown(page(kChooser)).links;
  const std::set<std::string> found(links.begin(), links.end());
  for (const StrategyRow* row : strategies()) {
    EXPECT_TRUE(found.contains(std::string(row->name) + ".md")) << row->name;
  }
}

}  // namespace
}  // namespace laconic
