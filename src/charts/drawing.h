// How each kind of figure is laid out. Internal to charts.
#pragma once

#include <string>
#include <vector>

#include "charts/canvas.h"
#include "charts/figure.h"
#include "charts/ticks.h"

namespace laconic::charts {

inline constexpr double kPointsPerMm = 72.0 / 25.4;
inline constexpr double kWidth = kWidthMm * kPointsPerMm;
inline constexpr double kMargin = 4.0;
inline constexpr double kTextSize = 7.0;
inline constexpr double kTitleSize = 8.0;
inline constexpr double kNoteSize = 6.5;
inline constexpr double kRowHeight = 9.0;  // of a line of text

// How high a figure gets, with all that is below its plot.
double height_of(const LineChart& chart);
double height_of(const BarChart& chart);
double height_of(const HeatMap& map);
double height_of(const Graph& graph);

void draw(const LineChart& chart, Canvas& canvas);
void draw(const BarChart& chart, Canvas& canvas);
void draw(const HeatMap& map, Canvas& canvas);
void draw(const Graph& graph, Canvas& canvas);

// The title in the first row of the canvas; the y below it.
double draw_title(const std::string& title, Canvas& canvas);
inline constexpr double kTitleHeight = kMargin + kTitleSize + 5.0;

// Where a chart of lines has its plot, and which values stand at its edges.
struct PlotArea {
  Place corner;  // upper left
  Size size;
  Range x;
  Range y;
  Ticks x_ticks;
  Ticks y_ticks;

  Place place_of(double x_value, double y_value) const {
    return {corner.x + x.share_of(x_value) * size.width, corner.y + (1.0 - y.share_of(y_value)) * size.height};
  }
};
PlotArea plot_area(const LineChart& chart);

// The names of the lines below a plot, in as many columns as they leave room for.
struct Legend {
  struct Entry {
    std::string name;  // as it fits
    const Line* line = nullptr;
  };
  std::vector<Entry> entries;
  std::size_t columns = 1;
  double column_width = 0.0;
  std::vector<std::string> notes;  // lines of text below

  double height() const;
};
// Of one line without a band there is none; of very many only the first, and how many there are more. `chart` outlives it.
Legend legend_of(const LineChart& chart);
void draw_legend(const Legend& legend, Place corner, Canvas& canvas);

// A point of a line.
void draw_point(Place centre, std::size_t index, Canvas& canvas);
inline constexpr double kPointRadius = 1.5;

// Strokes of a line by its index.
Stroke stroke_of(std::size_t index);

}  // namespace laconic::charts
