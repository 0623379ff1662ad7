// Decoding PNG.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "training/formats/exif.h"

namespace laconic {

// Pixel after pixel, rows from the top: grey, grey and alpha, RGB, or RGB and alpha, as many channels. Values are those
// of the file, whatever light it says they mean; of 16 bits they are scaled to 8 (v 255 / 65535, rounded), of fewer
// than 8 widened.
struct PngPixels {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::size_t channels = 0;
  std::vector<std::uint8_t> values;
  Orientation orientation = Orientation::kUpright;  // as its Exif says
};

// Why `bytes` are not a sound PNG file, or empty and the pixels. Sides above `largest_side` are refused before memory is
// taken for them.
std::string decode_png(std::span<const std::uint8_t> bytes, std::uint32_t largest_side, PngPixels& pixels);

}  // namespace laconic
