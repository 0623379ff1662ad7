#include "job/job_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/error.h"
#include "job/tiny_job_test.h"

namespace laconic {
namespace {

using testing::TemporaryFolder;
using testing::Within;
using testing::write_text;

std::string answer(const std::string& path) {
  try {
    return "read: " + read_job_file(path);
  } catch (const UsageError& error) {
    return error.what();
  }
}

class JobFiles : public ::testing::Test {
 protected:
  TemporaryFolder root_;
  Within here_{root_.path()};
};

TEST_F(JobFiles, AreReadAsTheyAre) {
  write_text("a.toml", "[job]\r\nsteps = 1");
  write_text("empty.toml", "");
  write_text("no ending", "x");
  EXPECT_EQ(answer("a.toml"), "read: [job]\r\nsteps = 1");
  EXPECT_EQ(answer("empty.toml"), "read: ");
  EXPECT_EQ(answer("no ending"), "read: x");
}

TEST_F(JobFiles, ThatAreNotThereNameTheNearest) {
  EXPECT_EQ(answer("fda.toml"), "fda.toml: no such job file");
  write_text("fda.toml", "");
  EXPECT_EQ(answer("fda.tml"), "fda.tml: no such job file; did you mean fda.toml?");
  EXPECT_EQ(answer("fda"), "fda: no such job file; did you mean fda.toml?");
  EXPECT_EQ(answer("nope.toml"), "nope.toml: no such job file") << "the ending makes no two names alike";
  EXPECT_EQ(answer("exact.toml"), "exact.toml: no such job file");
  std::filesystem::create_directory("jobs");
  write_text("jobs/sign.toml", "");
  EXPECT_EQ(answer("jobs/sing.toml"), "jobs/sing.toml: no such job file; did you mean jobs/sign.toml?");
  EXPECT_EQ(answer("nowhere/sign.toml"), "nowhere/sign.toml: no such job file");
  EXPECT_EQ(answer(""), "the name of the job file is empty; give a job file");
}

TEST_F(JobFiles, AFolderIsAnsweredWithTheJobInIt) {
  std::filesystem::create_directories("runs/a");
  EXPECT_EQ(answer("runs"), "runs: is a folder; give a job file");
  write_text("runs/b.toml", "");
  write_text("runs/a.toml", "");
  EXPECT_EQ(answer("runs"), "runs: is a folder; give the job file in it, such as runs/a.toml");
  write_text("runs/a/job.resolved.toml", "");
  EXPECT_EQ(answer("runs/a"), "runs/a: is a folder; the job of these results is runs/a/job.resolved.toml");
}

TEST_F(JobFiles, WhatIsSomethingElseIsCalledSo) {
  write_text("net.pt", "");
  EXPECT_EQ(answer("net.pt"), "net.pt: is by its name a model; laconic evaluate measures it");
  ASSERT_EQ(mkfifo("pipe", 0600), 0);
  EXPECT_EQ(answer("pipe"), "pipe: is no regular file; give a job file") << "and nobody waits for what comes through";
  EXPECT_EQ(answer("/dev/zero"), "/dev/zero: is no regular file; give a job file");
}

TEST_F(JobFiles, WhatIsTooLargeIsNotRead) {
  write_text("large.toml", "");
  std::filesystem::resize_file("large.toml", std::uintmax_t{1} << 40);  // a hole, and more than memory
  EXPECT_EQ(answer("large.toml"),
            "large.toml: has 1099511627776 bytes, and a job file at most 1048576; give a job file");
}

TEST_F(JobFiles, WhatCannotBeReadSaysWhy) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read all";
  write_text("closed.toml", "x");
  std::filesystem::permissions("closed.toml", std::filesystem::perms::none);
  EXPECT_EQ(answer("closed.toml"), "closed.toml: cannot be read (Permission denied); see that you may read it");
}

}  // namespace
}  // namespace laconic
