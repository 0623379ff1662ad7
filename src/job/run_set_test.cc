#include "job/run_set.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "job/tiny_job_test.h"

namespace laconic {
namespace {

using testing::TemporaryFolder;
using testing::write_text;

class RunSets : public ::testing::Test {
 protected:
  // Results as a run leaves them, without having run.
  void store(const std::string& folder, const std::string& name, const std::vector<std::string>& changes,
             double accuracy, const std::string& strategy = "name = \"fda\"\nthreshold = 0.5") {
    const Job job = parse_job_text(testing::tiny_job_text(root_, name, strategy), name + ".toml", changes);
    Summary summary;
    summary.program_version = "0.1.0";
    summary.job = job.name;
    summary.strategy = job.strategy->name;
    summary.dataset = "mnist";
    summary.seed = job.seed;
    summary.steps = 10;
    Measurement newest;
    newest.test = {.loss = 1.0, .accuracy = accuracy, .samples = 10};
    summary.newest = newest;
    const std::string path = root_.path(folder);
    std::filesystem::create_directories(path);
    write_text(path + "/job.resolved.toml", job.resolved_text());
    write_text(path + "/summary.json", summary_text(summary));
    write_text(path + "/metrics.jsonl",
               R"({"type": "measurement", "step": 10, "test": {"accuracy": 0.5}, "traffic": {}})");
  }
  RunSet set_of(const std::vector<std::string>& folders) {
    RunSet set;
    for (const std::string& folder : folders) add_runs(root_.path(folder), set);
    return set;
  }
  std::string refusal(const std::vector<std::string>& folders) {
    try {
      set_of(folders);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "accepted";
  }
  static std::vector<std::string> names_of(const Comparison& comparison) {
    std::vector<std::string> names;
    for (const ComparedGroup& group : comparison.groups) names.push_back(group.name);
    return names;
  }
  void write_sweep(const std::string& folder, const std::vector<std::string>& runs) {
    nlohmann::json json = {{"runs", nlohmann::json::array()}};
    for (const std::string& run : runs) json["runs"].push_back({{"folder", "moved/since/" + run}});
    write_text(root_.path(folder + "/sweep.json"), json.dump());
  }

  TemporaryFolder root_;
};

using Names = std::vector<std::string>;

TEST_F(RunSets, GroupRunsThatDifferInTheirSeedAloneWhateverTheirNames) {
  store("a1", "fda_seed1", {"job.seed=1"}, 0.5);
  store("a2", "fda_seed2", {"job.seed=2"}, 0.7);
  store("b", "other", {"job.seed=1", "data.batch=16"}, 0.6);
  const Comparison comparison = compare_set(set_of({"a1", "a2", "b"}));
  EXPECT_EQ(names_of(comparison), (Names{"fda", "other"}));
  EXPECT_DOUBLE_EQ(comparison.groups[0].test.mean, 0.6);
  EXPECT_EQ(comparison.groups[0].runs.size(), 2U);
}

TEST_F(RunSets, TellGroupsOfOneNameApartByTheKeysInWhichTheyDiffer) {
  store("a", "x", {"strategy.threshold=1"}, 0.5);
  store("b", "x", {"strategy.threshold=2"}, 0.5);
  store("c", "x", {"strategy.threshold=2", "data.batch=16"}, 0.5);
  EXPECT_EQ(names_of(compare_set(set_of({"a", "b", "c"}))),
            (Names{"x, batch=8, threshold=1", "x, batch=8, threshold=2", "x, batch=16, threshold=2"}));
  // Of several strategies their names are enough.
  store("d", "x", {}, 0.5, "name = \"periodic\"\nperiod = 10");
  EXPECT_EQ(names_of(compare_set(set_of({"a", "d"}))), (Names{"x, name=fda", "x, name=periodic"}));
}

TEST_F(RunSets, TakeTheSameSeedTwiceAsTwoGroupsAndTheSameFolderOnce) {
  store("here/a", "a", {}, 0.5);
  store("there/a", "a", {}, 0.5);
  const RunSet set = set_of({"here/a", "there/a", "here/../here/a"});
  EXPECT_EQ(names_of(compare_set(set)), (Names{"a (here/a)", "a (there/a)"}));
  ASSERT_EQ(set.left_out.size(), 1U);
  EXPECT_NE(set.left_out[0].find("is given twice"), std::string::npos);
}

TEST_F(RunSets, OfASweepAreThoseThatItsFileNames) {
  store("s.sweep/seed=1", "a", {"job.seed=1"}, 0.5);
  store("s.sweep/seed=2", "a", {"job.seed=2"}, 0.5);
  store("s.sweep/seed=9", "a", {"job.seed=9"}, 0.5);
  write_sweep("s.sweep", {"seed=1", "seed=2", "seed=3", "..", ""});
  const RunSet set = set_of({"s.sweep"});
  EXPECT_EQ(set.runs.size(), 2U) << "an earlier sweep left one more";
  ASSERT_EQ(set.left_out.size(), 1U);
  EXPECT_EQ(set.left_out[0].find(root_.path("s.sweep/seed=3")), 0U) << set.left_out[0];
  EXPECT_EQ(names_of(compare_set(set)), (Names{"a"}));
}

TEST_F(RunSets, OfASweepThatHasNotEndedOrIsDamagedAreThoseThatAreThereAndTheRestIsTold) {
  store("s.sweep/seed=1", "a", {"job.seed=1"}, 0.5);
  store("s.sweep/seed=2", "a", {"job.seed=2"}, 0.5);
  store("s.sweep/seed=2.failed", "a", {"job.seed=2"}, 0.1);
  std::filesystem::create_directories(root_.path("s.sweep/.seed=3.tmp"));
  std::filesystem::create_directories(root_.path("s.sweep/seed=1.checkpoint"));
  std::filesystem::create_directories(root_.path("s.sweep/seed=4"));
  RunSet set = set_of({"s.sweep"});
  EXPECT_EQ(set.runs.size(), 2U);
  EXPECT_EQ(set.left_out.size(), 3U) << "no sweep.json, a run that goes on, an empty folder";

  write_text(root_.path("s.sweep/sweep.json"), "{\"runs\": [{\"fold");
  write_text(root_.path("s.sweep/seed=2/summary.json"), "{\"program\": \"laconic 0.");
  set = set_of({"s.sweep"});
  EXPECT_EQ(set.runs.size(), 1U);
  const auto tells = [&](const std::string& part) {
    return std::any_of(set.left_out.begin(), set.left_out.end(),
                       [&](const std::string& line) { return line.find(part) != std::string::npos; });
  };
  EXPECT_TRUE(tells("sweep.json: is no list of runs"));
  EXPECT_TRUE(tells("seed=2/summary.json: "));
  for (const std::string& line : set.left_out) EXPECT_EQ(line.find('\n'), std::string::npos) << line;

  // A page needs more of a run than its summary.
  store("s.sweep/seed=2", "a", {"job.seed=2"}, 0.5);
  write_text(root_.path("s.sweep/seed=2/metrics.jsonl"), "{\"type\": \"measur");
  set = set_of({"s.sweep"});
  check_pages(set);
  EXPECT_EQ(set.runs.size(), 1U);
  EXPECT_TRUE(tells("seed=2/metrics.jsonl:1: is no JSON"));
  RunSet alone = set_of({"s.sweep/seed=2"});
  EXPECT_THROW(check_pages(alone), UsageError) << "it was given by its own folder";
}

TEST_F(RunSets, OfAFolderOfRunsThatIsNoSweepAreItsRuns) {
  store("runs/a", "a", {}, 0.5);
  store("runs/b", "b", {"data.batch=16"}, 0.5);
  RunSet set = set_of({"runs"});
  EXPECT_EQ(set.runs.size(), 2U);
  EXPECT_TRUE(set.left_out.empty()) << set.left_out.front();
  store("runs/s.sweep/seed=1", "a", {"job.seed=1"}, 0.5);
  set = set_of({"runs"});
  EXPECT_EQ(set.runs.size(), 2U);
  ASSERT_EQ(set.left_out.size(), 1U);
  EXPECT_NE(set.left_out[0].find("runs/s.sweep: left out, it is a sweep"), std::string::npos) << set.left_out[0];
}

TEST_F(RunSets, RefuseFoldersWithoutAnyRunInOneLine) {
  std::filesystem::create_directories(root_.path("empty/folder"));
  EXPECT_NE(refusal({"empty"}).find("holds no summary.json of a run, and no sweep"), std::string::npos);
  EXPECT_NE(refusal({"nowhere"}).find("no such folder"), std::string::npos);
  write_text(root_.path("empty/sweep.json"), "{}");
  EXPECT_NE(refusal({"empty"}).find("no run of this sweep can be read"), std::string::npos);
  store("a", "a", {}, 0.5);
  write_text(root_.path("a/summary.json"), "{}");
  EXPECT_NE(refusal({"a"}).find("a/summary.json: no summary of a run"), std::string::npos);
}

TEST_F(RunSets, OfAJobThatThisProgramCannotReadAreGroupsOfTheirOwn) {
  store("a", "a", {"job.seed=1"}, 0.5);
  store("b", "a", {"job.seed=2"}, 0.5);
  for (const char* run : {"a", "b"})
    write_text(root_.path(std::string(run) + "/job.resolved.toml"), "[future]\nkey = 1\n");
  const Comparison comparison = compare_set(set_of({"a", "b"}));
  ASSERT_EQ(comparison.groups.size(), 2U);
  EXPECT_NE(comparison.groups[0].name, comparison.groups[1].name);
}

TEST_F(RunSets, GiveTheTextsOfTheirRunsByGroup) {
  store("a1", "a", {"job.seed=1"}, 0.5);
  store("b", "b", {"job.seed=1", "data.batch=16"}, 0.5);
  store("a2", "a", {"job.seed=2"}, 0.5);
  const RunSet set = set_of({"a1", "b", "a2"});
  const auto pages = pages_of(set, compare_set(set));
  ASSERT_EQ(pages.size(), 2U);
  EXPECT_EQ(pages[0].name, "a");
  ASSERT_EQ(pages[0].runs.size(), 2U);
  EXPECT_EQ(pages[0].runs[1].name, "a2");
  EXPECT_EQ(pages[1].runs.size(), 1U);
}

}  // namespace
}  // namespace laconic
