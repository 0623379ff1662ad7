#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "training/data/my_data.h"
#include "training/data/test_support.h"

namespace laconic {
namespace {

// A record of 2 x 2 pixels that count on from `first`.
std::string record(int label, int first) {
  std::string bytes(1, static_cast<char>(label));
  for (int i = 0; i < 4; ++i) bytes += static_cast<char>(first + i);
  return bytes;
}

Dataset load(const std::string& folder) {
  const DatasetRow& row = find_dataset("my_data");
  return load_dataset(row, folder, Options("data", row.options, {{"side", {.text = "2", .where = "test"}}}));
}

TEST(MyData, ARecordIsALabelAndThePixelsOfAnImage) {
  const TemporaryFolder folder;
  folder.write("train.bin", record(7, 1) + record(0, 5));
  folder.write_compressed("test.bin.gz", record(9, 20));
  const Dataset data = load(folder.path());
  EXPECT_EQ(data.shape, (ImageShape{.channels = 1, .height = 2, .width = 2}));
  EXPECT_EQ(data.classes, 10U);
  EXPECT_EQ(data.train.labels, (std::vector<std::uint16_t>{7, 0}));
  EXPECT_EQ(data.train.pixels, (std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(data.test.labels, std::vector<std::uint16_t>{9});
}

TEST(MyData, AFileThatIsNotRecordsIsRefusedAndLeavesTheSamplesAlone) {
  const TemporaryFolder folder;
  for (const std::string& bytes : {std::string(), record(3, 1).substr(0, 4), record(3, 1) + record(10, 1)}) {
    Samples samples;
    EXPECT_THROW(read_my_file(folder.write("bad", bytes), 2, samples), UsageError);
    EXPECT_EQ(samples.count(), 0U);
  }
}

TEST(MyData, AMissingFileIsNamed) {
  const TemporaryFolder folder;
  folder.write("train.bin", record(1, 1));
  try {
    load(folder.path());
    FAIL() << "there is no test.bin";
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("test.bin"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace laconic
