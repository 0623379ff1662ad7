// My strategy against the same algorithm on one matrix that holds all workers as rows, in double.
#include <gtest/gtest.h>

#include "matrix_form.h"
#include "run.h"

namespace laconic::tests {
namespace {

Scenario scenario(const std::string& mix) {
  return {.problem = {.workers = 5, .dimension = 40, .seed = 3},
          .strategy = "my_strategy",
          .options = {{"period", "4"}, {"mix", mix}},
          .steps = 33};
}

TEST(MyStrategy, MovesTheCommonModelAPartOfTheWayToTheMean) {
  const Scenario s = scenario("0.25");
  Matrix models = start_rows(s);
  Matrix common = models;
  const Matrix nothing(models.size(), std::vector<double>(models[0].size(), 0.0));
  for (std::uint64_t t = 0; t < s.steps; ++t) {
    models = sum(1.0, models, 1.0, steps_at(s.problem, t, models));
    if ((t + 1) % 4 == 0) models = common = sum(0.75, common, 0.25, plus_mean(nothing, models));
  }
  const Result result = run(s);
  expect_near(result.params, models);
  EXPECT_EQ(result.outcome.syncs, 8U);
}

TEST(MyStrategy, WithoutMixingReturnsToTheStartToTheBit) {
  Scenario s = scenario("0");
  s.steps = 32;
  const std::vector<std::vector<float>> expected(5, s.problem.start());
  EXPECT_EQ(run(s).params, expected);
}

}  // namespace
}  // namespace laconic::tests
