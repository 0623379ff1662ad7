// Decoding PNG.
#pragma once

#include <cstdint>
#include <span>

#include "training/formats/stored_image.h"

namespace laconic {

// Values are those of the file, whatever light it says they mean; of 16 bits they are scaled to 8 (v 255 / 65535,
// rounded), of fewer than 8 widened.
ImageProblem decode_png(std::span<const std::uint8_t> bytes, StoredImage& image);

}  // namespace laconic
