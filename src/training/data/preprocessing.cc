#include "training/data/preprocessing.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <vector>

namespace laconic {
namespace {

using Json = nlohmann::ordered_json;

// JSON is UTF-8, and names may be any bytes.
bool is_utf8(const std::string& text) {
  try {
    (void)Json(text).dump();
    return true;
  } catch (const Json::exception&) {
    return false;
  }
}

Json names_of(const std::vector<std::string>& names) {
  Json json = Json::array();
  for (const std::string& name : names) {
    if (is_utf8(name)) {
      json.push_back(name);
      continue;
    }
    std::string spelt;
    for (const char letter : name) {
      const auto byte = static_cast<unsigned char>(letter);
      spelt += byte < 0x80 ? std::string(1, letter) : fmt::format("<0x{:02X}>", byte);
    }
    json.push_back(spelt);
  }
  return json;
}

template <typename Scale>
void add_scale(const std::vector<Scale>& scales, Json& json) {
  if (scales.empty()) return;
  json["mean"] = Json::array();
  json["deviation"] = Json::array();
  for (const Scale& scale : scales) {
    json["mean"].push_back(static_cast<double>(scale.mean));
    json["deviation"].push_back(static_cast<double>(scale.deviation));
  }
}

Json inputs_of(const Dataset& dataset) {
  if (dataset.input == Input::kText) return {{"kind", "tokens"}};
  const ImageShape& shape = dataset.shape;
  Json json = {{"kind", dataset.train.values.empty() ? "bytes" : "numbers"},
               {"shape", {shape.channels, shape.height, shape.width}}};
  if (!dataset.feature_names.empty()) json["names"] = names_of(dataset.feature_names);
  add_scale(dataset.normalisation, json);
  add_scale(dataset.feature_scale, json);
  return json;
}

Json targets_of(const Dataset& dataset) {
  const bool of_numbers = dataset.numbers > 0;
  Json json = {{"kind", dataset.input == Input::kText ? "next token"
                        : of_numbers                  ? "numbers"
                                                      : "classes"},
               {"count", dataset.prediction().outputs()}};
  const std::vector<std::string>& names = of_numbers ? dataset.target_names : dataset.class_names;
  if (!names.empty()) json["names"] = names_of(names);
  add_scale(dataset.target_scale, json);
  return json;
}

}  // namespace

std::string preprocess_text(const Dataset& dataset) {
  Json json = {{"dataset", dataset.name}, {"inputs", inputs_of(dataset)}, {"targets", targets_of(dataset)}};
  if (!dataset.test_rows.empty()) json["test_rows"] = dataset.test_rows;
  if (!dataset.validation_rows.empty()) json["validation_rows"] = dataset.validation_rows;
  return json.dump(2) + "\n";
}

}  // namespace laconic
