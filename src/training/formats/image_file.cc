#include "training/formats/image_file.h"

#include <turbojpeg.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <utility>

#include "base/error.h"
#include "training/formats/exif.h"
#include "training/formats/png_file.h"

namespace laconic {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& problem) {
  throw UsageError(path + ": " + problem + "; replace the file or take it away");
}

std::vector<std::uint8_t> read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(path, "cannot be opened");
  std::vector<std::uint8_t> bytes;
  char part[1 << 16];
  while (file.read(part, sizeof part), file.gcount() > 0) {
    bytes.insert(bytes.end(), part, part + file.gcount());
    if (bytes.size() > kLargestImageFile) {
      fail(path, "is larger than " + std::to_string(kLargestImageFile) + " bytes, the most of an image");
    }
  }
  return bytes;
}

void check_sides(const std::string& path, std::int64_t width, std::int64_t height) {
  if (width >= 1 && height >= 1 && width <= kLargestImageSide && height <= kLargestImageSide) return;
  fail(path, "says it is " + std::to_string(width) + " x " + std::to_string(height) + " pixels; a side may have " +
                 std::to_string(kLargestImageSide));
}

// Of pixels one after the other, with or without alpha.
struct Interleaved {
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::size_t channels = 0;  // grey, grey and alpha, RGB, RGB and alpha
  std::vector<std::uint8_t> values;
  Orientation orientation = Orientation::kUpright;
};

std::uint8_t grey_of(std::uint32_t red, std::uint32_t green, std::uint32_t blue) {
  return static_cast<std::uint8_t>((19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16);
}

std::uint8_t on_black(std::uint32_t value, std::uint32_t alpha) {
  return static_cast<std::uint8_t>((value * alpha + 127) / 255);
}

// Where the pixel of the upright image at (row, column) is stored.
std::size_t stored_at(const Interleaved& image, std::int64_t row, std::int64_t column) {
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
ImageBytes in_planes(const Interleaved& stored, bool grey) {
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

Interleaved pixels_of_png(const std::string& path, const std::vector<std::uint8_t>& bytes) {
  PngPixels png;
  const std::string problem = decode_png(bytes, static_cast<std::uint32_t>(kLargestImageSide), png);
  if (!problem.empty()) fail(path, "is no sound PNG file (" + problem + ")");
  return {.width = png.width,
          .height = png.height,
          .channels = png.channels,
          .values = std::move(png.values),
          .orientation = png.orientation};
}

Interleaved pixels_of_jpeg(const std::string& path, const std::vector<std::uint8_t>& bytes) {
  const std::unique_ptr<void, int (*)(tjhandle)> decoder(tjInitDecompress(), tjDestroy);
  const auto damaged = [&] {
    fail(path, std::string("is no sound JPEG file (") + tjGetErrorStr2(decoder.get()) + ")");
  };
  int width = 0;
  int height = 0;
  int subsampling = 0;
  int colours = 0;
  if (tjDecompressHeader3(decoder.get(), bytes.data(), bytes.size(), &width, &height, &subsampling, &colours) != 0) {
    damaged();
  }
  check_sides(path, width, height);
  if (colours == TJCS_CMYK || colours == TJCS_YCCK) {
    throw UsageError(path + ": is CMYK, the colours of print, which look otherwise on each printer; save it as RGB");
  }
  Interleaved image{.width = width, .height = height, .channels = 3, .values = {}};
  image.values.resize(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * image.channels);
  // The accurate transform: the fast one rounds differently between processors.
  if (tjDecompress2(decoder.get(), bytes.data(), bytes.size(), image.values.data(), width, 0, height, TJPF_RGB,
                    TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING) != 0) {
    damaged();
  }
  image.orientation = orientation_of_jpeg(bytes);
  return image;
}

bool begins_with(const std::vector<std::uint8_t>& bytes, std::initializer_list<std::uint8_t> head) {
  return bytes.size() >= head.size() && std::equal(head.begin(), head.end(), bytes.begin());
}

}  // namespace

ImageBytes read_image(const std::string& path, bool grey) {
  const std::vector<std::uint8_t> bytes = read_bytes(path);
  if (begins_with(bytes, {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}))
    return in_planes(pixels_of_png(path, bytes), grey);
  if (begins_with(bytes, {0xff, 0xd8, 0xff})) return in_planes(pixels_of_jpeg(path, bytes), grey);
  fail(path, bytes.empty() ? "is empty" : "is neither a PNG nor a JPEG file");
}

}  // namespace laconic
