// What the decoders of image files give: the pixels of a file as they are stored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "training/formats/exif.h"

namespace laconic {

inline constexpr std::int64_t kLargestImageSide = 4096;

// Values of 8 bits as the file has them, pixel after pixel, rows from the top.
struct StoredImage {
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::size_t channels = 0;  // 1: grey, 2: grey and alpha, 3: RGB, 4: RGB and alpha
  std::vector<std::uint8_t> values;
  Orientation orientation = Orientation::kUpright;  // as its Exif says
};

// A decoder returns nothing, or why there is no image: what follows on the file's name in an error, remedy included.
using ImageProblem = std::string;

inline ImageProblem damaged_image(std::string_view format, std::string_view reason) {
  return "is no sound " + std::string(format) + " file (" + std::string(reason) + "); replace or remove the file";
}

// Of sides that a header claims, before memory is taken for them.
inline ImageProblem unfit_sides(std::int64_t width, std::int64_t height) {
  if (width >= 1 && height >= 1 && width <= kLargestImageSide && height <= kLargestImageSide) return {};
  return "says it is " + std::to_string(width) + " x " + std::to_string(height) + " pixels; a side may have " +
         std::to_string(kLargestImageSide) + "; replace or remove the file";
}

}  // namespace laconic
