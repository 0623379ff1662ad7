#include "training/data/table_notes.h"

#include "training/formats/test_support.h"

namespace laconic {
namespace {

using Notes = std::vector<std::string>;

CsvTable table(const std::string& text) { return parse_csv(text, "table.csv", {}); }

std::string numbered(const std::vector<std::string>& first) {
  std::string text = "id,a,label\n";
  for (std::size_t line = 0; line < first.size(); ++line) text += first[line] + ",0.5,x\n";
  return text;
}

TEST(TableNotes, NameAColumnThatNumbersTheLines) {
  const Notes note = {
      "column 'id' numbers the lines, one by one: if it says nothing of the samples, remove it, as the "
      "model learns from it"};
  EXPECT_EQ(notes_of_columns(table(numbered({"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"})), true), note);
  EXPECT_EQ(notes_of_columns(table(numbered({"7", "1", "10", "3", "4", "5", "6", "2", "8", "9"})), true), note)
      << "shuffled, from 1";
  EXPECT_EQ(notes_of_columns(table(numbered({"0", "1", "2", "3", "4", "5", "6", "7", "8", "8"})), true), Notes{});
  EXPECT_EQ(notes_of_columns(table(numbered({"0", "1", "2", "3", "4", "5", "6", "7", "8", "10"})), true), Notes{});
  EXPECT_EQ(notes_of_columns(table(numbered({"0", "1", "2", "3", "4", "5", "6", "7", "8", "9.5"})), true), Notes{});
  EXPECT_EQ(notes_of_columns(table(numbered({"0", "1", "2"})), true), Notes{}) << "too few to tell";
  const CsvFormat of_numbers{.label = "a", .has_targets = true};
  std::string table_of_prices = "id,a\n";
  for (int line = 0; line < 10; ++line) table_of_prices += std::to_string(line) + ",0." + std::to_string(line) + "\n";
  EXPECT_EQ(notes_of_columns(parse_csv(table_of_prices, "table.csv", of_numbers), true), note) << "of regression too";
  CsvTable nameless = table(numbered({"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}));
  nameless.columns.clear();
  EXPECT_EQ(notes_of_columns(nameless, true)[0].find("feature 1 numbers the lines"), 0U);
}

TEST(TableNotes, NameNumbersThatFloatsAreNot) {
  const CsvTable ids = table("id,label\n16777217,x\n16777219,y\n");
  EXPECT_EQ(notes_of_columns(ids, true), Notes{}) << "normalised in double";
  EXPECT_EQ(notes_of_columns(ids, false),
            (Notes{"column 'id' has whole numbers of more digits than a float has: normalise it (data.normalise), or "
                   "subtract a constant from it"}));
  EXPECT_EQ(notes_of_columns(table("a,label\n16777216,x\n33554432,y\n"), false), Notes{}) << "which floats are";
  EXPECT_EQ(notes_of_columns(table("id,label\n9007199254740993,x\n9007199254740995,y\n"), true),
            (Notes{"column 'id' has whole numbers of more digits than are read: subtract a constant from it"}));
  const CsvTable tiny = table("a,label\n1e-50,x\n0,y\n");
  EXPECT_EQ(notes_of_columns(tiny, true), Notes{});
  EXPECT_EQ(notes_of_columns(tiny, false), (Notes{"column 'a' has numbers so small that floats are 0 there: normalise "
                                                  "it (data.normalise), or scale it"}));
  EXPECT_EQ(notes_of_columns(table("a,label\n1e-30,x\n0,y\n"), false), Notes{});
}

TEST(TableNotes, NameLabelsThatAreAlike) {
  EXPECT_EQ(notes_of_labels(table("a,label\n1,Cat\n2,dog\n3,cat\n4,\"cat \"\n"), 4),
            (Notes{"labels 'Cat', 'cat', 'cat ' are several classes: make them the same if they mean one"}));
  EXPECT_EQ(notes_of_labels(table("a,label\n1,new york\n2,new  york\n"), 2),
            (Notes{"labels 'new york', 'new  york' are several classes: make them the same if they mean one"}));
  EXPECT_EQ(notes_of_labels(table("a,label\n1,cat\n2,dog\n"), 2), Notes{});
  EXPECT_EQ(notes_of_labels(table("a,label\n1,1\n2,01\n3,0\n"), 2),
            (Notes{"labels '1', '01' are one class: make them the same, or give them other names"}));
}

TEST(TableNotes, NameNumbersOfClassesThatNoSampleHas) {
  EXPECT_EQ(
      notes_of_labels(table("a,label\n1,1\n2,2\n3,3\n"), 4),
      (Notes{"1 of the 4 classes have no training sample: 0; classes are numbered from 0: subtract 1 from each label, "
             "or write names"}));
  EXPECT_EQ(notes_of_labels(table("a,label\n1,9\n2,0\n"), 10),
            (Notes{"8 of the 10 classes have no training sample: 1, 2, 3, 4, 5, ...; classes are numbered from 0"}));
  EXPECT_EQ(notes_of_labels(table("a,label\n1,1\n2,0\n"), 2), Notes{});
}

TEST(TableNotes, NameClassesOfArraysThatNoSampleHas) {
  EXPECT_EQ(note_of_classes({0, 3, 3}, 4),
            "2 of the 4 classes have no training sample: 1, 2; classes are numbered from 0");
  EXPECT_EQ(note_of_classes({1, 0}, 2), "");
}

TEST(TableNotes, NameTargetsWhoseDifferencesFloatsLose) {
  Samples samples;
  samples.targets_each = 2;
  samples.targets = {1.0F, 1.7e9F, 3.0F, 1.7e9F + 256.0F, 2.0F, 1.7e9F};
  EXPECT_EQ(
      note_of_targets(samples),
      "target 2 is near 1.7e+09 and differs by too little for floats, which predict it: subtract a constant from it");
  for (std::size_t i = 1; i < samples.targets.size(); i += 2) samples.targets[i] -= 1.7e9F;
  EXPECT_EQ(note_of_targets(samples), "");
  EXPECT_EQ(note_of_targets(Samples{}), "");
}

}  // namespace
}  // namespace laconic
