// qsgd: C(x) = sgn(x) ||x|| / (s tau) floor(s |x| / ||x|| + u) with u uniform in [0, 1), for each vector x of the scope
// (Alistarh et al. 2017; Koloskova et al. 2020, sec. 3), tau = 1 + min(d / s^2, sqrt(d) / s). omega = 1 / tau; with
// `unbiased` tau is left out, and the second moment is tau ||x||^2. C(0) = 0.
//
//   s -> levels      scale = ||x|| / (s tau)      magnitude = floor(...)
//
// A vector so short that s / ||x|| is beyond float32 (||x|| below about s 2^-128) is sent as 0.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "compress/compressor.h"
#include "compress/dense.h"
#include "compress/stochastic_format.h"

namespace laconic {
namespace compress {
namespace {

class Qsgd final : public StochasticFormat {
 public:
  Qsgd(std::uint32_t levels, bool unbiased) : levels_(levels), unbiased_(unbiased) {
    LACONIC_CHECK(levels >= 1 && levels <= 32767, levels << " levels");
  }

  std::uint8_t id() const override { return 4; }
  bool unbiased() const override { return unbiased_; }

  double omega(std::span<const float> values, Groups groups) const override {
    double explained = 0.0;
    double squares = 0.0;
    std::size_t begin = 0;
    for (const std::size_t group : groups) {
      const std::span<const float> x = values.subspan(begin, group);
      const double square = kernels::mass(x).squared;
      squares += square;
      if (!is_flushed(std::sqrt(square))) explained += square * (unbiased_ ? 2.0 - tau(group) : 1.0 / tau(group));
      begin += group;
    }
    return squares > 0.0 ? explained / squares : 1.0;
  }

  double subset_omega(std::span<const float> values, std::size_t count) const override {
    return may_flush(values, count) ? 0.0 : 1.0 / tau(count);
  }

  std::optional<double> second_moment(std::span<const float> values, std::size_t count) const override {
    if (may_flush(values, count)) return std::nullopt;
    return tau(count);
  }

 protected:
  bool has_scales() const override { return true; }

  Scale scale_of(std::span<const float> x) const override {
    const double norm = std::sqrt(kernels::mass(x).squared);
    if (!std::isfinite(norm)) return {.sent = std::numeric_limits<float>::infinity()};
    if (is_flushed(norm)) return {};
    const double divisor = static_cast<double>(levels_) * (unbiased_ ? 1.0 : tau(x.size()));
    const auto sent = static_cast<float>(norm / divisor);
    // As a receiver asks: the largest magnitude is a float32 too.
    if (!std::isfinite(value_of(largest_magnitude(), sent)))
      throw RunError("compression: qsgd: the norm of a vector is beyond float32: training has diverged");
    return {.sent = sent, .inverse_step = static_cast<float>(static_cast<double>(levels_) / norm)};
  }

  std::size_t quantise(std::span<const float> x, const Scale& scale, kernels::NoiseKey key, std::uint32_t first_index,
                       std::span<std::uint32_t> indices, std::span<std::uint32_t> symbols) const override {
    return kernels::quantise_levels(x, scale.inverse_step, key, first_index, indices, symbols);
  }

  // A magnitude of s, rounded, may be raised once more.
  std::uint32_t largest_magnitude() const override { return levels_ + 1; }
  float value_of(std::uint32_t magnitude, float scale) const override { return static_cast<float>(magnitude) * scale; }

 private:
  // Whether a vector of this norm is sent as 0.
  bool is_flushed(double norm) const { return !std::isfinite(static_cast<float>(static_cast<double>(levels_) / norm)); }

  // Whether some `count` of the values may make a vector that is not 0 and is sent as 0.
  bool may_flush(std::span<const float> values, std::size_t count) const {
    if (count == values.size()) {
      const double square = kernels::mass(values).squared;
      return square > 0.0 && is_flushed(std::sqrt(square));
    }
    return std::any_of(values.begin(), values.end(), [this](float value) {
      return value != 0.0F && is_flushed(std::abs(static_cast<double>(value)));
    });
  }

  double tau(std::size_t count) const {
    const auto d = static_cast<double>(count);
    const auto s = static_cast<double>(levels_);
    return 1.0 + std::min(d / (s * s), std::sqrt(d) / s);
  }

  std::uint32_t levels_;
  bool unbiased_;
};

}  // namespace

std::unique_ptr<ValueFormat> make_qsgd(std::uint32_t levels, bool unbiased) {
  return std::make_unique<Qsgd>(levels, unbiased);
}

}  // namespace compress

namespace {

const std::vector<OptionSpec> kOptions = {
    compress::levels_option({}), compress::scope_option(),
    compress::unbiased_option("omit the factor 1/tau that makes C a contraction")};

CompressorFactory make(const Options& options, const Layout& layout) {
  const auto levels = static_cast<std::uint32_t>(options.integer("levels"));
  return [levels, unbiased = options.flag("unbiased"), groups = compress::scope_groups(options, layout)] {
    return std::make_unique<compress::DenseCompressor>(groups, compress::make_qsgd(levels, unbiased));
  };
}

}  // namespace

extern const CompressorRow kQsgd;
const CompressorRow kQsgd = {.name = "qsgd",
                             .help = "magnitudes rounded at random to one of a few levels of the norm",
                             .source = "Alistarh et al. 2017; Koloskova et al. 2020, sec. 3",
                             .options = kOptions,
                             .make = make};

}  // namespace laconic
