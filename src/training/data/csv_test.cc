#include "training/data/csv.h"

#include <cmath>
#include <map>
#include <set>

#include "training/data/fingerprint.h"
#include "training/data/test_support.h"

namespace laconic {
namespace {

const std::string kPath = "table.csv";

CsvTable parse(const std::string& text, const CsvFormat& format = {}) { return parse_csv(text, kPath, format); }

std::vector<std::string> names(const CsvTable& table) {
  std::vector<std::string> texts;
  for (const CsvTable::Name& name : table.names) texts.push_back(name.text);
  return texts;
}

void expect_refused(const std::string& text, const std::string& message, const CsvFormat& format = {}) {
  EXPECT_EQ(usage_error([&] { parse(text, format); }), kPath + message);
}

// The data set of the files in `folder` with these keys of [data].
Dataset load(const TemporaryFolder& folder, const std::map<std::string, std::string>& keys,
             Splits splits = Splits::kAll) {
  std::map<std::string, GivenOption> given;
  for (const auto& [key, value] : keys) given[key] = {.text = value, .where = "job.toml:1"};
  return open_dataset(find_dataset("csv"), folder.path(), Options("data", csv_options(), given), splits);
}

TEST(Csv, ReadsNumbersAndLabelsByTheNameOfTheirColumn) {
  const CsvTable table = parse("width,label,height\n1,cat,-2.5\n+3e2,dog,.5\n0,cat,1e-3\n");
  EXPECT_EQ(table.columns, (std::vector<std::string>{"width", "height"}));
  EXPECT_EQ(table.features, 2U);
  EXPECT_EQ(table.values, (std::vector<float>{1.0F, -2.5F, 300.0F, 0.5F, 0.0F, 0.001F}));
  EXPECT_EQ(table.labels, (std::vector<std::uint32_t>{0, 1, 0}));
  EXPECT_EQ(names(table), (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(table.names[1].line, 3U);
}

TEST(Csv, TakesWhatSpreadsheetsWrite) {
  const std::string plain = "a,label,b\n1,x y,2\n3,\"p, \"\"q\"\"\",4\n";
  const CsvTable expected = parse(plain);
  EXPECT_EQ(names(expected), (std::vector<std::string>{"x y", "p, \"q\""}));
  for (const std::string& text :
       {"\xef\xbb\xbf" + plain, std::string("a,label,b\r\n1,x y,2\r\n\r\n3,\"p, \"\"q\"\"\",4"),
        std::string("\n \"a\" , label,b \n 1 ,x y,2\n\"3\",\"p, \"\"q\"\"\" ,\t4\n\n\n")}) {
    const CsvTable table = parse(text);
    EXPECT_EQ(table.columns, expected.columns) << text;
    EXPECT_EQ(table.values, expected.values) << text;
    EXPECT_EQ(table.labels, expected.labels) << text;
    EXPECT_EQ(names(table), names(expected)) << text;
  }
}

TEST(Csv, SeparatorsAreCommasSemicolonsOrTabs) {
  for (const char separator : {',', ';', '\t'}) {
    const std::string s(1, separator);
    const CsvTable table = parse("label" + s + "b\n0" + s + "7\n", {.separator = separator});
    EXPECT_EQ(table.values, (std::vector<float>{7.0F})) << separator;
  }
}

TEST(Csv, TheFirstLineIsAHeaderWhereItHasWordsInThePlaceOfNumbers) {
  const CsvFormat third{.label = "3"};
  EXPECT_EQ(parse("a,b,c\n1,2,x\n", third).columns, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(parse("1,2,x\n3,4,y\n", third).labels.size(), 2U) << "a word in the column of labels is one";
  EXPECT_EQ(parse("1,2,4\n4,5,6\n", third).labels.size(), 2U) << "numbers alone are samples";
  EXPECT_EQ(parse("1,2,4\n4,5,6\n", {.header = CsvHeader::kYes, .label = "3"}).values,
            (std::vector<float>{4.0F, 5.0F}));
  EXPECT_EQ(parse("3,1,2\n4,5,6\n", {.header = CsvHeader::kYes, .label = "3"}).values, (std::vector<float>{5.0F, 6.0F}))
      << "a column that is called 3 goes before the third one";
  expect_refused("a,b,c\n1,2,x\n", ":1: column 1: 'a' is not a number; turn it into one, or remove the column",
                 {.header = CsvHeader::kNo, .label = "3"});
}

TEST(Csv, RefusesWithLineColumnAndReason) {
  const std::string head = "a,b,label\n1,2,x\n";
  expect_refused("", ":1: the file has no line; check that it is the right one");
  expect_refused("\n\n", ":2: the file has no line; check that it is the right one");
  expect_refused("a,label\n", ":1: no sample follows on the header; check data.header, and that the file is whole");
  expect_refused("a;label\n1;x\n",
                 ":1: no column has the name 'label'; set data.label to one of the header ('a;label'), or to the "
                 "column's number, counted from 1");
  expect_refused("label\nx\n", ":1: there is one column, and labels need others to learn from; check data.separator");
  expect_refused("a,label,label\n1,x,y\n",
                 ":1: two columns have the name 'label'; rename one, or set data.label to a number");
  expect_refused("1,2\n", ":1: data.label is column 3, and the line has 2; check data.label and data.separator",
                 {.label = "3"});
  expect_refused(head + "1,x\n", ":3: the line has 2 fields, the first one 3; correct it, or check data.separator");
  expect_refused(head + "1,2,x,\n", ":3: the line has 4 fields, the first one 3; correct it, or check data.separator");
  expect_refused(head + "\n1,,x\n", ":4: column 2 ('b'): the field is empty; fill in a number, or remove the line");
  expect_refused(head + "1,2,\n", ":3: column 3: the label is empty; fill it in, or remove the line");
  expect_refused(head + "0x1,2,x\n",
                 ":3: column 1 ('a'): '0x1' is not a number; turn it into one, or remove the column");
  expect_refused(head + "1 2,2,x\n",
                 ":3: column 1 ('a'): '1 2' is not a number; turn it into one, or remove the column");
  expect_refused(head + "+-1,2,x\n",
                 ":3: column 1 ('a'): '+-1' is not a number; turn it into one, or remove the column");
  for (const char* value : {"nan", "inf", "-infinity"}) {
    expect_refused(head + value + ",2,x\n", std::string(":3: column 1 ('a'): '") + value +
                                                "' is not finite; fill in a number, or remove the line");
  }
  for (const char* value : {"1e39", "-1e400"}) {
    expect_refused(head + value + ",2,x\n",
                   std::string(":3: column 1 ('a'): '") + value + "' is outside the range of float; scale the column");
  }
  expect_refused(head + "1,2,\"x\n", ":3: column 3: a quote is not closed in its line; close it, or double it");
  expect_refused(head + "1,2,\"x\"y\n", ":3: column 3: text follows on a closed quote; double a quote within quotes");
  expect_refused(head + std::string("\0\x1b[2J", 5) + std::string(60, 'q') + ",2,x\n",
                 ":3: column 1 ('a'): '??[2J" + std::string(35, 'q') +
                     "...' is not a number; turn it into one, or remove the column");
}

TEST(Csv, TakesTwoHundredAndFiftySixLabelsAndNoMore) {
  std::string text = "a,label\n";
  for (int i = 0; i < 256; ++i) text += "1,name" + std::to_string(i) + "\n";
  EXPECT_EQ(parse(text).names.size(), 256U);
  expect_refused(text + "1,another\n",
                 ":258: column 2: more than 256 different labels, too many for classes; check data.label");
}

TEST(CsvData, NamesOfClassesAreNumberedInTheirOrderByTheTrainingFile) {
  const TemporaryFolder folder;
  folder.write("train.csv", "a,label\n1,dog\n2,cat\n3,eel\n");
  folder.write_compressed("test.csv.gz", "a,label\n4,eel\n5,dog\n");
  const Dataset data = load(folder, {{"normalise", "false"}});
  EXPECT_EQ(data.classes, 3U);
  EXPECT_EQ(data.shape, (ImageShape{.channels = 1, .height = 1, .width = 1}));
  EXPECT_EQ(data.train.labels, (std::vector<std::uint8_t>{1, 0, 2}));
  EXPECT_EQ(data.test.labels, (std::vector<std::uint8_t>{2, 1}));
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
  EXPECT_EQ(load(folder, {}).test.labels, (std::vector<std::uint8_t>{3}));
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
  folder.write("train.csv", "a,label\n1,256\n");
  EXPECT_NE(usage_error([&] { load(folder, {}); }).find(":2: label '256' is not a whole number below 256"),
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
  EXPECT_EQ(usage_error([&] { load(folder, {}); }).find(folder.path("test.csv.gz") + ": no such file"), 0U);
}

TEST(CsvData, KeepsTheValuesOfTheChosenSamplesAlone) {
  const TemporaryFolder folder;
  folder.write("train.csv", "a,b,label\n1,2,0\n3,4,1\n5,6,2\n");
  folder.write("test.csv", "a,b,label\n1,2,0\n");
  Dataset data = load(folder, {{"normalise", "false"}});
  read_chosen(find_dataset("csv"), folder.path(), {}, {true, false, true}, data);
  EXPECT_EQ(data.train.values, (std::vector<float>{1, 2, 5, 6}));
  EXPECT_EQ(data.train.labels, (std::vector<std::uint8_t>{0, 2}));
  EXPECT_EQ(data.train.memory(), 4 * sizeof(float) + 2);
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

}  // namespace
}  // namespace laconic
