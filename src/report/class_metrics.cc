#include "report/class_metrics.h"

#include <algorithm>

#include "report/format.h"

namespace laconic {
namespace {

std::optional<double> ratio(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

double mean_of(const std::vector<ClassFigures>& classes, std::optional<double> ClassFigures::*figure) {
  double sum = 0.0;
  std::uint64_t count = 0;
  for (const ClassFigures& one : classes) {
    if (!(one.*figure)) continue;
    sum += (one.*figure).value();
    ++count;
  }
  return count == 0 ? 0.0 : sum / static_cast<double>(count);
}

// The wrong class that most samples of `of` are taken for, the first of several; none where all are right.
std::optional<std::size_t> most_often_taken_for(const Confusion& confusion, std::size_t of) {
  std::optional<std::size_t> most;
  for (std::size_t predicted = 0; predicted < confusion.classes(); ++predicted) {
    const std::uint64_t count = confusion.count(of, predicted);
    if (predicted == of || count == 0) continue;
    if (!most || count > confusion.count(of, most.value())) most = predicted;
  }
  return most;
}

}  // namespace

ClassMetrics class_metrics(const Confusion& confusion) {
  ClassMetrics metrics;
  const std::size_t count = confusion.classes();
  metrics.classes.resize(count);
  for (std::size_t of = 0; of < count; ++of) {
    metrics.classes[of].samples = confusion.samples[of];
    for (std::size_t predicted = 0; predicted < count; ++predicted) {
      metrics.classes[predicted].predicted += confusion.count(of, predicted);
    }
  }
  for (std::size_t index = 0; index < count; ++index) {
    ClassFigures& one = metrics.classes[index];
    const std::uint64_t right = confusion.count(index, index);
    one.precision = ratio(right, one.predicted);
    one.recall = ratio(right, one.samples);
    one.f1 = ratio(2 * right, one.samples + one.predicted);
  }
  metrics.macro_f1 = mean_of(metrics.classes, &ClassFigures::f1);
  metrics.balanced_accuracy = mean_of(metrics.classes, &ClassFigures::recall);
  metrics.auc = confusion.auc;
  return metrics;
}

std::vector<std::size_t> worst_classes(const ClassMetrics& metrics) {
  std::vector<std::size_t> order;
  for (std::size_t index = 0; index < metrics.classes.size(); ++index) {
    if (metrics.classes[index].f1) order.push_back(index);
  }
  std::ranges::stable_sort(order, {}, [&](std::size_t index) { return metrics.classes[index].f1.value_or(0.0); });
  return order;
}

ClassesOf classes_of(const Measurement& measurement) {
  if (measurement.test.confusion) return {.evaluation = &measurement.test, .split = "test"};
  if (measurement.validation.confusion) return {.evaluation = &measurement.validation, .split = "validation"};
  return {};
}

std::string classes_text(const Confusion& confusion, std::span<const std::string> names) {
  const ClassMetrics metrics = class_metrics(confusion);
  const auto named = [&](std::size_t index) {
    return index < names.size() ? "'" + names[index] + "'" : std::to_string(index);
  };
  std::string text =
      "macro F1 " + significant(metrics.macro_f1) + ", balanced accuracy " + percent(metrics.balanced_accuracy);
  if (metrics.auc) text += ", AUC " + significant(*metrics.auc);
  const std::vector<std::size_t> worst = worst_classes(metrics);
  if (worst.empty()) return text;
  const ClassFigures& one = metrics.classes[worst.front()];
  text += "; worst class ";
  text += named(worst.front());
  text += ", F1 " + significant(one.f1.value_or(0.0));
  if (!one.recall) return text + " (no sample of it)";
  text += " (recall " + percent(*one.recall);
  const std::optional<std::size_t> other = most_often_taken_for(confusion, worst.front());
  if (other) text += ", most often taken for " + named(other.value());
  return text + ")";
}

}  // namespace laconic
