#include <algorithm>
#include <cmath>

#include "charts/drawing.h"

namespace laconic::charts {
namespace {

constexpr std::uint32_t kMostOnCircle = 40;  // as on the page; more nodes are a matrix
constexpr std::size_t kMostPanels = 12;      // rounds that are drawn; the CSV has all
constexpr double kGap = 6.0;
constexpr double kCaption = kRowHeight;

struct Layout {
  std::size_t panels = 1;
  std::size_t columns = 1;
  double side = 0.0;  // of a panel without its caption
};

Layout layout_of(const Graph& graph) {
  Layout layout;
  layout.panels = std::clamp<std::size_t>(graph.rounds.size(), 1, kMostPanels);
  layout.columns = std::min<std::size_t>(layout.panels, layout.panels == 4 ? 2 : 3);
  const double columns = static_cast<double>(layout.columns);
  layout.side = (kWidth - 2.0 * kMargin - kGap * (columns - 1.0)) / columns;
  return layout;
}

double row_height(const Layout& layout) { return layout.side + (layout.panels > 1 ? kCaption : 0.0) + kGap; }

std::size_t rows_of(const Layout& layout) { return (layout.panels + layout.columns - 1) / layout.columns; }

std::string note_of(const Graph& graph, const Layout& layout) {
  std::string note;
  if (graph.nodes > kMostOnCircle) note = "A row for each sender, a column for each receiver.";
  if (graph.rounds.size() > layout.panels) {
    note += note.empty() ? "" : " ";
    note += "The first " + std::to_string(layout.panels) + " of " + std::to_string(graph.rounds.size()) + " rounds.";
  }
  return note;
}

void draw_matrix(const Graph& graph, const Graph::Links& links, Place corner, double side, Canvas& canvas) {
  const double cell = side / graph.nodes;
  const double shown = std::max(cell, 0.4);
  const auto fill = [&](std::uint32_t row, std::uint32_t column) {
    canvas.rectangle({corner.x + column * cell, corner.y + row * cell}, {shown, shown}, colour_of(0));
  };
  for (const auto& [from, to] : links) {
    if (from >= graph.nodes || to >= graph.nodes) continue;
    fill(from, to);
    if (!graph.directed) fill(to, from);
  }
  canvas.frame(corner, {side, side}, {.colour = kQuiet, .width = 0.5});
}

void draw_arrow_head(Place tip, double dx, double dy, Canvas& canvas) {
  constexpr double kLength = 4.0;
  constexpr double kHalf = 1.8;
  const Place corners[] = {tip,
                           {tip.x - kLength * dx + kHalf * dy, tip.y - kLength * dy - kHalf * dx},
                           {tip.x - kLength * dx - kHalf * dy, tip.y - kLength * dy + kHalf * dx}};
  const std::span<const Place> piece(corners);
  canvas.polygons({&piece, 1}, colour_of(0));
}

void draw_circle(const Graph& graph, const Graph::Links& links, Place corner, double side, Canvas& canvas) {
  const double nodes = graph.nodes;
  const double radius = std::clamp(0.9 * side / nodes, 3.2, 7.5);
  const double text_size = std::min(kTextSize, 1.1 * radius);
  const double circle = side / 2.0 - radius - 1.0;
  const auto place_of = [&](std::uint32_t node) {
    const double angle = 2.0 * M_PI * node / nodes;
    return Place{corner.x + side / 2.0 + circle * std::sin(angle), corner.y + side / 2.0 - circle * std::cos(angle)};
  };
  for (const auto& [from, to] : links) {
    if (from >= graph.nodes || to >= graph.nodes || from == to) continue;
    const Place a = place_of(from);
    const Place b = place_of(to);
    const double length = std::hypot(b.x - a.x, b.y - a.y);
    const double dx = (b.x - a.x) / length;
    const double dy = (b.y - a.y) / length;
    const Place tip = {b.x - dx * radius, b.y - dy * radius};
    canvas.line({a.x + dx * radius, a.y + dy * radius}, tip, {.colour = colour_of(0), .width = 0.8});
    if (graph.directed) draw_arrow_head(tip, dx, dy, canvas);
  }
  for (std::uint32_t node = 0; node < graph.nodes; ++node) {
    const Place at = place_of(node);
    canvas.circle(at, radius, kPaper);
    canvas.ring(at, radius, {.colour = kInk, .width = 0.6});
    canvas.text(at, std::to_string(node), {.size = text_size, .align = Align::kCentre});
  }
}

}  // namespace

double height_of(const Graph& graph) {
  const Layout layout = layout_of(graph);
  const double note = note_of(graph, layout).empty() ? 0.0 : kRowHeight;
  return kTitleHeight + row_height(layout) * static_cast<double>(rows_of(layout)) + note + kMargin;
}

void draw(const Graph& graph, Canvas& canvas) {
  const Layout layout = layout_of(graph);
  const double top = draw_title(graph.title, canvas);
  for (std::size_t panel = 0; panel < layout.panels; ++panel) {
    Place corner = {kMargin + static_cast<double>(panel % layout.columns) * (layout.side + kGap),
                    top + static_cast<double>(panel / layout.columns) * row_height(layout)};
    if (layout.panels > 1) {
      canvas.text({corner.x + layout.side / 2.0, corner.y + kCaption / 2.0}, "round " + std::to_string(panel),
                  {.size = kTextSize, .colour = kQuiet, .align = Align::kCentre});
      corner.y += kCaption;
    }
    const Graph::Links none;
    const Graph::Links& links = panel < graph.rounds.size() ? graph.rounds[panel] : none;
    if (graph.nodes > kMostOnCircle) {
      draw_matrix(graph, links, corner, layout.side, canvas);
    } else {
      draw_circle(graph, links, corner, layout.side, canvas);
    }
  }
  const double below = top + row_height(layout) * static_cast<double>(rows_of(layout));
  canvas.text({kMargin, below + kRowHeight / 2.0}, note_of(graph, layout), {.size = kNoteSize, .colour = kQuiet});
}

}  // namespace laconic::charts
