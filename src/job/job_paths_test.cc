#include "job/job_paths.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "job/job_test.h"
#include "job/results.h"
#include "job/tiny_job_test.h"
#include "job/wiring.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;
using testing::read_text;
using testing::TemporaryFolder;
using testing::Within;
using testing::write_text;

class JobPaths : public ::testing::Test {
 protected:
  JobPaths() {
    for (const char* folder : {"jobs/deep", "jobs/data", "elsewhere/data", "data"}) {
      fs::create_directories(root_.path(folder));
    }
    fs::create_directory_symlink(root_.path("jobs/deep"), root_.path("elsewhere/link"));
  }

  // A job file with these lines of [data].
  std::string job(const std::string& file, const std::string& data) const {
    const std::string text = testing::tiny_job_text(root_, "a", "name = \"synchronous\"");
    const std::size_t begin = text.find("dir = ");
    write_text(root_.path(file), text.substr(0, begin) + data + text.substr(text.find('\n', begin)));
    return root_.path(file);
  }
  static std::string set_up_refusal(const std::string& file, const std::vector<std::string>& overrides = {}) {
    try {
      set_up(load_job(file, overrides), Purpose::kEvaluate);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "accepted";
  }

  TemporaryFolder root_;
};

const std::vector<std::string> kFolders = {"", "jobs", "jobs/deep", "elsewhere", "elsewhere/link"};
const std::vector<std::string> kPaths = {"data",
                                         "./data",
                                         "../data",
                                         "../../data",
                                         "../elsewhere/link/../x",
                                         "..",
                                         ".",
                                         "a/../data",
                                         "/usr/share",
                                         "link/../data",
                                         "data/x",
                                         "../jobs/deep/",
                                         "{rank}/data",
                                         "name with blanks"};

TEST_F(JobPaths, APathOfAJobFileStartsAtItsFolderFromWhereverItIsOpened) {
  for (const std::string& folder : kFolders) {
    const std::string file = root_.path(folder + "/job.toml");
    const Job job = parse_job_text(joined(kGood), file);
    for (const std::string& path : kPaths) {
      const fs::path meant = fs::weakly_canonical(fs::path(root_.path(folder)) / path);
      for (const std::string& current : kFolders) {
        const Within here(root_.path(current));
        EXPECT_EQ(fs::weakly_canonical(fs::absolute(opened_path(job, path))), meant)
            << path << " of a job in '" << folder << "', opened in '" << current << "'";
      }
    }
  }
}

TEST_F(JobPaths, APathOfTheCommandLineStartsAtTheCurrentFolder) {
  for (const std::string& folder : kFolders) {
    const std::string base = fs::canonical(root_.path(folder)).string();
    for (const std::string& path : kPaths) {
      for (const std::string& current : kFolders) {
        const Within here(root_.path(current));
        Override change{.section = "model", .key = "file", .value = path};
        take_from(base, change);
        EXPECT_EQ(fs::weakly_canonical(fs::path(base) / change.value), fs::weakly_canonical(fs::absolute(path)))
            << path << " in '" << current << "' for a job in '" << folder << "'";
        Override other{.section = "model", .key = "name", .value = path};
        take_from(base, other);
        EXPECT_EQ(other.value, path) << "this is no path";
      }
    }
  }
  const Within here(root_.path("elsewhere"));
  Override graph{.section = "topology", .key = "graph", .value = "file:edges.csv"};
  take_from(root_.path("jobs"), graph);
  EXPECT_EQ(graph.value, "file:../elsewhere/edges.csv");
  Override ring{.section = "topology", .key = "graph", .value = "ring:16"};
  take_from(root_.path("jobs"), ring);
  EXPECT_EQ(ring.value, "ring:16");
}

TEST_F(JobPaths, DataAreFoundBesideTheJobFile) {
  testing::write_tiny_data(root_.path("jobs/data"));
  const std::string file = job("jobs/a.toml", "dir = \"data\"");
  const Within here(root_.path("elsewhere"));
  EXPECT_EQ(set_up_refusal(file), "accepted");
  EXPECT_EQ(set_up_refusal("../jobs/a.toml"), "accepted");
  EXPECT_NE(set_up_refusal(file, {"data.dir=data"}), "accepted") << "elsewhere/data is empty";
  EXPECT_EQ(set_up_refusal(file, {"data.dir=../jobs/data"}), "accepted");
}

TEST_F(JobPaths, WhereOnlyTheCurrentFolderHasTheFileTheMessageSaysHowToWriteIt) {
  testing::write_tiny_data(root_.path("sets"));
  const std::string file = job("jobs/a.toml", "dir = \"sets\"");
  {
    const Within here(root_.path());
    EXPECT_EQ(set_up_refusal("jobs/a.toml"),
              "jobs/a.toml:6: data.dir: there is no jobs/sets: a path in a job file starts at the folder of that file; "
              "for sets in the current folder write dir = \"../sets\"");
    EXPECT_EQ(set_up_refusal(job("jobs/b.toml", "dir = \"../sets\"")), "accepted") << "what it says to write";
  }
  const Within here(root_.path("elsewhere"));
  EXPECT_EQ(set_up_refusal("../jobs/a.toml"), "../jobs/a.toml:6: " + root_.path("jobs/sets") +
                                                  ": no such folder, in which train-images-idx3-ubyte should " +
                                                  "be; check data.dir")
      << "neither folder has it";
}

TEST_F(JobPaths, TheMessageIsOfEveryPath) {
  const std::string gossip = "strategy.name=d_psgd";
  write_text(root_.path("net.pt"), "");
  write_text(root_.path("edges.csv"), "");
  const Within here(root_.path());
  std::string text = with_line(6, "file = \"net.pt\"\nstart = \"net.pt\"") + "[topology]\ngraph = \"file:edges.csv\"\n";
  const Job job = parse_job_text(text, "jobs/a.toml", std::vector<std::string>{gossip});
  const auto refusal = [&](std::string_view section) {
    try {
      with_opened_paths(job, section);
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_EQ(refusal("model").find("jobs/a.toml:7: model.start: there is no jobs/net.pt: "), 0U) << refusal("model");
  EXPECT_EQ(
      refusal("topology"),
      "jobs/a.toml:20: topology.graph: there is no jobs/edges.csv: a path in a job file starts at the folder of that "
      "file; for edges.csv in the current folder write graph = \"file:../edges.csv\"");
  write_text(root_.path("jobs/edges.csv"), "");
  write_text(root_.path("jobs/net.pt"), "");
  EXPECT_EQ(with_opened_paths(job, "topology").text("graph"), "file:jobs/edges.csv");
  EXPECT_EQ(with_opened_paths(job, "model").text("file"), "jobs/net.pt");
  EXPECT_EQ(with_opened_paths(job, "model").text("start"), "jobs/net.pt");
}

TEST_F(JobPaths, ATildeIsTheHomeOfTheUser) {
  const std::string former = std::getenv("HOME") == nullptr ? "" : std::getenv("HOME");
  setenv("HOME", root_.path("jobs").c_str(), 1);
  testing::write_tiny_data(root_.path("jobs/data"));
  const std::string file = job("elsewhere/a.toml", "dir = \"~/data\"");
  EXPECT_EQ(set_up_refusal(file), "accepted");
  EXPECT_EQ(set_up_refusal(job("elsewhere/b.toml", "dir = \"none\""), {"data.dir=~/data"}), "accepted");
  EXPECT_FALSE(has_relative_paths(load_job(file)));
  setenv("HOME", former.c_str(), 1);
}

TEST_F(JobPaths, AResolvedJobNamesTheSameFilesFromAnywhere) {
  testing::write_tiny_data(root_.path("jobs/data"));
  const Job first = load_job(job("jobs/a.toml", "dir = \"data\""));
  const std::string resolved = first.resolved_text();
  EXPECT_EQ(resolved.find("# relative paths are taken from " + root_.path("jobs") + "\n["), 0U) << resolved;
  write_text(root_.path("elsewhere/copy.toml"), resolved);
  const Within here(root_.path("elsewhere"));
  const Job again = load_job("copy.toml");
  EXPECT_EQ(set_up_refusal("copy.toml"), "accepted");
  EXPECT_EQ(again.resolved_text(), resolved);
  EXPECT_EQ(again.identity_here(), first.identity_here());
}

TEST_F(JobPaths, TheSameTextInAnotherFolderIsAnotherJobOfThisMachine) {
  const Job one = load_job(job("jobs/a.toml", "dir = \"data\""));
  const Job other = load_job(job("elsewhere/a.toml", "dir = \"data\""));
  EXPECT_EQ(one.identity(), other.identity()) << "processes on other machines have other folders";
  EXPECT_NE(one.identity_here(), other.identity_here());
  const std::string absolute = "dir = \"" + root_.path("data") + "\"";
  EXPECT_EQ(load_job(job("jobs/b.toml", absolute)).identity_here(),
            load_job(job("elsewhere/b.toml", absolute)).identity_here());
  EXPECT_EQ(load_job(job("jobs/b.toml", absolute)).resolved_text().find("[job]"), 0U) << "no path, no folder";
}

TEST_F(JobPaths, AResolvedJobOfAnEarlierVersionStartsAtTheCurrentFolder) {
  testing::write_tiny_data(root_.path("elsewhere/data"));
  const std::string file = job("jobs/job.resolved.toml", "dir = \"data\"");
  const Within here(root_.path("elsewhere"));
  EXPECT_EQ(set_up_refusal(file), "accepted");
  write_text(file, "# first started in " + root_.path() + "\n" + read_text(file));
  EXPECT_EQ(load_job(file).folder, root_.path()) << "that of a checkpoint";
}

TEST(FolderLine, IsReadAsItIsWrittenOrNotWritten) {
  for (const std::string folder : {"/home/ann", "/", "/a b/#\"x\"\\", "/na\xc3\xafve/\xe6\x95\xb0"}) {
    const std::string line = folder_line(kPathsAreTakenFrom, folder);
    EXPECT_EQ(leading_comment("# another\n" + line + "[job]\n", kPathsAreTakenFrom), folder);
    EXPECT_EQ(leading_comment("[job]\n" + line, kPathsAreTakenFrom), "") << "not among the first lines";
    EXPECT_EQ(parse(line + joined(kGood)).folder, folder);
  }
  for (const std::string folder : {"", "/a\nb", "/a\x7f", "/\xff", "/\xc3", "/\x80",
                                   "/\xc3"
                                   "a"}) {
    EXPECT_EQ(folder_line(kPathsAreTakenFrom, folder), "");
  }
  for (const std::string text : {"#", "# ", "# relative paths are taken from ", "# relative paths are taken from x"}) {
    EXPECT_EQ(folder_of_paths(text, "job.toml"), fs::current_path().string()) << text;
  }
}

}  // namespace
}  // namespace laconic
