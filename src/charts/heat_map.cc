#include <algorithm>
#include <cmath>

#include "charts/drawing.h"
#include "charts/text.h"

namespace laconic::charts {
namespace {

constexpr double kMostRow = 10.0;
constexpr double kMostHeight = 640.0;  // of all rows: an A4 page holds them
constexpr double kGap = 3.0;
constexpr double kMostHead = 60.0;  // height of names that stand upright
constexpr double kDarkest = 0.55;   // share of the colour for the greatest count: black numbers stay readable
constexpr double kCountSize = 6.0;

struct Layout {
  Place corner;
  Size cell;
  std::size_t row_stride = 1;  // every so many rows have a name
  std::size_t column_stride = 1;
  bool upright = false;  // the names of the columns
};

std::vector<std::string> row_names(const HeatMap& map) {
  std::vector<std::string> names;
  for (const std::string& row : map.rows) names.push_back(map.row_prefix + row);
  return names;
}

double widest(const std::vector<std::string>& names, std::size_t stride) {
  double width = 0.0;
  for (std::size_t i = 0; i < names.size(); i += stride) width = std::max(width, text_width(names[i], kTextSize));
  return width;
}

std::size_t stride_of(double cell) { return static_cast<std::size_t>(std::max(1.0, std::ceil(kTextSize / cell))); }

Layout layout_of(const HeatMap& map) {
  Layout layout;
  layout.cell.height = std::min(kMostRow, kMostHeight / std::max<double>(1.0, static_cast<double>(map.rows.size())));
  layout.row_stride = stride_of(layout.cell.height);
  layout.corner.x = kMargin + std::min(widest(row_names(map), layout.row_stride), 0.4 * kWidth) + kGap;
  layout.cell.width =
      (kWidth - kMargin - layout.corner.x) / std::max<double>(1.0, static_cast<double>(map.columns.size()));
  layout.upright = widest(map.columns, 1) + 2.0 > layout.cell.width;
  layout.column_stride = layout.upright ? stride_of(layout.cell.width) : 1;
  const double head = layout.upright ? std::min(widest(map.columns, layout.column_stride), kMostHead) : kTextSize;
  layout.corner.y = kTitleHeight + head + kGap;
  return layout;
}

std::vector<std::string> note_of(const HeatMap& map) { return broken(map.note, kWidth - 2.0 * kMargin, kNoteSize); }

double count_of(const HeatMap& map, std::size_t row, std::size_t column) {
  if (row >= map.cells.size() || column >= map.cells[row].size()) return 0.0;
  const double count = map.cells[row][column];
  return std::isfinite(count) ? count : 0.0;
}

}  // namespace

double height_of(const HeatMap& map) {
  const Layout layout = layout_of(map);
  const double note = kRowHeight * static_cast<double>(note_of(map).size());
  return layout.corner.y + layout.cell.height * static_cast<double>(map.rows.size()) + 2.0 * kMargin + note;
}

void draw(const HeatMap& map, Canvas& canvas) {
  const Layout layout = layout_of(map);
  const auto [cell_width, cell_height] = layout.cell;
  draw_title(map.title, canvas);
  const std::vector<std::string> names = row_names(map);
  const bool is_confusion = map.shading == HeatMap::Shading::kConfusion;
  double most = 0.0;
  for (std::size_t row = 0; row < map.rows.size(); ++row) {
    for (std::size_t column = 0; column < map.columns.size(); ++column) {
      most = std::max(most, count_of(map, row, column));
    }
  }
  const auto sum_of = [&](std::size_t row) {
    double sum = 0.0;
    for (std::size_t column = 0; column < map.columns.size(); ++column) sum += count_of(map, row, column);
    return sum;
  };
  for (std::size_t column = 0; column < map.columns.size(); column += layout.column_stride) {
    const double x = layout.corner.x + (static_cast<double>(column) + 0.5) * cell_width;
    canvas.text(
        {x, layout.upright ? layout.corner.y - kGap : layout.corner.y - kGap - kTextSize / 2.0},
        layout.upright ? fitted(map.columns[column], kMostHead, kTextSize) : map.columns[column],
        {.size = kTextSize, .align = layout.upright ? Align::kLeft : Align::kCentre, .upwards = layout.upright});
  }
  for (std::size_t row = 0; row < map.rows.size(); ++row) {
    const double y = layout.corner.y + static_cast<double>(row) * cell_height;
    if (row % layout.row_stride == 0) {
      canvas.text({layout.corner.x - kGap, y + cell_height / 2.0},
                  fitted(names[row], layout.corner.x - kGap - kMargin + 0.1, kTextSize),
                  {.size = kTextSize, .align = Align::kRight});
    }
    const double whole = is_confusion ? sum_of(row) : most;
    for (std::size_t column = 0; column < map.columns.size(); ++column) {
      const double count = count_of(map, row, column);
      if (count <= 0.0) continue;
      const Colour colour = colour_of(!is_confusion ? 0 : row == column ? 2 : 1);
      const double x = layout.corner.x + static_cast<double>(column) * cell_width;
      canvas.rectangle({x, y}, layout.cell, tint(colour, kDarkest * count / whole));
      const std::string text = value_text(count, Unit::kCount);
      if (cell_height >= kCountSize + 1.0 && text_width(text, kCountSize) + 1.0 <= cell_width) {
        canvas.text({x + cell_width / 2.0, y + cell_height / 2.0}, text, {.size = kCountSize, .align = Align::kCentre});
      }
    }
  }
  canvas.frame(
      layout.corner,
      {cell_width * static_cast<double>(map.columns.size()), cell_height * static_cast<double>(map.rows.size())},
      {.colour = kQuiet, .width = 0.5});
  double y = layout.corner.y + cell_height * static_cast<double>(map.rows.size()) + kMargin + kRowHeight / 2.0;
  for (const std::string& line : note_of(map)) {
    canvas.text({kMargin, y}, line, {.size = kNoteSize, .colour = kQuiet});
    y += kRowHeight;
  }
}

}  // namespace laconic::charts
