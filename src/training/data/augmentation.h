// The usual augmentation of images: what a model is trained on is drawn anew each time, a little other than the image.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/options.h"
#include "base/random.h"
#include "training/data/dataset.h"

namespace laconic {

// The key `augment` of [data], and what its words mean.
OptionSpec augment_option();
Augmentation parse_augmentation(std::string_view text);

// `from` augmented into `to`, both shape.size() bytes, not the same. Draws as many numbers as it takes.
void augment_image(Augmentation augmentation, const std::uint8_t* from, const ImageShape& shape, RandomStream& stream,
                   std::uint8_t* to);

// Of small images (He et al. 2016, section 4.2): a random crop of the image padded by 4 black pixels on each side, and in
// half the cases its mirror image.
struct Crop {
  std::int64_t down = 0;   // rows of the image that fall off at the top; negative: black rows that come in there
  std::int64_t right = 0;  // the same for columns, at the left
  bool mirrored = false;   // left and right change places, after the crop
};

// Three draws: rows and columns uniform in -4..4, mirrored or not.
Crop random_crop(RandomStream& stream);

// `from` cropped into `to`, both shape.size() bytes, not the same.
void crop_image(const std::uint8_t* from, const ImageShape& shape, const Crop& crop, std::uint8_t* to);

// Of large ones (Szegedy et al. 2015; torchvision's RandomResizedCrop): a part of the image, which is then resized to the
// whole. Its area is uniform in 0.08 to 1 of the image's, the logarithm of width / height in log 3/4 to log 4/3, its place
// uniform; where ten draws do not lie inside the image it is the largest in the middle with such sides.
struct Part {
  std::int64_t top = 0;
  std::int64_t left = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
};
Part random_part(const ImageShape& shape, RandomStream& stream);

}  // namespace laconic
