// The standard augmentation of small images (He et al. 2016, section 4.2): a random crop of the image padded by 4 black
// pixels on each side, and in half the cases its mirror image.
#pragma once

#include <cstdint>

#include "base/random.h"
#include "training/data/dataset.h"

namespace laconic {

struct Crop {
  std::int64_t down = 0;   // rows of the image that fall off at the top; negative: black rows that come in there
  std::int64_t right = 0;  // the same for columns, at the left
  bool mirrored = false;   // left and right change places, after the crop
};

// Three draws: rows and columns uniform in -4..4, mirrored or not.
Crop random_crop(RandomStream& stream);

// `from` cropped into `to`, both shape.size() bytes, not the same.
void crop_image(const std::uint8_t* from, const ImageShape& shape, const Crop& crop, std::uint8_t* to);

}  // namespace laconic
