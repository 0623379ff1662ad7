// Relayed changes against the same algorithm with all nodes in one matrix and in double.
#include <gtest/gtest.h>

#include "base/error.h"
#include "gossip_scenarios.h"
#include "matrix_form.h"
#include "run.h"

namespace laconic::tests {
namespace {

class RelayOver : public testing::TestWithParam<std::string> {};  // a topology

TEST_P(RelayOver, IsItsMatrixForm) {
  for (const std::size_t kept : {std::size_t{0}, std::size_t{3}}) {
    for (const std::uint64_t period : {1, 4}) {
      SCOPED_TRACE(std::to_string(kept) + " kept, period " + std::to_string(period));
      Scenario s = push("relay", {{"period", std::to_string(period)}}, GetParam());
      s = kept == 0 ? s : compressing(s, kept);
      Matrix x = first_models(s.problem);
      Matrix r = start_rows(s);
      Matrix e = sum(0, x, 0, x);
      for (std::uint64_t t = 0; t < s.steps; ++t) {
        x = sum(1, x, 1, steps_at(s.problem, t, x));
        if ((t + 1) % period != 0) continue;
        const Matrix v = sum(1, sum(1, x, -1, r), 1, e);
        const Matrix c = largest(v, kept);
        e = sum(1, v, -1, c);
        r = plus_mean(r, c);
        x = r;
      }
      expect_near(run(s).params, x);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Links, RelayOver,
                         testing::Values("ring", "directed_ring:6", "one_peer:6", "base:6:1", "random_out:6:2"));

TEST(Relay, LeavesAllWorkersWithTheSameBitsWhateverTheLinksLose) {
  for (const double up : {1.0, 0.4}) {
    Scenario s = compressing(family("relay", {}, "one_peer:6"), 5);
    s.link_up = up;
    const Result result = run(s);
    for (const std::vector<float>& params : result.params) EXPECT_EQ(params, result.params.front());
  }
}

TEST(Relay, DoesNotDependOnTheLinksThatCarryIt) {
  const auto on = [](const std::string& topology) {
    return run(compressing(family("relay", {{"period", "2"}}, topology), 4)).params;
  };
  EXPECT_EQ(on("directed_ring:6"), on("one_peer:6"));
}

TEST(Relay, OfWholeModelsIsPeriodicAveraging) {
  const Scenario s = family("relay", {{"period", "4"}}, "one_peer:6");
  Scenario plain = s;
  plain.strategy = "periodic";
  EXPECT_EQ(run(s).params, run(plain).params);
}

TEST(Relay, BringsEachWorkerEveryOthersMessageOnce) {
  const Scenario s = compressing(family("relay", {}, "directed_ring:6"), 4);
  const Result result = run(s);
  const Ledger& ledger = result.outcome.ledger;
  for (int node = 0; node < 6; ++node) EXPECT_EQ(ledger.received({node}).frames, 5 * s.steps);
}

}  // namespace
}  // namespace laconic::tests
