// For the tests of quantisation: vectors of every size and place, with every kind of value.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "base/random.h"
#include "kernels/every_target.h"

namespace laconic::kernels {

// Around the vector widths (1 to 16 floats), the 16 partial sums and the signs' blocks of 64.
inline constexpr std::size_t kSizes[] = {0,  1,  2,  3,  5,  7,  8,   9,   15,  16,  17,   31,   32,
                                         33, 47, 63, 64, 65, 71, 127, 128, 129, 200, 1023, 1024, 1025};
inline constexpr std::size_t kOffsets[] = {0, 1, 3, 7};  // elements beyond an allocation's start
inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr float kLargest = std::numeric_limits<float>::max();
inline constexpr float kDenormal = std::numeric_limits<float>::denorm_min();

// Gaussian values of very different magnitudes, with zeros, denormals and the largest values among them.
inline std::vector<float> values(std::size_t size, std::uint64_t index) {
  constexpr float kSpecials[] = {0.0F, -0.0F, kDenormal, -kDenormal, 1e-40F, -1e-40F, kLargest, -kLargest};
  RandomStream stream(7, "quantise_test", {index, size});
  std::vector<float> result(size);
  for (float& value : result) {
    const double scale = std::exp2(static_cast<double>(stream.below(20)) - 10.0);
    const double gaussian = stream.gaussian();
    value = stream.below(8) == 0 ? kSpecials[stream.below(std::size(kSpecials))] : static_cast<float>(gaussian * scale);
  }
  return result;
}

template <typename Body>
void for_sizes_and_offsets(const Body& body) {
  on_every_target([&] {
    for (const std::size_t size : kSizes) {
      for (const std::size_t offset : kOffsets) {
        SCOPED_TRACE("size " + std::to_string(size) + " offset " + std::to_string(offset));
        body(size, offset);
        if (testing::Test::HasFailure()) return;
      }
    }
  });
}

inline std::uint32_t bits_of(float value) { return std::bit_cast<std::uint32_t>(value); }

}  // namespace laconic::kernels
