#include "training/formats/resize.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"

namespace laconic {
namespace {

constexpr int kFractionBits = 22;

// The pixels that one pixel of the result is made of, and their weights in fixed point.
struct Taps {
  std::int64_t first = 0;
  std::vector<std::int32_t> weights;
};

std::vector<Taps> taps_of(const AxisResize& axis) {
  const double scale = static_cast<double>(axis.from) / static_cast<double>(axis.to);
  const double reach = std::max(scale, 1.0);
  std::vector<Taps> all(static_cast<std::size_t>(axis.count));
  std::vector<double> weights;
  for (std::int64_t i = 0; i < axis.count; ++i) {
    const double center = (static_cast<double>(axis.first + i) + 0.5) * scale;
    const auto first = std::max<std::int64_t>(static_cast<std::int64_t>(center - reach + 0.5), 0);
    const auto end = std::min(static_cast<std::int64_t>(center + reach + 0.5), axis.from);
    weights.clear();
    double sum = 0.0;
    for (std::int64_t x = first; x < end; ++x) {
      const double distance = std::abs((static_cast<double>(x) - center + 0.5) * (1.0 / reach));
      weights.push_back(distance < 1.0 ? 1.0 - distance : 0.0);
      sum += weights.back();
    }
    Taps& taps = all[static_cast<std::size_t>(i)];
    taps.first = axis.start + first;
    for (double weight : weights) {
      if (sum != 0.0) weight /= sum;
      taps.weights.push_back(static_cast<std::int32_t>(0.5 + weight * (1 << kFractionBits)));
    }
  }
  return all;
}

// The sum of a pixel's taps, which are `stride` values apart.
std::uint8_t sum_of(const Taps& taps, const std::uint8_t* from, std::size_t stride) {
  std::int32_t sum = 1 << (kFractionBits - 1);
  for (const std::int32_t weight : taps.weights) {
    sum += *from * weight;
    from += stride;
  }
  return static_cast<std::uint8_t>(std::clamp(sum >> kFractionBits, 0, 255));
}

bool changes(const AxisResize& axis) { return axis.from != axis.to; }

// The offset at which `inner` pixels lie in the middle of `outer`; halves go to the even neighbour, as Python rounds.
std::int64_t middle(std::int64_t outer, std::int64_t inner) {
  const std::int64_t rest = outer - inner;
  return rest / 2 + (rest % 4 == 3 ? 1 : 0);
}

// a b / c to the nearest, at least 1.
std::int64_t in_proportion(std::int64_t a, std::int64_t b, std::int64_t c) {
  return std::max<std::int64_t>((2 * a * b + c) / (2 * c), 1);
}

ImageBytes padded(const ImageBytes& image, const ImageSize& size) {
  ImageBytes result{.shape = {.channels = image.shape.channels, .height = size.height, .width = size.width},
                    .pixels = {}};
  result.pixels.resize(result.shape.size());
  const std::int64_t down = middle(size.height, image.shape.height);
  const std::int64_t right = middle(size.width, image.shape.width);
  const std::uint8_t* from = image.pixels.data();
  for (std::int64_t channel = 0; channel < image.shape.channels; ++channel) {
    for (std::int64_t row = 0; row < image.shape.height; ++row, from += image.shape.width) {
      std::copy_n(from, image.shape.width,
                  result.pixels.data() + (channel * size.height + down + row) * size.width + right);
    }
  }
  return result;
}

}  // namespace

ImageBytes resized(std::span<const std::uint8_t> pixels, const ImageShape& shape, const AxisResize& rows,
                   const AxisResize& columns) {
  for (const auto& [axis, side] : {std::pair{rows, shape.height}, {columns, shape.width}}) {
    LACONIC_CHECK(axis.start >= 0 && axis.from >= 1 && axis.start + axis.from <= side && axis.first >= 0 &&
                      axis.count >= 1 && axis.first + axis.count <= axis.to,
                  "pixels " << axis.start << " + " << axis.from << " of " << side << ", kept " << axis.first << " + "
                            << axis.count << " of " << axis.to);
  }
  LACONIC_CHECK(pixels.size() == shape.size(), pixels.size() << " bytes");
  const auto across = static_cast<std::size_t>(columns.count);
  // Columns of those rows that the second pass needs.
  const std::vector<Taps> down_taps = taps_of(rows);
  const std::int64_t first_row = down_taps.front().first;
  const std::int64_t row_count =
      down_taps.back().first + static_cast<std::int64_t>(down_taps.back().weights.size()) - first_row;
  std::vector<std::uint8_t> between(static_cast<std::size_t>(shape.channels * row_count) * across);
  const std::vector<Taps> across_taps = taps_of(columns);
  std::uint8_t* to = between.data();
  for (std::int64_t channel = 0; channel < shape.channels; ++channel) {
    for (std::int64_t row = 0; row < row_count; ++row) {
      const std::uint8_t* from = pixels.data() + (channel * shape.height + first_row + row) * shape.width;
      if (!changes(columns)) {
        to = std::copy_n(from + columns.start + columns.first, across, to);
        continue;
      }
      for (const Taps& taps : across_taps) *to++ = sum_of(taps, from + taps.first, 1);
    }
  }
  ImageBytes result{.shape = {.channels = shape.channels, .height = rows.count, .width = columns.count}, .pixels = {}};
  result.pixels.resize(result.shape.size());
  to = result.pixels.data();
  for (std::int64_t channel = 0; channel < shape.channels; ++channel) {
    const std::uint8_t* plane = between.data() + static_cast<std::size_t>(channel * row_count) * across;
    for (std::int64_t row = 0; row < rows.count; ++row) {
      if (!changes(rows)) {
        const std::int64_t at = rows.start + rows.first + row - first_row;
        to = std::copy_n(plane + static_cast<std::size_t>(at) * across, across, to);
        continue;
      }
      const Taps& taps = down_taps[static_cast<std::size_t>(row)];
      const std::uint8_t* from = plane + static_cast<std::size_t>(taps.first - first_row) * across;
      for (std::size_t column = 0; column < across; ++column) *to++ = sum_of(taps, from + column, across);
    }
  }
  return result;
}

ImageSize parse_image_size(std::string_view text) {
  const auto side = [&](std::string_view digits) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size() || value < 1 || value > kLargestImageSide) {
      throw UsageError("'" + std::string(text) +
                       "' is no size of images; give width x height, such as \"224x224\", or one number for a square, "
                       "each from 1 to " +
                       std::to_string(kLargestImageSide));
    }
    return value;
  };
  const std::size_t cross = text.find('x');
  if (cross == std::string_view::npos) return {.width = side(text), .height = side(text)};
  return {.width = side(text.substr(0, cross)), .height = side(text.substr(cross + 1))};
}

Fit parse_fit(std::string_view text) {
  if (text == "crop") return Fit::kCrop;
  if (text == "pad") return Fit::kPad;
  if (text == "stretch") return Fit::kStretch;
  throw UsageError("'" + std::string(text) + "' is none of crop, pad and stretch");
}

ImageBytes fitted(const ImageBytes& image, const ImageSize& size, Fit fit) {
  const std::int64_t width = image.shape.width;
  const std::int64_t height = image.shape.height;
  const auto whole = [](std::int64_t from, std::int64_t to) {
    return AxisResize{.start = 0, .from = from, .to = to, .first = 0, .count = to};
  };
  const auto middle_of = [](std::int64_t from, std::int64_t to, std::int64_t count) {
    return AxisResize{.start = 0, .from = from, .to = to, .first = middle(to, count), .count = count};
  };
  const bool is_wider = width * size.height > size.width * height;  // than what it is to be, in proportion
  AxisResize rows = whole(height, size.height);
  AxisResize columns = whole(width, size.width);
  if (fit == Fit::kCrop) {
    // As torchvision, which cuts off what is behind the point.
    if (is_wider) columns = middle_of(width, size.height * width / height, size.width);
    if (!is_wider) rows = middle_of(height, size.width * height / width, size.height);
  } else if (fit == Fit::kPad) {
    if (is_wider) rows = whole(height, in_proportion(height, size.width, width));
    if (!is_wider) columns = whole(width, in_proportion(width, size.height, height));
    return padded(resized(image.pixels, image.shape, rows, columns), size);
  }
  return resized(image.pixels, image.shape, rows, columns);
}

}  // namespace laconic
