// Decoding WebP, lossy and lossless.
#pragma once

#include <cstdint>
#include <span>

#include "training/formats/stored_image.h"

namespace laconic {

// RGB, and alpha where the file has it. Animations are a problem.
ImageProblem decode_webp(std::span<const std::uint8_t> bytes, StoredImage& image);

}  // namespace laconic
