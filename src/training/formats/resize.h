// Images of another size: the antialiased bilinear filter of Pillow's Image.resize(size, BILINEAR), bit by bit.
//
// Along one axis of `from` pixels that become `to`, s = from / to, and r = max(s, 1) is how far the filter reaches:
//
//   center(i)    = (i + 1/2) s
//   weight(i, x) = max(0, 1 - |x + 1/2 - center(i)| / r), divided by the sum over all x inside the image
//
// Weights are rounded to 22 bits behind the point, sums to 8 bits after each axis, columns before rows.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "training/formats/image_file.h"

namespace laconic {

// What becomes of one axis.
struct AxisResize {
  std::int64_t start = 0;  // of the pixels [start, start + from) of the image,
  std::int64_t from = 0;   // which alone count,
  std::int64_t to = 0;     // are made as many pixels as this,
  std::int64_t first = 0;  // and of these [first, first + count) are kept.
  std::int64_t count = 0;
};

// `pixels`: shape.size(). What is not kept is not computed.
ImageBytes resized(std::span<const std::uint8_t> pixels, const ImageShape& shape, const AxisResize& rows,
                   const AxisResize& columns);

// How an image of any size comes to one that all have.
enum class Fit {
  // Resized, in proportion, until it covers the size, then its middle is cut out: torchvision's Resize and CenterCrop.
  kCrop,
  // Resized, in proportion, until it just lies within the size, then black is put around it: Pillow's ImageOps.pad.
  kPad,
  // Each axis resized to its side.
  kStretch,
};

struct ImageSize {
  std::int64_t width = 0;
  std::int64_t height = 0;
};

// "224x192" (width, then height), or "224" for a square. Throws UsageError for anything else, and for a side that is not
// from 1 to kLargestImageSide.
ImageSize parse_image_size(std::string_view text);
// "crop", "pad", "stretch"; throws UsageError for anything else.
Fit parse_fit(std::string_view text);

ImageBytes fitted(const ImageBytes& image, const ImageSize& size, Fit fit);

}  // namespace laconic
