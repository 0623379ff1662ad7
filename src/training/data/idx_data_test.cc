#include "training/data/idx_data.h"

#include <map>

#include "training/data/test_support.h"

namespace laconic {
namespace {

using Keys = std::map<std::string, std::string>;

const Keys kNames = {{"train_images", "a"}, {"train_labels", "b"}, {"test_images", "c"}, {"test_labels", "d"}};

Options options_of(const Keys& keys) {
  std::map<std::string, GivenOption> given;
  for (const auto& [key, value] : keys) given[key] = {.text = value, .where = "job.toml:1"};
  return Options("data", idx_options(), given);
}

Keys with(Keys keys, const std::string& key, const std::string& value) {
  keys[key] = value;
  return keys;
}

Dataset load(const TemporaryFolder& folder, const Keys& keys) {
  return load_dataset(find_dataset("idx"), folder.path(), options_of(keys));
}

// Three images of 1 x 2 pixels to train on, one to test on.
void write_files(const TemporaryFolder& folder, const Keys& names) {
  folder.write_compressed(names.at("train_images") + ".gz", idx(0x08, {3, 1, 2}, "abcdef"));
  folder.write(names.at("train_labels"), idx(0x08, {3}, std::string("\0\4\2", 3)));
  folder.write(names.at("test_images"), idx(0x08, {1, 1, 2}, "gh"));
  folder.write_compressed(names.at("test_labels") + ".gz", idx(0x08, {1}, "\3"));
}

TEST(IdxData, ReadsTheFilesThatTheJobNames) {
  const TemporaryFolder folder;
  write_files(folder, kNames);
  const Dataset data = load(folder, kNames);
  EXPECT_EQ(data.name, "idx");
  EXPECT_EQ(data.shape, (ImageShape{.channels = 1, .height = 1, .width = 2}));
  EXPECT_EQ(data.classes, 5U) << "one more than the largest label";
  EXPECT_EQ(std::string(data.train.pixels.begin(), data.train.pixels.end()), "abcdef");
  EXPECT_EQ(data.train.labels, (std::vector<std::uint16_t>{0, 4, 2}));
  EXPECT_TRUE(data.train.users.empty());
  EXPECT_EQ(std::string(data.test.pixels.begin(), data.test.pixels.end()), "gh");
  EXPECT_EQ(data.test.labels, (std::vector<std::uint16_t>{3}));
}

TEST(IdxData, ReadsThoseOfMnistByDefault) {
  const TemporaryFolder folder;
  write_files(folder, {{"train_images", "train-images-idx3-ubyte"},
                       {"train_labels", "train-labels-idx1-ubyte"},
                       {"test_images", "t10k-images-idx3-ubyte"},
                       {"test_labels", "t10k-labels-idx1-ubyte"}});
  EXPECT_EQ(load(folder, {}).train.count(), 3U);
}

TEST(IdxData, ReadsTheChosenImagesAlone) {
  const TemporaryFolder folder;
  write_files(folder, kNames);
  folder.write("e", idx(0x0c, {3}, std::string("\0\0\0\7\0\0\1\0\0\0\0\7", 12)));
  const Options options = options_of(with(kNames, "train_users", "e"));
  const DatasetRow& row = find_dataset("idx");
  Dataset data = open_dataset(row, folder.path(), options, Splits::kTraining);
  EXPECT_TRUE(data.train.pixels.empty());
  EXPECT_EQ(data.test.count(), 0U);
  EXPECT_EQ(data.train.users, (std::vector<std::uint32_t>{7, 256, 7}));
  read_chosen(row, folder.path(), options, {true, false, true}, data);
  EXPECT_EQ(std::string(data.train.pixels.begin(), data.train.pixels.end()), "abef");
  EXPECT_EQ(data.train.labels, (std::vector<std::uint16_t>{0, 2}));
  EXPECT_EQ(data.train.users, (std::vector<std::uint32_t>{7, 7}));
}

TEST(IdxData, ClassesMayBeSaid) {
  const TemporaryFolder folder;
  write_files(folder, kNames);
  EXPECT_EQ(load(folder, with(kNames, "classes", "26")).classes, 26U);
  EXPECT_EQ(usage_error([&] { load(folder, with(kNames, "classes", "4")); }),
            folder.path("b") +
                ": label 4 of sample 1 is not below 4, the classes of idx; set data.classes, or correct " +
                "the label");
  folder.write_compressed("d.gz", idx(0x08, {1}, "\5"));
  EXPECT_NE(usage_error([&] { load(folder, kNames); }).find("d.gz: label 5 of sample 0 is not below 5"),
            std::string::npos);
  folder.write("b", idx(0x08, {3}, std::string(3, '\0')));
  EXPECT_NE(usage_error([&] { load(folder, kNames); }).find("all samples have the label 0"), std::string::npos);
}

TEST(IdxData, AMissingFileIsNamed) {
  const TemporaryFolder folder;
  write_files(folder, kNames);
  const std::string text = usage_error([&] { load(folder, with(kNames, "test_images", "z")); });
  EXPECT_EQ(text.find(folder.path("z") + ": no such file"), 0U) << text;
  EXPECT_NE(usage_error([&] { load_dataset(find_dataset("idx"), "", options_of(kNames)); }).find("its IDX files"),
            std::string::npos);
}

}  // namespace
}  // namespace laconic
