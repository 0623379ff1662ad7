#include "fault_seeds.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <map>

#include "fault_run.h"

namespace laconic::tests {

std::vector<std::uint64_t> fault_seeds(std::uint64_t first, std::uint64_t count) {
  if (const char* one = std::getenv("LACONIC_SEED")) return {std::strtoull(one, nullptr, 10)};
  std::vector<std::uint64_t> all;
  for (std::uint64_t seed = first; seed < first + count; ++seed) all.push_back(seed);
  return all;
}

void expect_that_runs_end(const std::vector<std::uint64_t>& seeds) {
  constexpr int kEnough = 5;
  constexpr std::size_t kMany = 100;
  int failed = 0;
  std::map<Fault, int> tried;
  for (const std::uint64_t seed : seeds) {
    const FaultPlan plan = plan_of(seed);
    ++tried[plan.fault];
    const FaultVerdict verdict = try_plan(plan);
    if (seeds.size() == 1) std::printf("%s\n", verdict.account.c_str());
    for (const std::string& objection : verdict.objections) ADD_FAILURE() << objection;
    if (verdict.objections.empty()) continue;
    ADD_FAILURE() << verdict.account << "\nrepeat with: LACONIC_SEED=" << seed
                  << " processes_test --gtest_filter=Faults.Whatever*";
    if (++failed == kEnough) return;
  }
  if (seeds.size() >= kMany) {
    EXPECT_EQ(tried.size(), 12U) << "not every kind of fault was tried";
  }
}

}  // namespace laconic::tests
