// bfloat16: every value rounded to the nearest bfloat16, ties to even; what would round to infinity becomes the largest
// finite value of its sign. omega = 1 - 2^-16 for values in the range of its normal numbers. Biased.
//
//   values := 2 bytes of each, little-endian; in lists the code of float_list.h
#include "compress/compressor.h"
#include "compress/dense.h"
#include "compress/half_format.h"

namespace laconic {
namespace compress {

std::unique_ptr<ValueFormat> make_bfloat16(std::uint32_t, bool) {
  return std::make_unique<HalfFormat>(
      std::uint8_t{2}, FloatShape{.exponent_bits = 8, .mantissa_bits = 7},
      HalfFormat::Kernels{kernels::to_bfloat16, kernels::bfloat16_finite, kernels::add_bfloat16},
      HalfFormat::Range{.largest = 0x1.fep127, .smallest_normal = 0x1p-126, .unit = 0x1p-8});
}

}  // namespace compress

namespace {
CompressorFactory make(const Options&, const Layout& layout) {
  return [size = layout.size] {
    return std::make_unique<compress::DenseCompressor>(std::vector{size}, compress::make_bfloat16(0, false));
  };
}
}  // namespace

extern const CompressorRow kBfloat16;
const CompressorRow kBfloat16 = {
    .name = "bfloat16", .help = "every value rounded to bfloat16", .source = "", .make = make};

}  // namespace laconic
