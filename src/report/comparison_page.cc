#include "report/comparison_page.h"

#include <array>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "report/page_parts.h"
#include "report/page_template.h"
#include "report/pictures.h"

namespace laconic {
namespace {

Json numbers(const std::vector<double>& values) {
  Json list = Json::array();
  for (const double value : values) list.push_back(std::isfinite(value) ? Json(value) : Json());
  return list;
}

const char* word_of(ChartUnit unit) {
  switch (unit) {
    case ChartUnit::kCount:
      return "count";
    case ChartUnit::kNumber:
      return "significant";
    case ChartUnit::kFraction:
      return "percent";
    case ChartUnit::kBytes:
      return "bytes";
    case ChartUnit::kSeconds:
      return "seconds";
  }
  return "";
}

Json to_json(const ChartLine& line) {
  Json json = {{"name", line.name},
               {"runs", line.runs},
               {"positions", line.positions},
               {"style", line.style},
               {"mean", numbers(line.mean)}};
  if (!line.low.empty()) {
    json["low"] = numbers(line.low);
    json["high"] = numbers(line.high);
  }
  return json;
}

Json to_json(const ChartSet& set) {
  Json json = {{"band", set.band_text}, {"positions", Json::array()}, {"charts", Json::array()}};
  for (const ChartPositions& positions : set.positions) {
    Json by_axis = Json::object();
    for (std::size_t axis = 0; axis < kChartAxes; ++axis) {
      by_axis[words_of(static_cast<ChartAxis>(axis)).key] = numbers(positions[axis]);
    }
    json["positions"].push_back(std::move(by_axis));
  }
  for (const Chart& chart : set.charts) {
    Json lines = Json::array();
    for (const ChartLine& line : chart.lines) lines.push_back(to_json(line));
    json["charts"].push_back({{"title", chart.title},
                              {"note", chart.note},
                              {"unit", word_of(chart.unit)},
                              {"logarithmic", chart.logarithmic},
                              {"steps_alone", chart.steps_alone},
                              {"lines", std::move(lines)}});
  }
  return json;
}

}  // namespace

std::string comparison_page(const Comparison& comparison, std::span<const RunGroup> groups) {
  LACONIC_CHECK(groups.size() == comparison.groups.size(), "a page of other groups than the comparison's");
  Json data = {{"comparison", Json::parse(comparison_json("", comparison))},
               {"charts", to_json(charts_of(groups))},
               {"groups", Json::array()}};
  data["comparison"].erase("runs");
  for (const RunGroup& group : groups) {
    const PageRun& first = group.runs.front();
    const Json summary = Json::parse(first.summary);
    Json json = {
        {"name", group.name}, {"marks", group.marks}, {"job", first.job}, {"program", summary.value("program", "")}};
    if (!first.workers.empty() && groups.size() <= kMostDrawnWorkers) {
      json["workers"] = Json::parse(first.workers);
      json["whose_labels"] = whose_labels(group);
    }
    data["groups"].push_back(std::move(json));
  }
  return filled_page(data, page_parts::kComparisonScript, "'none'");
}

}  // namespace laconic
