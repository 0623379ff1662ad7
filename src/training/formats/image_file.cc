#include "training/formats/image_file.h"

#include <png.h>
#include <turbojpeg.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <memory>

#include "base/error.h"

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

// Pixel after pixel to plane after plane.
ImageBytes in_planes(const std::vector<std::uint8_t>& interleaved, std::int64_t width, std::int64_t height,
                     std::int64_t channels) {
  ImageBytes image{.shape = {.channels = channels, .height = height, .width = width}, .pixels = {}};
  image.pixels.resize(interleaved.size());
  const auto area = static_cast<std::size_t>(width * height);
  const auto planes = static_cast<std::size_t>(channels);
  for (std::size_t i = 0; i < area; ++i) {
    for (std::size_t plane = 0; plane < planes; ++plane)
      image.pixels[plane * area + i] = interleaved[i * planes + plane];
  }
  return image;
}

ImageBytes decode_png(const std::string& path, const std::vector<std::uint8_t>& bytes, bool grey) {
  png_image image;
  std::memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  const std::unique_ptr<png_image, void (*)(png_image*)> release(&image, png_image_free);
  if (png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()) == 0) {
    fail(path, std::string("is no sound PNG file (") + image.message + ")");
  }
  check_sides(path, image.width, image.height);
  image.format = grey ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  std::vector<std::uint8_t> pixels(PNG_IMAGE_SIZE(image));
  const png_color black{0, 0, 0};
  if (png_image_finish_read(&image, &black, pixels.data(), 0, nullptr) == 0 || image.warning_or_error > 1) {
    fail(path, std::string("is no sound PNG file (") + image.message + ")");
  }
  return in_planes(pixels, image.width, image.height, grey ? 1 : 3);
}

ImageBytes decode_jpeg(const std::string& path, const std::vector<std::uint8_t>& bytes, bool grey) {
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
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * (grey ? 1 : 3));
  // The accurate transform: the fast one rounds differently between processors.
  if (tjDecompress2(decoder.get(), bytes.data(), bytes.size(), pixels.data(), width, 0, height,
                    grey ? TJPF_GRAY : TJPF_RGB, TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING) != 0) {
    damaged();
  }
  return in_planes(pixels, width, height, grey ? 1 : 3);
}

bool begins_with(const std::vector<std::uint8_t>& bytes, std::initializer_list<std::uint8_t> head) {
  return bytes.size() >= head.size() && std::equal(head.begin(), head.end(), bytes.begin());
}

}  // namespace

ImageBytes read_image(const std::string& path, bool grey) {
  const std::vector<std::uint8_t> bytes = read_bytes(path);
  if (begins_with(bytes, {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'})) return decode_png(path, bytes, grey);
  if (begins_with(bytes, {0xff, 0xd8, 0xff})) return decode_jpeg(path, bytes, grey);
  fail(path, bytes.empty() ? "is empty" : "is neither a PNG nor a JPEG file");
}

}  // namespace laconic
