#include "report/metrics.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "report/example_measurement_test.h"

namespace laconic {
namespace {

using Json = nlohmann::json;

Measurement example() {
  Measurement measurement = testing::example_measurement();
  measurement.traffic[static_cast<std::size_t>(Traffic::kState)] = {.frames = 200, .payload = {1600}, .framed = {3200}};
  return measurement;
}

TEST(MeasurementLine, IsOneLineOfJsonWithEveryFigure) {
  const std::string line = measurement_line(example(), 1.25);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const Json expected = Json::parse(R"({
    "type": "measurement", "step": 100, "epoch": 1.25, "time_s": 2.5, "train_loss": 0.75,
    "test": {"loss": 0.5, "accuracy": 0.875, "samples": 1000}, "consensus_distance": 0.125, "syncs": 3,
    "payload_bytes": 2200, "wire_bytes": 3848,
    "traffic": {"model": {"frames": 6, "payload_bytes": 600, "wire_bytes": 648},
                "state": {"frames": 200, "payload_bytes": 1600, "wire_bytes": 3200}},
    "watched": {"variance_estimate": 1.5}})");
  EXPECT_EQ(Json::parse(line), expected);
}

TEST(MeasurementLine, HasHeldOutDataAndOwnModelsWhereTheyWereMeasured) {
  Measurement measurement = example();
  measurement.validation = {.loss = 0.25, .accuracy = 0.5, .samples = 10};
  measurement.workers = WorkerAccuracy{.mean = 0.5, .minimum = 0.25, .maximum = 0.75};
  const Json json = Json::parse(measurement_line(measurement, 1.0));
  EXPECT_EQ(json.at("validation"), Json::parse(R"({"loss": 0.25, "accuracy": 0.5, "samples": 10})"));
  EXPECT_EQ(json.at("workers"), Json::parse(R"({"mean": 0.5, "minimum": 0.25, "maximum": 0.75})"));
}

TEST(MeasurementLine, OfNumbersHasR2AndMeanAbsoluteErrorInThePlaceOfAnAccuracy) {
  Measurement measurement = example();
  measurement.test.regression = {.r2 = -0.25, .mean_absolute_error = 12.5};
  const Json json = Json::parse(measurement_line(measurement, 0.5));
  EXPECT_EQ(json.at("test"), Json::parse(R"({"loss": 0.5, "r2": -0.25, "mae": 12.5, "samples": 1000})"));
}

TEST(MeasurementLine, HasTheCumulativeLossWhereTheJobAsksForIt) {
  Measurement measurement = example();
  measurement.prequential = {.loss = 12.5, .samples = 40};
  EXPECT_EQ(Json::parse(measurement_line(measurement, 1.0)).at("prequential"),
            Json::parse(R"({"cumulative_loss": 12.5, "samples": 40})"));
}

TEST(MeasurementLine, WritesNullForWhatIsNotFinite) {
  Measurement measurement = example();
  measurement.train_loss = std::numeric_limits<double>::quiet_NaN();
  measurement.test.loss = std::numeric_limits<double>::infinity();
  const Json json = Json::parse(measurement_line(measurement, 1.0));
  EXPECT_TRUE(json.at("train_loss").is_null());
  EXPECT_TRUE(json.at("test").at("loss").is_null());
}

TEST(SyncLine, HasTheEstimateBesideTheThreshold) {
  EXPECT_EQ(Json::parse(sync_line({42}, 0.5, 7, {{"variance_estimate", 2.75}}, 2.5)),
            Json::parse(R"({"type": "sync", "step": 42, "epoch": 0.5, "syncs": 7,
                            "watched": {"variance_estimate": 2.75}, "threshold": 2.5})"));
  EXPECT_FALSE(Json::parse(sync_line({1}, 0.5, 1, {}, std::nullopt)).contains("threshold"));
}

}  // namespace
}  // namespace laconic
