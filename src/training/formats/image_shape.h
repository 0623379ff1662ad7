#pragma once

#include <cstddef>
#include <cstdint>

namespace laconic {

// Size of one image. A model sees channels x height x width floats: pixel / 255, then normalised where the data set
// says.
struct ImageShape {
  std::int64_t channels = 1;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::size_t size() const { return static_cast<std::size_t>(channels * height * width); }
  friend bool operator==(const ImageShape&, const ImageShape&) = default;
};

}  // namespace laconic
