// float16: every value rounded to the nearest IEEE binary16, ties to even; what is beyond +-65504 becomes +-65504.
// omega = 1 - 2^-22 for values from 2^-14 to 65504. Biased.
//
//   values := 2 bytes of each, little-endian; in lists the code of float_list.h
#include "compress/compressor.h"
#include "compress/dense.h"
#include "compress/half_format.h"

namespace laconic {
namespace compress {

std::unique_ptr<ValueFormat> make_float16(std::uint32_t, bool) {
  return std::make_unique<HalfFormat>(
      std::uint8_t{1}, FloatShape{.exponent_bits = 5, .mantissa_bits = 10},
      HalfFormat::Kernels{kernels::to_float16, kernels::float16_finite, kernels::add_float16},
      HalfFormat::Range{.largest = 65504.0, .smallest_normal = 0x1p-14, .unit = 0x1p-11});
}

}  // namespace compress

namespace {
CompressorFactory make(const Options&, const Layout& layout) {
  return [size = layout.size] {
    return std::make_unique<compress::DenseCompressor>(std::vector{size}, compress::make_float16(0, false));
  };
}
}  // namespace

extern const CompressorRow kFloat16;
const CompressorRow kFloat16 = {
    .name = "float16", .help = "every value rounded to IEEE half precision", .source = "", .make = make};

}  // namespace laconic
