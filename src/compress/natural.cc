// natural: every magnitude rounded at random to one of the two powers of two around it, without bias (Horvath et al.
// 2019). The second moment is 9/8 ||x||^2 at most; as it is, C(x) is 8/9 of that, and omega = 8/9; with `unbiased` it
// is that. Holds for magnitudes of 0 and from 2^-126 to 2^127; those below go to 0 or 2^-126, those above to 2^127.
//
//   magnitude = biased exponent of float32
#include <bit>
#include <cmath>

#include "base/error.h"
#include "compress/compressor.h"
#include "compress/dense.h"
#include "compress/stochastic_format.h"

namespace laconic {
namespace compress {
namespace {

constexpr double kContraction = 8.0 / 9.0;

class Natural final : public StochasticFormat {
 public:
  explicit Natural(bool unbiased) : unbiased_(unbiased) {}

  std::uint8_t id() const override { return 5; }
  bool unbiased() const override { return unbiased_; }

  double omega(std::span<const float> values, Groups) const override {
    const double factor = unbiased_ ? 1.0 : kContraction;
    double squares = 0.0;
    double errors = 0.0;  // E||C(x) - x||^2 at most
    for (const float value : values) {
      const double magnitude = std::abs(static_cast<double>(value));
      const double square = magnitude * magnitude;
      squares += square;
      if (magnitude > 0x1p127) {
        errors += (magnitude - factor * 0x1p127) * (magnitude - factor * 0x1p127);
      } else {
        // Between powers a <= x <= 2 a the variance (x - a)(2 a - x) is x^2 / 8 at most;
        // below a = 2^-126 it is x (a - x).
        const double variance = magnitude < 0x1p-126 ? magnitude * (0x1p-126 - magnitude) : square / 8.0;
        errors += factor * factor * variance + (1.0 - factor) * (1.0 - factor) * square;
      }
    }
    return squares > 0.0 ? 1.0 - errors / squares : 1.0;
  }

  double subset_omega(std::span<const float> values, std::size_t) const override { return omega(values, {}); }

  std::optional<double> second_moment(std::span<const float> values, std::size_t) const override {
    double squares = 0.0;
    double moments = 0.0;  // E[C(x)^2] at most
    for (const float value : values) {
      const double magnitude = std::abs(static_cast<double>(value));
      if (magnitude > 0x1p127) return std::nullopt;
      squares += magnitude * magnitude;
      moments += magnitude < 0x1p-126 ? magnitude * 0x1p-126 : 9.0 / 8.0 * magnitude * magnitude;
    }
    return squares > 0.0 ? moments / squares : 1.0;
  }

 protected:
  bool has_scales() const override { return false; }
  Scale scale_of(std::span<const float>) const override { return {}; }

  std::size_t quantise(std::span<const float> x, const Scale&, kernels::NoiseKey key, std::uint32_t first_index,
                       std::span<std::uint32_t> indices, std::span<std::uint32_t> symbols) const override {
    return kernels::round_to_powers(x, key, first_index, indices, symbols);
  }

  std::uint32_t largest_magnitude() const override { return 254; }
  float value_of(std::uint32_t magnitude, float) const override {
    const auto power = std::bit_cast<float>(magnitude << 23);
    return unbiased_ ? power : power * static_cast<float>(kContraction);
  }

 private:
  bool unbiased_;
};

}  // namespace

std::unique_ptr<ValueFormat> make_natural(std::uint32_t, bool unbiased) { return std::make_unique<Natural>(unbiased); }

}  // namespace compress

namespace {

const std::vector<OptionSpec> kOptions = {compress::unbiased_option("omit the factor 8/9 that makes C a contraction")};

CompressorFactory make(const Options& options, const Layout& layout) {
  return [size = layout.size, unbiased = options.flag("unbiased")] {
    return std::make_unique<compress::DenseCompressor>(std::vector{size}, compress::make_natural(0, unbiased));
  };
}

}  // namespace

extern const CompressorRow kNatural;
const CompressorRow kNatural = {.name = "natural",
                                .help = "every value rounded at random to a power of two",
                                .source = "Horvath et al. 2019",
                                .options = kOptions,
                                .make = make};

}  // namespace laconic
