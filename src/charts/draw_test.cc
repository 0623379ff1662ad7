#include "charts/draw.h"

#include <gtest/gtest.h>
#include <png.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "charts/svg_test.h"

namespace laconic::charts {
namespace {

constexpr std::array kFormats = {Format::kSvg, Format::kPng, Format::kPdf};

struct Picture {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::vector<std::uint8_t> pixels;  // RGB

  std::uint32_t at(std::uint32_t x, std::uint32_t y) const {
    const std::uint8_t* pixel = &pixels.at(3 * (std::size_t{y} * width + x));
    return pixel[0] << 16 | pixel[1] << 8 | pixel[2];
  }
};

Picture decoded(const std::string& file) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  if (png_image_begin_read_from_memory(&image, file.data(), file.size()) == 0) throw std::runtime_error(image.message);
  image.format = PNG_FORMAT_RGB;
  Picture picture{image.width, image.height, std::vector<std::uint8_t>(PNG_IMAGE_SIZE(image))};
  if (png_image_finish_read(&image, nullptr, picture.pixels.data(), 0, nullptr) == 0)
    throw std::runtime_error(image.message);
  return picture;
}

std::size_t pages_of(const std::string& pdf) {
  const std::string page = "/Type /Page";
  std::size_t count = 0;
  for (std::size_t at = pdf.find(page); at != std::string::npos; at = pdf.find(page, at + 1)) {
    count += pdf.at(at + page.size()) != 's';  // "/Pages" is their list
  }
  return count;
}

// Well-formed by the rules of its format, and of one page.
void expect_whole(const Figure& figure) {
  const std::string svg = drawn(figure, Format::kSvg);
  EXPECT_EQ(svg_elements(svg).at(0).name, "svg");
  const Picture picture = decoded(drawn(figure, Format::kPng));
  EXPECT_EQ(picture.width, 1004U);  // 85 mm at 300 dots per inch
  EXPECT_EQ(picture.at(0, 0), 0xffffffU);
  const std::string pdf = drawn(figure, Format::kPdf);
  EXPECT_TRUE(pdf.starts_with("%PDF-1."));
  EXPECT_TRUE(pdf.ends_with("%%EOF\n"));
  EXPECT_EQ(pages_of(pdf), 1U);
}

LineChart two_lines() {
  LineChart chart{.title = "Loss", .x = {.title = "Steps", .unit = Unit::kCount}, .y = {.title = "Loss"}};
  chart.lines = {{.name = "a", .x = {0, 1, 2}, .y = {3, 2, 1}}, {.name = "b", .x = {0, 2}, .y = {2, 2}, .index = 1}};
  return chart;
}

std::vector<Figure> one_of_each() {
  BarChart bars;
  bars.title = "Bytes";
  bars.value = {.title = "Bytes on the wire", .unit = Unit::kBytes};
  bars.bars = {{"models", 1.2e9, 0}, {"control", 12.0, 1}};
  HeatMap map{.title = "Labels", .row_title = "worker", .rows = {"0", "1"}, .columns = {"0", "1", "2"}};
  map.cells = {{0, 10, 20}, {30, 0, 5}};
  Graph ring{.title = "Graph", .nodes = 4, .directed = true, .rounds = {{{0, 1}, {1, 2}, {2, 3}, {3, 0}}}};
  Graph large{.title = "Graph", .nodes = 100, .rounds = {{{0, 99}}, {{5, 6}}}};
  HeatMap confusion = map;
  confusion.shading = HeatMap::Shading::kConfusion;
  confusion.note = "A row for each true class.";
  return {two_lines(), bars, map, confusion, ring, large};
}

TEST(DrawnFigure, IsWholeInEveryFormat) {
  for (const Figure& figure : one_of_each()) expect_whole(figure);
}

TEST(DrawnFigure, IsTheSameFileWheneverItIsDrawn) {
  std::vector<std::string> files;
  for (const Figure& figure : one_of_each()) {
    for (const Format format : kFormats) files.push_back(drawn(figure, format));
  }
  std::size_t at = 0;
  for (const Figure& figure : one_of_each()) {
    for (const Format format : kFormats) EXPECT_EQ(drawn(figure, format), files.at(at++)) << to_text(format);
  }
}

TEST(DrawnFigure, HoldsNoTimeAndItsTitle) {
  const std::string pdf = drawn(two_lines(), Format::kPdf);
  EXPECT_EQ(pdf.find("Date"), std::string::npos);
  EXPECT_NE(pdf.find("/Title (Loss)"), std::string::npos);
  const auto elements = svg_elements(drawn(two_lines(), Format::kSvg));
  ASSERT_EQ(elements.at(1).name, "title");
  EXPECT_EQ(elements.at(1).text, "Loss");
}

TEST(DrawnFigure, HasLinesInTheirColours) {
  const Picture picture = decoded(drawn(two_lines(), Format::kPng));
  std::size_t blue = 0;
  std::size_t orange = 0;
  for (std::uint32_t y = 0; y < picture.height; ++y) {
    for (std::uint32_t x = 0; x < picture.width; ++x) {
      blue += picture.at(x, y) == 0x0060b0;
      orange += picture.at(x, y) == 0xb34700;
    }
  }
  EXPECT_GT(blue, 1000U);
  EXPECT_GT(orange, 1000U);
}

TEST(DrawnFigure, ShadesCountsByTheLargestAndConfusionsByTheirRow) {
  // Squares of the picture by colour: those that are filled and no frame.
  const auto fills = [](const HeatMap& map) {
    std::vector<std::string> colours;
    for (const SvgElement& element : svg_elements(drawn(map, Format::kSvg))) {
      if (element.is_definition || element.name != "path") continue;
      const std::string colour = colour_text(style_of(element, "fill"));
      if (!colour.empty()) colours.push_back(colour);
    }
    return colours;
  };
  HeatMap map{.rows = {"a", "b"}, .columns = {"a", "b"}, .cells = {{8, 0}, {2, 2}}};
  // 55% of #0060b0 on white, and a quarter of that.
  EXPECT_EQ(fills(map), (std::vector<std::string>{"#73a8d4", "#dce9f4", "#dce9f4"}));
  map.shading = HeatMap::Shading::kConfusion;
  // 55% of #00735c, then half as much of #b34700 and of #00735c.
  EXPECT_EQ(fills(map), (std::vector<std::string>{"#73b2a5", "#eaccb9", "#b9d9d2"}));
}

TEST(DrawnFigure, HasAllItsTexts) {
  // Letters that are drawn, blanks among them.
  const auto letters = [](const Figure& figure) {
    std::size_t count = 0;
    for (const SvgElement& element : svg_elements(drawn(figure, Format::kSvg))) count += element.name == "use";
    return count;
  };
  HeatMap map{.title = "Labels", .row_prefix = "worker ", .rows = {"0"}, .columns = {"cat"}, .cells = {{12}}};
  EXPECT_EQ(letters(map), 6U + 8U + 3U + 2U);
  map.note = "Below.";
  EXPECT_EQ(letters(map), 6U + 8U + 3U + 2U + 6U);
  BarChart bars{.title = "Bytes", .value = {.title = "Sent", .unit = Unit::kBytes}};
  bars.bars.push_back({"models", 12.0});
  EXPECT_EQ(letters(bars), 5U + 4U + 6U + 4U);  // "12 B"
  EXPECT_EQ(letters(Graph{.title = "Graph", .nodes = 12, .rounds = {{}}}), 5U + 14U);
  LineChart chart{.title = "Loss", .x = {.title = "Steps"}, .y = {.title = "Loss"}};
  chart.lines = {{.name = "one", .x = {0, 1}, .y = {0, 1}}, {.name = "three", .x = {0, 1}, .y = {0, 1}}};
  const std::size_t without = letters(chart);
  chart.note = "Below.";
  chart.marks = {{0.5, "now"}};
  EXPECT_EQ(letters(chart), without + 6U + 3U);
  chart.lines[1].name = "";
  EXPECT_EQ(letters(chart), without + 6U + 3U - 5U);
}

TEST(DrawnFigure, IsWholeWithoutValues) {
  expect_whole(LineChart{});
  LineChart chart;
  chart.lines = {{.name = "none"}, {.name = "NaN", .x = {1}, .y = {std::nan("")}}};
  expect_whole(chart);
  BarChart odd;
  expect_whole(odd);
  odd.bars = {{"a", 0.0}, {"b", std::nan("")}, {"c", -1.0}};
  expect_whole(odd);
  expect_whole(HeatMap{});
  expect_whole(HeatMap{.rows = {"a"}, .columns = {"b"}, .cells = {{std::nan("")}}});
  expect_whole(Graph{});
  expect_whole(Graph{.nodes = 1, .rounds = {{{0, 0}, {0, 7}}}});
}

TEST(DrawnFigure, IsWholeOfOnePointAndOfNumbersOfAnySize) {
  constexpr double kMost = std::numeric_limits<double>::max();
  constexpr double kLeast = std::numeric_limits<double>::denorm_min();
  const std::vector<std::vector<double>> values = {
      {0.0},           {1e-7},          {-5.0},         {kMost},   {kLeast},
      {kLeast, kMost}, {-kMost, kMost}, {1e-6, 1e6},    {1, 1},    {1e9, 1e9 + 1e-3},
      {1e-300, 1e300}, {-1, 1e-12},     {3, 3 + 1e-15}, {0.1, 0.3}};
  for (const std::vector<double>& ys : values) {
    for (const Unit unit : {Unit::kNumber, Unit::kCount, Unit::kPercent, Unit::kBytes, Unit::kSeconds}) {
      for (const bool logarithmic : {false, true}) {
        LineChart chart{.x = {.unit = unit, .logarithmic = logarithmic},
                        .y = {.unit = unit, .logarithmic = logarithmic}};
        chart.lines = {{.x = ys, .y = ys}};
        EXPECT_EQ(svg_elements(drawn(chart, Format::kSvg)).at(0).name, "svg");
      }
    }
    BarChart bars;
    for (const double y : ys) bars.bars.push_back({"bar", y, 0});
    EXPECT_EQ(svg_elements(drawn(bars, Format::kSvg)).at(0).name, "svg");
  }
}

TEST(DrawnFigure, IsWholeWhateverItsTextsAre) {
  const std::string huge(100'000, 'x');
  for (const std::string& text : {huge, std::string("Ünïcödé 名前 العربية 🙂"),
                                  std::string("\xff\xfe<&\"'\x01\x1b]]>\0", 12), std::string("\xed\xa0\x80"),
                                  std::string("<script>alert(1)</script>"), std::string("a\nb\tc"), std::string(" ")}) {
    LineChart chart = two_lines();
    chart.title = chart.x.title = chart.y.title = chart.note = text;
    chart.lines[0].name = text;
    chart.marks = {{1.0, text}};
    expect_whole(chart);
    BarChart bars;
    bars.title = text;
    bars.value.title = text;
    bars.bars = {{text, 1.0}};
    expect_whole(bars);
    expect_whole(HeatMap{.title = text, .rows = {text}, .columns = {text}, .cells = {{1.0}}});
    expect_whole(Graph{.title = text, .nodes = 3});
  }
}

TEST(DrawnFigure, IsWholeOfMany) {
  LineChart chart;
  for (std::size_t i = 0; i < 300; ++i) {
    chart.lines.push_back(
        {.name = "line " + std::to_string(i), .x = {0, 1}, .y = {1.0 * static_cast<double>(i), 2}, .index = i});
  }
  expect_whole(chart);
  BarChart bars;
  for (std::size_t i = 0; i < 3000; ++i) bars.bars.push_back({"worker " + std::to_string(i), 1.0, i});
  expect_whole(bars);
  HeatMap map;
  for (std::size_t i = 0; i < 200; ++i) map.rows.push_back("worker " + std::to_string(i));
  for (std::size_t i = 0; i < 50; ++i) map.columns.push_back("class " + std::to_string(i));
  map.cells.assign(map.rows.size(), std::vector<double>(map.columns.size(), 1.0));
  expect_whole(map);
  Graph graph{.nodes = 2, .rounds = std::vector<Graph::Links>(50, {{0, 1}})};
  expect_whole(graph);
}

}  // namespace
}  // namespace laconic::charts
