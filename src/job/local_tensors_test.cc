// Tensors that stay with each worker, in whole runs.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "job/job.h"
#include "job/tiny_job_test.h"
#include "job/wiring.h"

namespace laconic {
namespace {

using testing::TemporaryFolder;

struct Ran {
  JobSetup setup;
  std::vector<std::unique_ptr<Learner>> learners;
  std::vector<Measurement> measurements;
  Outcome outcome;
};

Ran run(const std::string& text, const std::vector<std::string>& overrides) {
  const Job job = parse_job_text(text, "job.toml", overrides);
  Ran ran;
  ran.setup = set_up(job);
  std::vector<Learner*> views;
  for (Rank rank{0}; rank.value < ran.setup.world_size(); ++rank.value) {
    ran.learners.push_back(ran.setup.training->learner(rank));
    views.push_back(ran.learners.back().get());
  }
  RunObserver observer;
  observer.on_measurement = [&](const Measurement& measurement) { ran.measurements.push_back(measurement); };
  ran.outcome = sim::simulate(ran.setup.simulation, views,
                              job.strategy->make(job.section("strategy"), ran.setup.strategy_setting), observer);
  return ran;
}

TEST(LocalTensors, AreNeverSentNorAveragedAndAreMeasuredAsTheirAverage) {
  const TemporaryFolder root;
  testing::write_tiny_data(root.path("data"));
  for (const std::string& strategy :
       {std::string("name = \"synchronous\""), std::string("name = \"fedopt\"\nperiod = 4"),
        std::string("name = \"all_reduce\""),
        std::string("name = \"choco\"\n[topology]\ngraph = \"ring\"\n"
                    "[compression]\noperator = \"top_k\"\nratio = 0.5")}) {
    const std::string text = testing::tiny_job_text(root, "local", strategy);
    const Ran whole = run(text, {});
    const Ran ran = run(text, {"model.local=fc2.*"});
    ASSERT_FALSE(ran.outcome.error) << strategy;
    const bool agrees = strategy.find("choco") == std::string::npos;
    constexpr std::size_t kLocal = 10 * 8 + 10;
    ASSERT_EQ(ran.learners[0]->buffers().size(), kLocal);
    EXPECT_EQ(ran.setup.training->dimension() + kLocal, whole.setup.training->dimension());
    EXPECT_LT(ran.outcome.ledger.total().payload.value, whole.outcome.ledger.total().payload.value);
    for (std::size_t k = 1; k < ran.learners.size(); ++k) {
      const auto same = [&](std::span<const float> a, std::span<const float> b) { return std::ranges::equal(a, b); };
      EXPECT_EQ(same(ran.learners[k]->params(), ran.learners[0]->params()), agrees) << strategy;
      EXPECT_FALSE(same(ran.learners[k]->buffers(), ran.learners[0]->buffers())) << strategy;
    }
    std::vector<float> mean(kLocal);
    for (std::size_t i = 0; i < kLocal; ++i) {
      double sum = 0.0;
      for (const auto& learner : ran.learners) sum += learner->buffers()[i];
      mean[i] = static_cast<float>(sum / 4.0);
    }
    ASSERT_EQ(ran.outcome.buffers, mean) << strategy;
    double own = 0.0;
    for (const auto& learner : ran.learners) {
      own += learner->evaluate(learner->params(), learner->buffers(), Split::kTest).accuracy / 4.0;
    }
    ASSERT_TRUE(ran.measurements.back().workers);
    EXPECT_NEAR(ran.measurements.back().workers->mean, own, 1e-12);
    EXPECT_NEAR(ran.measurements.back().test.loss,
                ran.setup.training->evaluate(ran.outcome.model, mean, Split::kTest).loss, 1e-6);
    ASSERT_EQ(ran.setup.remarks.size(), 1U);
    EXPECT_NE(ran.setup.remarks[0].find("fc2.weight, fc2.bias stay with each worker"), std::string::npos);
  }
}

TEST(LocalTensors, AreRefusedWhereAGroupTakesOneStep) {
  const TemporaryFolder root;
  const std::string text = testing::tiny_job_text(
      root, "groups",
      "name = \"hierarchical\"\ngroups = 2\n[between]\nname = \"d_psgd\"\n[topology]\ngraph = \"ring\"");
  const std::vector<std::string> overrides = {"model.local=fc2.*"};
  EXPECT_NO_THROW(parse_job_text(text, "job.toml"));
  try {
    parse_job_text(text, "job.toml", overrides);
    FAIL() << "taken";
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("model.local: strategy hierarchical takes the step of a group"),
              std::string::npos)
        << error.what();
  }
}

TEST(LocalTensors, ErrorsComeWithTheirPlaceInTheJob) {
  const TemporaryFolder root;
  testing::write_tiny_data(root.path("data"));
  const auto refusal = [&](const std::string& key) {
    std::string text = testing::tiny_job_text(root, "local", "name = \"synchronous\"");
    text.replace(text.find("hidden = 8"), 10, "hidden = 8\n" + key);
    try {
      set_up(parse_job_text(text, "job.toml"));
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_TRUE(
      refusal("local = \"head.*\"").starts_with("job.toml:11: model.local: 'head.*' fits no tensor of the model"))
      << refusal("local = \"head.*\"");
  EXPECT_TRUE(refusal("local = [\"fc1.*\", \"fc2.*\"]").starts_with("job.toml:11: model.local: "))
      << refusal("local = [\"fc1.*\", \"fc2.*\"]");
  EXPECT_TRUE(refusal("start = \"/none\"").starts_with("job.toml:11: model.start: /none: cannot be read"))
      << refusal("start = \"/none\"");
}

}  // namespace
}  // namespace laconic
