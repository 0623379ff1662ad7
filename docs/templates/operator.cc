// my_operator: every value rounded to the nearest of 2 n + 1 even levels between -m and m, m the largest magnitude of the
// vector (Author YEAR). Biased.
//
//   C(x)_j = m q_j / n,   q_j = x_j n / m to the nearest whole number       n -> levels
//
// omega = 1 - d (m / 2n)^2 / ||x||^2, and at least 0: no element errs by more than half a level, or by more than itself.
//
//   body := m q*         m: float32; q: a byte for each value, signed, from -n to n
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "compress/compressor.h"
#include "compress/message.h"
#include "kernels/vector_ops.h"

namespace laconic {
namespace {

using namespace compress;

// Of the first byte: a number that no other body has. In src/compress it is a member of Body (message.h), with a row in
// docs/compression.md.
constexpr std::uint8_t kForm = 15;
constexpr std::size_t kHeader = 1 + sizeof(float);

class MyOperator final : public Compressor {
 public:
  MyOperator(std::size_t size, int levels) : size_(size), levels_(levels) {}

  std::size_t prepare(std::span<const float> v, RandomStream&) override {
    LACONIC_CHECK(v.size() == size_, v.size() << " elements for " << size_);
    if (!kernels::all_finite(v)) refuse_non_finite(v);
    largest_ = largest(v);
    levels_of_.resize(size_);
    for (std::size_t j = 0; j < size_; ++j) levels_of_[j] = level_of(v[j]);
    return kHeader + size_;
  }

  void write(std::span<std::byte> out) override {
    LACONIC_CHECK(out.size() == kHeader + size_, out.size() << " bytes for " << kHeader + size_);
    out[0] = std::byte{kForm};
    std::memcpy(out.data() + 1, &largest_, sizeof largest_);
    if (size_ > 0) std::memcpy(out.data() + kHeader, levels_of_.data(), size_);
  }

  // Everything in a message is checked before the first element of `y` changes.
  void decode_add(std::span<const std::byte> message, float weight, std::span<float> y) override {
    LACONIC_CHECK(y.size() == size_, y.size() << " elements for " << size_);
    ByteReader in(message, "compressed vector");
    if (in.u8() != kForm) in.fail("another operator's message; all nodes need the same operator and options");
    const float largest = in.f32();
    if (!(largest >= 0.0F && std::isfinite(largest))) in.fail("a largest magnitude that is negative or not finite");
    const std::span<const std::byte> levels = in.raw(size_);
    in.expect_end();
    for (const std::byte level : levels) {
      if (std::abs(as_level(level)) > levels_) in.fail("a level beyond " + std::to_string(levels_));
    }
    std::array<float, 1024> piece;
    for (std::size_t begin = 0; begin < size_; begin += piece.size()) {
      const std::size_t count = std::min(piece.size(), size_ - begin);
      for (std::size_t j = 0; j < count; ++j)
        piece[j] = static_cast<float>(double{largest} * as_level(levels[begin + j]) / levels_);
      kernels::axpy(weight, std::span<const float>(piece).first(count), y.subspan(begin, count));
    }
  }

  bool unbiased() const override { return false; }

  std::optional<double> omega(std::span<const float> v) const override {
    const double squares = kernels::squared_norm(v);
    if (squares == 0.0) return 1.0;
    const double half_level = double{largest(v)} / (2.0 * levels_);
    return std::max(0.0, 1.0 - static_cast<double>(v.size()) * half_level * half_level / squares);
  }

  Information information() override {
    std::array<std::size_t, 256> counts{};
    for (const std::int8_t level : levels_of_) ++counts[static_cast<std::uint8_t>(level)];
    const auto total = static_cast<double>(size_);
    double bits = 32.0;
    for (const std::size_t count : counts) {
      if (count > 0) bits -= static_cast<double>(count) * std::log2(static_cast<double>(count) / total);
    }
    return {.coordinates = size_, .entropy_bits = bits};
  }

 private:
  static float largest(std::span<const float> v) {
    float largest = 0.0F;
    for (const float value : v) largest = std::max(largest, std::abs(value));
    return largest;
  }
  static int as_level(std::byte level) { return static_cast<std::int8_t>(level); }
  std::int8_t level_of(float value) const {
    return largest_ > 0.0F ? static_cast<std::int8_t>(std::lround(double{value} * levels_ / largest_)) : std::int8_t{0};
  }

  std::size_t size_;
  int levels_;
  // Of the message prepared last.
  float largest_ = 0.0F;
  std::vector<std::int8_t> levels_of_;
};

const std::vector<OptionSpec> kOptions = {{.name = "levels",
                                           .type = OptionType::kInteger,
                                           .default_value = "127",
                                           .minimum = 1,
                                           .maximum = 127,
                                           .help = "levels of a magnitude above 0"}};

CompressorFactory make(const Options& options, const Layout& layout) {
  return [size = layout.size, levels = static_cast<int>(options.integer("levels"))] {
    return std::make_unique<MyOperator>(size, levels);
  };
}

}  // namespace

extern const CompressorRow kMyOperator;
const CompressorRow kMyOperator = {.name = "my_operator",
                                   .help = "every value rounded to the nearest of some even levels",
                                   .source = "Author YEAR",
                                   .options = kOptions,
                                   .make = make};

}  // namespace laconic
