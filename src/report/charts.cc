#include "report/charts.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "report/chart_rows.h"

namespace laconic {
namespace {

constexpr std::array<AxisWords, kChartAxes> kAxes = {{{"step", "steps", ChartUnit::kCount},
                                                      {"epoch", "epochs", ChartUnit::kNumber},
                                                      {"bytes", "bytes", ChartUnit::kBytes},
                                                      {"time", "time", ChartUnit::kSeconds}}};
constexpr std::array<const char*, kChartAxes> kKeys = {"step", "epoch", "wire_bytes", "time_s"};

bool has_number(const std::vector<double>& values) {
  return std::any_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
}

}  // namespace

AxisWords words_of(ChartAxis axis) { return kAxes.at(static_cast<std::size_t>(axis)); }

const char* unit_text(ChartUnit unit) {
  switch (unit) {
    case ChartUnit::kFraction:
      return "%";
    case ChartUnit::kBytes:
      return "bytes";
    case ChartUnit::kSeconds:
      return "s";
    case ChartUnit::kCount:
    case ChartUnit::kNumber:
      return "";
  }
  return "";
}

double number_at(const Json& row, std::initializer_list<const char*> path) {
  const Json* place = &row;
  for (const char* key : path) {
    const auto found = place->is_object() ? place->find(key) : place->end();
    if (!place->is_object() || found == place->end()) return std::numeric_limits<double>::quiet_NaN();
    place = &*found;
  }
  return place->is_number() ? place->get<double>() : std::numeric_limits<double>::quiet_NaN();
}

double place_along(const Json& row, ChartAxis axis) {
  return number_at(row, {kKeys.at(static_cast<std::size_t>(axis))});
}

void add_watched_names(const Json& rows, std::vector<std::string>& names) {
  for (const Json& row : rows) {
    const auto watched = row.find("watched");
    if (watched == row.end() || !watched->is_object()) continue;
    for (const auto& [name, value] : watched->items()) {
      if (name != "threshold" && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
}

Chart watched_chart(const std::string& name) {
  std::string words = name;
  std::replace(words.begin(), words.end(), '_', ' ');
  Chart chart{.key = key_text(name),
              .title = "Watched: " + words,
              .label = words,
              .note = "What the strategy watches. Always against steps or epochs.",
              .logarithmic = true,
              .steps_alone = true};
  return chart;
}

Chart consensus_chart() {
  return {.key = "consensus_distance",
          .title = "Consensus distance",
          .label = "squared distance",
          .note = "Mean squared distance of the workers’ models from their average.",
          .logarithmic = true};
}

std::string key_text(const std::string& text) {
  std::string key;
  for (const char letter : text) {
    const bool is_plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                          (letter >= '0' && letter <= '9') || letter == '_';
    key += is_plain ? letter : '_';
  }
  return key;
}

void add_chart(Chart chart, ChartSet& set) {
  std::erase_if(chart.lines, [](const ChartLine& line) { return !has_number(line.mean); });
  if (chart.lines.empty()) return;
  const auto is_taken = [&](const std::string& key) {
    return std::any_of(set.charts.begin(), set.charts.end(), [&](const Chart& other) { return other.key == key; });
  };
  const std::string key = chart.key;
  for (int number = 2; is_taken(chart.key); ++number) chart.key = key + "_" + std::to_string(number);
  set.charts.push_back(std::move(chart));
}

}  // namespace laconic
