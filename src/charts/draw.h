// A figure as a file: 85 mm wide, one column of a two-column paper, and as high as it needs; text of 7 to 8 points; on
// white, in the colours of the report page (style.h). The text of SVG and PDF is drawn as outlines or with its font
// inside, so a reader needs no font. The same figure gives the same bytes: there is no time and no counter in them.
#pragma once

#include <string>
#include <string_view>

#include "charts/figure.h"

namespace laconic::charts {

enum class Format { kSvg, kPng, kPdf };
// "svg", "png", "pdf"; what file names end with too.
std::string_view to_text(Format format);

inline constexpr double kWidthMm = 85.0;
inline constexpr int kPngDotsPerInch = 300;

// The bytes of the file. Throws RunError where the library cannot draw, such as without memory.
std::string drawn(const Figure& figure, Format format);

}  // namespace laconic::charts
