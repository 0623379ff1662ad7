#include "training/formats/bmp_file.h"

#include <array>
#include <optional>

namespace laconic {
namespace {

constexpr std::size_t kHead = 14;
constexpr std::uint32_t kOs2 = 12;        // lengths of the information
constexpr std::uint32_t kWindows = 40;    // and later ones, which begin with it
constexpr std::uint32_t kWithAlpha = 56;  // has a fourth mask
constexpr std::uint32_t kLongest = 124;
constexpr std::uint32_t kPlain = 0;
constexpr std::uint32_t kMasks = 3;

// Little-endian numbers; 0 beyond the end.
class Numbers {
 public:
  explicit Numbers(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  std::uint32_t at(std::size_t at, std::size_t size) const {
    if (at > bytes_.size() || bytes_.size() - at < size) return 0;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value |= std::uint32_t{bytes_[at + i]} << (8 * i);
    return value;
  }

 private:
  std::span<const std::uint8_t> bytes_;
};

struct BmpHeader {
  std::uint32_t length = 0;  // of the information
  std::int64_t width = 0;
  std::int64_t height = 0;
  bool from_top = false;
  std::uint32_t bits = 0;
  std::uint32_t kind = kPlain;
  std::size_t colours = 0;      // of the palette
  std::size_t colour_size = 4;  // bytes of each
  std::size_t start = 0;        // of the pixels

  std::size_t palette_start() const { return kHead + length + (kind == kMasks && length == kWindows ? 12 : 0); }
  std::size_t row_bytes() const { return (static_cast<std::size_t>(width) * bits + 31) / 32 * 4; }
};

ImageProblem read_header(std::span<const std::uint8_t> bytes, BmpHeader& header) {
  const Numbers numbers(bytes);
  header.length = numbers.at(kHead, 4);
  if (header.length != kOs2 && (header.length < kWindows || header.length > kLongest)) {
    return damaged_image("BMP", "its header is of a length not known");
  }
  if (bytes.size() < kHead + header.length) return damaged_image("BMP", "the file ends within its header");
  header.start = numbers.at(10, 4);
  std::uint32_t colours = 0;
  if (header.length == kOs2) {
    header.width = numbers.at(18, 2);
    header.height = numbers.at(20, 2);
    header.bits = numbers.at(24, 2);
    header.colour_size = 3;
  } else {
    header.width = static_cast<std::int32_t>(numbers.at(18, 4));
    header.height = static_cast<std::int32_t>(numbers.at(22, 4));
    header.from_top = header.height < 0;
    if (header.from_top) header.height = -header.height;
    header.bits = numbers.at(28, 2);
    header.kind = numbers.at(30, 4);
    colours = numbers.at(46, 4);
  }
  if (ImageProblem problem = unfit_sides(header.width, header.height); !problem.empty()) return problem;
  if (header.kind != kPlain && header.kind != kMasks)
    return "is a compressed BMP file; save it uncompressed, or as PNG";
  const bool indexed = header.bits == 1 || header.bits == 4 || header.bits == 8;
  if ((!indexed && header.bits != 24 && header.bits != 32) || (header.kind == kMasks && header.bits != 32)) {
    return "is a BMP file of " + std::to_string(header.bits) + " bits a pixel" +
           (header.kind == kMasks ? " with masks" : "") + ", and 1, 4, 8, 24 and 32 are read; save it as PNG";
  }
  if (indexed) {
    const std::uint32_t most = 1U << header.bits;
    header.colours = colours == 0 ? most : colours;
    if (header.colours > most) return damaged_image("BMP", "its palette has more colours than pixels can name");
  }
  const std::size_t before = header.palette_start() + header.colours * header.colour_size;
  if (header.start < before) return damaged_image("BMP", "its pixels start within its header");
  if (header.start > bytes.size() ||
      bytes.size() - header.start < header.row_bytes() * static_cast<std::size_t>(header.height)) {
    return damaged_image("BMP", "the file breaks off");
  }
  return {};
}

// Which byte of a pixel of 32 bits a mask means; nothing of one that is no byte.
std::optional<std::size_t> byte_of(std::uint32_t mask) {
  for (std::size_t byte = 0; byte < 4; ++byte) {
    if (mask == 0xffU << (8 * byte)) return byte;
  }
  return std::nullopt;
}

// The places of red, green, blue and, where there is one, alpha in a pixel's bytes.
ImageProblem find_places(std::span<const std::uint8_t> bytes, const BmpHeader& header,
                         std::vector<std::size_t>& places) {
  places = {2, 1, 0};
  if (header.kind != kMasks) return {};
  const Numbers numbers(bytes);
  const std::uint32_t alpha = header.length >= kWithAlpha ? numbers.at(kHead + kWindows + 12, 4) : 0;
  places.clear();
  for (const std::uint32_t mask : {numbers.at(kHead + kWindows, 4), numbers.at(kHead + kWindows + 4, 4),
                                   numbers.at(kHead + kWindows + 8, 4), alpha}) {
    if (places.size() == 3 && mask == 0) break;
    const std::optional<std::size_t> place = byte_of(mask);
    if (!place) return "is a BMP file whose colours are no whole bytes; save it as PNG";
    places.push_back(*place);
  }
  return {};
}

}  // namespace

ImageProblem decode_bmp(std::span<const std::uint8_t> bytes, StoredImage& image) {
  BmpHeader header;
  if (ImageProblem problem = read_header(bytes, header); !problem.empty()) return problem;
  std::vector<std::size_t> places;
  if (ImageProblem problem = find_places(bytes, header, places); !problem.empty()) return problem;
  image.width = header.width;
  image.height = header.height;
  image.channels = places.size();
  image.values.reserve(static_cast<std::size_t>(header.width * header.height) * image.channels);
  const std::span<const std::uint8_t> palette =
      bytes.subspan(header.palette_start(), header.colours * header.colour_size);
  for (std::int64_t y = 0; y < header.height; ++y) {
    const auto stored_row = static_cast<std::size_t>(header.from_top ? y : header.height - 1 - y);
    const std::span<const std::uint8_t> row =
        bytes.subspan(header.start + stored_row * header.row_bytes(), header.row_bytes());
    for (std::size_t x = 0; x < static_cast<std::size_t>(header.width); ++x) {
      std::span<const std::uint8_t> pixel;
      if (header.colours > 0) {
        const std::size_t bit = x * header.bits;
        const std::size_t colour = row[bit / 8] >> (8 - header.bits - bit % 8) & ((1U << header.bits) - 1);
        if (colour >= header.colours) return damaged_image("BMP", "a pixel has a colour that its palette lacks");
        pixel = palette.subspan(colour * header.colour_size, 3);
      } else {
        pixel = row.subspan(x * header.bits / 8, header.bits / 8);
      }
      for (const std::size_t place : places) image.values.push_back(pixel[place]);
    }
  }
  return {};
}

}  // namespace laconic
