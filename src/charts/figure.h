// What a chart shows: titles, axes and numbers. How it looks is decided where it is drawn (draw.h).
//
// Texts are UTF-8; what is no UTF-8 is drawn as U+FFFD, and a text that is too long for its place is shortened in its
// middle. Numbers that are not finite are left out of the drawing and empty in the CSV.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace laconic::charts {

// How the numbers of an axis are written: plain, as whole numbers, fractions as percent, bytes in powers of 1000,
// seconds as s, min or h.
enum class Unit { kNumber, kCount, kPercent, kBytes, kSeconds };

struct Axis {
  std::string title = {};  // "Steps"; the unit is added: "Bytes sent (MB)"
  Unit unit = Unit::kNumber;
  // Takes effect where all values along the axis are positive; else the axis is linear.
  bool logarithmic = false;
};

struct Line {
  enum class Style {
    kLine,
    kSteps,   // a value holds until the next one
    kPoints,  // unconnected
  };
  std::string name = {};
  std::vector<double> x = {};  // ascending
  std::vector<double> y = {};  // as many as x; one that is not finite breaks the line
  // A band around the line: as many as x, or none.
  std::vector<double> low = {};
  std::vector<double> high = {};
  std::size_t index = 0;  // of its colour, dash and shape of points (style.h)
  Style style = Style::kLine;
};

// A vertical line over the whole height, with words beside it.
struct Mark {
  double x = 0.0;
  std::string text = {};
};

struct LineChart {
  std::string title = {};
  Axis x = {};
  Axis y = {};
  std::vector<Line> lines = {};
  std::vector<Mark> marks = {};
  std::string note = {};  // below the legend: what the bands are
};

struct Bar {
  std::string name = {};
  double value = 0.0;
  std::size_t index = 0;  // of its colour
};

// Horizontal bars from 0, each with its name and its value.
struct BarChart {
  std::string title = {};
  Axis value = {};
  std::vector<Bar> bars = {};
};

// Counts in rows and columns, the darker the more.
struct HeatMap {
  enum class Shading {
    kCounts,     // by the largest count of all
    kConfusion,  // by the sum of a row; the diagonal in a colour of its own
  };
  std::string title = {};
  std::string row_title = {};                   // of the column of names in the CSV
  std::string row_prefix = {};                  // "worker ": before the names in the drawing
  std::vector<std::string> rows = {};           // their names
  std::vector<std::string> columns = {};        // their names
  std::vector<std::vector<double>> cells = {};  // rows x columns, from 0 on
  Shading shading = Shading::kCounts;
  std::string note = {};  // below
};

// Who sends to whom, in each of some rounds: nodes on a circle, or, of many, a matrix with a row for each sender.
struct Graph {
  using Links = std::vector<std::pair<std::uint32_t, std::uint32_t>>;
  std::string title = {};
  std::uint32_t nodes = 0;
  bool directed = false;
  std::vector<Links> rounds = {};  // (from, to), below `nodes`; of an undirected graph each edge once
};

using Figure = std::variant<LineChart, BarChart, HeatMap, Graph>;

// Figures that are read and not drawn: CSV alone.
struct Table {
  using Cell = std::variant<std::string, double>;
  std::vector<std::string> head = {};
  std::vector<std::vector<Cell>> rows = {};  // each as long as the head
};

}  // namespace laconic::charts
