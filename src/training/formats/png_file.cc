#include "training/formats/png_file.h"

#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstring>

namespace laconic {
namespace {

// libpng leaves its functions by longjmp where a file is damaged, so whoever calls setjmp here holds no object that has
// to be destroyed.
class PngReader {
 public:
  explicit PngReader(std::span<const std::uint8_t> bytes)
      : rest_(bytes), png_(png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, on_warning)) {
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
  }
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  // Up to the first pixel; false where the message says why not.
  bool begin(std::uint32_t largest_side) {
    if (png_ == nullptr || info_ == nullptr) return false;
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_set_read_fn(png_, this, on_read);
    png_set_user_limits(png_, largest_side, largest_side);
    png_read_info(png_, info_);
    png_set_expand(png_);
    png_set_scale_16(png_);
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    return true;
  }
  // Into a pointer for each row, and to the end of the file.
  bool read(png_bytepp rows) {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_read_image(png_, rows);
    png_read_end(png_, info_);
    return true;
  }

  std::uint32_t width() const { return png_get_image_width(png_, info_); }
  std::uint32_t height() const { return png_get_image_height(png_, info_); }
  std::size_t channels() const { return png_get_channels(png_, info_); }
  std::size_t row_bytes() const { return png_get_rowbytes(png_, info_); }
  Orientation orientation() {
    png_uint_32 size = 0;
    png_bytep exif = nullptr;
    if (png_get_eXIf_1(png_, info_, &size, &exif) == 0 || exif == nullptr) return Orientation::kUpright;
    return orientation_of_exif({exif, size});
  }
  std::string message() const { return message_; }

 private:
  [[noreturn]] static void on_error(png_structp png, png_const_charp message) {
    auto* reader = static_cast<PngReader*>(png_get_error_ptr(png));
    std::strncpy(reader->message_, message, sizeof reader->message_ - 1);
    png_longjmp(png, 1);
  }
  static void on_warning(png_structp, png_const_charp) {}
  static void on_read(png_structp png, png_bytep out, std::size_t size) {
    auto* reader = static_cast<PngReader*>(png_get_io_ptr(png));
    if (size > reader->rest_.size()) png_error(png, "the file breaks off");
    std::copy_n(reader->rest_.begin(), size, out);
    reader->rest_ = reader->rest_.subspan(size);
  }

  std::span<const std::uint8_t> rest_;
  char message_[128] = {};
  png_structp png_;
  png_infop info_ = nullptr;
};

}  // namespace

ImageProblem decode_png(std::span<const std::uint8_t> bytes, StoredImage& image) {
  PngReader reader(bytes);
  if (!reader.begin(static_cast<std::uint32_t>(kLargestImageSide))) return damaged_image("PNG", reader.message());
  image.width = reader.width();
  image.height = reader.height();
  image.channels = reader.channels();
  if (reader.row_bytes() != reader.width() * reader.channels()) {
    return damaged_image("PNG", "its pixels are of a kind not known");
  }
  image.values.resize(reader.row_bytes() * reader.height());
  std::vector<png_bytep> rows(reader.height());
  for (std::size_t row = 0; row < rows.size(); ++row) rows[row] = image.values.data() + row * reader.row_bytes();
  if (!reader.read(rows.data())) return damaged_image("PNG", reader.message());
  image.orientation = reader.orientation();
  return {};
}

}  // namespace laconic
