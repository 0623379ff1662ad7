#include "charts/canvas.h"

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <cairo.h>

#include <cmath>

#include "base/error.h"
#include "charts/text.h"

namespace laconic::charts {
namespace {

constexpr double kPointsPerInch = 72.0;

cairo_status_t append(void* file, const unsigned char* bytes, unsigned count) {
  static_cast<std::string*>(file)->append(reinterpret_cast<const char*>(bytes), count);
  return CAIRO_STATUS_SUCCESS;
}

void set_colour(cairo_t* cairo, Colour colour, double opacity = 1.0) {
  if (opacity < 1.0) {
    cairo_set_source_rgba(cairo, colour.red, colour.green, colour.blue, opacity);
  } else {
    cairo_set_source_rgb(cairo, colour.red, colour.green, colour.blue);
  }
}

// Letters that are as wide in every format and at every resolution.
void set_font(cairo_t* cairo, double size, bool bold) {
  cairo_select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                         bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(cairo, size);
  cairo_font_options_t* options = cairo_font_options_create();
  cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
  cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
  cairo_set_font_options(cairo, options);
  cairo_font_options_destroy(options);
}

void set_stroke(cairo_t* cairo, const Stroke& stroke) {
  set_colour(cairo, stroke.colour);
  cairo_set_line_width(cairo, stroke.width);
  cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
  cairo_set_dash(cairo, stroke.dash.data(), static_cast<int>(stroke.dash.size()), 0.0);
}

void add_path(cairo_t* cairo, std::span<const Place> piece) {
  cairo_move_to(cairo, piece.front().x, piece.front().y);
  for (const Place& place : piece.subspan(1)) cairo_line_to(cairo, place.x, place.y);
}

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char letter : text) {
    if (letter == '<') {
      safe += "&lt;";
    } else if (letter == '&') {
      safe += "&amp;";
    } else {
      safe += letter;
    }
  }
  return safe;
}

// Cairo numbers the surfaces of a process, and knows no title.
void complete_svg(std::string& file, const std::string& title) {
  const std::size_t root = file.find("<svg");
  const std::size_t end = root == std::string::npos ? root : file.find('>', root);
  if (end == std::string::npos) return;
  file.insert(end + 1, "\n<title>" + escaped(title) + "</title>");
  const std::string_view numbered = "id=\"surface";
  const std::size_t id = file.find(numbered);
  if (id == std::string::npos) return;
  const std::size_t number = id + numbered.size();
  const std::size_t quote = file.find('"', number);
  if (quote != std::string::npos) file.replace(number, quote - number, "1");
}

}  // namespace

struct Canvas::Surface {
  Format format;
  std::string title;
  std::string file;
  cairo_surface_t* surface = nullptr;
  cairo_t* cairo = nullptr;

  Surface(Format format, Size size, const std::string& title) : format(format), title(drawable(title)) {
    switch (format) {
      case Format::kSvg:
        surface = cairo_svg_surface_create_for_stream(append, &file, size.width, size.height);
        break;
      case Format::kPdf:
        surface = cairo_pdf_surface_create_for_stream(append, &file, size.width, size.height);
        cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, this->title.c_str());
        cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATOR, "laconic");
        // Not the time of day: the same figure is the same file.
        cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, "");
        break;
      case Format::kPng: {
        const double scale = kPngDotsPerInch / kPointsPerInch;
        surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(std::lround(size.width * scale)),
                                             static_cast<int>(std::lround(size.height * scale)));
        cairo_surface_set_device_scale(surface, scale, scale);
        break;
      }
    }
    cairo = cairo_create(surface);
    cairo_set_tolerance(cairo, 0.005);  // of curves, in points
    set_colour(cairo, kPaper);
    cairo_paint(cairo);
  }
  ~Surface() {
    cairo_destroy(cairo);
    cairo_surface_destroy(surface);
  }
  Surface(const Surface&) = delete;
  Surface& operator=(const Surface&) = delete;
};

Canvas::Canvas(Format format, Size size, const std::string& title)
    : surface_(std::make_unique<Surface>(format, size, title)) {}

Canvas::~Canvas() = default;

void Canvas::lines(std::span<const std::span<const Place>> pieces, const Stroke& stroke) {
  cairo_t* cairo = surface_->cairo;
  set_stroke(cairo, stroke);
  for (const auto& piece : pieces) {
    if (piece.size() > 1) add_path(cairo, piece);
  }
  cairo_stroke(cairo);
}

void Canvas::line(Place from, Place to, const Stroke& stroke) {
  const Place both[] = {from, to};
  const std::span<const Place> piece(both);
  lines({&piece, 1}, stroke);
}

void Canvas::polygons(std::span<const std::span<const Place>> pieces, Colour colour, double opacity) {
  cairo_t* cairo = surface_->cairo;
  set_colour(cairo, colour, opacity);
  for (const auto& piece : pieces) {
    if (piece.empty()) continue;
    add_path(cairo, piece);
    cairo_close_path(cairo);
  }
  cairo_fill(cairo);
}

void Canvas::rectangle(Place corner, Size size, Colour colour) {
  cairo_t* cairo = surface_->cairo;
  set_colour(cairo, colour);
  cairo_rectangle(cairo, corner.x, corner.y, size.width, size.height);
  cairo_fill(cairo);
}

void Canvas::frame(Place corner, Size size, const Stroke& stroke) {
  cairo_t* cairo = surface_->cairo;
  set_stroke(cairo, stroke);
  cairo_rectangle(cairo, corner.x, corner.y, size.width, size.height);
  cairo_stroke(cairo);
}

void Canvas::circle(Place centre, double radius, Colour colour) {
  cairo_t* cairo = surface_->cairo;
  set_colour(cairo, colour);
  cairo_new_sub_path(cairo);
  cairo_arc(cairo, centre.x, centre.y, radius, 0.0, 2.0 * M_PI);
  cairo_fill(cairo);
}

void Canvas::ring(Place centre, double radius, const Stroke& stroke) {
  cairo_t* cairo = surface_->cairo;
  set_stroke(cairo, stroke);
  cairo_new_sub_path(cairo);
  cairo_arc(cairo, centre.x, centre.y, radius, 0.0, 2.0 * M_PI);
  cairo_stroke(cairo);
}

void Canvas::text(Place place, const std::string& text, const TextStyle& style) {
  const std::string letters = drawable(text);
  if (letters.empty()) return;
  cairo_t* cairo = surface_->cairo;
  const double width = text_width(letters, style.size, style.bold);
  const double before = style.align == Align::kLeft ? 0.0 : style.align == Align::kRight ? width : width / 2.0;
  const double below_middle = 0.36 * style.size;  // of the base line
  set_font(cairo, style.size, style.bold);
  set_colour(cairo, style.colour);
  cairo_save(cairo);
  cairo_translate(cairo, place.x, place.y);
  if (style.upwards) cairo_rotate(cairo, -M_PI / 2.0);
  cairo_move_to(cairo, -before, below_middle);
  cairo_show_text(cairo, letters.c_str());
  cairo_restore(cairo);
  cairo_new_path(cairo);
}

std::string Canvas::finish() {
  Surface& s = *surface_;
  if (s.format == Format::kPng) {
    cairo_surface_flush(s.surface);
    if (cairo_status(s.cairo) == CAIRO_STATUS_SUCCESS) cairo_surface_write_to_png_stream(s.surface, append, &s.file);
  } else {
    cairo_show_page(s.cairo);
    cairo_surface_finish(s.surface);
  }
  cairo_status_t status = cairo_status(s.cairo);
  if (status == CAIRO_STATUS_SUCCESS) status = cairo_surface_status(s.surface);
  if (status != CAIRO_STATUS_SUCCESS) {
    throw RunError("the chart '" + s.title + "' cannot be drawn: " + cairo_status_to_string(status));
  }
  if (s.format == Format::kSvg) complete_svg(s.file, s.title);
  return std::move(s.file);
}

double text_width(const std::string& text, double size, bool bold) {
  // Larger than any text is drawn, and so without rounding that is seen.
  constexpr double kMeasuredSize = 64.0;
  cairo_surface_t* surface = cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1);
  cairo_t* cairo = cairo_create(surface);
  set_font(cairo, kMeasuredSize, bold);
  cairo_text_extents_t extents;
  cairo_text_extents(cairo, drawable(text).c_str(), &extents);
  cairo_destroy(cairo);
  cairo_surface_destroy(surface);
  return extents.x_advance * size / kMeasuredSize;
}

}  // namespace laconic::charts
