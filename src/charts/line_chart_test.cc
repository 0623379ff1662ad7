#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "charts/draw.h"
#include "charts/drawing.h"
#include "charts/svg_test.h"

namespace laconic::charts {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kTolerance = 0.01;  // points; the library keeps 1/256

LineChart example(std::size_t lines) {
  LineChart chart{.title = "Accuracy", .x = {.title = "Steps", .unit = Unit::kCount}, .y = {.title = "Accuracy"}};
  for (std::size_t i = 0; i < lines; ++i) {
    Line line{.name = "line " + std::to_string(i), .index = i};
    for (int step = 0; step <= 40; ++step) {
      line.x.push_back(10.0 * step);
      line.y.push_back(1.0 + std::sin(0.1 * step + static_cast<double>(i)));
    }
    chart.lines.push_back(std::move(line));
  }
  return chart;
}

// The picture's paths with a stroke of a line's width, or with a fill of a band's opacity.
std::vector<SvgElement> strokes_of_lines(const std::vector<SvgElement>& elements) {
  std::vector<SvgElement> found;
  std::copy_if(elements.begin(), elements.end(), std::back_inserter(found), [](const SvgElement& element) {
    return !element.is_definition && element.name == "path" && style_of(element, "stroke-width") == "1";
  });
  return found;
}

std::vector<SvgElement> bands_of(const std::vector<SvgElement>& elements) {
  std::vector<SvgElement> found;
  std::copy_if(elements.begin(), elements.end(), std::back_inserter(found), [](const SvgElement& element) {
    const std::string opacity = style_of(element, "fill-opacity");
    return !element.is_definition && element.name == "path" && !opacity.empty() && opacity != "1";
  });
  return found;
}

// Upper left and lower right of the plot: of its frame, the only closed path with a stroke.
std::pair<Place, Place> frame_of(const std::vector<SvgElement>& elements) {
  for (const SvgElement& element : elements) {
    if (element.is_definition || element.name != "path" || style_of(element, "stroke-width") != "0.5") continue;
    const auto corners = corners_of(element);
    if (corners.size() == 1 && corners[0].size() == 4) return {corners[0][0], corners[0][2]};
  }
  throw std::runtime_error("no frame");
}

// Where a value stands between the edges of a frame, with 4% of the values' span, or of its logarithm, beyond them.
struct Oracle {
  double least, most, margin;
  bool logarithmic;

  double share(double value) const {
    const auto along = [&](double x) { return logarithmic ? std::log(x) : x; };
    const double added = margin * (along(most) - along(least));
    double low = along(least) - added;
    if (!logarithmic && least >= 0.0) low = std::max(low, 0.0);
    return (along(value) - low) / (along(most) + added - low);
  }
};

TEST(LineChart, HasOnePathForEachLineAndOneForItInTheLegend) {
  for (const std::size_t lines : {2U, 3U, 7U, 67U}) {
    const auto elements = svg_elements(drawn(example(lines), Format::kSvg));
    const Place bottom = frame_of(elements).second;
    std::size_t in_plot = 0;
    std::size_t in_legend = 0;
    for (const SvgElement& path : strokes_of_lines(elements)) {
      (corners_of(path)[0][0].y <= bottom.y ? in_plot : in_legend) += 1;
    }
    EXPECT_EQ(in_plot, lines);
    EXPECT_EQ(in_legend, lines);
  }
  EXPECT_EQ(strokes_of_lines(svg_elements(drawn(example(1), Format::kSvg))).size(), 1U);
}

TEST(LineChart, TellsSixtySevenLinesApartByColourDashAndShape) {
  std::vector<std::string> looks;
  for (std::size_t i = 0; i < 128; ++i) {
    const Style style = style_of(i);
    std::string look = std::to_string(style.colour.red) + " " + std::to_string(style.colour.green) + " " +
                       std::to_string(static_cast<int>(style.shape));
    for (const double part : style.dash) look += " " + std::to_string(part);
    looks.push_back(look);
  }
  std::sort(looks.begin(), looks.end());
  EXPECT_EQ(std::unique(looks.begin(), looks.end()), looks.end());
}

TEST(LineChart, DrawsALineThroughItsValues) {
  for (const bool logarithmic : {false, true}) {
    LineChart chart = example(1);
    chart.y.logarithmic = logarithmic;
    for (double& y : chart.lines[0].y) y += 0.5;
    const auto elements = svg_elements(drawn(chart, Format::kSvg));
    const auto [corner, end] = frame_of(elements);
    const Line& line = chart.lines[0];
    const auto [least, most] = std::minmax_element(line.y.begin(), line.y.end());
    const Oracle x{0.0, 400.0, 0.02, false};
    const Oracle y{*least, *most, 0.04, logarithmic};
    const auto paths = strokes_of_lines(elements);
    ASSERT_EQ(paths.size(), 1U);
    EXPECT_EQ(colour_text(style_of(paths[0], "stroke")), "#0060b0");
    const auto pieces = corners_of(paths[0]);
    ASSERT_EQ(pieces.size(), 1U);
    ASSERT_EQ(pieces[0].size(), line.x.size());
    for (std::size_t i = 0; i < line.x.size(); ++i) {
      EXPECT_NEAR(pieces[0][i].x, corner.x + x.share(line.x[i]) * (end.x - corner.x), kTolerance);
      EXPECT_NEAR(pieces[0][i].y, end.y - y.share(line.y[i]) * (end.y - corner.y), kTolerance);
    }
  }
}

TEST(LineChart, DrawsABandFromItsLowEdgeToItsHighOne) {
  LineChart chart{.x = {.title = "Steps"}, .y = {.title = "Loss"}};
  chart.lines = {
      {.name = "a", .x = {0, 10, 20, 30}, .y = {4, 3, 2.5, 2}, .low = {3, 2, 2, 1}, .high = {6, 5, 4, 3}, .index = 1}};
  const auto elements = svg_elements(drawn(chart, Format::kSvg));
  const auto [corner, end] = frame_of(elements);
  const auto bands = bands_of(elements);
  ASSERT_EQ(bands.size(), 1U);
  EXPECT_EQ(colour_text(style_of(bands[0], "fill")), "#b34700");
  const auto pieces = corners_of(bands[0]);
  ASSERT_EQ(pieces.size(), 1U);
  const Oracle x{0.0, 30.0, 0.02, false};
  const Oracle y{1.0, 6.0, 0.04, false};
  const std::vector<Place> values = {{0, 3}, {10, 2}, {20, 2}, {30, 1}, {30, 3}, {20, 4}, {10, 5}, {0, 6}};
  ASSERT_EQ(pieces[0].size(), values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_NEAR(pieces[0][i].x, corner.x + x.share(values[i].x) * (end.x - corner.x), kTolerance);
    EXPECT_NEAR(pieces[0][i].y, end.y - y.share(values[i].y) * (end.y - corner.y), kTolerance);
  }
}

TEST(LineChart, BreaksALineWhereAValueIsNotFinite) {
  LineChart chart;
  chart.lines = {{.name = "a",
                  .x = {0, 1, 2, 3, 4, 5, 6, 7},
                  .y = {1, 2, kNaN, 3, std::numeric_limits<double>::infinity(), 4, 5, 6}}};
  const auto paths = strokes_of_lines(svg_elements(drawn(chart, Format::kSvg)));
  ASSERT_EQ(paths.size(), 1U);
  const auto pieces = corners_of(paths[0]);
  ASSERT_EQ(pieces.size(), 2U);  // 3 stands alone, as a point
  EXPECT_EQ(pieces[0].size(), 2U);
  EXPECT_EQ(pieces[1].size(), 3U);
}

TEST(LineChart, HoldsTheValueOfAStepUntilTheNext) {
  LineChart chart;
  chart.lines = {{.x = {0, 1, 3}, .y = {1, 2, 1}, .style = Line::Style::kSteps}};
  const auto paths = strokes_of_lines(svg_elements(drawn(chart, Format::kSvg)));
  ASSERT_EQ(paths.size(), 1U);
  const std::vector<Place> corners = corners_of(paths[0]).at(0);
  ASSERT_EQ(corners.size(), 5U);
  EXPECT_EQ(corners[0].y, corners[1].y);
  EXPECT_EQ(corners[1].x, corners[2].x);
  EXPECT_EQ(corners[2].y, corners[3].y);
  EXPECT_EQ(corners[3].x, corners[4].x);
}

TEST(LineChart, MarksAPlaceAlongItsXAxis) {
  LineChart chart = example(1);
  chart.marks = {{100.0, "drift"}};
  const auto elements = svg_elements(drawn(chart, Format::kSvg));
  const auto [corner, end] = frame_of(elements);
  const double x = corner.x + Oracle{0.0, 400.0, 0.02, false}.share(100.0) * (end.x - corner.x);
  const auto found = std::find_if(elements.begin(), elements.end(), [](const SvgElement& element) {
    return element.name == "path" && style_of(element, "stroke-dasharray") == "2,1.5";
  });
  ASSERT_NE(found, elements.end());
  const std::vector<Place> ends = corners_of(*found).at(0);
  ASSERT_EQ(ends.size(), 2U);
  EXPECT_NEAR(ends[0].x, x, kTolerance);
  EXPECT_NEAR(ends[0].y, corner.y, kTolerance);
  EXPECT_NEAR(ends[1].y, end.y, kTolerance);
}

TEST(LineChart, KeepsTheExtremesOfAMillionValuesInASmallFile) {
  LineChart chart;
  Line line;
  for (int i = 0; i < 1'000'000; ++i) {
    line.x.push_back(i);
    line.y.push_back(i == 314'159 ? 50.0 : i == 271'828 ? -50.0 : std::sin(i));
  }
  chart.lines = {line};
  const std::string file = drawn(chart, Format::kSvg);
  EXPECT_LT(file.size(), 1U << 19);
  const auto elements = svg_elements(file);
  const auto [corner, end] = frame_of(elements);
  const auto pieces = corners_of(strokes_of_lines(elements).at(0));
  ASSERT_EQ(pieces.size(), 1U);
  const auto [top, bottom] =
      std::minmax_element(pieces[0].begin(), pieces[0].end(), [](const Place& a, const Place& b) { return a.y < b.y; });
  const Oracle x{0.0, 999'999.0, 0.02, false};
  const Oracle y{-50.0, 50.0, 0.04, false};
  EXPECT_NEAR(top->x, corner.x + x.share(314'159) * (end.x - corner.x), kTolerance);
  EXPECT_NEAR(top->y, end.y - y.share(50.0) * (end.y - corner.y), kTolerance);
  EXPECT_NEAR(bottom->x, corner.x + x.share(271'828) * (end.x - corner.x), kTolerance);
  EXPECT_NEAR(bottom->y, end.y - y.share(-50.0) * (end.y - corner.y), kTolerance);
}

TEST(LineChart, StaysLinearWhereALogarithmHasNoPlaceForAValue) {
  LineChart chart{.y = {.logarithmic = true}};
  chart.lines = {{.x = {0, 1}, .y = {0, 1000}}};
  EXPECT_FALSE(plot_area(chart).y.logarithmic);
  chart.lines[0].y[0] = 1e-9;
  EXPECT_TRUE(plot_area(chart).y.logarithmic);
  // An edge of a band is cut off instead.
  chart.lines[0].low = {-1.0, 900.0};
  chart.lines[0].high = {1.0, 1100.0};
  EXPECT_TRUE(plot_area(chart).y.logarithmic);
}

TEST(LineChart, FitsAColumnOfAPaperWithALegendOfOneRow) {
  EXPECT_NEAR(height_of(example(3)) / kPointsPerMm, 60.0, 2.0);
  EXPECT_LT(height_of(example(67)) / kPointsPerMm, 297.0);
  EXPECT_LT(height_of(example(5000)) / kPointsPerMm, 297.0);
}

}  // namespace
}  // namespace laconic::charts
