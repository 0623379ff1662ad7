#include "report/json.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "report/class_metrics.h"

namespace laconic {
namespace {

// Pairs of classes that stand for a matrix that is too large to be read.
constexpr std::size_t kMostPairs = 20;

std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

bool is_flat(const Json& json) {
  return std::ranges::none_of(json, [](const Json& element) { return element.is_structured() && !element.empty(); });
}

// In one line, with a blank behind each comma.
std::string in_one_line(const Json& json) {
  std::string text(json.is_object() ? "{" : "[");
  bool is_first = true;
  for (const auto& [key, value] : json.items()) {
    if (!std::exchange(is_first, false)) text += ", ";
    if (json.is_object()) text += text_of(Json(key)) + ": ";
    text += text_of(value);
  }
  return text + (json.is_object() ? "}" : "]");
}

void write(const Json& json, std::size_t depth, bool in_list, std::string& text) {
  if (!json.is_structured() || json.empty()) {
    text += text_of(json);
    return;
  }
  if ((json.is_array() || in_list) && is_flat(json)) {
    text += in_one_line(json);
    return;
  }
  const std::string indent(2 * (depth + 1), ' ');
  text += json.is_object() ? "{" : "[";
  bool is_first = true;
  for (const auto& [key, value] : json.items()) {
    text += std::exchange(is_first, false) ? "\n" : ",\n";
    text += indent;
    if (json.is_object()) text += text_of(Json(key)) + ": ";
    write(value, depth + 1, json.is_array(), text);
  }
  text += "\n" + std::string(2 * depth, ' ') + (json.is_object() ? "}" : "]");
}

Json confusion_rows(const Confusion& confusion) {
  Json rows = Json::array();
  for (std::size_t of = 0; of < confusion.classes(); ++of) {
    Json row = Json::array();
    for (std::size_t predicted = 0; predicted < confusion.classes(); ++predicted) {
      row.push_back(confusion.count(of, predicted));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

Json most_confused(const Confusion& confusion) {
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  for (std::size_t of = 0; of < confusion.classes(); ++of) {
    for (std::size_t predicted = 0; predicted < confusion.classes(); ++predicted) {
      if (of != predicted && confusion.count(of, predicted) > 0) pairs.emplace_back(of, predicted);
    }
  }
  std::ranges::stable_sort(pairs, std::ranges::greater{},
                           [&](const auto& pair) { return confusion.count(pair.first, pair.second); });
  pairs.resize(std::min(pairs.size(), kMostPairs));
  Json json = Json::array();
  for (const auto& [of, predicted] : pairs) {
    json.push_back({{"class", of}, {"predicted", predicted}, {"samples", confusion.count(of, predicted)}});
  }
  return json;
}

Json optional_json(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

}  // namespace

Json classification_json(const Evaluation& evaluation, std::string_view split, std::span<const std::string> names,
                         std::size_t most_classes) {
  const Confusion& confusion = *evaluation.confusion;
  const ClassMetrics metrics = class_metrics(confusion);
  Json json = {{"split", split},
               {"samples", evaluation.samples},
               {"accuracy", evaluation.accuracy},
               {"balanced_accuracy", metrics.balanced_accuracy},
               {"macro_f1", metrics.macro_f1}};
  if (confusion.classes() == 2) json["auc"] = optional_json(metrics.auc);
  json["by_class"] = Json::array();
  for (std::size_t index = 0; index < metrics.classes.size(); ++index) {
    const ClassFigures& one = metrics.classes[index];
    Json figures = {{"class", index}};
    if (index < names.size()) figures["name"] = names[index];
    figures["samples"] = one.samples;
    figures["predicted"] = one.predicted;
    figures["precision"] = optional_json(one.precision);
    figures["recall"] = optional_json(one.recall);
    figures["f1"] = optional_json(one.f1);
    json["by_class"].push_back(std::move(figures));
  }
  if (confusion.classes() <= most_classes) {
    json["confusion"] = confusion_rows(confusion);
  } else {
    json["most_confused"] = most_confused(confusion);
  }
  return json;
}

std::string indented(const Json& json) {
  std::string text;
  write(json, 0, false, text);
  return text;
}

}  // namespace laconic
