#include "compress/half_format.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "kernels/vector_ops.h"

namespace laconic::compress {

std::span<const std::uint32_t> HalfFormat::words_of(std::span<const float> values) {
  halves_.resize(values.size());
  kernels_.encode(values, std::as_writable_bytes(std::span(halves_)));
  words_.assign(halves_.begin(), halves_.end());
  return words_;
}

void HalfFormat::check_dense(ByteReader& in, std::size_t count, Groups) {
  if (!kernels_.finite(in.raw(2 * count))) in.fail("a value that is not finite");
}

bool HalfFormat::append(std::span<const float> values, Groups, kernels::NoiseKey, ByteWriter& out) {
  append_float_list(words_of(values), shape_, out);
  return kernels::all_finite(values);
}

void HalfFormat::read(ByteReader& in, Groups, std::span<float> values) {
  read_float_list(in, shape_, values.size(), words_, [&](std::size_t begin, std::span<const std::uint32_t> words) {
    halves_.resize(words.size());
    std::transform(words.begin(), words.end(), halves_.begin(),
                   [](std::uint32_t word) { return static_cast<std::uint16_t>(word); });
    const std::span<const std::byte> bytes = std::as_bytes(std::span(halves_));
    if (!kernels_.finite(bytes)) in.fail("a value that is not finite");
    const std::span<float> chunk = values.subspan(begin, words.size());
    std::fill(chunk.begin(), chunk.end(), 0.0F);
    kernels_.add(bytes, 1.0F, chunk);
  });
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

double HalfFormat::entropy_bits(std::span<const float> values, Groups, kernels::NoiseKey) {
  return float_list_entropy_bits(words_of(values), shape_);
}

}  // namespace laconic::compress
