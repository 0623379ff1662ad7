#include <algorithm>
#include <cmath>

#include "charts/drawing.h"
#include "charts/text.h"

namespace laconic::charts {
namespace {

constexpr double kRow = 11.0;          // of a bar, its share of white in it
constexpr double kMostHeight = 640.0;  // of all bars: an A4 page holds them
constexpr double kBarShare = 0.65;
constexpr double kGap = 4.0;

struct Layout {
  double row = kRow;
  double names = 0.0;      // width of the names
  double values = 0.0;     // and of the values
  std::size_t stride = 1;  // every so many bars have a name: rows may be lower than a letter
};

Layout layout_of(const BarChart& chart) {
  Layout layout;
  const double count = static_cast<double>(chart.bars.size());
  layout.row = std::min(kRow, kMostHeight / std::max(1.0, count));
  layout.stride = static_cast<std::size_t>(std::ceil(std::min(kRow, kTextSize + 0.5) / layout.row - 1e-9));
  layout.stride = std::max<std::size_t>(1, layout.stride);
  for (std::size_t i = 0; i < chart.bars.size(); i += layout.stride) {
    layout.names = std::max(layout.names, text_width(drawable(chart.bars[i].name), kTextSize));
    layout.values = std::max(layout.values, text_width(value_text(chart.bars[i].value, chart.value.unit), kTextSize));
  }
  layout.names = std::min(layout.names, 0.4 * kWidth);
  return layout;
}

}  // namespace

double height_of(const BarChart& chart) {
  return kTitleHeight + layout_of(chart).row * static_cast<double>(chart.bars.size()) + kRowHeight + 2.0 * kMargin;
}

void draw(const BarChart& chart, Canvas& canvas) {
  const Layout layout = layout_of(chart);
  const double top = draw_title(chart.title, canvas);
  const double left = kMargin + layout.names + kGap;
  const double room = kWidth - left - kGap - layout.values - kMargin;
  double most = 0.0;
  for (const Bar& bar : chart.bars) {
    if (std::isfinite(bar.value)) most = std::max(most, bar.value);
  }
  for (std::size_t i = 0; i < chart.bars.size(); ++i) {
    const Bar& bar = chart.bars[i];
    const double y = top + (static_cast<double>(i) + 0.5) * layout.row;
    const double share = most > 0.0 && std::isfinite(bar.value) ? std::max(0.0, bar.value / most) : 0.0;
    const double height = kBarShare * layout.row;
    if (share > 0.0) canvas.rectangle({left, y - height / 2.0}, {share * room, height}, colour_of(bar.index));
    if (i % layout.stride != 0) continue;
    canvas.text({left - kGap, y}, fitted(bar.name, layout.names + 0.1, kTextSize),
                {.size = kTextSize, .align = Align::kRight});
    canvas.text({left + share * room + kGap, y}, value_text(bar.value, chart.value.unit),
                {.size = kTextSize, .colour = kQuiet});
  }
  const double bottom = top + layout.row * static_cast<double>(chart.bars.size());
  canvas.line({left, top}, {left, bottom}, {.colour = kQuiet, .width = 0.5});
  canvas.text({left, bottom + kMargin + kRowHeight / 2.0},
              fitted(chart.value.title, kWidth - left - kMargin, kTextSize), {.size = kTextSize, .colour = kQuiet});
}

}  // namespace laconic::charts
