// sign: C(x) = (||x||_1 / d) sgn(x) for each vector x of the scope (Karimireddy et al. 2019; Koloskova et al. 2020,
// sec. 3). sgn(0) is +1 here and -1 for -0: a bit has no third value, and omega = ||x||_1^2 / (d ||x||^2) is the same.
// Biased.
//
//   values := scale* bits      scale: float32, one a vector; bits: 1 bit a value, set when it is negative
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "compress/compressor.h"
#include "compress/dense.h"

namespace laconic {
namespace compress {
namespace {

class Sign final : public ValueFormat {
 public:
  std::uint8_t id() const override { return 3; }

  std::optional<std::size_t> dense_size(std::size_t count, Groups groups) const override {
    return sizeof(float) * groups.size() + packed_size(count);
  }

  bool write_dense(std::span<const float> values, Groups groups, std::span<std::byte> out) const override {
    const std::span<std::byte> bits = out.subspan(sizeof(float) * groups.size());
    if (!bits.empty()) bits.back() = std::byte{0};
    std::size_t begin = 0;
    for (std::size_t g = 0; g < groups.size(); ++g) {
      const double mass = kernels::pack_signs(values.subspan(begin, groups[g]), begin, bits);
      if (!std::isfinite(mass)) return false;
      const float scale = groups[g] > 0 ? static_cast<float>(mass / static_cast<double>(groups[g])) : 0.0F;
      std::memcpy(out.data() + sizeof scale * g, &scale, sizeof scale);
      begin += groups[g];
    }
    return true;
  }

  void check_dense(ByteReader& in, std::size_t count, Groups groups) override {
    for (std::size_t g = 0; g < groups.size(); ++g) {
      const float scale = in.f32();
      if (!(scale >= 0.0F && std::isfinite(scale))) in.fail("a scale that is negative or not finite");
    }
    const std::span<const std::byte> bits = in.raw(packed_size(count));
    if (count % 8 != 0 && std::to_integer<unsigned>(bits.back()) >> count % 8 != 0)
      in.fail("nonzero padding bits after " + std::to_string(count) + " signs");
  }

  void add_dense(ByteReader& in, Groups groups, float weight, std::span<float> y) override {
    const std::span<const std::byte> scales = in.raw(sizeof(float) * groups.size());
    const std::span<const std::byte> bits = in.raw(packed_size(y.size()));
    std::size_t begin = 0;
    for (std::size_t g = 0; g < groups.size(); ++g) {
      float scale;
      std::memcpy(&scale, scales.data() + sizeof scale * g, sizeof scale);
      kernels::add_signs(bits, begin, weight * scale, y.subspan(begin, groups[g]));
      begin += groups[g];
    }
  }

  bool append(std::span<const float> values, Groups groups, kernels::NoiseKey, ByteWriter& out) override {
    return write_dense(values, groups, out.extend(*dense_size(values.size(), groups)));
  }

  void read(ByteReader& in, Groups groups, std::span<float> values) override {
    const std::span<const std::byte> message = in.rest();
    check_dense(in, values.size(), groups);
    ByteReader again(message, "signs");
    std::fill(values.begin(), values.end(), 0.0F);
    add_dense(again, groups, 1.0F, values);
  }

  bool unbiased() const override { return false; }

  double omega(std::span<const float> values, Groups groups) const override {
    double explained = 0.0;
    double squares = 0.0;
    std::size_t begin = 0;
    for (const std::size_t group : groups) {
      const kernels::Mass mass = kernels::mass(values.subspan(begin, group));
      if (group > 0) explained += mass.absolute * mass.absolute / static_cast<double>(group);
      squares += mass.squared;
      begin += group;
    }
    return squares > 0.0 ? explained / squares : 1.0;
  }

  double entropy_bits(std::span<const float> values, Groups groups, kernels::NoiseKey) override {
    const auto n = static_cast<double>(values.size());
    const auto negative = static_cast<double>(
        std::count_if(values.begin(), values.end(), [](float value) { return std::signbit(value); }));
    double bits = 32.0 * static_cast<double>(groups.size());
    for (const double count : {negative, n - negative}) bits -= count > 0.0 ? count * std::log2(count / n) : 0.0;
    return bits;
  }

 private:
  static std::size_t packed_size(std::size_t count) { return (count + 7) / 8; }
};

}  // namespace

std::unique_ptr<ValueFormat> make_sign(std::uint32_t, bool) { return std::make_unique<Sign>(); }

}  // namespace compress

namespace {

const std::vector<OptionSpec> kOptions = {compress::scope_option()};

CompressorFactory make(const Options& options, const Layout& layout) {
  return [groups = compress::scope_groups(options, layout)] {
    return std::make_unique<compress::DenseCompressor>(groups, compress::make_sign(0, false));
  };
}

}  // namespace

extern const CompressorRow kSign;
const CompressorRow kSign = {.name = "sign",
                             .help = "one bit per value and the mean magnitude",
                             .source = "Karimireddy et al. 2019; Koloskova et al. 2020, sec. 3",
                             .options = kOptions,
                             .make = make};

}  // namespace laconic
