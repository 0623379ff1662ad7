#include "training/data/augmentation.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "training/formats/resize.h"

namespace laconic {
namespace {

bool flip_coin(RandomStream& stream) { return stream.below(2) == 1; }

}  // namespace

OptionSpec augment_option() {
  return {.name = "augment",
          .type = OptionType::kChoice,
          .default_value = "none",
          .choices = {"none", "mirror", "crop_mirror", "resized_crop_mirror"},
          .help =
              "mirror: training images are mirrored with probability 1/2; crop_mirror: first padded by 4 black pixels "
              "and cropped at random; resized_crop_mirror: first a random part of 8 to 100 percent of the area is "
              "resized to the whole"};
}

Augmentation parse_augmentation(std::string_view text) {
  if (text == "mirror") return Augmentation::kMirror;
  if (text == "crop_mirror") return Augmentation::kCropMirror;
  if (text == "resized_crop_mirror") return Augmentation::kResizedCropMirror;
  LACONIC_CHECK(text == "none", "augmentation '" << text << "'");
  return Augmentation::kNone;
}

void augment_image(Augmentation augmentation, const std::uint8_t* from, const ImageShape& shape, RandomStream& stream,
                   std::uint8_t* to) {
  switch (augmentation) {
    case Augmentation::kNone:
      std::copy_n(from, shape.size(), to);
      return;
    case Augmentation::kMirror:
      crop_image(from, shape, {.mirrored = flip_coin(stream)}, to);
      return;
    case Augmentation::kCropMirror:
      crop_image(from, shape, random_crop(stream), to);
      return;
    case Augmentation::kResizedCropMirror: {
      const Part part = random_part(shape, stream);
      const ImageBytes whole =
          resized({from, shape.size()}, shape,
                  {.start = part.top, .from = part.height, .to = shape.height, .first = 0, .count = shape.height},
                  {.start = part.left, .from = part.width, .to = shape.width, .first = 0, .count = shape.width});
      crop_image(whole.pixels.data(), shape, {.mirrored = flip_coin(stream)}, to);
      return;
    }
  }
}

Crop random_crop(RandomStream& stream) {
  constexpr std::int64_t kPadding = 4;
  Crop crop;
  crop.down = static_cast<std::int64_t>(stream.below(2 * kPadding + 1)) - kPadding;
  crop.right = static_cast<std::int64_t>(stream.below(2 * kPadding + 1)) - kPadding;
  crop.mirrored = flip_coin(stream);
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

Part random_part(const ImageShape& shape, RandomStream& stream) {
  constexpr int kTries = 10;
  constexpr double kLeastArea = 0.08;
  constexpr double kWidest = 4.0 / 3.0;  // the narrowest is its inverse
  const auto height = static_cast<double>(shape.height);
  const auto width = static_cast<double>(shape.width);
  for (int i = 0; i < kTries; ++i) {
    const double area = height * width * (kLeastArea + (1.0 - kLeastArea) * stream.uniform());
    const double ratio = std::exp(std::log(kWidest) * (2.0 * stream.uniform() - 1.0));
    const auto part_width = static_cast<std::int64_t>(std::llround(std::sqrt(area * ratio)));
    const auto part_height = static_cast<std::int64_t>(std::llround(std::sqrt(area / ratio)));
    if (part_width < 1 || part_width > shape.width || part_height < 1 || part_height > shape.height) continue;
    const auto place = [&](std::int64_t rest) {
      return static_cast<std::int64_t>(stream.below(static_cast<std::uint64_t>(rest) + 1));
    };
    const std::int64_t top = place(shape.height - part_height);
    return {.top = top, .left = place(shape.width - part_width), .height = part_height, .width = part_width};
  }
  Part part{.height = shape.height, .width = shape.width};
  if (width / height > kWidest) part.width = std::max<std::int64_t>(std::llround(height * kWidest), 1);
  if (width / height < 1.0 / kWidest) part.height = std::max<std::int64_t>(std::llround(width * kWidest), 1);
  part.top = (shape.height - part.height) / 2;
  part.left = (shape.width - part.width) / 2;
  return part;
}

}  // namespace laconic
