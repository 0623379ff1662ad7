#include "training/formats/csv.h"

#include "training/formats/test_support.h"

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

TEST(Csv, ReadsNumbersAndLabelsByTheNameOfTheirColumn) {
  const CsvTable table = parse("width,label,height\n1,cat,-2.5\n+3e2,dog,.5\n0,cat,1e-3\n");
  EXPECT_EQ(table.columns, (std::vector<std::string>{"width", "height"}));
  EXPECT_EQ(table.features, 2U);
  EXPECT_EQ(table.values, (std::vector<double>{1.0, -2.5, 300.0, 0.5, 0.0, 0.001}));
  EXPECT_EQ(table.labels, (std::vector<std::uint32_t>{0, 1, 0}));
  EXPECT_EQ(names(table), (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(table.names[1].line, 3U);
}

TEST(Csv, AColumnOfUsersIsNoFeature) {
  const std::string text = "site,width,label,height\nB,1,cat,2\nA,3,dog,4\nB,5,cat,6\n";
  for (const std::string user : {"site", "1"}) {
    const CsvTable table = parse(text, {.user = user});
    EXPECT_EQ(table.columns, (std::vector<std::string>{"width", "height"}));
    EXPECT_EQ(table.features, 2U);
    EXPECT_EQ(table.values, (std::vector<double>{1.0, 2.0, 3.0, 4.0, 5.0, 6.0}));
    EXPECT_EQ(table.users, (std::vector<std::uint32_t>{0, 1, 0}));
    EXPECT_EQ(table.user_names, (std::vector<std::string>{"B", "A"}));
    EXPECT_EQ(table.labels, (std::vector<std::uint32_t>{0, 1, 0}));
  }
  // Names of users in the first line make no header of it, nor does the name of their column without one.
  const CsvTable plain = parse("1,0,B\n3,1,A\n", {.label = "2", .user = "3"});
  EXPECT_EQ(plain.values, (std::vector<double>{1.0, 3.0}));
  EXPECT_EQ(plain.user_names, (std::vector<std::string>{"B", "A"}));
  EXPECT_EQ(parse("7,8,site\n1,0,B\n", {.label = "2", .user = "site"}).labels.size(), 1U);

  expect_refused(text,
                 ":1: no column has the name 'clinic'; set data.user to one of the header ('site', 'width', "
                 "'label', 'height'), or to the column's number, counted from 1",
                 {.user = "clinic"});
  expect_refused(text, ":1: data.user and data.label are both column 3; set one to another column", {.user = "label"});
  expect_refused(text, ":1: data.user is column 9, and the line has 4; check data.user and data.separator",
                 {.user = "9"});
  expect_refused("a,label,s\n1,x,A\n2,y,\n", ":3: column 3: the user is empty; fill it in, or remove the line",
                 {.user = "s"});
  expect_refused("a,label,s\n1,x,NA\n",
                 ":2: column 3: the user is 'NA', which stands for a missing one; fill it in, or "
                 "remove the line",
                 {.user = "s"});
  expect_refused("s,a,label\nA,x,1\n",
                 ":2: column 2 ('a'): 'x' is not a number; turn it into one, or remove the column", {.user = "s"});
  expect_refused("label,s\nx,A\n",
                 ":1: there are a label and a user in the line, and nothing to learn from; check "
                 "data.separator",
                 {.user = "s"});
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
    EXPECT_EQ(table.values, (std::vector<double>{7.0})) << separator;
  }
}

TEST(Csv, TheFirstLineIsAHeaderWhereItHasWordsInThePlaceOfNumbers) {
  const CsvFormat third{.label = "3"};
  EXPECT_EQ(parse("a,b,c\n1,2,x\n", third).columns, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(parse("1,2,x\n3,4,y\n", third).labels.size(), 2U) << "a word in the column of labels is one";
  EXPECT_EQ(parse("1,2,4\n4,5,6\n", third).labels.size(), 2U) << "numbers alone are samples";
  EXPECT_EQ(parse("1,2,4\n4,5,6\n", {.header = CsvHeader::kYes, .label = "3"}).values, (std::vector<double>{4.0, 5.0}));
  EXPECT_EQ(parse("3,1,2\n4,5,6\n", {.header = CsvHeader::kYes, .label = "3"}).values, (std::vector<double>{5.0, 6.0}))
      << "a column that is called 3 goes before the third one";
  expect_refused("a,b,c\n1,2,x\n", ":1: column 1: 'a' is not a number; turn it into one, or remove the column",
                 {.header = CsvHeader::kNo, .label = "3"});
}

TEST(Csv, RefusesWithLineColumnAndReason) {
  const std::string head = "a,b,label\n1,2,x\n";
  expect_refused("", ":1: the file has no line; check that it is the right one");
  expect_refused("\n\n", ":2: the file has no line; check that it is the right one");
  expect_refused("a,label\n", ":1: no sample follows the header; check data.header, and that the file is complete");
  expect_refused("a;label\n1;x\n",
                 ":1: no column has the name 'label'; set data.label to one of the header ('a;label'), or to the "
                 "column's number, counted from 1; check data.separator");
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
  expect_refused(head + "1,2,\"x\n",
                 ":3: column 3: a quote is not closed in its line; close it, or write it twice if it is text");
  expect_refused(head + "1,2,\"x\"y\n", ":3: column 3: text follows a closed quote; write a quote inside quotes twice");
  expect_refused(head + std::string("\0\x1b[2J", 5) + std::string(60, 'q') + ",2,x\n",
                 ":3: column 1 ('a'): '??[2J" + std::string(35, 'q') +
                     "...' is not a number; turn it into one, or remove the column");
}

TEST(Csv, AMissingLabelIsRefusedHoweverItIsWritten) {
  for (const char* missing : {"NA", "nan", "NaN", "N/A", "n/a", "null", "NULL", "<NA>", "#N/A", "\"NA\""}) {
    const std::string text = std::string("a,label\n1,x\n2,") + missing + "\n";
    const std::string shown = missing[0] == '"' ? "NA" : missing;
    expect_refused(text, ":3: column 2: the label is '" + shown +
                             "', which stands for a missing one; fill it in, or remove the line (a class of that name "
                             "needs another)");
  }
  EXPECT_EQ(names(parse("a,label\n1,Nan\n2,na\n3,none\n4,NA lake\n")),
            (std::vector<std::string>{"Nan", "na", "none", "NA lake"}))
      << "words that nobody writes for a missing value";
  expect_refused("a,label\nNA,x\n",
                 ":2: column 1 ('a'): 'NA' stands for a missing number; fill it in, or remove the line");
}

TEST(Csv, AColumnWithoutANameIsRefused) {
  const std::string refused =
      " has no name: is it the number of the row, as pandas writes it? Remove it (index=False), as a model would learn "
      "from it, or give it a name";
  expect_refused(",a,label\n0,1,x\n", ":1: column 1" + refused);
  expect_refused("a,\"\",label\n0,1,x\n", ":1: column 2" + refused);
  expect_refused("a,label,\n0,x,1\n", ":1: column 3" + refused);
  EXPECT_EQ(parse("a,,b\n0,x,1\n", {.label = "2"}).features, 2U) << "that of labels needs none";
}

TEST(Csv, AFirstLineThatCountsTheColumnsIsAskedAbout) {
  const CsvFormat third{.label = "3"};
  for (const char* line : {"0,1,2", "1,2,3"}) {
    const std::string text = std::string(line) + "\n0.5,7,1\n";
    expect_refused(
        text,
        ":1: the line counts the columns, so that it may be their names or a sample; say which: data.header = "
        "\"yes\" or \"no\"",
        third);
    EXPECT_EQ(parse(text, {.header = CsvHeader::kYes, .label = "3"}).labels.size(), 1U);
    EXPECT_EQ(parse(text, {.header = CsvHeader::kNo, .label = "3"}).labels.size(), 2U);
  }
}

TEST(Csv, TakesTwoHundredAndFiftySixLabelsAndNoMore) {
  std::string text = "a,label\n";
  for (int i = 0; i < 65536; ++i) text += "1,name" + std::to_string(i) + "\n";
  EXPECT_EQ(parse(text).names.size(), 65536U);
  expect_refused(text + "1,another\n",
                 ":65538: column 2: more than 65536 different labels, too many for classes; check data.label");
}

TEST(Csv, WhatStandsForAMissingLabelIsNoClass) {
  for (const std::string word : {"None", "?", ".", "--", "-", "Null", "NAN", "#NULL!"}) {
    expect_refused("a,label\n1,x\n2,y\n3," + word + "\n",
                   ":4: column 2: the label is '" + word +
                       "', which stands for a missing one; fill it in, or remove the "
                       "line" +
                       (word == "-" ? "" : " (a class of that name needs another)"));
  }
  for (const std::string word : {"none", "NONE", "unknown", "+", "n", "0"}) {
    EXPECT_EQ(names(parse("a,label\n1,x\n2,y\n3," + word + "\n")).back(), word);
  }
  EXPECT_EQ(names(parse("a,label\n1,+\n2,-\n")), (std::vector<std::string>{"+", "-"})) << "a dash beside a plus";
  expect_refused("a,label\n1,x\n?,y\n",
                 ":3: column 1 ('a'): '?' stands for a missing number; fill it in, or remove the "
                 "line");
}

TEST(Csv, AColumnThatPandasFoundWithoutANameIsRefusedToo) {
  for (const std::string head : {"Unnamed: 0,a,label", "a,Unnamed: 0.1,label"}) {
    const std::string error = usage_error([&] { parse(head + "\n1,2,x\n"); });
    EXPECT_NE(error.find(" has no name: is it the number of the row"), std::string::npos) << error;
    EXPECT_NE(error.find("'Unnamed: 0"), std::string::npos) << error;
  }
}

TEST(Csv, OfAnotherEncodingOrEndOfLinesSaysSo) {
  expect_refused(std::string("\xff\xfe"
                             "a\0,\0b\0\n\0",
                             10),
                 ":1: the file is UTF-16; save it as UTF-8");
  expect_refused(std::string("\xfe\xff\0a\0,\0b", 8), ":1: the file is UTF-16; save it as UTF-8");
  expect_refused("a,label\r1,x\r2,y\r", ":1: the lines end with CR alone, as on old Macs; save the file with LF");
}

}  // namespace
}  // namespace laconic
