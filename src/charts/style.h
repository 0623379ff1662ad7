// Colours, dashes and shapes by which lines are told apart: those of the report page (report/page/page.css, chart.js).
// The eight colours stay apart for people who see fewer of them, and each is dark enough on white. Internal to charts.
#pragma once

#include <cstddef>
#include <span>

namespace laconic::charts {

struct Colour {
  double red = 0.0;  // 0 to 1, as the others
  double green = 0.0;
  double blue = 0.0;
};

inline constexpr Colour kInk = {0x1b / 255.0, 0x1f / 255.0, 0x24 / 255.0};
inline constexpr Colour kQuiet = {0x57 / 255.0, 0x60 / 255.0, 0x6a / 255.0};
inline constexpr Colour kRule = {0xd0 / 255.0, 0xd7 / 255.0, 0xde / 255.0};
inline constexpr Colour kPaper = {1.0, 1.0, 1.0};

enum class Shape { kCircle, kSquare, kTriangle, kDiamond };

struct Style {
  Colour colour;
  std::span<const double> dash;  // lengths in points of stroke and gap, in turns; empty: solid
  Shape shape = Shape::kCircle;
};

// Colour and dash repeat after 32, the shape changes then: 128 differ.
Style style_of(std::size_t index);
inline constexpr std::size_t kDashedColours = 32;
Colour colour_of(std::size_t index);

// `share` of 0 gives white, 1 the colour.
Colour tint(Colour colour, double share);

}  // namespace laconic::charts
