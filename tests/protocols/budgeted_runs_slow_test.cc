// Whole runs with a budget in the place of a threshold keep to it.
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "run.h"

namespace laconic::tests {
namespace {

Scenario steered(const std::string& strategy, const std::string& budget) {
  return {.problem = {.workers = 5, .dimension = 200, .seed = 6, .learning_rate = 0.02, .noise = 0.5},
          .strategy = strategy,
          .options = {{"budget", budget}},
          .steps = 600,
          .evaluate_every = 60};
}

// A worker's mean traffic, framed, sent and received, in the steps after the first tenth.
double traffic_a_step(const Result& result, const Scenario& s) {
  const Measurement& tenth = result.measurements.front();
  const Measurement& last = result.measurements.back();
  // Of every frame one end is a worker's with a coordinator, else both.
  const double ends = s.collective == Collective::kStar || s.strategy == "dma" ? 1.0 : 2.0;
  const double sent = static_cast<double>(last.total().framed.value - tenth.total().framed.value);
  return ends * sent / s.problem.workers / static_cast<double>(last.step.value - tenth.step.value);
}

TEST(BudgetedRuns, KeepWithinFifteenPercentOfTheBudgetAfterTheFirstTenth) {
  for (const auto& [strategy, more] : std::vector<std::pair<std::string, std::map<std::string, std::string>>>{
           {"fda", {}},
           {"fda", {{"monitor", "naive"}, {"screen", "lock-step"}}},
           {"fda", {{"monitor", "exact"}, {"screen", "lock-step"}}},
           {"fda", {{"decide_late", "true"}, {"check_every", "2"}}},
           {"dma", {}},
           {"dma", {{"check_every", "3"}, {"augment", "random"}}}}) {
    for (const double bytes : {85.0, 200.0, 600.0}) {
      const bool seldom = more.contains("check_every");
      const bool exact = more.contains("monitor") && more.at("monitor") == "exact";
      if (exact && bytes < 200.0) continue;  // its states cost as much as models: fewer than ten synchronisations
      for (const Collective collective : {Collective::kStar, Collective::kRing}) {
        if (seldom && bytes > 200.0) continue;  // one a check costs less
        Scenario s = steered(strategy, std::to_string(static_cast<int>(bytes * 1000.0)) + " B/1000 steps");
        s.options.insert(more.begin(), more.end());
        s.collective = collective;
        const Result result = run(s);
        ASSERT_EQ(result.outcome.end, Outcome::End::kSteps);
        EXPECT_NEAR(traffic_a_step(result, s), bytes, 0.15 * bytes)
            << strategy << " " << bytes << (seldom ? " seldom" : "")
            << (collective == Collective::kStar ? "" : " ring");
      }
    }
  }
}

TEST(BudgetedRuns, OfATimeAndCompressedKeepToTheBudgetToo) {
  for (const char* strategy : {"fda", "dma"}) {
    Scenario s = steered(strategy, "600 kB/min");  // of steps of 10 ms: 100 bytes each
    s.compressor = "qsgd";
    const Result result = run(s);
    const double seconds = (result.measurements.back().time - result.measurements.front().time).value;
    const double bytes = traffic_a_step(result, s) * static_cast<double>(s.steps * 9 / 10);
    EXPECT_NEAR(bytes, 10e3 * seconds, 0.15 * 10e3 * seconds) << strategy;
  }
}

TEST(BudgetedRuns, RefuseABudgetThatDoesNotPayForOneSynchronisationAndNameOneThatDoes) {
  struct Case {
    std::string strategy;
    std::string budget;
    std::map<std::string, std::string> options;
    Collective collective = Collective::kStar;
  };
  const std::vector<Case> cases = {{"fda", "10 kB/1000 steps", {}},
                                   {"dma", "10 kB/1000 steps", {}},
                                   {"fda", "1 kB/min", {}},
                                   {"fda", "1 kB/min", {}, Collective::kRing},
                                   {"fda", "1 kB/min", {{"decide_late", "true"}}},
                                   {"fda", "1 kB/min", {{"check_every", "10"}}},
                                   {"fda", "1 kB/min", {{"screen", "lock-step"}}},
                                   {"dma", "1 kB/min", {}},
                                   {"dma", "1 kB/min", {{"check_every", "10"}}}};
  for (const auto& [strategy, budget, options, collective] : cases) {
    Scenario s = steered(strategy, budget);
    s.options.insert(options.begin(), options.end());
    s.collective = collective;
    s.latency = Seconds{0.005};
    try {
      run(s);
      ADD_FAILURE() << "accepted";
    } catch (const UsageError& error) {
      const std::string text = error.what();
      const std::size_t from = text.find("works is \"");
      ASSERT_NE(from, std::string::npos) << text;
      const std::string smallest = text.substr(from + 10, text.find('"', from + 10) - from - 10);
      s.options["budget"] = smallest;
      const Result result = run(s);
      EXPECT_GE(result.outcome.syncs, 1U) << strategy << " with " << smallest;
    }
  }
}

TEST(BudgetedRuns, RefuseWhatDoesNotGoTogether) {
  const auto refused = [](const std::string& strategy, std::map<std::string, std::string> options) {
    Scenario s = steered(strategy, "100 kB/1000 steps");
    for (const auto& [name, text] : options) s.options[name] = text;
    EXPECT_THROW(run(s), UsageError);
  };
  for (const char* strategy : {"fda", "dma"}) {
    refused(strategy, {{"threshold", "1"}});
    refused(strategy, {{"budget", ""}});
    refused(strategy, {{"budget", "much"}});
  }
  refused("fda", {{"monitor", "max-norm"}});
  refused("fda", {{"screen", "late"}});
  refused("fda", {{"check_every", "601"}});
  refused("dma", {{"clock", "asynchronous"}});
}

}  // namespace
}  // namespace laconic::tests
