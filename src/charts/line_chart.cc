#include <algorithm>
#include <cmath>
#include <span>

#include "charts/drawing.h"
#include "charts/line_pieces.h"
#include "charts/text.h"

namespace laconic::charts {
namespace {

constexpr double kPlotHeight = 112.0;  // with a legend of one row the whole is 60 mm high
constexpr double kTickLength = 2.5;
constexpr double kTickGap = 2.0;
constexpr double kMostTickWidth = 60.0;
constexpr double kBelowPlot = kTickLength + kTickGap + 2.0 * kRowHeight + 3.0;  // ticks' texts and the axis' title
constexpr std::size_t kMostPoints = 30;   // of a line that shows each of its values
constexpr std::size_t kSparsePoints = 8;  // of one that has them to be told apart by

// With the unit that its ticks are in.
std::string title_of(const Axis& axis, const Ticks& ticks) {
  return ticks.unit.empty() ? axis.title : axis.title + " (" + ticks.unit + ")";
}

double widest(const Ticks& ticks) {
  double width = 0.0;
  for (const std::string& text : ticks.texts) width = std::max(width, text_width(text, kTextSize));
  return std::min(width, kMostTickWidth);
}

void draw_axes(const LineChart& chart, const PlotArea& area, Canvas& canvas) {
  const double right = area.corner.x + area.size.width;
  const double bottom = area.corner.y + area.size.height;
  const Stroke grid = {.colour = kRule, .width = 0.4};
  const Stroke tick = {.colour = kQuiet, .width = 0.5};
  const auto x_of = [&](double value) { return area.corner.x + area.x.share_of(value) * area.size.width; };
  const auto y_of = [&](double value) { return bottom - area.y.share_of(value) * area.size.height; };
  for (std::size_t i = 0; i < area.x_ticks.at.size(); ++i) {
    const double x = x_of(area.x_ticks.at[i]);
    canvas.line({x, area.corner.y}, {x, bottom}, grid);
    canvas.line({x, bottom}, {x, bottom + kTickLength}, tick);
    canvas.text({x, bottom + kTickLength + kTickGap + kTextSize / 2.0}, area.x_ticks.texts[i],
                {.size = kTextSize, .colour = kQuiet, .align = Align::kCentre});
  }
  for (std::size_t i = 0; i < area.y_ticks.at.size(); ++i) {
    const double y = y_of(area.y_ticks.at[i]);
    canvas.line({area.corner.x, y}, {right, y}, grid);
    canvas.line({area.corner.x - kTickLength, y}, {area.corner.x, y}, tick);
    canvas.text({area.corner.x - kTickLength - kTickGap, y}, fitted(area.y_ticks.texts[i], kMostTickWidth, kTextSize),
                {.size = kTextSize, .colour = kQuiet, .align = Align::kRight});
  }
  for (const double value : area.x_ticks.between) {
    canvas.line({x_of(value), bottom}, {x_of(value), bottom + kTickLength / 2.0}, tick);
  }
  for (const double value : area.y_ticks.between) {
    canvas.line({area.corner.x - kTickLength / 2.0, y_of(value)}, {area.corner.x, y_of(value)}, tick);
  }
  canvas.frame(area.corner, area.size, tick);
  canvas.text({area.corner.x + area.size.width / 2.0, bottom + kTickLength + kTickGap + 1.5 * kRowHeight},
              fitted(title_of(chart.x, area.x_ticks), area.size.width, kTextSize),
              {.size = kTextSize, .align = Align::kCentre});
  canvas.text({kMargin + kTextSize / 2.0, area.corner.y + area.size.height / 2.0},
              fitted(title_of(chart.y, area.y_ticks), area.size.height, kTextSize),
              {.size = kTextSize, .align = Align::kCentre, .upwards = true});
}

void draw_marks(const LineChart& chart, const PlotArea& area, Canvas& canvas) {
  constexpr double kDash[] = {2.0, 1.5};
  for (const Mark& mark : chart.marks) {
    if (!std::isfinite(mark.x)) continue;
    const double x = area.corner.x + area.x.share_of(mark.x) * area.size.width;
    canvas.line({x, area.corner.y}, {x, area.corner.y + area.size.height},
                {.colour = kQuiet, .width = 0.6, .dash = kDash});
  }
}

// Over the lines, on a ground of white that leaves them to be seen.
void draw_words_of_marks(const LineChart& chart, const PlotArea& area, Canvas& canvas) {
  for (const Mark& mark : chart.marks) {
    const std::string words = fitted(mark.text, area.size.height - 4.0, kTextSize);
    if (!std::isfinite(mark.x) || words.empty()) continue;
    const double line = area.corner.x + area.x.share_of(mark.x) * area.size.width;
    // Before the line where there is no room behind it.
    const bool is_at_edge = line + kTextSize + 2.0 > area.corner.x + area.size.width;
    const double x = is_at_edge ? line - kTextSize / 2.0 - 1.5 : line + kTextSize / 2.0 + 1.5;
    const double y = area.corner.y + 2.0;
    const double half = kTextSize / 2.0 + 0.5;
    const double below = y + text_width(words, kTextSize) + 1.0;
    const Place corners[] = {{x - half, y}, {x + half, y}, {x + half, below}, {x - half, below}};
    const std::span<const Place> ground(corners);
    canvas.polygons({&ground, 1}, kPaper, 0.75);
    canvas.text({x, y}, words, {.size = kTextSize, .colour = kQuiet, .align = Align::kRight, .upwards = true});
  }
}

// The points of a line: all of a short one, or of unconnected ones; a few of one that needs them to be told apart; and
// what no line goes through.
void draw_points(const Line& line, const Pieces& pieces, Canvas& canvas) {
  const std::size_t count = pieces.places.size();
  const bool all = line.style == Line::Style::kPoints || (count < kMostPoints && line.style == Line::Style::kLine);
  const std::size_t stride = line.index < kDashedColours ? count + 1 : std::max<std::size_t>(1, count / kSparsePoints);
  Place before = {-kWidth, 0.0};
  std::size_t number = 0;
  for (const auto& piece : pieces.pieces) {
    for (const Place& place : piece) {
      const bool is_due = all || piece.size() == 1 || ++number % stride == 0;
      if (!is_due || std::hypot(place.x - before.x, place.y - before.y) < 0.1) continue;
      draw_point(place, line.index, canvas);
      before = place;
    }
  }
}

}  // namespace

PlotArea plot_area(const LineChart& chart) {
  std::vector<double> xs;
  std::vector<double> ys;
  std::vector<double> edges;
  for (const Line& line : chart.lines) {
    for (std::size_t i = 0; i < line.x.size() && i < line.y.size(); ++i) {
      if (!std::isfinite(line.x[i]) || !std::isfinite(line.y[i])) continue;
      xs.push_back(line.x[i]);
      ys.push_back(line.y[i]);
    }
    edges.insert(edges.end(), line.low.begin(), line.low.end());
    edges.insert(edges.end(), line.high.begin(), line.high.end());
  }
  for (const Mark& mark : chart.marks) xs.push_back(mark.x);
  PlotArea area;
  // A band that goes down to 0 or below is cut where a logarithmic axis ends; it makes no axis linear.
  const bool positive = std::all_of(ys.begin(), ys.end(), [](double y) { return y > 0.0; });
  if (chart.y.logarithmic && positive) std::erase_if(edges, [](double edge) { return !(edge > 0.0); });
  ys.insert(ys.end(), edges.begin(), edges.end());
  constexpr double kMarginOfPlot = 0.04;
  area.x = range_of(xs, chart.x.logarithmic, kMarginOfPlot / 2.0);
  area.y = range_of(ys, chart.y.logarithmic, kMarginOfPlot);
  area.y_ticks = ticks_of(area.y, chart.y.unit, 8);
  const double title_height = chart.title.empty() ? kMargin : kTitleHeight;
  const double left = kMargin + kTextSize + 3.0 + widest(area.y_ticks) + kTickGap + kTickLength;
  // As many ticks as their texts leave room for.
  double last = 0.0;
  for (std::size_t most = 6; most >= 2; --most) {
    area.x_ticks = ticks_of(area.x, chart.x.unit, most);
    last = area.x_ticks.texts.empty() ? 0.0 : text_width(area.x_ticks.texts.back(), kTextSize) / 2.0;
    const double room = kWidth - left - kMargin - last;
    const double needed = (widest(area.x_ticks) + 5.0) * static_cast<double>(area.x_ticks.at.size());
    if (needed <= room) break;
  }
  area.corner = {left, title_height};
  area.size = {kWidth - left - kMargin - last, kPlotHeight};
  return area;
}

double height_of(const LineChart& chart) {
  const PlotArea area = plot_area(chart);
  return area.corner.y + kPlotHeight + kBelowPlot + legend_of(chart).height() + kMargin;
}

void draw(const LineChart& chart, Canvas& canvas) {
  const PlotArea area = plot_area(chart);
  if (!chart.title.empty()) draw_title(chart.title, canvas);
  draw_axes(chart, area, canvas);
  // Many bands over each other leave the lines to be seen.
  const double opacity = chart.lines.size() > 6 ? 0.1 : 0.18;
  for (const Line& line : chart.lines) {
    canvas.polygons(band_of(area, line).pieces, colour_of(line.index), opacity);
  }
  draw_marks(chart, area, canvas);
  for (const Line& line : chart.lines) {
    const Pieces pieces = pieces_of(area, line);
    if (line.style != Line::Style::kPoints) canvas.lines(pieces.pieces, stroke_of(line.index));
    draw_points(line, pieces, canvas);
  }
  draw_words_of_marks(chart, area, canvas);
  const double below = area.corner.y + area.size.height + kBelowPlot;
  draw_legend(legend_of(chart), {kMargin, below}, canvas);
}

}  // namespace laconic::charts
