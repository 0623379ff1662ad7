#include "charts/draw.h"

#include "charts/drawing.h"
#include "charts/text.h"

namespace laconic::charts {

std::string_view to_text(Format format) {
  switch (format) {
    case Format::kSvg:
      return "svg";
    case Format::kPng:
      return "png";
    case Format::kPdf:
      return "pdf";
  }
  return "";
}

std::string drawn(const Figure& figure, Format format) {
  return std::visit(
      [&](const auto& one) {
        Canvas canvas(format, {kWidth, height_of(one)}, one.title);
        draw(one, canvas);
        return canvas.finish();
      },
      figure);
}

double draw_title(const std::string& title, Canvas& canvas) {
  canvas.text({kWidth / 2.0, kMargin + kTitleSize / 2.0}, fitted(title, kWidth - 2.0 * kMargin, kTitleSize, true),
              {.size = kTitleSize, .align = Align::kCentre, .bold = true});
  return kTitleHeight;
}

}  // namespace laconic::charts
