// Runs over processes in memory to which something happens, from seeds.
#include <gtest/gtest.h>

#include "fault_run.h"
#include "fault_seeds.h"

namespace laconic::tests {
namespace {

TEST(Faults, WhateverHappensARunEndsInEveryProcessByNameWithinItsDeadline) {
  expect_that_runs_end(fault_seeds(1, 150));
}

TEST(Faults, TheSameSeedGivesTheSameRun) {
  for (const std::uint64_t seed : fault_seeds(1000, 20)) {
    const FaultVerdict once = try_plan(plan_of(seed));
    const FaultVerdict again = try_plan(plan_of(seed));
    EXPECT_EQ(once.trace_hash, again.trace_hash) << seed;
    EXPECT_EQ(once.account, again.account) << seed;
  }
}

// The canary: a link that keeps to itself what a process says of its end.
TEST(Faults, AnEndThatIsNotToldIsCaught) {
  int caught = 0;
  for (std::uint64_t seed = 1; seed <= 100 && caught == 0; ++seed) {
    if (!try_plan(plan_of(seed), true).objections.empty()) ++caught;
  }
  EXPECT_GT(caught, 0);
}

}  // namespace
}  // namespace laconic::tests
