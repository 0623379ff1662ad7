#include "training/data/augmentation.h"

namespace laconic {

Crop random_crop(RandomStream& stream) {
  constexpr std::int64_t kPadding = 4;
  Crop crop;
  crop.down = static_cast<std::int64_t>(stream.below(2 * kPadding + 1)) - kPadding;
  crop.right = static_cast<std::int64_t>(stream.below(2 * kPadding + 1)) - kPadding;
  crop.mirrored = stream.below(2) == 1;
  return crop;
}

void crop_image(const std::uint8_t* from, const ImageShape& shape, const Crop& crop, std::uint8_t* to) {
  for (std::int64_t channel = 0; channel < shape.channels; ++channel) {
    for (std::int64_t row = 0; row < shape.height; ++row) {
      const std::int64_t from_row = row + crop.down;
      const bool row_inside = from_row >= 0 && from_row < shape.height;
      for (std::int64_t column = 0; column < shape.width; ++column) {
        const std::int64_t from_column = (crop.mirrored ? shape.width - 1 - column : column) + crop.right;
        const bool inside = row_inside && from_column >= 0 && from_column < shape.width;
        *to++ = inside ? from[(channel * shape.height + from_row) * shape.width + from_column] : std::uint8_t{0};
      }
    }
  }
}

}  // namespace laconic
