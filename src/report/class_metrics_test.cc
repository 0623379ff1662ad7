// Figures of classes against fractions counted by hand.
#include "report/class_metrics.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "report/evaluation_text.h"
#include "report/json.h"

namespace laconic {
namespace {

// Class 2 is never predicted, class 3 has no sample and is predicted once, class 4 has neither. Of class 1 one sample is
// taken for no class at all.
Confusion example() {
  return {.samples = {6, 5, 2, 0, 0}, .counts = {4, 2, 0, 0, 0,  //
                                                 1, 3, 0, 0, 0,  //
                                                 2, 0, 0, 0, 0,  //
                                                 0, 0, 0, 0, 0,  //
                                                 0, 0, 0, 0, 0}};
}

TEST(ClassMetrics, ArePrecisionRecallAndF1OfEachClass) {
  Confusion confusion = example();
  confusion.counts[0 * 5 + 1] = 1;
  confusion.counts[0 * 5 + 3] = 1;
  const ClassMetrics metrics = class_metrics(confusion);
  ASSERT_EQ(metrics.classes.size(), 5U);
  // Class 0: 4 of 6 found, 4 of 7 taken for it are right.
  EXPECT_EQ(metrics.classes[0].samples, 6U);
  EXPECT_EQ(metrics.classes[0].predicted, 7U);
  EXPECT_DOUBLE_EQ(metrics.classes[0].precision.value(), 4.0 / 7.0);
  EXPECT_DOUBLE_EQ(metrics.classes[0].recall.value(), 4.0 / 6.0);
  EXPECT_DOUBLE_EQ(metrics.classes[0].f1.value(), 2.0 / (7.0 / 4.0 + 6.0 / 4.0));
  EXPECT_DOUBLE_EQ(metrics.classes[1].precision.value(), 3.0 / 4.0);
  EXPECT_DOUBLE_EQ(metrics.classes[1].recall.value(), 3.0 / 5.0) << "one of the five is taken for no class";
  EXPECT_DOUBLE_EQ(metrics.classes[1].f1.value(), 6.0 / 9.0);
  // Never predicted.
  EXPECT_FALSE(metrics.classes[2].precision);
  EXPECT_EQ(metrics.classes[2].recall, 0.0);
  EXPECT_EQ(metrics.classes[2].f1, 0.0);
  // Without a sample.
  EXPECT_EQ(metrics.classes[3].precision, 0.0);
  EXPECT_FALSE(metrics.classes[3].recall);
  EXPECT_EQ(metrics.classes[3].f1, 0.0);
  // Neither.
  EXPECT_FALSE(metrics.classes[4].precision || metrics.classes[4].recall || metrics.classes[4].f1);
  // Over the classes that are there or are predicted, and over those that are there.
  EXPECT_DOUBLE_EQ(metrics.macro_f1, (8.0 / 13.0 + 6.0 / 9.0 + 0.0 + 0.0) / 4.0);
  EXPECT_DOUBLE_EQ(metrics.balanced_accuracy, (4.0 / 6.0 + 3.0 / 5.0 + 0.0) / 3.0);
  EXPECT_EQ(worst_classes(metrics), (std::vector<std::size_t>{2, 3, 0, 1}));
}

TEST(ClassMetrics, OfAModelThatIsAlwaysRightAreOneToTheBit) {
  Confusion confusion{.samples = std::vector<std::uint64_t>(49, 7), .counts = std::vector<std::uint64_t>(49 * 49)};
  for (std::size_t i = 0; i < 49; ++i) confusion.counts[i * 49 + i] = 7;
  const ClassMetrics metrics = class_metrics(confusion);
  EXPECT_EQ(metrics.macro_f1, 1.0);
  EXPECT_EQ(metrics.balanced_accuracy, 1.0);
}

TEST(ClassesText, NamesTheWorstClassAndWhatItIsTakenFor) {
  const std::vector<std::string> names = {"cat", "dog", "owl"};
  const Confusion confusion{.samples = {4, 4, 2}, .counts = {4, 0, 0, 0, 3, 1, 2, 0, 0}, .auc = 0.75};
  EXPECT_EQ(classes_text(confusion, names),
            "macro F1 0.552, balanced accuracy 58.33%, AUC 0.750; worst class 'owl', F1 0.00 (recall 0.00%, most often "
            "taken for 'cat')");
  EXPECT_EQ(classes_text({.samples = {1, 1}, .counts = {1, 0, 0, 1}}, {}),
            "macro F1 1.00, balanced accuracy 100.00%; worst class 0, F1 1.00 (recall 100.00%)");
}

TEST(ClassificationJson, HasEachClassAndTheMatrix) {
  Evaluation evaluation{.loss = 0.5, .accuracy = 0.5, .samples = 4};
  evaluation.confusion = std::make_shared<Confusion>(Confusion{.samples = {3, 1}, .counts = {1, 2, 0, 1}, .auc = 0.75});
  const std::vector<std::string> names = {"no", "y\xe9s"};
  const Json json = Json::parse(indented(classification_json(evaluation, "test", names, 2)));
  EXPECT_EQ(json.at("split"), "test");
  EXPECT_EQ(json.at("auc"), 0.75);
  EXPECT_EQ(json.at("confusion"), Json::parse("[[1, 2], [0, 1]]"));
  EXPECT_EQ(json.at("by_class").at(0), Json::parse(R"({"class": 0, "name": "no", "samples": 3, "predicted": 1,
    "precision": 1.0, "recall": 0.3333333333333333, "f1": 0.5})"));
  EXPECT_EQ(json.at("by_class").at(1).at("name"), "y\xEF\xBF\xBDs") << "no UTF-8";
  EXPECT_FALSE(json.contains("most_confused"));
}

TEST(ClassificationJson, OfManyClassesHasThePairsThatAreMistakenMostOften) {
  constexpr std::size_t kClasses = 30;
  auto confusion = std::make_shared<Confusion>(Confusion{.samples = std::vector<std::uint64_t>(kClasses, 100),
                                                         .counts = std::vector<std::uint64_t>(kClasses * kClasses)});
  for (std::size_t i = 0; i < kClasses; ++i) {
    confusion->counts[i * kClasses + i] = 100 - i;
    confusion->counts[i * kClasses + (i + 1) % kClasses] = i;
  }
  Evaluation evaluation{.samples = 100 * kClasses};
  evaluation.confusion = confusion;
  const Json json = classification_json(evaluation, "validation", {}, kClasses - 1);
  EXPECT_FALSE(json.contains("confusion"));
  EXPECT_FALSE(json.contains("auc"));
  ASSERT_EQ(json.at("most_confused").size(), 20U);
  EXPECT_EQ(json.at("most_confused").at(0), Json::parse(R"({"class": 29, "predicted": 0, "samples": 29})"));
  EXPECT_EQ(json.at("most_confused").at(19).at("samples"), 10);
}

TEST(EvaluationText, HasEachSplitWithItsClasses) {
  Evaluation test{.loss = 0.25, .accuracy = 0.75, .samples = 4};
  test.confusion = std::make_shared<Confusion>(Confusion{.samples = {3, 1}, .counts = {2, 1, 0, 1}});
  const std::vector<SplitEvaluation> splits = {
      {.split = "test", .evaluation = test},
      {.split = "validation", .evaluation = {.loss = 0.5, .accuracy = 0.5, .samples = 2}}};
  const Json json = Json::parse(evaluation_text("a.safetensors", "job", splits, {}));
  EXPECT_EQ(json.at("model"), "a.safetensors");
  EXPECT_EQ(json.at("test").at("accuracy"), 0.75);
  EXPECT_EQ(json.at("test").at("classification").at("confusion").at(0).at(1), 1);
  EXPECT_EQ(json.at("test").at("classification").at("auc"), nullptr);
  EXPECT_FALSE(json.at("validation").contains("classification"));
}

TEST(Indented, KeepsListsOfNumbersInALineAndReadsBackAsWhatItWas) {
  const Json json = {
      {"a", {1, 2, 3}},
      {"b", {{"c", Json::array({Json{{"d", 1}, {"e", "x"}}, Json{{"d", nullptr}}})}, {"f", Json::array()}}},
      {"rows", {{1, 2}, {3, 4}}}};
  const std::string text = indented(json);
  EXPECT_EQ(Json::parse(text), json);
  EXPECT_EQ(text,
            "{\n"
            "  \"a\": [1, 2, 3],\n"
            "  \"b\": {\n"
            "    \"c\": [\n"
            "      {\"d\": 1, \"e\": \"x\"},\n"
            "      {\"d\": null}\n"
            "    ],\n"
            "    \"f\": []\n"
            "  },\n"
            "  \"rows\": [\n"
            "    [1, 2],\n"
            "    [3, 4]\n"
            "  ]\n"
            "}");
}

}  // namespace
}  // namespace laconic
