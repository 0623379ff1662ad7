#include "training/data/csv_data.h"

#include <cmath>
#include <map>
#include <set>

#include "training/data/description.h"
#include "training/data/fingerprint.h"
#include "training/data/partition.h"
#include "training/data/test_support.h"

namespace laconic {
namespace {

// The data set of the files in `folder` with these keys of [data].
Dataset load(const TemporaryFolder& folder, const std::map<std::string, std::string>& keys,
             Splits splits = Splits::kAll) {
  std::map<std::string, GivenOption> given;
  for (const auto& [key, value] : keys) given[key] = {.text = value, .where = "job.toml:1"};
  return open_dataset(find_dataset("csv"), folder.path(), Options("data", csv_options(), given), splits);
}

TEST(CsvData, NamesOfClassesAreNumberedInTheirOrderByTheTrainingFile) {
  const TemporaryFolder folder;
  folder.write("train.csv", "a,label\n1,dog\n2,cat\n3,eel\n");
  folder.write_compressed("test.csv.gz", "a,label\n4,eel\n5,dog\n");
  const Dataset data = load(folder, {{"normalise", "false"}});
  EXPECT_EQ(data.classes, 3U);
  EXPECT_EQ(data.shape, (ImageShape{.channels = 1, .height = 1, .width = 1}));
  EXPECT_EQ(data.train.labels, (std::vector<std::uint16_t>{1, 0, 2}));
  EXPECT_EQ(data.test.labels, (std::vector<std::uint16_t>{2, 1}));
  EXPECT_EQ(data.test.values, (std::vector<float>{4.0F, 5.0F}));

  folder.write_compressed("test.csv.gz", "a,label\n4,eel\n5,fox\n");
  EXPECT_EQ(usage_error([&] { load(folder, {}); }),
            folder.path("test.csv.gz") + ":3: label 'fox' is not in " + folder.path("train.csv") +
                ", so that no model learns it; correct it, or remove its lines");
  EXPECT_EQ(load(folder, {}, Splits::kTraining).test.count(), 0U) << "the test file is left alone";
  EXPECT_NE(usage_error([&] { load(folder, {{"classes", "3"}}); }).find("remove data.classes"), std::string::npos);
}

TEST(CsvData, WholeNumbersAreTheirOwnClasses) {
  const TemporaryFolder folder;
  folder.write("train.csv", "a,label\n1,0\n2,4\n");
  folder.write("test.csv", "a,label\n1,3\n");
  EXPECT_EQ(load(folder, {}).classes, 5U);
  EXPECT_EQ(load(folder, {}).test.labels, (std::vector<std::uint16_t>{3}));
  EXPECT_EQ(load(folder, {{"classes", "9"}}).classes, 9U);
  EXPECT_EQ(
      usage_error([&] {
        load(folder, {{"classes", "4"}});
      }),
      folder.path("train.csv") + ":3: label '4' is not a whole number below 4; check data.label and data.classes");
  folder.write("test.csv", "a,label\n1,3\n1,5\n");
  EXPECT_EQ(usage_error([&] { load(folder, {}); }),
            folder.path("test.csv") + ":3: label '5' is not a whole number below 5, the classes of " +
                folder.path("train.csv") + "; set data.classes, or correct the label");
  folder.write("train.csv", "a,label\n1,65536\n");
  EXPECT_NE(usage_error([&] { load(folder, {}); }).find(":2: label '65536' is not a whole number below 65536"),
            std::string::npos);
}

TEST(CsvData, OneLabelIsNotEnough) {
  const TemporaryFolder folder;
  for (const char* label : {"x", "0"}) {
    folder.write("train.csv", std::string("a,label\n1,") + label + "\n");
    EXPECT_NE(usage_error([&] { load(folder, {}); }).find("all samples have one label"), std::string::npos) << label;
  }
}

TEST(CsvData, FeaturesHaveMeanZeroAndDeviationOneOverTheTrainingSamples) {
  const TemporaryFolder folder;
  // Mean 4 and deviation 2; a column of one value; one far from zero.
  folder.write("train.csv", "a,b,c,label\n2,7,1000001,0\n6,7,1000003,1\n2,7,1000001,0\n6,7,1000003,1\n");
  folder.write("test.csv", "a,b,c,label\n8,9,1000002,1\n");
  const Dataset data = load(folder, {});
  EXPECT_EQ(data.train.values, (std::vector<float>{-1, 0, -1, 1, 0, 1, -1, 0, -1, 1, 0, 1}));
  EXPECT_EQ(data.test.values, (std::vector<float>{2, 2, 0}));
}

// Times of a second's distance near 1.7e9, which float tells apart by 128 s alone.
TEST(CsvData, NumbersAreNormalisedBeforeTheyBecomeFloats) {
  const TemporaryFolder folder;
  std::string times = "time,label\n";
  std::string seconds = times;
  for (int i = 0; i < 40; ++i) {
    const std::string label = i % 3 == 0 ? ",1\n" : ",0\n";
    times += std::to_string(1'700'000'000 + i) + label;
    seconds += std::to_string(i) + label;
  }
  folder.write("train.csv", times);
  const Dataset late = load(folder, {{"test_file", ""}});
  folder.write("train.csv", seconds);
  const Dataset early = load(folder, {{"test_file", ""}});
  ASSERT_EQ(late.train.count(), 32U);
  for (const auto& [actual, expected] : {std::pair(&late.train, &early.train), std::pair(&late.test, &early.test)}) {
    ASSERT_EQ(actual->values.size(), expected->values.size());
    for (std::size_t i = 0; i < actual->values.size(); ++i) EXPECT_NEAR(actual->values[i], expected->values[i], 1e-5);
  }
}

TEST(CsvData, LabelsThatAreNumbersButNotWholeOnesAreNoClasses) {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& labels) {
    folder.write("train.csv", "a,label\n" + labels);
    return usage_error([&] { load(folder, {{"test_file", ""}}); });
  };
  for (const auto& [labels, first] :
       {std::pair("1,290.0\n2,310.5\n", ":2: label '290.0'"), std::pair("1,0\n2,1.0\n", ":3: label '1.0'"),
        std::pair("1,-1\n2,1\n", ":2: label '-1'")}) {
    EXPECT_EQ(refused(labels).find(folder.path("train.csv") + first + " is a number, but not a whole one from 0"), 0U)
        << refused(labels);
  }
  folder.write("train.csv", "a,label\n1,1.5\n2,b\n");
  EXPECT_EQ(load(folder, {{"test_file", "train.csv"}}).class_names, (std::vector<std::string>{"1.5", "b"}))
      << "a word among them makes names of all";
}

TEST(CsvData, NumbersToPredictAreReadAndScaledAsTheFeaturesAre) {
  const TemporaryFolder folder;
  folder.write("train.csv", "a,price\n1,-290.5\n2,1e3\n4,12\n");
  folder.write("test.csv", "a,price\n3,12\n");
  std::map<std::string, std::string> keys = {{"label", "price"}, {"targets", "numbers"}};
  const Dataset scaled = load(folder, keys);
  const double mean = (-290.5 + 1000 + 12) / 3;
  double variance = 0.0;
  for (const double price : {-290.5, 1000.0, 12.0}) variance += (price - mean) * (price - mean) / 3;
  ASSERT_EQ(scaled.target_scale.size(), 1U);
  EXPECT_NEAR(scaled.target_scale[0].mean, mean, 1e-12);
  EXPECT_NEAR(scaled.target_scale[0].deviation, std::sqrt(variance), 1e-12);
  EXPECT_EQ(scaled.test.targets, (std::vector<float>{static_cast<float>((12 - mean) / std::sqrt(variance))}));
  EXPECT_EQ(kind_text(scaled), "vectors of 1 numbers with 1 number to predict");
  EXPECT_EQ(description(scaled, 3),
            "vectors of 1 numbers with 1 number to predict ('price'); 3 training samples, 1 test samples");
  keys["normalise_targets"] = "false";
  const Dataset plain = load(folder, keys);
  EXPECT_EQ(plain.train.targets, (std::vector<float>{-290.5F, 1000.0F, 12.0F}));
  EXPECT_TRUE(plain.train.labels.empty());
  EXPECT_EQ(plain.train.count(), 3U);
  EXPECT_EQ(plain.classes, 0U);
  EXPECT_EQ(plain.numbers, 1U);

  for (const char* bad : {"high", "", "NA", "inf", "1e39"}) {
    folder.write("train.csv", std::string("a,price\n1,2\n2,") + bad + "\n");
    EXPECT_EQ(usage_error([&] { load(folder, keys); }).find(folder.path("train.csv") + ":3: column 2"), 0U) << bad;
  }
  folder.write("train.csv", "a,price\n1,2\n2,2\n");
  EXPECT_NE(usage_error([&] { load(folder, keys); }).find("all samples have one target"), std::string::npos);
  keys["classes"] = "3";
  EXPECT_NE(usage_error([&] { load(folder, keys); }).find("has no meaning with"), std::string::npos);
}

TEST(CsvData, LabelsGoBeyond256Classes) {
  const TemporaryFolder folder;
  std::string text = "a,label\n";
  for (int i = 0; i < 300; ++i) text += "1,name" + std::to_string(i) + "\n";
  folder.write("train.csv", text + "1,0999\n");
  folder.write("test.csv", "a,label\n1,name299\n");
  const Dataset data = load(folder, {});
  EXPECT_EQ(data.classes, 301U);
  EXPECT_EQ(data.class_names.at(data.test.labels.at(0)), "name299");
}

TEST(CsvData, AShareOfTheTrainingFileIsTheTestSplit) {
  const TemporaryFolder folder;
  std::string text = "a,label\n";
  for (int i = 0; i < 50; ++i) text += std::to_string(i) + "," + std::to_string(i / 25) + "\n";
  folder.write("mine.csv", text);
  const std::map<std::string, std::string> keys = {
      {"train_file", "mine.csv"}, {"test_file", ""}, {"test", "0.2"}, {"normalise", "false"}};
  const Dataset data = load(folder, keys);
  EXPECT_EQ(data.train.count(), 40U);
  EXPECT_EQ(data.test.count(), 10U);
  std::set<float> all(data.train.values.begin(), data.train.values.end());
  all.insert(data.test.values.begin(), data.test.values.end());
  EXPECT_EQ(all.size(), 50U) << "no sample is in both";
  std::set<int> classes(data.test.labels.begin(), data.test.labels.end());
  EXPECT_EQ(classes.size(), 2U) << "and not the end of a file that is in the order of its labels";
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(data.test.values[i], static_cast<float>(data.test_rows.at(i))) << "the rows say which lines they were";
  }
  EXPECT_EQ(load(folder, keys).test.values, data.test.values);
  EXPECT_EQ(load(folder, keys, Splits::kTraining).train.values, data.train.values);

  folder.write("mine.csv", "a,label\n1,0\n2,1\n");
  EXPECT_NE(usage_error([&] { load(folder, keys); }).find("leaves a split empty"), std::string::npos);
  EXPECT_NE(usage_error([&] { load(folder, {{"test", "0.2"}}); }).find("has no meaning with"), std::string::npos);
}

TEST(CsvData, TheTestFileHasTheSameColumns) {
  const TemporaryFolder folder;
  folder.write("train.csv", "a,b,label\n1,2,1\n");
  folder.write("test.csv", "b,a,label\n1,2,0\n");
  EXPECT_EQ(usage_error([&] { load(folder, {}); }), folder.path("test.csv") + ":1: column 'b' stands where " +
                                                        folder.path("train.csv") +
                                                        " has 'a'; both need the same in the same order");
  folder.write("test.csv", "a,label\n1,0\n");
  EXPECT_EQ(usage_error([&] { load(folder, {}); }), folder.path("test.csv") + ": 1 columns of numbers, and " +
                                                        folder.path("train.csv") + " has 2; both need the same");
  std::filesystem::remove(folder.path("test.csv"));
  const std::string alone = usage_error([&] { load(folder, {}); });
  EXPECT_EQ(alone.find(folder.path("test.csv") + ": no such file"), 0U) << alone;
  EXPECT_NE(alone.find("or write data.test_file = \"\" to test on a part of train.csv, drawn at random"),
            std::string::npos)
      << alone;
}

TEST(CsvData, KeepsTheValuesOfTheChosenSamplesAlone) {
  const TemporaryFolder folder;
  folder.write("train.csv", "a,b,label\n1,2,0\n3,4,1\n5,6,2\n");
  folder.write("test.csv", "a,b,label\n1,2,0\n");
  Dataset data = load(folder, {{"normalise", "false"}});
  read_chosen(find_dataset("csv"), folder.path(), {}, {true, false, true}, data);
  EXPECT_EQ(data.train.values, (std::vector<float>{1, 2, 5, 6}));
  EXPECT_EQ(data.train.labels, (std::vector<std::uint16_t>{0, 2}));
  EXPECT_EQ(data.train.memory(), 4 * sizeof(float) + 2 * sizeof(std::uint16_t));
}

TEST(CsvData, OtherNamesOfAsManyClassesAreAnotherKind) {
  const TemporaryFolder folder;
  folder.write("test.csv", "a,label\n1,x\n");
  std::vector<std::uint64_t> kinds;
  for (const char* other : {"y", "z", "y"}) {
    folder.write("train.csv", std::string("a,label\n1,x\n2,") + other + "\n");
    const Dataset data = load(folder, {});
    EXPECT_EQ(kind_text(data), "vectors of 1 numbers in 2 classes");
    kinds.push_back(fingerprint_of_kind(data));
  }
  EXPECT_NE(kinds[0], kinds[1]);
  EXPECT_EQ(kinds[0], kinds[2]);
}

TEST(CsvData, UsersAreNumberedInTheOrderOfTheirNames) {
  const TemporaryFolder folder;
  folder.write("train.csv", "a,hospital,label\n1,Oslo,x\n2,Bonn,y\n3,Oslo,y\n4,Rome,x\n");
  folder.write("test.csv", "a,hospital,label\n1,Paris,x\n");
  const Dataset data = load(folder, {{"user", "hospital"}, {"normalise", "false"}});
  EXPECT_EQ(data.shape.width, 1);
  EXPECT_EQ(data.train.values, (std::vector<float>{1.0F, 2.0F, 3.0F, 4.0F}));
  EXPECT_EQ(data.train.users, (std::vector<std::uint32_t>{1, 0, 1, 2}));
  EXPECT_EQ(data.user_names, (std::vector<std::string>{"Bonn", "Oslo", "Rome"}));
  EXPECT_NE(description(data, 4).find("4 training samples of 3 users, 1 test samples"), std::string::npos);
  EXPECT_EQ(make_partition("user", data.train, 2, 3, 1)[0].size(), 2U) << "Oslo's, the largest, first";
  EXPECT_NE(usage_error([&] { make_partition("user", data.train, 2, 4, 1); }).find("there are 3 users for 4 workers"),
            std::string::npos);
  // Of a share of one file the users are those of its training samples.
  const Dataset split = load(folder, {{"user", "hospital"}, {"test_file", ""}, {"test", "0.25"}});
  ASSERT_EQ(split.train.count(), 3U);
  EXPECT_EQ(split.train.users.size(), 3U);
}

TEST(CsvData, TinyNumbersAreNormalisedToo) {
  const TemporaryFolder folder;
  folder.write("train.csv", "a,b,label\n1e-30,1e-200,x\n3e-30,3e-200,y\n");
  folder.write("test.csv", "a,b,label\n5e-30,2e-200,x\n");
  const Dataset data = load(folder, {});
  EXPECT_EQ(data.train.values, (std::vector<float>{-1.0F, -1.0F, 1.0F, 1.0F}));
  EXPECT_EQ(data.test.values, (std::vector<float>{3.0F, 0.0F}));
}

TEST(CsvData, ItsOwnerHearsWhatMayBeMeantOtherwise) {
  const TemporaryFolder folder;
  folder.write("train.csv", "a,label\n16777217,1\n2,2\n");
  folder.write("test.csv", "a,label\n1,1\n");
  EXPECT_EQ(load(folder, {{"normalise", "false"}}).notes.size(), 2U);
  EXPECT_NE(description(load(folder, {}), 2).find("\n1 of the 3 classes have no training sample: 0;"),
            std::string::npos);
}

}  // namespace
}  // namespace laconic
