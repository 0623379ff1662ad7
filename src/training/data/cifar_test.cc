#include "training/data/cifar.h"

#include <cmath>

#include "training/data/test_support.h"

namespace laconic {
namespace {

// A record whose pixels count on from `first`.
std::string record(int label, int first) {
  std::string bytes(1, static_cast<char>(label));
  for (int i = 0; i < 3072; ++i) bytes += static_cast<char>(first + i);
  return bytes;
}

void write_all(const TemporaryFolder& folder) {
  for (int file = 1; file <= 5; ++file) {
    folder.write("data_batch_" + std::to_string(file) + ".bin", record(file, 10 * file) + record(9 - file, 7 * file));
  }
  folder.write_compressed("test_batch.bin.gz", record(3, 77));
}

Options options_of(const std::map<std::string, std::string>& values) {
  std::map<std::string, GivenOption> given;
  for (const auto& [key, text] : values) given[key] = {.text = text, .where = "test"};
  return Options("data", find_dataset("cifar10").options, given);
}

TEST(Cifar, RecordsAreALabelAndThePlanesOfAnImage) {
  const TemporaryFolder folder;
  Samples samples;
  read_cifar10(folder.write("one", record(7, 0) + record(0, 5)), samples);
  read_cifar10(folder.write_compressed("two.gz", record(9, 200)), samples);
  ASSERT_EQ(samples.count(), 3U);
  EXPECT_EQ(samples.labels, (std::vector<std::uint16_t>{7, 0, 9}));
  ASSERT_EQ(samples.pixels.size(), 3U * 3072);
  EXPECT_EQ(samples.pixels[0], 0);
  EXPECT_EQ(samples.pixels[1], 1);
  EXPECT_EQ(samples.pixels[3072], 5);
  EXPECT_EQ(samples.pixels[2 * 3072 + 1024 + 32], static_cast<std::uint8_t>(200 + 1056));
}

TEST(Cifar, ADataSetIsFiveFilesToTrainAndOneToTest) {
  const TemporaryFolder folder;
  write_all(folder);
  const Dataset data = load_dataset(find_dataset("cifar10"), folder.path(), options_of({{"augment", "true"}}));
  EXPECT_EQ(data.shape, (ImageShape{.channels = 3, .height = 32, .width = 32}));
  EXPECT_EQ(data.classes, 10U);
  EXPECT_EQ(data.train.labels, (std::vector<std::uint16_t>{1, 8, 2, 7, 3, 6, 4, 5, 5, 4}));
  EXPECT_EQ(data.test.labels, std::vector<std::uint16_t>{3});
  EXPECT_EQ(data.augmentation, Augmentation::kCropMirror);
  // Mean and deviation over the training images, as plain sums.
  ASSERT_EQ(data.normalisation.size(), 3U);
  for (std::size_t channel = 0; channel < 3; ++channel) {
    double mean = 0.0;
    double square = 0.0;
    for (std::size_t i = 0; i < 10 * 1024; ++i) {
      const double value = data.train.pixels[i / 1024 * 3072 + channel * 1024 + i % 1024] / 255.0;
      mean += value / 10240.0;
      square += value * value / 10240.0;
    }
    EXPECT_NEAR(data.normalisation[channel].mean, mean, 1e-5);
    EXPECT_NEAR(data.normalisation[channel].deviation, std::sqrt(square - mean * mean), 1e-5);
  }
  const Dataset plain = load_dataset(find_dataset("cifar10"), folder.path(), options_of({{"normalise", "false"}}));
  EXPECT_TRUE(plain.normalisation.empty());
  EXPECT_EQ(plain.augmentation, Augmentation::kNone);
}

TEST(Cifar, WhatIsNoSuchFileIsRefusedAndChangesNothing) {
  const TemporaryFolder folder;
  Samples samples;
  const auto expect_refused = [&](const std::string& content, const std::string& expected) {
    const std::string path = folder.write("bad", content);
    const std::string text = usage_error([&] { read_cifar10(path, samples); });
    EXPECT_NE(text.find(path + ": byte "), std::string::npos) << text;
    EXPECT_NE(text.find(expected), std::string::npos) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
    EXPECT_EQ(samples.count() + samples.pixels.size(), 0U);
  };
  expect_refused("", "the file is empty");
  expect_refused(record(1, 0).substr(0, 3072), "byte 3072: the file ends within a record");
  expect_refused(record(1, 0) + "x", "byte 3074: the file ends within a record");
  expect_refused(record(1, 0) + record(10, 0), "byte 3073: label 10 is not below 10");
  const std::string compressed = read_whole(folder.write_compressed("whole.gz", record(1, 0)));
  expect_refused(compressed.substr(0, compressed.size() - 9), "the file breaks off");
  EXPECT_NE(usage_error([&] { read_cifar10(folder.path("absent"), samples); }).find("cannot be opened"),
            std::string::npos);
}

TEST(Cifar, AMissingFileIsNamed) {
  const TemporaryFolder folder;
  write_all(folder);
  std::filesystem::remove(folder.path("data_batch_4.bin"));
  const auto load = [&](const std::string& directory) {
    return usage_error([&] { load_dataset(find_dataset("cifar10"), directory, options_of({})); });
  };
  EXPECT_NE(load(folder.path()).find(folder.path("data_batch_4.bin") + ": no such file"), std::string::npos);
  EXPECT_NE(load("").find("data.dir is missing"), std::string::npos);
}

}  // namespace
}  // namespace laconic
