// What a checkpoint keeps of measurements is read as it was, and damaged bytes are refused.
#include "runtimes/node/node_state.h"

#include <gtest/gtest.h>

namespace laconic {
namespace {

Measurement example(std::uint64_t step) {
  const auto number = static_cast<double>(step);
  Measurement measurement;
  measurement.step = {step};
  measurement.time = {0.5 * number};
  measurement.train_loss = 1.0 / number;
  measurement.test = {.loss = 2.0 / number, .accuracy = 0.5, .samples = 100};
  measurement.validation = {.loss = 3.0 / number, .accuracy = 0.25, .samples = 50};
  measurement.prequential = {.loss = 4.0 * number, .samples = step};
  measurement.consensus_distance = 0.125 * number;
  if (step % 2 == 0) measurement.workers = WorkerAccuracy{.mean = 0.5, .minimum = 0.25, .maximum = 0.75};
  measurement.syncs = step / 3;
  for (std::size_t kind = 0; kind < kTrafficKinds; ++kind)
    measurement.traffic[kind] = {kind + step, {kind}, {7 * kind}};
  if (step % 3 == 0) measurement.watched = {{"threshold", number}, {"variance", -number}};
  return measurement;
}

void expect_same(const Evaluation& a, const Evaluation& b) {
  EXPECT_EQ(a.loss, b.loss);
  EXPECT_EQ(a.accuracy, b.accuracy);
  EXPECT_EQ(a.samples, b.samples);
}

void expect_same(const Measurement& a, const Measurement& b) {
  EXPECT_EQ(a.step, b.step);
  EXPECT_EQ(a.time, b.time);
  EXPECT_EQ(a.train_loss, b.train_loss);
  expect_same(a.test, b.test);
  expect_same(a.validation, b.validation);
  EXPECT_EQ(a.prequential.loss, b.prequential.loss);
  EXPECT_EQ(a.prequential.samples, b.prequential.samples);
  EXPECT_EQ(a.consensus_distance, b.consensus_distance);
  ASSERT_EQ(a.workers.has_value(), b.workers.has_value());
  if (a.workers) {
    EXPECT_EQ(a.workers->mean, b.workers->mean);
    EXPECT_EQ(a.workers->minimum, b.workers->minimum);
    EXPECT_EQ(a.workers->maximum, b.workers->maximum);
  }
  EXPECT_EQ(a.syncs, b.syncs);
  EXPECT_EQ(a.traffic, b.traffic);
  EXPECT_EQ(a.watched, b.watched);
}

std::vector<Measurement> loaded(std::span<const std::byte> bytes) {
  Archive load(bytes);
  std::vector<Measurement> measurements;
  archive_measurements(load, measurements);
  load.expect_end();
  return measurements;
}

TEST(NodeState, MeasurementsAreReadAsTheyWereWrittenAndRefusedWhenCut) {
  std::vector<Measurement> measurements;
  for (std::uint64_t step = 1; step <= 6; ++step) measurements.push_back(example(step));
  Archive save;
  archive_measurements(save, measurements);
  const std::vector<std::byte> bytes = save.take();
  const std::vector<Measurement> again = loaded(bytes);
  ASSERT_EQ(again.size(), measurements.size());
  for (std::size_t i = 0; i < again.size(); ++i) expect_same(again[i], measurements[i]);
  for (std::size_t size = 0; size < bytes.size(); size += 7) {
    EXPECT_THROW(loaded(std::span(bytes).first(size)), DecodeError) << size << " of " << bytes.size();
  }
}

TEST(NodeState, ACountThatTheBytesDoNotHoldIsRefusedBeforeMemoryIsTaken) {
  Archive save;
  std::uint64_t count = ~std::uint64_t{0};
  save.value("measurements", count);
  EXPECT_THROW(loaded(save.take()), DecodeError);
  Archive watched;
  watched.value("watched", count);
  const std::vector<std::byte> bytes = watched.take();
  Archive load(bytes);
  std::map<std::string, double> values;
  EXPECT_THROW(archive_watched(load, values), DecodeError);
}

TEST(NodeState, WatchedValuesAreReadOverThoseThatAreThere) {
  std::map<std::string, double> values = {{"threshold", 0.5}, {"", 1.0}};
  Archive save;
  archive_watched(save, values);
  const std::vector<std::byte> bytes = save.take();
  std::map<std::string, double> others = {{"threshold", 9.0}};
  Archive load(bytes);
  archive_watched(load, others);
  EXPECT_EQ(others, values);
}

}  // namespace
}  // namespace laconic
