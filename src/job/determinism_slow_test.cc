// The same seed is the same run, with real training: LeNet-5 on Fashion-MNIST from Debian's package.
#include <gtest/gtest.h>

#include "job/job.h"
#include "job/wiring.h"

namespace laconic {
namespace {

RunResult train(const std::string& strategy, int threads) {
  const std::string text =
      "[job]\nseed = 5\nsteps = 24\n[data]\ndataset = \"fashion_mnist\"\npartition = \"dirichlet:0.5\"\n"
      "[model]\nname = \"lenet5\"\n[optimizer]\nname = \"adam\"\nlearning_rate = 1e-3\n"
      "[workers]\ncount = 6\ncompute = [\"10 ms\", \"11 ms\", \"12 ms\", \"13 ms\", \"30 ms\", \"9 ms\"]\nthreads = " +
      std::to_string(threads) + "\n[strategy]\n" + strategy +
      "\n[evaluation]\nevery = \"12 steps\"\nworkers = \"never\"\n";
  const Job job = parse_job_text(text, "determinism.toml");
  return run_job(job, set_up(job));
}

class Determinism : public testing::TestWithParam<std::string> {};

TEST_P(Determinism, OneAndTwoComputeThreadsGiveTheSameTraceAndTheSameBits) {
  const RunResult one = train(GetParam(), 1);
  const RunResult two = train(GetParam(), 2);
  ASSERT_EQ(one.outcome.end, Outcome::End::kSteps);
  EXPECT_EQ(one.outcome.trace_hash, two.outcome.trace_hash);
  EXPECT_EQ(one.outcome.model, two.outcome.model);
  EXPECT_EQ(one.outcome.ledger.total(), two.outcome.ledger.total());
  EXPECT_LT(one.measurements.back().train_loss, one.measurements.front().train_loss);  // it did train
}

INSTANTIATE_TEST_SUITE_P(Strategies, Determinism,
                         testing::Values("name = \"fda\"\nmonitor = \"linear\"\nthreshold = 0.5",
                                         "name = \"fda\"\nmonitor = \"sketch\"\nthreshold = 0.5",
                                         "name = \"all_reduce\"", "name = \"fedavg\"\nfraction = 0.5\nperiod = 4",
                                         "name = \"dma\"\nthreshold = 0.01"),
                         [](const auto& info) { return "Strategy" + std::to_string(info.index); });

}  // namespace
}  // namespace laconic
