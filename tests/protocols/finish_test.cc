// finish = "average": one exact average of all models after the last step.
#include <gtest/gtest.h>

#include "base/error.h"
#include "gossip_scenarios.h"
#include "matrix_form.h"
#include "run.h"
#include "strategies/registry.h"

namespace laconic::tests {
namespace {

struct Finishing {
  std::string strategy;
  std::string topology;
  std::map<std::string, std::string> options = {};
};

class Finish : public testing::TestWithParam<Finishing> {
 protected:
  Scenario scenario() const {
    Scenario s = family(GetParam().strategy, GetParam().options, GetParam().topology);
    const Demands demands = find_strategy(s.strategy).demands(strategy_options(s.strategy, s.options));
    if (demands.compression == Compression::kRequired) {
      s.compressor = "qsgd";  // unbiased, as some need it
      s.compression = {{"levels", "7"}, {"unbiased", "true"}};
    }
    return s;
  }
};

TEST_P(Finish, EndsAllWorkersAtTheMeanOfWhatTheyWouldHaveEndedWith) {
  for (const Collective collective : {Collective::kStar, Collective::kRing}) {
    Scenario s = scenario();
    s.collective = collective;
    const Result apart = run(s);
    s.options["finish"] = "average";
    const Result together = run(s);
    ASSERT_FALSE(together.outcome.error);
    const std::vector<double> mean = average(apart.params);
    expect_near(together.params, Matrix(together.params.size(), mean), 1e-6);
    for (const std::vector<float>& params : together.params) EXPECT_EQ(params, together.params.front());
    EXPECT_GT(squared_distance_from_average(apart.params), 1e-4);
    EXPECT_EQ(together.outcome.ledger.total().payload.value,
              apart.outcome.ledger.total().payload.value +
                  all_reduce_payload(collective, s.problem.workers, s.problem.dimension).value);
  }
}

INSTANTIATE_TEST_SUITE_P(Of, Finish,
                         testing::Values(Finishing{"d_psgd", "ring"}, Finishing{"qg_dsgdm", "ring"},
                                         Finishing{"power_gossip", "ring"}, Finishing{"choco", "ring"},
                                         Finishing{"dcd_psgd", "ring"}, Finishing{"ecd_psgd", "ring"},
                                         Finishing{"deep_squeeze", "ring"}, Finishing{"sgp", "directed_ring:6"},
                                         Finishing{"sparse_push", "directed_ring:6"},
                                         Finishing{"quantized_push_sum", "directed_ring:6"}),
                         [](const auto& info) { return info.param.strategy; });

TEST(FinishOfPushSum, AveragesWhatTheWeightsDivideSoThatNodesThatHoldMoreCountMore) {
  Scenario s = only_gossip(family("sgp", {{"finish", "average"}}, "star:6"));
  s.steps = 1;
  // Without training the sum of the numerators is that of the first models, whatever the weights have become.
  const std::vector<double> mean = average(run(only_gossip(family("local", {}))).params);
  expect_near(run(s).params, Matrix(static_cast<std::size_t>(s.problem.workers), mean), 1e-6);
}

TEST(Finish, IsRefusedWhereNobodyWaits) {
  for (const std::string strategy : {"sgp", "sparse_push"}) {
    Scenario s = family(strategy, {{"order", "asynchronous"}, {"finish", "average"}}, "directed_ring:6");
    try {
      run(s);
      FAIL() << "accepted";
    } catch (const UsageError& error) {
      EXPECT_NE(std::string(error.what()).find("waits for everybody"), std::string::npos) << error.what();
    }
  }
}

TEST(Finish, IsRefusedBetweenGroupsWhichHaveNoCollective) {
  Scenario s = family("hierarchical", {{"groups", "3"}});
  s.between = "d_psgd";
  s.between_options = {{"finish", "average"}};
  try {
    run(s);
    FAIL() << "accepted";
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("remove between.finish"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace laconic::tests
