// One image of a PNG, JPEG, WebP or BMP file, as bytes in planes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "training/formats/image_shape.h"
#include "training/formats/stored_image.h"

namespace laconic {

inline constexpr std::size_t kLargestImageFile = std::size_t{1} << 26;

struct ImageBytes {
  ImageShape shape;                  // 1 channel (grey) or 3 (red, green, blue)
  std::vector<std::uint8_t> pixels;  // shape.size(), plane after plane, rows from the top
};

// Which format it is the file's first bytes tell. One rule of colours for all, on values of 8 bits as the file has
// them: colours become grey by ITU-R BT.601, .299 R + .587 G + .114 B rounded (in fixed point, as Pillow's convert("L"));
// what is see-through lies on black; values of 16 bits are scaled; a photograph that Exif says is turned is turned back.
// Throws UsageError with the file and the reason for what is no such file, damaged, in the colours of print (CMYK),
// animated, or larger than kLargestImageFile bytes or kLargestImageSide pixels a side.
ImageBytes read_image(const std::string& path, bool grey);

}  // namespace laconic
