// Collectives over real frames: every strategy here calls one collective on a vector of its own in each round.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/random.h"
#include "run.h"

namespace laconic::tests {
namespace {

enum class Operation { kMean, kWeightedMean, kSum, kAny };

struct Call {
  Operation operation = Operation::kMean;
  std::size_t count = 10;
  SharedWeights weights = {};
};

std::vector<float> contribution(int rank, std::size_t count) {
  RandomStream stream(7, "contribution", {static_cast<std::uint64_t>(rank)});
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(stream.gaussian());
  return values;
}

class CallsCollective final : public Strategy {
 public:
  CallsCollective(const Call& call, std::vector<std::vector<float>>& results) : call_(call), results_(results) {}

  Task<void> round(Worker& self) override {
    co_await self.local_step();
    const std::vector<float> mine = contribution(self.rank().value, call_.count);
    std::vector<float>& result = results_[static_cast<std::size_t>(self.rank().value)];
    switch (call_.operation) {
      case Operation::kMean: {
        const SharedVector got = co_await self.comm().all_reduce_mean(mine, Traffic::kModel);
        result.assign(got.values().begin(), got.values().end());
        break;
      }
      case Operation::kWeightedMean: {
        const SharedVector got = co_await self.comm().all_reduce_mean(mine, *call_.weights, Traffic::kModel);
        result.assign(got.values().begin(), got.values().end());
        break;
      }
      case Operation::kSum: {
        const SharedVector got = co_await self.comm().all_reduce_sum(mine, Traffic::kModel);
        result.assign(got.values().begin(), got.values().end());
        break;
      }
      case Operation::kAny: {
        // Only the last worker votes yes, and only in its second step.
        const bool vote = self.rank().value == self.world_size() - 1 && self.step().value == 2;
        const bool got = co_await self.comm().all_reduce_any(vote, Traffic::kModel);
        result.push_back(got ? 1.0F : 0.0F);
        break;
      }
    }
  }

  Task<void> coordinate(Coordinator& self) override { return serve_collectives(self.comm(), call_.weights); }

 private:
  Call call_;
  std::vector<std::vector<float>>& results_;
};

struct Case {
  Collective collective;
  int workers;
  std::size_t count;
};

class Collectives : public testing::TestWithParam<Case> {
 protected:
  // Runs two rounds of the call; returns what each worker got and the ledger's total.
  std::vector<std::vector<float>> call(Operation operation, Tally& total, const std::vector<double>& weights = {}) {
    const Case& c = GetParam();
    std::vector<std::vector<float>> results(static_cast<std::size_t>(c.workers));
    Scenario scenario{.problem = {.workers = c.workers, .dimension = c.count},
                      .strategy = "synchronous",
                      .steps = 2,
                      .collective = c.collective};
    scenario.wrap = [&](const StrategyFactory&) -> StrategyFactory {
      const SharedWeights shared = weights.empty() ? nullptr : std::make_shared<MeanWeights>(weights);
      return [&, operation, shared] {
        return std::make_unique<CallsCollective>(Call{operation, c.count, shared}, results);
      };
    };
    const Result result = run(scenario);
    EXPECT_EQ(result.outcome.end, Outcome::End::kSteps);
    total = result.outcome.ledger.total(Traffic::kModel);
    return results;
  }
};

TEST_P(Collectives, MeanIsTheMeanAndTheSameBitsEverywhere) {
  Tally total;
  const auto results = call(Operation::kMean, total);
  const auto workers = static_cast<double>(GetParam().workers);
  std::vector<std::vector<float>> contributions;
  for (int k = 0; k < GetParam().workers; ++k) contributions.push_back(contribution(k, GetParam().count));
  for (std::size_t j = 0; j < GetParam().count; ++j) {
    double expected = 0.0;
    double magnitude = 0.0;
    for (const std::vector<float>& values : contributions) {
      expected += values[j] / workers;
      magnitude += std::abs(values[j]) / workers;
    }
    // Ring and tree round once for each of the K sums and once for the division.
    const double tolerance = (workers + 1.0) * std::numeric_limits<float>::epsilon() * magnitude;
    ASSERT_NEAR(results[0][j], expected, tolerance) << "element " << j;
  }
  for (const auto& result : results) ASSERT_EQ(result, results[0]);
}

TEST_P(Collectives, AWeightedMeanIsTheWeightedMeanAndTheSameBitsEverywhereForTheSameBytes) {
  const auto workers = static_cast<std::size_t>(GetParam().workers);
  std::vector<double> weights;
  double sum = 0.0;
  for (std::size_t k = 0; k < workers; ++k) {
    weights.push_back(k % 3 == 1 ? 0.0 : 1.0 + 1000.0 * static_cast<double>(k));
    sum += weights.back();
  }
  Tally total;
  const auto results = call(Operation::kWeightedMean, total, weights);
  std::vector<std::vector<float>> contributions;
  for (int k = 0; k < GetParam().workers; ++k) contributions.push_back(contribution(k, GetParam().count));
  for (std::size_t j = 0; j < GetParam().count; ++j) {
    double expected = 0.0;
    double magnitude = 0.0;
    for (std::size_t k = 0; k < workers; ++k) {
      expected += weights[k] / sum * contributions[k][j];
      magnitude += weights[k] / sum * std::abs(contributions[k][j]);
    }
    // Ring and tree round two more products of each part: its share, and its multiplication.
    const double tolerance = (static_cast<double>(workers) + 3.0) * std::numeric_limits<float>::epsilon() * magnitude;
    ASSERT_NEAR(results[0][j], expected, tolerance) << "element " << j;
  }
  for (const auto& result : results) ASSERT_EQ(result, results[0]);
  Tally plain;
  call(Operation::kMean, plain);
  EXPECT_EQ(total, plain);
}

TEST_P(Collectives, WeightsThatAreAlikeAreThePlainMeanToTheBit) {
  Tally total;
  const auto plain = call(Operation::kMean, total);
  const std::vector<double> alike(static_cast<std::size_t>(GetParam().workers), 600.0);
  EXPECT_EQ(call(Operation::kWeightedMean, total, alike), plain);
}

TEST_P(Collectives, WhereOneWorkerHasAllTheWeightTheMeanIsItsVector) {
  for (const int heavy : {0, GetParam().workers - 1}) {
    std::vector<double> weights(static_cast<std::size_t>(GetParam().workers), 0.0);
    weights[static_cast<std::size_t>(heavy)] = 1234567.0;
    Tally total;
    const auto results = call(Operation::kWeightedMean, total, weights);
    const std::vector<float> own = contribution(heavy, GetParam().count);
    for (std::size_t j = 0; j < own.size(); ++j) {
      if (GetParam().collective == Collective::kStar) {
        ASSERT_EQ(results[0][j], own[j]);
      } else {  // K times it, and a K-th of that
        ASSERT_NEAR(results[0][j], own[j], 2.0 * std::numeric_limits<float>::epsilon() * std::abs(own[j]));
      }
    }
  }
}

TEST_P(Collectives, SumIsWorkersTimesTheMean) {
  Tally total;
  const auto sums = call(Operation::kSum, total);
  const auto means = call(Operation::kMean, total);
  for (std::size_t j = 0; j < GetParam().count; ++j) {
    ASSERT_NEAR(sums[0][j], means[0][j] * static_cast<float>(GetParam().workers), 1e-5) << "element " << j;
  }
}

TEST_P(Collectives, PayloadBytesAreTheFormulas) {
  Tally total;
  call(Operation::kMean, total);
  EXPECT_EQ(total.payload.value,
            2 * all_reduce_payload(GetParam().collective, GetParam().workers, GetParam().count).value);
  EXPECT_GE(total.framed, total.payload + Bytes{7 * total.frames});  // the smallest header has 7 bytes
  EXPECT_LE(total.framed.value, total.payload.value + kMaxHeaderSize * total.frames);
}

TEST_P(Collectives, AnyIsTheOrOfTheVotesAtOneByteEach) {
  Tally total;
  const auto results = call(Operation::kAny, total);
  for (const auto& result : results) {
    ASSERT_EQ(result.size(), 2U);
    EXPECT_EQ(result[0] + result[1], 1.0F);  // the vote falls in one of the two rounds
    EXPECT_EQ(result, results[0]);
  }
  EXPECT_EQ(total.payload.value, 2 * any_payload(GetParam().collective, GetParam().workers).value);
}

INSTANTIATE_TEST_SUITE_P(Sizes, Collectives,
                         testing::Values(Case{Collective::kStar, 1, 3}, Case{Collective::kStar, 2, 1},
                                         Case{Collective::kStar, 7, 5000}, Case{Collective::kRing, 1, 3},
                                         Case{Collective::kRing, 2, 3000}, Case{Collective::kRing, 3, 10},
                                         Case{Collective::kRing, 5, 2048}, Case{Collective::kRing, 7, 2049},
                                         Case{Collective::kRing, 8, 4096}, Case{Collective::kRing, 13, 5000}),
                         [](const auto& info) {
                           const Case& c = info.param;
                           return std::string(c.collective == Collective::kStar ? "Star" : "Ring") +
                                  std::to_string(c.workers) + "x" + std::to_string(c.count);
                         });

}  // namespace
}  // namespace laconic::tests
