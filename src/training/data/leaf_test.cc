#include "training/data/leaf.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "training/data/description.h"
#include "training/data/partition.h"
#include "training/data/test_support.h"

namespace laconic {
namespace {

const DatasetRow& row() { return find_dataset("leaf"); }

Options options_of(const std::map<std::string, std::string>& keys) {
  std::map<std::string, GivenOption> given;
  for (const auto& [key, value] : keys) given[key] = {.text = value, .where = "job.toml:1"};
  return Options("data", row().options, given);
}

Dataset load(const TemporaryFolder& folder, const std::map<std::string, std::string>& keys = {}) {
  return load_dataset(row(), folder.path(), options_of(keys));
}

// Three users in two files; Bob is in both.
void write_data(const TemporaryFolder& folder) {
  std::filesystem::create_directories(folder.path("train"));
  std::filesystem::create_directories(folder.path("test"));
  folder.write("train/part_1.json", R"({"users": ["cem"], "num_samples": [1],
                                        "user_data": {"cem": {"x": [[9, 8, 7, 6]], "y": [2]}}})");
  folder.write("train/part_0.json", R"({"users": ["bob", "ann"], "num_samples": [2, 1], "user_data": {
                                        "bob": {"x": [[1, 2, 3, 4], [5, 6, 7, 8]], "y": [0, 1]},
                                        "ann": {"x": [[0, 0, 0, 1]], "y": [0]}}})");
  folder.write("train/README", "no data");
  folder.write("test/part.json", R"({"user_data": {"dan": {"x": [[4, 3, 2, 1]], "y": [1]}}})");
}

TEST(Leaf, IsTheSamplesOfAllFilesWithTheirUsers) {
  const TemporaryFolder folder;
  write_data(folder);
  const Dataset data = load(folder);
  EXPECT_EQ(data.shape, (ImageShape{.channels = 1, .height = 1, .width = 4}));
  EXPECT_EQ(data.classes, 3U);
  EXPECT_EQ(data.user_names, (std::vector<std::string>{"ann", "bob", "cem"}));
  EXPECT_EQ(data.train.users, (std::vector<std::uint32_t>{1, 1, 0, 2}));
  EXPECT_TRUE(std::ranges::equal(data.train.labels, std::vector<int>{0, 1, 0, 2}));
  EXPECT_EQ(data.train.values, (std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 1, 9, 8, 7, 6}));
  EXPECT_EQ(data.test.values, (std::vector<float>{4, 3, 2, 1}));
  EXPECT_TRUE(std::ranges::equal(data.test.labels, std::vector<int>{1}));
  EXPECT_EQ(description(data, 4), "vectors of 4 numbers in 3 classes; 4 training samples of 3 users, 1 test samples");
  EXPECT_EQ(make_partition("user", data.train, 3, 3, 1)[0], (std::vector<std::uint32_t>{0, 1}));
  EXPECT_EQ(load(folder, {{"classes", "7"}}).classes, 7U);
}

TEST(Leaf, GivesAWorkerItsNumbersAlone) {
  const TemporaryFolder folder;
  write_data(folder);
  const Options options = options_of({{"shape", "2x2"}});
  Dataset data = open_dataset(row(), folder.path(), options, Splits::kTraining);
  EXPECT_TRUE(data.train.values.empty());
  EXPECT_EQ(data.test.count(), 0U);
  read_chosen(row(), folder.path(), options, {false, true, false, true}, data);
  EXPECT_EQ(data.train.values, (std::vector<float>{5, 6, 7, 8, 9, 8, 7, 6}));
  EXPECT_EQ(data.train.users, (std::vector<std::uint32_t>{1, 2}));
}

TEST(Leaf, HasTheShapeThatTheJobGives) {
  const TemporaryFolder folder;
  write_data(folder);
  const auto shape = [&](const std::string& text) { return load(folder, {{"shape", text}}).shape; };
  EXPECT_EQ(shape("2x2"), (ImageShape{.channels = 1, .height = 2, .width = 2}));
  EXPECT_EQ(shape("4x1x1"), (ImageShape{.channels = 4, .height = 1, .width = 1}));
  EXPECT_NE(usage_error([&] { shape("2x3"); }).find("data.shape: 2x3 is 6 numbers, and a sample has 4"),
            std::string::npos);
  for (const char* text : {"4", "x", "2x", "2x2x", "-2x-2", "2x2x1x1", "99999999999999999999x1", "2 x 2"}) {
    EXPECT_NE(usage_error([&] { shape(text); }).find("is no shape of 4 numbers"), std::string::npos) << text;
  }
}

TEST(Leaf, ClassesMayHaveNames) {
  const TemporaryFolder folder;
  write_data(folder);
  folder.write("train/part_0.json",
               R"({"user_data": {"ann": {"x": [[0, 0, 0, 1], [0, 0, 1, 0]], "y": ["dog", "cat"]}}})");
  folder.write("train/part_1.json", R"({"user_data": {"bob": {"x": [[0, 0, 0, 1]], "y": ["ant"]}}})");
  folder.write("test/part.json", R"({"user_data": {"dan": {"x": [[4, 3, 2, 1]], "y": ["cat"]}}})");
  const Dataset data = load(folder);
  EXPECT_EQ(data.class_names, (std::vector<std::string>{"ant", "cat", "dog"}));
  EXPECT_TRUE(std::ranges::equal(data.train.labels, std::vector<int>{2, 1, 0}));
  EXPECT_NE(data.vocabulary, 0U);
  EXPECT_NE(usage_error([&] {
              load(folder, {{"classes", "3"}});
            }).find("its labels are names, which are as many as it has; remove data.classes"),
            std::string::npos);
}

TEST(Leaf, IsRefusedWithThePlaceAndTheReason) {
  const auto refusal = [](const std::string& name, const std::string& text) {
    const TemporaryFolder folder;
    write_data(folder);
    if (text.empty()) {
      std::filesystem::remove_all(folder.path(name));
    } else {
      folder.write(name, text);
    }
    return usage_error([&] { load(folder); });
  };
  EXPECT_NE(refusal("train", "").find("/train: cannot be read"), std::string::npos);
  EXPECT_NE(refusal("test/part.json", "").find("/test: holds no .json file"), std::string::npos);
  EXPECT_NE(refusal("train/part_1.json", R"({"user_data": {"e": {"x": [[1]], "y": [0]}}})")
                .find("part_1.json: a sample has 1 numbers, and those of"),
            std::string::npos);
  EXPECT_NE(refusal("test/part.json", R"({"user_data": {"e": {"x": [[1]], "y": [0]}}})")
                .find("/test: a sample has 1 numbers, and one of training 4"),
            std::string::npos);
  EXPECT_NE(refusal("test/part.json", R"({"user_data": {"e": {"x": [[1, 2, 3, 4]], "y": [3]}}})")
                .find("part.json: label '3' is not a whole number below 3, the classes of "),
            std::string::npos);
  EXPECT_NE(refusal("train/part_1.json", R"({"user_data": {"e": {"x": [[1, 2, 3, 4]], "y": [70000]}}})")
                .find("label '70000' is not a whole number below 65536; check data.classes"),
            std::string::npos);
}

}  // namespace
}  // namespace laconic
