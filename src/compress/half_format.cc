#include "compress/half_format.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "kernels/vector_ops.h"

namespace laconic::compress {

std::vector<std::uint32_t> HalfFormat::words_of(std::span<const float> values) const {
  std::vector<std::byte> bytes(2 * values.size());
  kernels_.encode(values, bytes);
  std::vector<std::uint32_t> words(values.size());
  for (std::size_t i = 0; i < words.size(); ++i) {
    words[i] = std::to_integer<std::uint32_t>(bytes[2 * i]) | std::to_integer<std::uint32_t>(bytes[2 * i + 1]) << 8;
  }
  return words;
}

void HalfFormat::check_dense(ByteReader& in, std::size_t count, Groups) {
  if (!kernels_.finite(in.raw(2 * count))) in.fail("a value that is not finite");
}

bool HalfFormat::append(std::span<const float> values, Groups, kernels::NoiseKey, ByteWriter& out) {
  append_float_list(words_of(values), shape_, out);
  return kernels::all_finite(values);
}

void HalfFormat::read(ByteReader& in, Groups, std::span<float> values) {
  words_.resize(values.size());
  bytes_.resize(2 * values.size());
  read_float_list(in, shape_, words_);
  for (std::size_t i = 0; i < words_.size(); ++i) {
    bytes_[2 * i] = static_cast<std::byte>(words_[i]);
    bytes_[2 * i + 1] = static_cast<std::byte>(words_[i] >> 8);
  }
  if (!kernels_.finite(bytes_)) in.fail("a value that is not finite");
  std::fill(values.begin(), values.end(), 0.0F);
  kernels_.add(bytes_, 1.0F, values);
}

double HalfFormat::omega(std::span<const float> values, Groups) const {
  double squares = 0.0;
  double errors = 0.0;
  for (const float value : values) {
    const double magnitude = std::abs(static_cast<double>(value));
    double error = range_.unit * magnitude;
    if (magnitude < range_.smallest_normal) error = std::min(magnitude, range_.unit * range_.smallest_normal);
    if (magnitude > range_.largest) error = magnitude - range_.largest;
    squares += magnitude * magnitude;
    errors += error * error;
  }
  return squares > 0.0 ? 1.0 - errors / squares : 1.0;
}

double HalfFormat::second_moment(std::size_t) const {
  LACONIC_CHECK(false, "rounding to nearest is biased");
  return 0.0;
}

double HalfFormat::entropy_bits(std::span<const float> values, Groups, kernels::NoiseKey) {
  return float_list_entropy_bits(words_of(values), shape_);
}

}  // namespace laconic::compress
