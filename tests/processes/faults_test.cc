// Runs over processes in memory to which something happens, from seeds. A seed that fails prints the command that
// repeats it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "fault_run.h"

namespace laconic::tests {
namespace {

// LACONIC_SEED: that one alone.
std::vector<std::uint64_t> seeds(std::uint64_t first, std::uint64_t count) {
  if (const char* one = std::getenv("LACONIC_SEED")) return {std::strtoull(one, nullptr, 10)};
  std::vector<std::uint64_t> all;
  for (std::uint64_t seed = first; seed < first + count; ++seed) all.push_back(seed);
  return all;
}

TEST(Faults, WhateverHappensARunEndsInEveryProcessByNameWithinItsDeadline) {
  constexpr int kEnough = 5;
  int failed = 0;
  std::map<Fault, int> tried;
  for (const std::uint64_t seed : seeds(1, 2000)) {
    const FaultPlan plan = plan_of(seed);
    ++tried[plan.fault];
    const FaultVerdict verdict = try_plan(plan);
    if (std::getenv("LACONIC_SEED") != nullptr) printf("%s\n", verdict.account.c_str());
    for (const std::string& objection : verdict.objections) ADD_FAILURE() << objection;
    if (verdict.objections.empty()) continue;
    ADD_FAILURE() << verdict.account << "\nrepeat with: LACONIC_SEED=" << seed
                  << " processes_test --gtest_filter=Faults.Whatever*";
    if (++failed == kEnough) break;
  }
  if (std::getenv("LACONIC_SEED") == nullptr) {
    EXPECT_EQ(tried.size(), 9U) << "not every kind of fault was tried";
  }
}

TEST(Faults, TheSameSeedGivesTheSameRun) {
  for (const std::uint64_t seed : seeds(1000, 20)) {
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
