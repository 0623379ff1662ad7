// What is drawn on: lengths and places in points (1/72 inch) from the upper left corner. Internal to charts; its source
// is the only one that knows Cairo.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "charts/draw.h"
#include "charts/style.h"

namespace laconic::charts {

struct Place {
  double x = 0.0;
  double y = 0.0;
};

struct Size {
  double width = 0.0;
  double height = 0.0;
};

struct Stroke {
  Colour colour = kInk;
  double width = 0.6;
  std::span<const double> dash = {};
};

enum class Align { kLeft, kCentre, kRight };

struct TextStyle {
  double size = 7.0;
  Colour colour = kInk;
  Align align = Align::kLeft;  // of the place along the text
  bool bold = false;
  bool upwards = false;  // read from below to above
};

class Canvas {
 public:
  // `title` is stored in the file where the format has a place for it.
  Canvas(Format format, Size size, const std::string& title);
  ~Canvas();
  Canvas(const Canvas&) = delete;
  Canvas& operator=(const Canvas&) = delete;

  // One path: a line for each of `pieces` with two places or more.
  void lines(std::span<const std::span<const Place>> pieces, const Stroke& stroke);
  void line(Place from, Place to, const Stroke& stroke);
  // One path of closed polygons.
  void polygons(std::span<const std::span<const Place>> pieces, Colour colour, double opacity = 1.0);
  void rectangle(Place corner, Size size, Colour colour);
  void frame(Place corner, Size size, const Stroke& stroke);
  void circle(Place centre, double radius, Colour colour);
  void ring(Place centre, double radius, const Stroke& stroke);
  // `place` is at the middle of the height of a letter.
  void text(Place place, const std::string& text, const TextStyle& style);

  // The bytes of the file, once. Throws RunError where the library could not draw.
  std::string finish();

 private:
  struct Surface;
  std::unique_ptr<Surface> surface_;
};

// How long a text is that Canvas::text draws.
double text_width(const std::string& text, double size, bool bold = false);

}  // namespace laconic::charts
