// Decoding JPEG.
#pragma once

#include <cstdint>
#include <span>

#include "training/formats/stored_image.h"

namespace laconic {

// Always RGB, of grey files too. Files in the colours of print (CMYK) are a problem.
ImageProblem decode_jpeg(std::span<const std::uint8_t> bytes, StoredImage& image);

}  // namespace laconic
