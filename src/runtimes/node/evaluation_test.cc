// What process 0 makes of the workers' reports, against sums over all of them.
#include "runtimes/node/evaluation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/error.h"

namespace laconic {
namespace {

constexpr int kWorkers = 3;
constexpr std::size_t kSize = 5;

// Worker `rank`'s report after `step`: every figure another one.
struct Report : WorkerReport {
  std::vector<float> params;
  std::vector<float> buffers;
};
Report report_of(int rank, std::uint64_t step, bool with_model) {
  Report report;
  static_cast<WorkerReport&>(report) = {
      .step = {step},
      .loss_sum = 1.5 * rank + static_cast<double>(step),
      .loss_steps = static_cast<std::uint64_t>(2 + rank),
      .tested = {.loss = 0.5 * (rank + 1), .samples = static_cast<std::uint64_t>(10 * (rank + 1))},
      .squared_norm = 0.0,
      .own = {.test = 0.25 * (rank + 1), .own_data = 0.125 * (rank + 1), .own_samples = 5},
      .traffic = {}};
  for (std::size_t kind = 0; kind < kTrafficKinds; ++kind) {
    const std::uint64_t bytes = 100 * kind + static_cast<std::uint64_t>(rank);
    report.traffic[kind] = {.frames = kind + 1, .payload = {bytes}, .framed = {bytes + 9}};
  }
  std::vector<float> params;
  for (std::size_t j = 0; j < kSize; ++j) {
    params.push_back(std::sin(static_cast<float>(step + 10 * j) + static_cast<float>(rank)));
    report.squared_norm += static_cast<double>(params.back()) * params.back();
  }
  if (with_model) {
    report.params = params;
    report.buffers = {static_cast<float>(rank), 1.0F};
  }
  return report;
}

void add(Evaluator& evaluator, Rank rank, const Report& report, Seconds now) {
  evaluator.add(rank, report, report.params, report.buffers, now);
}

Model start() { return {.params = std::vector<float>(kSize, 7.0F), .buffers = {7.0F, 7.0F}}; }

TEST(Evaluator, AMeasurementIsTheSumOfAllReportsInWhateverOrderTheyCome) {
  std::vector<int> order = {0, 1, 2};
  do {
    Evaluator evaluator(kWorkers, true, start());
    evaluator.count_sync();
    evaluator.watch("threshold", 0.5);
    for (std::size_t i = 0; i < order.size(); ++i) {
      EXPECT_FALSE(evaluator.take_due());
      add(evaluator, {order[i]}, report_of(order[i], 4, true), {static_cast<double>(i)});
    }
    std::optional<Evaluator::Due> due = evaluator.take_due();
    ASSERT_TRUE(due);
    EXPECT_FALSE(evaluator.take_due());

    double loss = 0.0;
    double steps = 0.0;
    double tested = 0.0;
    std::vector<double> mean(kSize);
    for (int rank = 0; rank < kWorkers; ++rank) {
      const Report report = report_of(rank, 4, true);
      loss += report.loss_sum;
      steps += static_cast<double>(report.loss_steps);
      tested += report.tested.loss;
      for (std::size_t j = 0; j < kSize; ++j) mean[j] += report.params[j] / static_cast<double>(kWorkers);
    }
    double distance = 0.0;
    for (int rank = 0; rank < kWorkers; ++rank) {
      const Report report = report_of(rank, 4, true);
      for (std::size_t j = 0; j < kSize; ++j) distance += std::pow(report.params[j] - mean[j], 2) / kWorkers;
    }
    const Measurement& measurement = due->measurement;
    EXPECT_EQ(measurement.step, Step{4});
    EXPECT_EQ(measurement.time, Seconds{2.0}) << "of the last report";
    EXPECT_DOUBLE_EQ(measurement.train_loss, loss / steps);
    EXPECT_DOUBLE_EQ(measurement.prequential.loss, tested);
    EXPECT_EQ(measurement.prequential.samples, 60U);
    EXPECT_NEAR(measurement.consensus_distance, distance, 1e-12);
    ASSERT_TRUE(measurement.workers);
    EXPECT_DOUBLE_EQ(measurement.workers->mean, 0.5);
    EXPECT_EQ(measurement.workers->minimum, 0.25);
    EXPECT_EQ(measurement.workers->maximum, 0.75);
    ASSERT_EQ(measurement.by_worker.size(), 3U);
    for (int rank = 0; rank < kWorkers; ++rank) {
      EXPECT_EQ(measurement.by_worker[static_cast<std::size_t>(rank)], report_of(rank, 4, true).own);
    }
    EXPECT_EQ(measurement.syncs, 1U);
    EXPECT_EQ(measurement.watched.at("threshold"), 0.5);
    for (std::size_t kind = 0; kind < kTrafficKinds; ++kind) {
      const std::uint64_t bytes = 300 * kind + 3;
      EXPECT_EQ(measurement.traffic[kind], (Tally{3 * (kind + 1), {bytes}, {bytes + 27}}));
    }
    for (std::size_t j = 0; j < kSize; ++j) EXPECT_FLOAT_EQ(due->model.params[j], static_cast<float>(mean[j]));
    EXPECT_EQ(due->model.buffers, (std::vector<float>{1.0F, 1.0F}));
  } while (std::ranges::next_permutation(order).found);
}

TEST(WorkerAccuracy, TheMeanOfEqualAccuraciesIsThatAccuracyToTheBit) {
  for (const double accuracy : {1.0, 0.1, 0.7, 1.0 / 3.0}) {
    for (const std::size_t workers : {1U, 3U, 49U, 1000U}) {
      EXPECT_EQ(WorkerAccuracy::of(std::vector<double>(workers, accuracy)).mean, accuracy) << workers;
    }
  }
  EXPECT_EQ(WorkerAccuracy::of(std::vector<double>{1.0, 0.5}).mean, 0.75);
}

TEST(Evaluator, WhatOnlySomeWorkersMeasuredIsKeptOfTheseAndHasNoMean) {
  Evaluator evaluator(kWorkers, true, start());
  for (int rank = 0; rank < kWorkers; ++rank) {
    Report report = report_of(rank, 4, true);
    if (rank != 1) report.own = {};
    if (rank == 1) report.own.test = std::nullopt;  // its test split is at another site
    add(evaluator, {rank}, report, {1.0});
  }
  const std::optional<Evaluator::Due> due = evaluator.take_due();
  ASSERT_TRUE(due);
  EXPECT_FALSE(due->measurement.workers);
  ASSERT_EQ(due->measurement.by_worker.size(), 3U);
  EXPECT_EQ(due->measurement.by_worker[0], WorkerScore{});
  EXPECT_EQ(due->measurement.by_worker[1].own_data, 0.25);
}

TEST(Evaluator, StepsAreMeasuredInTheirOrderAndWhatIsWaitedForIsTheOldest) {
  Evaluator evaluator(kWorkers, true, start());
  EXPECT_FALSE(evaluator.missing());
  for (const int rank : {2, 0}) {
    add(evaluator, {rank}, report_of(rank, 4, true), {1.0});
    add(evaluator, {rank}, report_of(rank, 8, true), {2.0});
  }
  EXPECT_EQ(evaluator.missing(), Rank{1});
  add(evaluator, {1}, report_of(1, 4, true), {3.0});
  EXPECT_EQ(evaluator.take_due()->step, Step{4});
  EXPECT_FALSE(evaluator.take_due());
  EXPECT_EQ(evaluator.missing(), Rank{1});
  add(evaluator, {1}, report_of(1, 8, true), {4.0});
  const std::optional<Evaluator::Due> due = evaluator.take_due();
  EXPECT_EQ(due->step, Step{8});
  EXPECT_EQ(due->measurement.prequential.samples, 120U) << "over both";
}

TEST(Evaluator, WithoutAveragesItMeasuresWorker0sModelAndKnowsNoDistance) {
  Evaluator evaluator(kWorkers, false, start());
  const Model synchronised{.params = std::vector<float>(kSize, 2.0F), .buffers = {3.0F, 4.0F}};
  evaluator.set_model({4}, synchronised);
  for (int rank = 0; rank < kWorkers; ++rank) add(evaluator, {rank}, report_of(rank, 4, false), {1.0});
  const std::optional<Evaluator::Due> due = evaluator.take_due();
  EXPECT_EQ(due->model.params, synchronised.params);
  EXPECT_EQ(due->model.buffers, synchronised.buffers);
  EXPECT_TRUE(std::isnan(due->measurement.consensus_distance));
}

TEST(Evaluator, AModelThatIsMissingOrTooMuchAndASecondReportAreRefusedByWorkerAndStep) {
  Evaluator averaging(kWorkers, true, start());
  EXPECT_THROW(add(averaging, {1}, report_of(1, 4, false), {1.0}), DecodeError);
  Evaluator evaluator(kWorkers, false, start());
  EXPECT_THROW(add(evaluator, {1}, report_of(1, 4, true), {1.0}), DecodeError);
  add(evaluator, {1}, report_of(1, 4, false), {1.0});
  try {
    add(evaluator, {1}, report_of(1, 4, false), {1.0});
    FAIL() << "taken";
  } catch (const DecodeError& error) {
    EXPECT_STREQ(error.what(), "report of worker 1 after step 4: it came before");
  }
}

TEST(Evaluator, NamesTheWorkerWhoseModelIsNotFiniteAndKeepsTheLastGoodOne) {
  Evaluator evaluator(kWorkers, false, start());
  const auto measure = [&](std::uint64_t step, double loss, double norm_of_2) {
    evaluator.set_model({step}, {.params = std::vector<float>(kSize, static_cast<float>(step)), .buffers = {}});
    for (int rank = 0; rank < kWorkers; ++rank) {
      Report report = report_of(rank, step, false);
      if (rank == 2) report.squared_norm = norm_of_2;
      add(evaluator, {rank}, std::move(report), {1.0});
    }
    Evaluator::Due due = evaluator.take_due().value();
    due.measurement.test.loss = loss;
    const bool is_good = evaluator.measured(due);
    EXPECT_EQ(is_good, std::isfinite(loss));
    return due.broken;
  };
  EXPECT_EQ(evaluator.last_good_model().params, start().params);
  EXPECT_EQ(measure(4, 0.5, 1.0), -1);
  EXPECT_EQ(measure(8, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()), 2);
  EXPECT_EQ(evaluator.last_good_step(), Step{4});
  EXPECT_EQ(evaluator.last_good_model().params, std::vector<float>(kSize, 4.0F));
}

TEST(Evaluator, GoesOnFromItsArchive) {
  const auto add_all = [](Evaluator& evaluator, std::uint64_t step) {
    for (int rank = 0; rank < kWorkers; ++rank) add(evaluator, {rank}, report_of(rank, step, true), {1.0});
    return evaluator.take_due().value();
  };
  Evaluator whole(kWorkers, true, start());
  whole.count_sync();
  whole.watch("variance", 2.5);
  whole.measured(add_all(whole, 4));
  Archive save;
  whole.archive(save);
  const std::vector<std::byte> bytes = save.take();
  Evaluator resumed(kWorkers, true, start());
  Archive load(bytes);
  resumed.archive(load);
  load.expect_end();
  EXPECT_EQ(resumed.last_good_step(), Step{4});
  EXPECT_EQ(resumed.last_good_model().params, whole.last_good_model().params);
  const Evaluator::Due expected = add_all(whole, 8);
  const Evaluator::Due actual = add_all(resumed, 8);
  EXPECT_EQ(actual.measurement.prequential.loss, expected.measurement.prequential.loss);
  EXPECT_EQ(actual.measurement.syncs, 1U);
  EXPECT_EQ(actual.measurement.watched, expected.measurement.watched);
}

TEST(Evaluator, HalfAMeasurementIsNoStateToKeep) {
  Evaluator evaluator(kWorkers, true, start());
  add(evaluator, {1}, report_of(1, 4, true), {1.0});
  Archive save;
  EXPECT_THROW(evaluator.archive(save), CheckFailed);
}

}  // namespace
}  // namespace laconic
