// What a model does to each class: precision, recall and F1, from how its predictions fall on the classes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "protocol/measurement.h"

namespace laconic {

// Of one class; each figure in [0, 1], unset where it would be a division by 0.
struct ClassFigures {
  std::uint64_t samples = 0;        // of the class
  std::uint64_t predicted = 0;      // that the model takes for it
  std::optional<double> precision;  // of those predicted, how many are of the class
  std::optional<double> recall;     // of those of the class, how many are predicted
  std::optional<double> f1;         // 2 right / (samples + predicted)
};

struct ClassMetrics {
  std::vector<ClassFigures> classes;  // by number
  // Means over the classes that have them, as scikit-learn's f1_score(average="macro") and balanced_accuracy_score.
  double macro_f1 = 0.0;
  double balanced_accuracy = 0.0;  // of the recalls
  std::optional<double> auc;       // of two classes
};
// Of at least one sample.
ClassMetrics class_metrics(const Confusion& confusion);

// The classes by rising F1, of equal ones by number; those without are left out.
std::vector<std::size_t> worst_classes(const ClassMetrics& metrics);

// Which split of a measurement tells of classes: the test split, else the validation split; null where neither does.
struct ClassesOf {
  const Evaluation* evaluation = nullptr;
  const char* split = "";
};
ClassesOf classes_of(const Measurement& measurement);

// For people, in one line without its end: "macro F1 0.861, balanced accuracy 86.2%, AUC 0.93; worst class 'Shirt', F1
// 0.602 (recall 58.1%, most often taken for 'T-shirt')".
std::string classes_text(const Confusion& confusion, std::span<const std::string> names);

}  // namespace laconic
