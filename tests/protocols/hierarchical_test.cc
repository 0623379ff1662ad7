// Groups of workers that act as one, against the same algorithm in matrix form (a row for each group, in double) and
// against the strategy between the groups alone.
#include <gtest/gtest.h>

#include <mutex>

#include "base/error.h"
#include "matrix_form.h"
#include "run.h"
#include "strategies/registry.h"

namespace laconic::tests {
namespace {

constexpr std::size_t kSize = 40;
constexpr int kGroups = 4;
constexpr int kGroupSize = 3;
constexpr int kWorkers = kGroups * kGroupSize;

Scenario grouped(const std::string& between, const std::map<std::string, std::string>& options) {
  return {.problem = {.workers = kWorkers, .dimension = kSize, .seed = 3},
          .strategy = "hierarchical",
          .options = {{"groups", std::to_string(kGroups)}},
          .between = between,
          .between_options = options,
          .steps = 30,
          .topology = "ring",
          .evaluate_every = 10};
}

std::string order_text(bool overlap) { return overlap ? "overlap" : "adapt-then-combine"; }

bool leads(int worker) { return worker % kGroupSize == 0; }

// -eta times the mean gradient of each group's workers at the group's model.
Matrix group_steps_at(const QuadraticProblem& problem, std::uint64_t step, const Matrix& models) {
  Matrix result(models.size(), std::vector<double>(kSize, 0.0));
  for (int k = 0; k < kWorkers; ++k) {
    const auto group = static_cast<std::size_t>(k / kGroupSize);
    const std::vector<double> gradient = problem.gradient(k, step, models[group]);
    for (std::size_t c = 0; c < kSize; ++c) result[group][c] -= problem.learning_rate * gradient[c] / kGroupSize;
  }
  return result;
}

// Every worker against the row of its group.
void expect_near_groups(const std::vector<std::vector<float>>& got, const Matrix& expected) {
  Matrix rows;
  for (std::size_t k = 0; k < kWorkers; ++k) rows.push_back(expected[k / kGroupSize]);
  expect_near(got, rows);
}

class Order : public testing::TestWithParam<bool> {};  // whether it overlaps

TEST_P(Order, MatrixFormOfDPsgdBetweenTheGroups) {
  const bool overlap = GetParam();
  const Scenario s = grouped("d_psgd", {{"order", order_text(overlap)}});
  const Matrix weights = weights_of(s);
  Matrix x = start_rows(s);
  for (std::uint64_t t = 0; t < s.steps; ++t) {
    const Matrix step = group_steps_at(s.problem, t, x);
    x = overlap ? sum(1, mixed(weights, x), 1, step) : mixed(weights, sum(1, x, 1, step));
  }
  expect_near_groups(run(s).params, x);
}

TEST_P(Order, MatrixFormOfChocoBetweenTheGroups) {
  const bool overlap = GetParam();
  constexpr std::size_t kKept = 4;
  Scenario s = grouped("choco", {{"order", order_text(overlap)}, {"gamma", "0.3"}});
  s.compressor = "top_k";
  s.compression = {{"k", std::to_string(kKept)}};
  const Matrix weights = weights_of(s);
  Matrix x = start_rows(s);
  Matrix replicas = x;
  const auto combine = [&] { x = sum(1, x, 0.3, sum(1, mixed(weights, replicas), -1, replicas)); };
  for (std::uint64_t t = 0; t < s.steps; ++t) {
    if (overlap) combine();
    if (!overlap) x = sum(1, x, 1, group_steps_at(s.problem, t, x));
    const Matrix told = largest(sum(1, x, -1, replicas), kKept);
    if (overlap) x = sum(1, x, 1, group_steps_at(s.problem, t, x));
    replicas = sum(1, replicas, 1, told);
    if (!overlap) combine();
  }
  expect_near_groups(run(s).params, x);
}

TEST_P(Order, GroupsOfOneWorkerAreTheStrategyBetweenThemBitForBit) {
  for (const std::string between : {"choco", "d_psgd"}) {
    Scenario s = grouped(between, {{"order", order_text(GetParam())}});
    s.options = {{"groups", std::to_string(kWorkers)}};
    s.compressor = "sign";
    const Result got = run(s);
    s.strategy = between;
    s.options = s.between_options;
    const Result expected = run(s);
    EXPECT_EQ(got.params, expected.params);
    EXPECT_EQ(got.outcome.trace_hash, expected.outcome.trace_hash);
    EXPECT_EQ(got.outcome.syncs, expected.outcome.syncs);
    EXPECT_EQ(got.outcome.ledger.total(), expected.outcome.ledger.total());
    ASSERT_EQ(got.measurements.size(), expected.measurements.size());
    EXPECT_EQ(got.measurements.back().train_loss, expected.measurements.back().train_loss);
  }
}

TEST_P(Order, BytesAreTheFormulaAndOnlyLeadersSpeakToOtherGroups) {
  for (const std::string between : {"choco", "d_psgd"}) {
    Scenario s = grouped(between, {{"order", order_text(GetParam())}});
    s.topology = "star";
    s.compressor = "sign";
    Result result = run(s);
    const Ledger& ledger = result.outcome.ledger;
    EXPECT_FALSE(result.formula.depends_on_values);
    for (const Traffic traffic : {Traffic::kModel, Traffic::kGradient}) {
      EXPECT_EQ(ledger.total(traffic).payload.value,
                s.steps * result.formula.step(traffic) + result.outcome.syncs * result.formula.sync(traffic))
          << between << ", " << to_text(traffic);
    }
    // By hand: what the members get and give; the rest is what the strategy between the groups sends alone.
    const std::uint64_t told = between == "choco" && GetParam() ? 2 : 1;
    const std::uint64_t members = kWorkers - kGroups;
    EXPECT_EQ(result.formula.step(Traffic::kModel), told * members * kSize * 4);
    EXPECT_EQ(result.formula.step(Traffic::kGradient), members * kSize * 4);
    Tally from_leaders;
    Tally to_leaders;
    Tally to_members;
    for (int k = 0; k < kWorkers; ++k) {
      if (leads(k)) {
        from_leaders += ledger.sent({k}, Traffic::kModel);
        to_leaders += ledger.received({k}, Traffic::kModel);
        EXPECT_EQ(ledger.sent({k}, Traffic::kGradient).frames, 0U) << "leader " << k;
        EXPECT_EQ(ledger.received({k}, Traffic::kGradient).frames, s.steps * (kGroupSize - 1)) << "leader " << k;
      } else {
        to_members += ledger.received({k}, Traffic::kModel);
        EXPECT_EQ(ledger.sent({k}, Traffic::kModel).frames, 0U) << "member " << k;
        EXPECT_EQ(ledger.sent({k}).frames, s.steps) << "member " << k;
        EXPECT_EQ(ledger.received({k}).frames, s.steps * told) << "member " << k;
      }
    }
    Scenario alone = s;
    alone.strategy = between;
    alone.options = s.between_options;
    alone.problem.workers = kGroups;
    EXPECT_EQ(to_leaders, run(alone).outcome.ledger.total(Traffic::kModel)) << between;
    EXPECT_EQ(from_leaders.framed.value, to_leaders.framed.value + to_members.framed.value);
  }
}

INSTANTIATE_TEST_SUITE_P(Hierarchical, Order, testing::Bool(),
                         [](const auto& info) { return info.param ? "Overlap" : "AdaptThenCombine"; });

// Models of all workers at each step: where their gradients were taken, and after the round.
struct Record {
  std::mutex mutex;
  std::map<std::uint64_t, std::map<int, std::vector<float>>> at_gradient;
  std::map<std::uint64_t, std::map<int, std::vector<float>>> after_round;
};

class RecordedLearner final : public Learner {
 public:
  RecordedLearner(std::unique_ptr<Learner> inner, int worker, Record& record)
      : inner_(std::move(inner)), worker_(worker), record_(record) {}
  std::span<float> params() override { return inner_->params(); }
  std::span<float> gradient() override { return inner_->gradient(); }
  const Layout& layout() const override { return inner_->layout(); }
  std::span<float> buffers() override { return inner_->buffers(); }
  std::size_t trained_size() const override { return inner_->trained_size(); }
  double learning_rate() const override { return inner_->learning_rate(); }
  std::uint64_t samples() const override { return inner_->samples(); }
  StepResult compute_gradient(Step step) override {
    const std::scoped_lock lock(record_.mutex);
    record_.at_gradient[step.value][worker_] = {params().begin(), params().end()};
    return inner_->compute_gradient(step);
  }
  void apply_gradient() override { inner_->apply_gradient(); }
  StepResult local_step(Step step) override {
    const StepResult result = compute_gradient(step);
    apply_gradient();
    return result;
  }
  Evaluation evaluate(std::span<const float> params, std::span<const float> buffers, Split split) override {
    return inner_->evaluate(params, buffers, split);
  }
  void archive(Archive& archive) override { inner_->archive(archive); }

 private:
  std::unique_ptr<Learner> inner_;
  int worker_;
  Record& record_;
};

class RecordedStrategy final : public Strategy {
 public:
  RecordedStrategy(std::unique_ptr<Strategy> inner, Record& record) : inner_(std::move(inner)), record_(record) {}
  Task<void> round(Worker& self) override {
    co_await inner_->round(self);
    const std::scoped_lock lock(record_.mutex);
    record_.after_round[self.step().value - 1][self.rank().value] = {self.params().begin(), self.params().end()};
  }

 private:
  std::unique_ptr<Strategy> inner_;
  Record& record_;
};

Result recorded(Scenario s, Record& record) {
  s.wrap_learner = [&](std::unique_ptr<Learner> learner, int worker) {
    return std::make_unique<RecordedLearner>(std::move(learner), worker, record);
  };
  s.wrap = [&](StrategyFactory make) -> StrategyFactory {
    return [&record, make = std::move(make)] { return std::make_unique<RecordedStrategy>(make(), record); };
  };
  return run(s);
}

// Every strategy that can run between groups, in each of its variants. A row that changes the model before its step and
// does not say so (GossipTraits::moves_before_step) fails here.
TEST(Hierarchical, MembersTakeTheirGradientsAtTheirLeadersModelAndHoldItAfterEveryRound) {
  int strategies_seen = 0;
  for (const StrategyRow* row : strategies()) {
    if (default_demands(*row).talks != Talks::kGraph || row->groups != nullptr) continue;
    ++strategies_seen;
    for (const Variant& variant : variants_of(*row)) {
      std::map<std::string, std::string> options;
      for (const OptionText& option : variant.options) options.emplace(option.name, option.text);
      if (row->demands(options_of(*row, variant, "test")).gossip.also_collectives) continue;  // groups have none
      const std::string what = std::string(row->name) + " " + std::string(variant.name);
      Record record;
      const Scenario s = grouped(std::string(row->name), options);
      ASSERT_EQ(recorded(s, record).outcome.end, Outcome::End::kSteps) << what;
      ASSERT_EQ(record.at_gradient.size(), s.steps);
      ASSERT_EQ(record.after_round.size(), s.steps);
      for (const auto* models : {&record.at_gradient, &record.after_round}) {
        for (const auto& [step, of_workers] : *models) {
          ASSERT_EQ(of_workers.size(), static_cast<std::size_t>(kWorkers));
          for (int k = 0; k < kWorkers; ++k) {
            ASSERT_EQ(of_workers.at(k), of_workers.at(k - k % kGroupSize)) << what << ", worker " << k << ", " << step;
          }
        }
      }
      EXPECT_NE(record.after_round.at(5).at(0), record.after_round.at(5).at(kGroupSize)) << what << ": groups differ";
    }
  }
  EXPECT_GE(strategies_seen, 5);
}

TEST(Hierarchical, OnTheCompleteGraphExactAveragingAfterTheStepIsCentralisedSgd) {
  Scenario s = grouped("d_psgd", {{"order", "adapt-then-combine"}});
  s.topology = "complete";
  Matrix x = start_rows(s);
  for (std::uint64_t t = 0; t < s.steps; ++t) x = plus_mean(x, group_steps_at(s.problem, t, x));
  expect_near_groups(run(s).params, x);
  s.strategy = "all_reduce";
  s.options = {};
  expect_near_groups(run(s).params, x);
}

TEST(Hierarchical, LossesAreThoseOfAllWorkers) {
  Scenario s = grouped("choco", {{"gamma", "0.3"}});
  s.steps = 1;
  double mean = 0.0;
  const std::vector<float> start = s.problem.start();
  for (int k = 0; k < kWorkers; ++k) mean += s.problem.loss(k, {start.begin(), start.end()}) / kWorkers;
  EXPECT_NEAR(run(s).measurements.back().train_loss, mean, 1e-9 * mean);
}

// Latency is 1 ms, a step takes 1 ms, and so little is sent that nothing else counts. Member's step, gradient up, model
// down are 3 ms; the exchange between the leaders is the fourth where it does not overlap with them.
TEST(Hierarchical, TheExchangeBetweenGroupsOverlapsWithTheWholeGroupsStep) {
  for (const std::string between : {"choco", "d_psgd"}) {
    for (const bool overlap : {true, false}) {
      Scenario s = grouped(between, {{"order", order_text(overlap)}});
      s.step_cost.assign(kWorkers, Seconds{0.001});
      s.steps = 100;
      const double round_ms = run(s).outcome.time.value / static_cast<double>(s.steps) * 1e3;
      // choco's overlap sends the model on at the start of a round too, behind the end of the one before.
      EXPECT_NEAR(round_ms, overlap ? 3.0 : 4.0, 0.1) << between << ", " << order_text(overlap);
    }
  }
}

std::string failure_of(const Scenario& s) {
  const Result result = run(s);
  if (result.outcome.end != Outcome::End::kFailed) return "none";
  try {
    std::rethrow_exception(result.outcome.error);
  } catch (const PeerLost& lost) {
    return std::string("lost: ") + lost.what();
  } catch (const std::exception& error) {
    return error.what();
  }
}

TEST(Hierarchical, AMemberThatIsLateIsNamed) {
  for (const std::string between : {"choco", "d_psgd"}) {
    for (const bool overlap : {true, false}) {
      Scenario s = grouped(between, {{"order", order_text(overlap)}});
      s.deadline = {10.0};
      s.step_cost.assign(kWorkers, Seconds{0.01});
      s.step_cost[5] = {1000.0};
      EXPECT_EQ(failure_of(s).find("lost: worker 3 got no gathered part (round 0) from worker 5 within 5.00 s"), 0U)
          << failure_of(s);
    }
  }
}

TEST(Hierarchical, ALeaderThatIsLateIsNamedByItsRankInTheJob) {
  for (const std::string between : {"choco", "d_psgd"}) {
    for (const bool overlap : {true, false}) {
      Scenario s = grouped(between, {{"order", order_text(overlap)}});
      s.deadline = {10.0};
      s.step_cost.assign(kWorkers, Seconds{0.01});
      s.step_cost[6] = {1000.0};
      const std::string text = failure_of(s);
      EXPECT_NE(text.find(" from worker 6 within 10 s"), text.npos) << text;
      EXPECT_TRUE(text.starts_with("lost: worker 3 got no ") || text.starts_with("lost: worker 9 got no ")) << text;
    }
  }
}

TEST(Hierarchical, AWorkerWhoseLossIsNotFiniteIsNamedByItsRankInTheJob) {
  for (const int worker : {4, 6}) {
    Scenario s = grouped("choco", {});
    s.diverge = {{worker, Step{2}}};
    EXPECT_EQ(failure_of(s).find("training diverged: the loss of worker " + std::to_string(worker) +
                                 " is not finite in step 3;"),
              0U)
        << failure_of(s);
    s.options = {{"groups", std::to_string(kWorkers)}};
    EXPECT_EQ(failure_of(s).find("training diverged: the loss of worker " + std::to_string(worker) + " "), 0U);
  }
}

TEST(Hierarchical, AMessageForAnotherModelIsRefusedWithBothWorkersNamed) {
  const auto refusal = [](const std::map<int, std::size_t>& dimensions) -> std::string {
    Scenario s = grouped("choco", {{"order", "adapt-then-combine"}});
    s.dimensions = dimensions;
    s.evaluate_every = s.steps;
    return failure_of(s);
  };
  constexpr std::size_t kLarger = kSize + 30;
  EXPECT_EQ(refusal({{4, kLarger}}).find("worker 3 cannot use what worker 4 sent ("), 0U);
  // Of group 2, whose neighbours are groups 1 and 3.
  EXPECT_EQ(refusal({{6, kLarger}, {7, kLarger}, {8, kLarger}}).find("worker 6 cannot use what worker 3 sent ("), 0U);
}

TEST(Hierarchical, GroupsMustBeEqual) {
  const auto refusal = [](int workers, const std::string& groups) -> std::string {
    try {
      find_strategy("hierarchical")
          .groups(strategy_options("hierarchical", {{"groups", groups}}), static_cast<std::uint32_t>(workers));
    } catch (const UsageError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(refusal(12, "4"), "accepted");
  EXPECT_EQ(refusal(12, "12"), "accepted");
  EXPECT_EQ(refusal(12, "5"),
            "test: strategy.groups: 12 workers do not make 5 equal groups; give a divisor, such as 4 or 6");
  EXPECT_EQ(refusal(7, "3"), "test: strategy.groups: 7 workers do not make 3 equal groups; give a divisor, such as 7");
  EXPECT_EQ(refusal(12, "24"),
            "test: strategy.groups: 12 workers do not make 24 equal groups; give a divisor, such as 12");
  EXPECT_EQ(refusal(1, "2"),
            "test: strategy.groups: 1 worker does not make 2 equal groups; take a multiple of that for workers.count");
  EXPECT_NE(refusal(12, "1").find("is not a whole number from 2"), std::string::npos);
}

}  // namespace
}  // namespace laconic::tests
