#include "training/data/dataset.h"

#include <algorithm>
#include <map>

#include "training/data/data_files.h"
#include "training/data/test_support.h"

namespace laconic {
namespace {

// A data set of 2x3 images in the files of `row`; `train` and `test` are the numbers of samples.
void write_files(const TemporaryFolder& folder, const DatasetRow& row, std::uint32_t train, std::uint32_t test) {
  const auto write = [&](std::string_view images, std::string_view labels, std::string_view users,
                         std::uint32_t count) {
    std::string pixels, names, makers;
    for (std::uint32_t i = 0; i < count; ++i) {
      for (int j = 0; j < 6; ++j) pixels += static_cast<char>(i);
      names += static_cast<char>(i % row.classes);
      makers += std::string{0, 0, 0, static_cast<char>(i / 2)};
    }
    folder.write_compressed(std::string(images) + ".gz", idx(0x08, {count, 2, 3}, pixels));
    folder.write(labels, idx(0x08, {count}, names));
    if (!users.empty()) folder.write(users, idx(0x0c, {count}, makers));
  };
  write(row.train_images, row.train_labels, row.train_users, train);
  write(row.test_images, row.test_labels, row.test_users, test);
}

void expect_in(const std::string& text, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) EXPECT_NE(text.find(part), std::string::npos) << part << " in: " << text;
}

TEST(Dataset, LoadsImagesLabelsAndUsers) {
  const TemporaryFolder folder;
  const DatasetRow& row = find_dataset("femnist");
  write_files(folder, row, 70, 10);
  const Dataset data = load_dataset(row, folder.path());
  EXPECT_EQ(data.name, "femnist");
  EXPECT_EQ(data.shape, (ImageShape{.channels = 1, .height = 2, .width = 3}));
  EXPECT_EQ(data.classes, 62U);
  ASSERT_EQ(data.train.count(), 70U);
  ASSERT_EQ(data.test.count(), 10U);
  EXPECT_EQ(data.validation.count(), 0U);
  EXPECT_EQ(data.train.pixels.size(), 70U * 6);
  EXPECT_EQ(data.train.pixels[65 * 6], 65);
  EXPECT_EQ(data.train.labels[65], 3);
  EXPECT_EQ(data.train.users[65], 32U);
}

TEST(Dataset, IsReadInTwoStepsOfWhichTheSecondTakesTheChosenImages) {
  const TemporaryFolder folder;
  const DatasetRow& row = find_dataset("femnist");
  write_files(folder, row, 70, 10);
  Dataset data = open_dataset(row, folder.path());
  EXPECT_EQ(data.train.count(), 70U);
  EXPECT_TRUE(data.train.pixels.empty());
  EXPECT_EQ(data.test.pixels.size(), 10U * 6);
  std::vector<bool> keep(70);
  keep[65] = keep[3] = true;
  read_chosen(row, folder.path(), {}, keep, data);
  EXPECT_EQ(data.train.pixels, (std::vector<std::uint8_t>{3, 3, 3, 3, 3, 3, 65, 65, 65, 65, 65, 65}));
  EXPECT_EQ(data.train.labels, (std::vector<std::uint16_t>{3, 3}));
  EXPECT_EQ(data.train.users, (std::vector<std::uint32_t>{1, 32}));
  EXPECT_EQ(data.test.count(), 10U);

  std::filesystem::remove(folder.path(row.test_users));
  EXPECT_THROW(open_dataset(row, folder.path()), UsageError);
  EXPECT_EQ(open_dataset(row, folder.path(), {}, Splits::kTraining).test.count(), 0U);

  Dataset changed = open_dataset(row, folder.path(), {}, Splits::kTraining);
  folder.write_compressed(std::string(row.train_images) + ".gz", idx(0x08, {70, 3, 2}, std::string(420, '\1')));
  expect_in(usage_error([&] { read_chosen(row, folder.path(), {}, std::vector<bool>(70, true), changed); }),
            {"changed while it was read"});
}

TEST(DataDirectory, HasTheRankInThePlaceOfEachWordForIt) {
  EXPECT_FALSE(names_rank(""));
  EXPECT_FALSE(names_rank("/data/rank"));
  EXPECT_TRUE(names_rank("{rank}"));
  EXPECT_TRUE(names_rank("/{rank}/of/{rank}{rank}"));
  EXPECT_EQ(directory_of("/{rank}/of/{rank}{rank}", {12}), "/12/of/1212");
  EXPECT_EQ(directory_of("/data", {12}), "/data");
  expect_in(usage_error([&] { names_rank("/{rank}/{worker}"); }), {"/{rank}/{worker}", "character 9", "{rank}"});
  for (const char* directory : {"{", "}", "{}", "{rank", "rank}", "{RANK}", "{rank}}", "{{rank}"}) {
    EXPECT_THROW(names_rank(directory), UsageError) << directory;
  }
}

TEST(Dataset, LoadsThePackagedFashionMnist) {
  const DatasetRow& row = find_dataset("fashion_mnist");
  if (!std::filesystem::exists(row.default_directory)) GTEST_SKIP() << "package " << row.package << " is not installed";
  const Dataset data = load_dataset(row, "");
  EXPECT_EQ(data.shape, (ImageShape{.channels = 1, .height = 28, .width = 28}));
  EXPECT_EQ(data.train.count(), 60000U);
  EXPECT_EQ(data.test.count(), 10000U);
  for (int label = 0; label < 10; ++label) EXPECT_EQ(std::ranges::count(data.train.labels, label), 6000) << label;
}

TEST(Dataset, AnErrorNamesTheFileAndTheRemedy) {
  const TemporaryFolder folder;
  const DatasetRow& row = find_dataset("mnist");
  expect_in(usage_error([&] { load_dataset(row, ""); }), {"data.dir", "mnist", "train-images-idx3-ubyte.gz"});
  expect_in(usage_error([&] { load_dataset(row, folder.path()); }),
            {folder.path("train-images-idx3-ubyte"), "no such file", "data.dir"});
  DatasetRow packaged = row;
  const std::string absent = folder.path("absent");
  packaged.default_directory = absent;
  packaged.package = "dataset-example";
  expect_in(usage_error([&] { load_dataset(packaged, ""); }), {"apt-get install dataset-example"});
  expect_in(usage_error([&] { find_dataset("fashon_mnist"); }), {"did you mean 'fashion_mnist'", "femnist"});
}

TEST(Dataset, RefusesFilesThatDoNotBelongTogether) {
  const DatasetRow& row = find_dataset("mnist");
  {
    const TemporaryFolder folder;
    write_files(folder, row, 20, 10);
    folder.write(row.train_labels, idx(0x08, {19}, std::string(19, '\1')));
    expect_in(usage_error([&] { load_dataset(row, folder.path()); }),
              {folder.path(row.train_labels), "19 labels for the 20 images"});
  }
  {
    const TemporaryFolder folder;
    write_files(folder, row, 20, 10);
    folder.write(row.test_labels, idx(0x08, {10}, std::string(9, '\1') + '\n'));
    expect_in(usage_error([&] { load_dataset(row, folder.path()); }),
              {folder.path(row.test_labels), "label 10 of sample 9"});
  }
  {
    const TemporaryFolder folder;
    write_files(folder, row, 20, 10);
    folder.write_compressed(std::string(row.test_images) + ".gz", idx(0x08, {10, 2, 2}, std::string(40, '\1')));
    expect_in(usage_error([&] { load_dataset(row, folder.path()); }), {"2x3", "2x2"});
  }
}

}  // namespace
}  // namespace laconic
