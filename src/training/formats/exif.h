// Which way up a photograph is: the tag Orientation of Exif (CIPA DC-008, 4.6.4).
#pragma once

#include <cstdint>
#include <span>

namespace laconic {

// How an image was stored: its first row and first column are these sides of what was seen.
enum class Orientation {
  kUpright = 1,      // top, left
  kMirrored = 2,     // top, right
  kUpsideDown = 3,   // bottom, right
  kFlipped = 4,      // bottom, left
  kTransposed = 5,   // left, top
  kTurnedLeft = 6,   // right, top: to be turned clockwise
  kTransversed = 7,  // right, bottom
  kTurnedRight = 8,  // left, bottom: to be turned anticlockwise
};

// Of the bytes of Exif, from the header of TIFF on. Upright where they don't say, or are damaged.
Orientation orientation_of_exif(std::span<const std::uint8_t> bytes);
// Of a JPEG file, whose segment APP1 has them.
Orientation orientation_of_jpeg(std::span<const std::uint8_t> bytes);
// Of a WebP file, whose chunk EXIF has them.
Orientation orientation_of_webp(std::span<const std::uint8_t> bytes);

}  // namespace laconic
