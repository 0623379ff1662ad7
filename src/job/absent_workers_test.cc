// Jobs that go on while workers are absent: workers.least, patience and returning.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "job/job_test.h"

namespace laconic {
namespace {

TEST(AbsentWorkers, ByDefaultAllWorkersHaveToBePresentAndTheRunWaitsAsLongAsTheDeadline) {
  const Job job = parse(joined(kGood), {"network.deadline=90 s"});
  EXPECT_EQ(job.least, 8U);
  EXPECT_FALSE(job.comes_and_goes());
  EXPECT_EQ(job.patience, Seconds{90.0});
  EXPECT_EQ(job.section("workers").text("returning"), "drop");
}

TEST(AbsentWorkers, AJobMaySayHowManyHaveToBePresentAndHowLongItWaits) {
  const std::vector<std::string> keys = {"workers.least=5", "workers.patience=20 min", "workers.returning=keep"};
  for (const std::string strategy : {"fda", "periodic", "synchronous"}) {
    std::vector<std::string> overrides = keys;
    overrides.push_back("strategy.name=" + strategy);
    const Job job = parse(with_line(13, strategy == "fda" ? kGood[12] : ""), overrides);
    EXPECT_EQ(job.least, 5U);
    EXPECT_TRUE(job.comes_and_goes());
    EXPECT_EQ(job.patience, Seconds{1200.0});
    EXPECT_EQ(job.section("workers").text("returning"), "keep");
    const Job again = parse_job_text(job.resolved_text(), "again.toml");
    EXPECT_EQ(again.identity(), job.identity());
    EXPECT_EQ(again.least, 5U);
    EXPECT_EQ(again.patience, job.patience);
  }
}

TEST(AbsentWorkers, AJobWhoseStrategyNeedsAllWorkersIsRefusedWithWhatToChoose) {
  EXPECT_EQ(refusal(with_line(10, "count = 8\nleast = 9")),
            "job.toml:11: workers.least: 9 of 8 workers cannot be present; give at most workers.count, or 0 for all");
  EXPECT_EQ(refusal(with_line(13, ""), {"strategy.name=relay", "strategy.period=2", "workers.least=4"}),
            "--set: workers.least: strategy relay needs every worker all the time; choose one of fda, "
            "fda_opt, dma, synchronous, periodic, fedavg, fedopt, all_reduce, or remove workers.least");
  EXPECT_EQ(refusal(joined(kGood), {"strategy.screen=late", "workers.least=4"}),
            "--set: workers.least: strategy fda needs every worker all the time as it is set here; remove "
            "strategy.screen, or remove workers.least");
  EXPECT_EQ(refusal(joined(kGood), {"network.collective=ring", "workers.least=4"}),
            "--set: workers.least: a ring needs every worker all the time; set network.collective = \"star\", or "
            "remove workers.least");
  EXPECT_EQ(refusal(joined(kGood), {"compression.operator=top_k", "compression.ratio=0.1", "workers.least=4"}),
            "accepted");
  EXPECT_EQ(refusal(with_line(13, ""), {"strategy.name=all_reduce", "workers.least=4", "workers.returning=keep"}),
            "--set: workers.returning: with strategy all_reduce all workers have the same model, and a worker that "
            "returns takes it; remove workers.returning");
  EXPECT_EQ(refusal(with_line(13, ""), {"strategy.name=all_reduce", "workers.least=4", "workers.alone=train"}),
            "--set: workers.alone: with strategy all_reduce all workers have the same model, and a worker that returns "
            "takes it; remove workers.alone");
  // All of them is what every job needs.
  EXPECT_EQ(refusal(with_line(13, ""), {"strategy.name=all_reduce", "workers.least=8"}), "accepted");
}

}  // namespace
}  // namespace laconic
