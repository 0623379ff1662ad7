#include <gtest/gtest.h>

#include <sstream>

#include "base/error.h"
#include "cli/commands.h"
#include "job/tiny_job_test.h"

namespace laconic {
namespace {

// The first job of the page.
std::string job_of_page() {
  const std::string page = testing::read_text("docs/faults.md");
  const std::string begin = "```toml\n";
  const std::size_t at = page.find(begin) + begin.size();
  return page.substr(at, page.find("```", at) - at);
}

class SimulateFaults : public ::testing::Test {
 protected:
  SimulateFaults() { testing::write_text(job_, job_of_page()); }

  ExitCode run(SimulateFaultsArguments arguments) {
    arguments.job_file = job_;
    return simulate_faults_command(console_, arguments);
  }
  std::string refusal(SimulateFaultsArguments arguments) {
    try {
      run(std::move(arguments));
    } catch (const UsageError& error) {
      EXPECT_EQ(out_.str(), "") << "nothing is printed before a refusal";
      return error.what();
    }
    return "accepted";
  }

  testing::TemporaryFolder root_;
  std::string job_ = root_.path("job.toml");
  std::ostringstream out_;
  Console console_{.out = out_, .err = out_, .interrupted = {}};
};

TEST_F(SimulateFaults, TheJobOfThePageIsSound) {
  EXPECT_EQ(run({.job_file = {}, .overrides = {}, .seeds = "1..40"}), ExitCode::kDone) << out_.str();
  EXPECT_NE(out_.str().find("periodic, 5 workers, at least 3: 40 seeds are sound, "), std::string::npos) << out_.str();
  EXPECT_NE(out_.str().find("  faults    crash "), std::string::npos) << out_.str();
  EXPECT_NE(out_.str().find("  workers   left "), std::string::npos) << out_.str();
}

TEST_F(SimulateFaults, OneSeedShowsAllThatHappens) {
  EXPECT_EQ(refusal({.job_file = {}, .overrides = {}, .seeds = "3.."}),
            "--seeds: '3..' is no range; write --seeds 1..1000, or --seed N for one");
  EXPECT_EQ(refusal({.job_file = {}, .overrides = {}, .seeds = "1..99999999999999999999"}),
            "--seeds: '99999999999999999999' is too large; a seed is below 2^64");
  SimulateFaultsArguments arguments;
  arguments.seed = "7";
  EXPECT_EQ(run(arguments), ExitCode::kDone) << out_.str();
  EXPECT_TRUE(out_.str().starts_with("seed 7: 5 workers, at least 3, ")) << out_.str();
  EXPECT_NE(out_.str().find("s  worker 0 enters view 6 after step 0\n"), std::string::npos) << out_.str();
  EXPECT_NE(out_.str().find("s  the run is over\n"), std::string::npos) << out_.str();
  EXPECT_NE(out_.str().find("1 seed is sound"), std::string::npos) << out_.str();
}

TEST_F(SimulateFaults, WhatItCannotTryIsRefusedInOneLine) {
  EXPECT_EQ(refusal({.job_file = {}, .overrides = {"strategy.name=relay", "workers.least=0"}}),
            "--set: strategy.name: strategy relay needs every worker all the time; choose one of fda, "
            "fda_opt, dma, synchronous, periodic, fedavg, fedopt, all_reduce");
  EXPECT_EQ(refusal({.job_file = {}, .overrides = {"workers.count=64"}}),
            "--set: workers.count: 64 workers are more than this command runs, 32; add --set workers.count=8 "
            "workers.least=4");
  EXPECT_EQ(refusal({.job_file = {}, .overrides = {"network.collective=ring", "workers.least=0"}}),
            job_ + ":14: strategy.name: a ring needs every worker all the time; set network.collective = \"star\"");
  EXPECT_EQ(refusal({.job_file = {}, .overrides = {}, .seeds = "5"}),
            "--seeds: '5' is no range; write --seeds 1..1000, or --seed N for one");
  EXPECT_EQ(refusal({.job_file = {}, .overrides = {}, .seeds = "9..3"}),
            "--seeds: '9..3' has no seed in it; write the smaller one first");
  SimulateFaultsArguments arguments;
  arguments.seed = "-1";
  EXPECT_EQ(refusal(arguments), "--seed: '-1' is no seed; give a whole number from 0, such as 17");
}

TEST_F(SimulateFaults, EndsWhenTheUserAsks) {
  int asked = 0;
  console_.interrupted = [&asked] { return ++asked > 5; };
  EXPECT_EQ(run({.job_file = {}, .overrides = {}, .seeds = "1..1000000"}), ExitCode::kInterrupted);
  EXPECT_NE(out_.str().find("seeds are sound"), std::string::npos) << out_.str();
}

}  // namespace
}  // namespace laconic
