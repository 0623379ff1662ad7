#include "training/formats/webp_file.h"

#include <webp/decode.h>

namespace laconic {
namespace {

const char* reason_of(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY:
      return "it needs more memory than there is";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return "it has a feature not known";
    case VP8_STATUS_NOT_ENOUGH_DATA:
      return "the file breaks off";
    default:
      return "its bytes are damaged";
  }
}

}  // namespace

ImageProblem decode_webp(std::span<const std::uint8_t> bytes, StoredImage& image) {
  WebPBitstreamFeatures features;
  const VP8StatusCode status = WebPGetFeatures(bytes.data(), bytes.size(), &features);
  if (status != VP8_STATUS_OK) return damaged_image("WebP", reason_of(status));
  if (ImageProblem problem = unfit_sides(features.width, features.height); !problem.empty()) return problem;
  if (features.has_animation != 0) return "is an animated WebP file, which has several pictures; save one of them";
  image.width = features.width;
  image.height = features.height;
  image.channels = features.has_alpha != 0 ? 4 : 3;
  const std::size_t row = static_cast<std::size_t>(image.width) * image.channels;
  image.values.resize(row * static_cast<std::size_t>(image.height));
  const auto decode = features.has_alpha != 0 ? WebPDecodeRGBAInto : WebPDecodeRGBInto;
  if (decode(bytes.data(), bytes.size(), image.values.data(), image.values.size(), static_cast<int>(row)) == nullptr) {
    return damaged_image("WebP", "its bytes are damaged, or break off");
  }
  image.orientation = orientation_of_webp(bytes);
  return {};
}

}  // namespace laconic
