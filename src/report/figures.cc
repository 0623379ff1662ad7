#include "report/figures.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "report/page_data.h"

namespace laconic {
namespace {

constexpr std::size_t kLongestName = 80;

charts::Unit unit_of(ChartUnit unit) {
  switch (unit) {
    case ChartUnit::kCount:
      return charts::Unit::kCount;
    case ChartUnit::kNumber:
      return charts::Unit::kNumber;
    case ChartUnit::kFraction:
      return charts::Unit::kPercent;
    case ChartUnit::kBytes:
      return charts::Unit::kBytes;
    case ChartUnit::kSeconds:
      return charts::Unit::kSeconds;
  }
  return charts::Unit::kNumber;
}

charts::Line::Style style_of(ChartLine::Kind kind) {
  switch (kind) {
    case ChartLine::Kind::kLine:
      return charts::Line::Style::kLine;
    case ChartLine::Kind::kStairs:
      return charts::Line::Style::kSteps;
    case ChartLine::Kind::kMarks:
      return charts::Line::Style::kPoints;
  }
  return charts::Line::Style::kLine;
}

// As a title begins.
std::string capitalised(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

charts::Line line_of(const ChartLine& from, const std::vector<double>& places) {
  const std::string runs = from.runs > 1 ? " (n=" + std::to_string(from.runs) + ")" : std::string();
  charts::Line line{.name = from.name + runs, .index = from.style, .style = style_of(from.kind)};
  std::map<double, std::size_t> points;
  for (std::size_t i = 0; i < std::min(places.size(), from.mean.size()); ++i) {
    if (std::isfinite(places[i]) && std::isfinite(from.mean[i])) points[places[i]] = i;
  }
  for (const auto& [place, point] : points) {
    line.x.push_back(place);
    line.y.push_back(from.mean[point]);
    if (from.low.empty()) continue;
    line.low.push_back(from.low.at(point));
    line.high.push_back(from.high.at(point));
  }
  return line;
}

// The steps after which a run's data changed. Of many only the first has words.
std::vector<charts::Mark> drifts_of(const PageRun& run) {
  constexpr std::size_t kMostWords = 4;
  const Json summary = page_data(run).at("summary");
  std::vector<charts::Mark> marks;
  const auto drifts = summary.is_object() ? summary.find("drifts") : summary.end();
  if (!summary.is_object() || drifts == summary.end() || !drifts->is_array()) return marks;
  for (const Json& step : *drifts) {
    if (!step.is_number()) continue;
    const bool has_words = marks.empty() || drifts->size() <= kMostWords;
    marks.push_back({step.get<double>(), has_words ? "data changed" : ""});
  }
  return marks;
}

// With a number behind its name where another has it: long names are cut, and a strategy may watch what it likes.
void add(std::vector<NamedFigure>& figures, NamedFigure figure) {
  const std::string name = figure.name;
  const auto is_taken = [&] {
    return std::ranges::any_of(figures, [&](const NamedFigure& other) { return other.name == figure.name; });
  };
  for (int number = 2; is_taken(); ++number) figure.name = name + "_" + std::to_string(number);
  figures.push_back(std::move(figure));
}

// `marks` stand along steps.
std::vector<NamedFigure> lines_of(const ChartSet& charts, const FigureAxes& axes,
                                  const std::vector<charts::Mark>& marks) {
  std::vector<NamedFigure> figures;
  for (const Chart& chart : charts.charts) {
    const bool is_possible = !chart.steps_alone || axes.against == ChartAxis::kEpochs;
    const ChartAxis axis = is_possible ? axes.against : ChartAxis::kSteps;
    if (chart.key == "bytes" && axis == ChartAxis::kBytes) continue;  // bytes against themselves
    const AxisWords words = words_of(axis);
    charts::LineChart figure{
        .title = chart.title,
        .x = {.title = capitalised(words.label), .unit = unit_of(words.unit), .logarithmic = axes.logarithmic},
        .y = {.title = capitalised(chart.label),
              .unit = unit_of(chart.unit),
              .logarithmic = chart.logarithmic || axes.logarithmic}};
    for (const ChartLine& line : chart.lines) {
      charts::Line drawn = line_of(line, charts.positions.at(line.positions)[static_cast<std::size_t>(axis)]);
      if (!drawn.low.empty()) figure.note = capitalised(charts.band_text);
      if (!drawn.x.empty()) figure.lines.push_back(std::move(drawn));
    }
    if (figure.lines.empty()) continue;
    std::string name = chart.key.substr(0, kLongestName);
    if (axis == ChartAxis::kSteps) figure.marks = marks;
    if (axis != ChartAxis::kSteps) name += std::string("_against_") + words.label;
    add(figures, {std::move(name), std::move(figure)});
  }
  return figures;
}

}  // namespace

std::vector<NamedFigure> figures_of(const ChartSet& charts, const FigureAxes& axes) {
  return lines_of(charts, axes, {});
}

std::vector<NamedFigure> figures_of(const PageRun& run, const FigureAxes& axes) {
  std::vector<NamedFigure> figures = lines_of(charts_of(run), axes, drifts_of(run));
  for (NamedFigure& picture : pictures_of(run)) add(figures, std::move(picture));
  return figures;
}

std::vector<NamedFigure> figures_of(const Comparison& comparison, std::span<const RunGroup> groups,
                                    const FigureAxes& axes) {
  std::vector<NamedFigure> figures = figures_of(charts_of(groups), axes);
  for (NamedFigure& picture : pictures_of(comparison, groups)) add(figures, std::move(picture));
  return figures;
}

}  // namespace laconic
