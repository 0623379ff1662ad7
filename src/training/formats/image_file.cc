#include "training/formats/image_file.h"

#include <algorithm>
#include <fstream>
#include <span>
#include <string_view>

#include "base/error.h"
#include "training/formats/bmp_file.h"
#include "training/formats/jpeg_file.h"
#include "training/formats/png_file.h"
#include "training/formats/webp_file.h"

namespace laconic {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& problem) {
  throw UsageError(path + ": " + problem + "; replace or remove the file");
}

std::vector<std::uint8_t> read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(path, "cannot be opened");
  std::vector<std::uint8_t> bytes;
  char part[1 << 16];
  while (file.read(part, sizeof part), file.gcount() > 0) {
    bytes.insert(bytes.end(), part, part + file.gcount());
    if (bytes.size() > kLargestImageFile) {
      fail(path, "is larger than " + std::to_string(kLargestImageFile) + " bytes, the limit for an image");
    }
  }
  return bytes;
}

std::uint8_t grey_of(std::uint32_t red, std::uint32_t green, std::uint32_t blue) {
  return static_cast<std::uint8_t>((19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16);
}

std::uint8_t on_black(std::uint32_t value, std::uint32_t alpha) {
  return static_cast<std::uint8_t>((value * alpha + 127) / 255);
}

// Where the pixel of the upright image at (row, column) is stored.
std::size_t stored_at(const StoredImage& image, std::int64_t row, std::int64_t column) {
  const std::int64_t last_row = image.height - 1;
  const std::int64_t last_column = image.width - 1;
  const auto at = [&](std::int64_t stored_row, std::int64_t stored_column) {
    return static_cast<std::size_t>(stored_row * image.width + stored_column);
  };
  switch (image.orientation) {
    case Orientation::kUpright:
      break;
    case Orientation::kMirrored:
      return at(row, last_column - column);
    case Orientation::kUpsideDown:
      return at(last_row - row, last_column - column);
    case Orientation::kFlipped:
      return at(last_row - row, column);
    case Orientation::kTransposed:
      return at(column, row);
    case Orientation::kTurnedLeft:
      return at(last_row - column, row);
    case Orientation::kTransversed:
      return at(last_row - column, last_column - row);
    case Orientation::kTurnedRight:
      return at(column, last_column - row);
  }
  return at(row, column);
}

// Upright, plane after plane, of one channel or three.
ImageBytes in_planes(const StoredImage& stored, bool grey) {
  const bool on_its_side = stored.orientation >= Orientation::kTransposed;
  ImageBytes image{.shape = {.channels = grey ? 1 : 3,
                             .height = on_its_side ? stored.width : stored.height,
                             .width = on_its_side ? stored.height : stored.width},
                   .pixels = {}};
  image.pixels.resize(image.shape.size());
  const std::size_t area = static_cast<std::size_t>(stored.width * stored.height);
  const bool coloured = stored.channels >= 3;
  const bool has_alpha = stored.channels % 2 == 0;
  std::size_t to = 0;
  for (std::int64_t row = 0; row < image.shape.height; ++row) {
    for (std::int64_t column = 0; column < image.shape.width; ++column, ++to) {
      const std::uint8_t* from = stored.values.data() + stored_at(stored, row, column) * stored.channels;
      const std::uint8_t alpha = has_alpha ? from[stored.channels - 1] : 255;
      const auto value = [&](std::size_t channel) { return on_black(from[coloured ? channel : 0], alpha); };
      if (grey) {
        image.pixels[to] = coloured ? grey_of(value(0), value(1), value(2)) : value(0);
      } else {
        for (std::size_t channel = 0; channel < 3; ++channel) image.pixels[channel * area + to] = value(channel);
      }
    }
  }
  return image;
}

using Decode = ImageProblem (*)(std::span<const std::uint8_t> bytes, StoredImage& image);

// The decoder of the format that the first bytes tell; null of none.
Decode decoder_of(const std::vector<std::uint8_t>& bytes) {
  const auto has = [&](std::size_t at, std::string_view word) {
    return bytes.size() >= at + word.size() &&
           std::equal(word.begin(), word.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at),
                      [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; });
  };
  if (has(0, "\x89PNG\r\n\x1a\n")) return decode_png;
  if (has(0, "\xff\xd8\xff")) return decode_jpeg;
  if (has(0, "RIFF") && has(8, "WEBP")) return decode_webp;
  if (has(0, "BM")) return decode_bmp;
  return nullptr;
}

}  // namespace

ImageBytes read_image(const std::string& path, bool grey) {
  const std::vector<std::uint8_t> bytes = read_bytes(path);
  const Decode decode = decoder_of(bytes);
  if (decode == nullptr) fail(path, bytes.empty() ? "is empty" : "is no PNG, JPEG, WebP or BMP file");
  StoredImage image;
  if (const ImageProblem problem = decode(bytes, image); !problem.empty()) throw UsageError(path + ": " + problem);
  return in_planes(image, grey);
}

}  // namespace laconic
