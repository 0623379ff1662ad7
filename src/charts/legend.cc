#include <algorithm>

#include "charts/drawing.h"
#include "charts/text.h"

namespace laconic::charts {
namespace {

constexpr double kSwatch = 18.0;  // the piece of line before a name
constexpr double kGap = 3.0;
constexpr double kBetween = 8.0;  // two columns
constexpr std::size_t kMostEntries = 120;

}  // namespace

Stroke stroke_of(std::size_t index) {
  const Style style = style_of(index);
  return {.colour = style.colour, .width = 1.0, .dash = style.dash};
}

void draw_point(Place centre, std::size_t index, Canvas& canvas) {
  const Style style = style_of(index);
  const double r = kPointRadius;
  const auto polygon = [&](std::initializer_list<Place> corners) {
    const std::vector<Place> places(corners);
    const std::span<const Place> piece(places);
    canvas.polygons({&piece, 1}, style.colour);
  };
  const auto [x, y] = centre;
  switch (style.shape) {
    case Shape::kCircle:
      canvas.circle(centre, r, style.colour);
      return;
    case Shape::kSquare:
      canvas.rectangle({x - r, y - r}, {2.0 * r, 2.0 * r}, style.colour);
      return;
    case Shape::kTriangle:
      polygon({{x, y - 1.2 * r}, {x + 1.2 * r, y + r}, {x - 1.2 * r, y + r}});
      return;
    case Shape::kDiamond:
      polygon({{x, y - 1.4 * r}, {x + 1.4 * r, y}, {x, y + 1.4 * r}, {x - 1.4 * r, y}});
      return;
  }
}

double Legend::height() const {
  const std::size_t rows = (entries.size() + columns - 1) / columns;
  return kRowHeight * static_cast<double>(rows + notes.size());
}

Legend legend_of(const LineChart& chart) {
  Legend legend;
  const double whole = kWidth - 2.0 * kMargin;
  const bool is_plain = chart.lines.empty() || (chart.lines.size() == 1 && chart.lines.front().low.empty());
  if (!is_plain) {
    // A few names are shown whole; of many, two stand beside each other.
    const double room = (chart.lines.size() > 8 ? whole / 2.0 - kBetween : whole) - kSwatch - kGap;
    double widest = 0.0;
    for (std::size_t i = 0; i < chart.lines.size() && i < kMostEntries; ++i) {
      legend.entries.push_back({fitted(chart.lines[i].name, room, kTextSize), &chart.lines[i]});
      widest = std::max(widest, text_width(legend.entries.back().name, kTextSize));
    }
    const double needed = kSwatch + kGap + widest + kBetween;
    legend.columns =
        std::clamp<std::size_t>(static_cast<std::size_t>((whole + kBetween) / needed), 1, legend.entries.size());
    legend.column_width = (whole + kBetween) / static_cast<double>(legend.columns);
  }
  if (chart.lines.size() > kMostEntries) {
    legend.notes.push_back("and " + std::to_string(chart.lines.size() - kMostEntries) + " more lines");
  }
  for (std::string& line : broken(chart.note, whole, kNoteSize)) legend.notes.push_back(std::move(line));
  return legend;
}

void draw_legend(const Legend& legend, Place corner, Canvas& canvas) {
  const std::size_t rows = (legend.entries.size() + legend.columns - 1) / legend.columns;
  for (std::size_t i = 0; i < legend.entries.size(); ++i) {
    const auto& [name, line] = legend.entries[i];
    // Down the columns: neighbours in the order of lines stand below each other.
    const double x = corner.x + static_cast<double>(i / rows) * legend.column_width;
    const double y = corner.y + (static_cast<double>(i % rows) + 0.5) * kRowHeight;
    if (line->style != Line::Style::kPoints) canvas.line({x, y}, {x + kSwatch, y}, stroke_of(line->index));
    if (line->style == Line::Style::kPoints || line->index >= kDashedColours) {
      draw_point({x + kSwatch / 2.0, y}, line->index, canvas);
    }
    canvas.text({x + kSwatch + kGap, y}, name, {.size = kTextSize});
  }
  double y = corner.y + (static_cast<double>(rows) + 0.5) * kRowHeight;
  for (const std::string& note : legend.notes) {
    canvas.text({corner.x, y}, note, {.size = kNoteSize, .colour = kQuiet});
    y += kRowHeight;
  }
}

}  // namespace laconic::charts
