// The same as membership_test.cc, of many more seeds, for every row of the registry whose workers may come and go and
// each variant that it declares: 2,000, or as many as LACONIC_SEEDS says.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <ostream>
#include <string>
#include <vector>

#include "fault_seeds.h"
#include "faults/trial.h"
#include "strategies/registry.h"

namespace laconic::tests {
namespace {

using namespace faults;

#ifdef NDEBUG
constexpr bool kIsQuick = true;
#else
constexpr bool kIsQuick = false;  // a build for a debugger, or with sanitizers, takes ten times as long for a seed
#endif

// A row, a variant of it, and the seeds that are tried on it: every `step`th of `count` from `first` on.
struct Job {
  const StrategyRow* row;
  Variant variant;
  std::uint64_t first;
  std::uint64_t count;
  std::uint64_t step;

  std::string name() const {
    return std::string(row->name) + (variant.name.empty() ? "" : "_") + std::string(variant.name);
  }
};

void PrintTo(const Job& job, std::ostream* out) { *out << job.name(); }

std::uint64_t seeds_in_all() {
  const char* const said = std::getenv("LACONIC_SEEDS");
  return said == nullptr ? 2'000 : std::strtoull(said, nullptr, 10);
}

// Of the seeds in all, the jobs take those of one quarter in turn.
std::vector<Job> jobs(std::uint64_t quarter) {
  std::vector<Job> all;
  for (const StrategyRow* row : strategies()) {
    for (const Variant& variant : variants_of(*row)) {
      const bool goes_on = row->demands(options_of(*row, variant, "test")).tolerates_absence;
      if (goes_on) all.push_back({.row = row, .variant = variant, .first = 0, .count = 0, .step = 0});
    }
  }
  for (std::size_t turn = 0; turn < all.size(); ++turn) {
    all[turn].step = all.size();
    all[turn].count = kIsQuick ? std::max<std::uint64_t>(seeds_in_all() / 4, all.size()) : all.size();
    all[turn].first = 1 + quarter * all[turn].count + turn;
    all[turn].count -= turn;
  }
  return all;
}

FaultPlan drawn_plan(std::uint64_t seed, const Job& job) {
  RandomStream stream(seed, "membership of a row");
  const int workers = 2 + static_cast<int>(stream.below(4));
  return plan_of(seed, {.strategy = job.row,
                        .options = options_of(*job.row, job.variant, "test"),
                        .workers = workers,
                        .least = 1 + static_cast<int>(stream.below(static_cast<std::uint64_t>(workers))),
                        .returning = stream.below(2) == 0 ? process::Returning::kDrop : process::Returning::kKeep});
}

class ManyMemberships : public testing::TestWithParam<Job> {};

TEST_P(ManyMemberships, WhateverHappensTheRunEndsWithWhatItsNamedSetsImply) {
  const Job& job = GetParam();
  const std::vector<std::uint64_t> seeds = fault_seeds(job.first, job.count);
  for (const std::uint64_t seed : seeds) {
    if (seeds.size() > 1 && (seed - job.first) % job.step != 0) continue;
    const Trial trial = try_plan(drawn_plan(seed, job));
    for (const std::string& objection : trial.objections) ADD_FAILURE() << objection;
    if (trial.objections.empty()) continue;
    FAIL() << trial.account << "repeat with: LACONIC_SEED=" << seed
           << " processes_slow_test --gtest_filter='First*/ManyMemberships.*/" << job.name() << "'";
  }
}

// Four, for each to be short.
const auto kNames = [](const auto& info) { return info.param.name(); };
INSTANTIATE_TEST_SUITE_P(FirstQuarter, ManyMemberships, testing::ValuesIn(jobs(0)), kNames);
INSTANTIATE_TEST_SUITE_P(SecondQuarter, ManyMemberships, testing::ValuesIn(jobs(1)), kNames);
INSTANTIATE_TEST_SUITE_P(ThirdQuarter, ManyMemberships, testing::ValuesIn(jobs(2)), kNames);
INSTANTIATE_TEST_SUITE_P(FourthQuarter, ManyMemberships, testing::ValuesIn(jobs(3)), kNames);

}  // namespace
}  // namespace laconic::tests
