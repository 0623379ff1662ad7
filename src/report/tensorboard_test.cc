// Two readers that know nothing of the writer: records are taken apart with a bitwise CRC-32C, and events are decoded
// by protoc from the messages' definition.
#include "report/tensorboard.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <vector>

#include "base/error.h"
#include "base/scratch_folder.h"
#include "report/example_measurement_test.h"
#include "report/metrics.h"

namespace laconic {
namespace {

using testing::example_measurement;

// The parts of TensorFlow's event.proto and summary.proto that scalars use.
constexpr const char* kDefinition = R"(syntax = "proto3";
message Summary {
  message Value { string tag = 1; float simple_value = 2; }
  repeated Value value = 1;
}
message Event {
  double wall_time = 1;
  int64 step = 2;
  string file_version = 3;
  Summary summary = 5;
}
)";

std::uint32_t bitwise_crc32c(std::string_view bytes) {
  std::uint32_t crc = ~0U;
  for (const char byte : bytes) {
    crc ^= static_cast<std::uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78U : 0U);
  }
  return ~crc;
}

std::uint64_t number_at(std::string_view bytes, std::size_t at, int size) {
  std::uint64_t number = 0;
  for (int i = size - 1; i >= 0; --i) number = number << 8 | static_cast<std::uint8_t>(bytes.at(at + i));
  return number;
}

bool is_crc_of(std::uint64_t masked, std::string_view bytes) {
  const std::uint32_t rotated = static_cast<std::uint32_t>(masked) - 0xa282ead8U;
  return (rotated >> 17 | rotated << 15) == bitwise_crc32c(bytes);
}

// The events of a file, each with sound checksums.
std::vector<std::string> records_of(std::string_view file) {
  std::vector<std::string> events;
  while (!file.empty()) {
    EXPECT_TRUE(is_crc_of(number_at(file, 8, 4), file.substr(0, 8)));
    const std::size_t length = number_at(file, 0, 8);
    events.emplace_back(file.substr(12, length));
    EXPECT_EQ(events.back().size(), length);
    EXPECT_TRUE(is_crc_of(number_at(file, 12 + length, 4), events.back()));
    file.remove_prefix(16 + length);
  }
  return events;
}

// What protoc makes of an event, as text.
std::string decoded(const std::string& event) {
  const ScratchFolder folder;
  std::ofstream(folder.path("event.proto")) << kDefinition;
  std::ofstream(folder.path("event"), std::ios::binary) << event;
  const std::string command =
      "protoc -I " + folder.path() + " --decode=Event event.proto <" + folder.path("event") + " 2>&1";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string text;
  for (int byte = 0; (byte = std::fgetc(pipe.get())) != EOF;) text += static_cast<char>(byte);
  return text;
}

std::string scalar(const std::string& tag, const std::string& value) {
  return "  value {\n    tag: \"" + tag + "\"\n    simple_value: " + value + "\n  }\n";
}

class TensorBoardEvents : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::system("protoc --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "no protoc";
  }
};

TEST_F(TensorBoardEvents, BeginWithTheVersionOfTheFormat) {
  const auto records = records_of(tensorboard_events(""));
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(decoded(records[0]), "file_version: \"brain.Event:2\"\n");
}

TEST_F(TensorBoardEvents, HoldTheFiguresOfMeasurementsUnderTheirTags) {
  const auto records = records_of(tensorboard_events(measurement_line(example_measurement(), 1.25) + "\n"));
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(decoded(records[1]), "wall_time: 2.5\nstep: 100\nsummary {\n" + scalar("train/loss", "0.75") +
                                     scalar("evaluation/loss", "0.5") + scalar("evaluation/accuracy", "0.875") +
                                     scalar("consensus/distance", "0.125") + scalar("communication/bytes", "648") +
                                     scalar("communication/payload_bytes", "600") +
                                     scalar("communication/model_bytes", "648") + scalar("communication/syncs", "3") +
                                     scalar("monitor/variance_estimate", "1.5") + "}\n");
}

TEST_F(TensorBoardEvents, HoldWhatOnlySomeRunsMeasure) {
  Measurement measurement = example_measurement();
  measurement.validation = {.loss = 0.25, .accuracy = 0.5, .samples = 10};
  measurement.workers = WorkerAccuracy{.mean = 0.5, .minimum = 0.25, .maximum = 0.75};
  measurement.prequential = {.loss = 12.5, .samples = 40};
  const auto records = records_of(tensorboard_events(measurement_line(measurement, 1.25) + "\n"));
  ASSERT_EQ(records.size(), 2U);
  const std::string text = decoded(records[1]);
  for (const auto& [tag, value] : {std::pair{"validation/loss", "0.25"},
                                   {"validation/accuracy", "0.5"},
                                   {"evaluation/prequential_loss", "12.5"},
                                   {"workers/accuracy_mean", "0.5"},
                                   {"workers/accuracy_minimum", "0.25"},
                                   {"workers/accuracy_maximum", "0.75"}}) {
    EXPECT_NE(text.find(scalar(tag, value)), std::string::npos) << tag << " in\n" << text;
  }
}

TEST_F(TensorBoardEvents, HaveSynchronisationsAtTheClockOfTheMeasurementBefore) {
  const auto records =
      records_of(tensorboard_events(measurement_line(example_measurement(), 1.25) + "\n" +
                                    sync_line({130}, 1.5, 4, {{"variance_estimate", 2.25}}, 2.0) + "\n"));
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(decoded(records[2]), "wall_time: 2.5\nstep: 130\nsummary {\n" + scalar("communication/syncs", "4") +
                                     scalar("monitor/threshold", "2") + scalar("monitor/variance_estimate", "2.25") +
                                     "}\n");
}

TEST_F(TensorBoardEvents, LeaveOutWhatIsNoFiniteFloat) {
  Measurement measurement = example_measurement();
  measurement.train_loss = std::nan("");
  measurement.test.loss = 1e300;
  const auto records = records_of(tensorboard_events(measurement_line(measurement, 1.25) + "\n"));
  const std::string text = decoded(records.at(1));
  EXPECT_EQ(text.find("/loss"), std::string::npos) << text;
  EXPECT_NE(text.find("evaluation/accuracy"), std::string::npos) << text;
}

TEST_F(TensorBoardEvents, AreRefusedOfLinesThatAreNoMetrics) {
  for (const char* line : {"nonsense\n", "{}\n", R"({"type": "other"})", R"({"type": "measurement", "step": 1})"}) {
    EXPECT_THROW(tensorboard_events(line), DecodeError) << line;
  }
}

}  // namespace
}  // namespace laconic
