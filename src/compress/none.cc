// none: every value as float32. omega = 1.
//
//   values := float32 of each, little-endian; in lists the code of float_list.h
#include <array>
#include <bit>
#include <cstring>

#include "base/error.h"
#include "compress/compressor.h"
#include "compress/dense.h"
#include "compress/float_list.h"
#include "kernels/vector_ops.h"

namespace laconic {
namespace compress {
namespace {

constexpr FloatShape kShape = {.exponent_bits = 8, .mantissa_bits = 23};

constexpr std::size_t kPiece = 2048;  // elements that stay in the nearest cache while they are checked and used

// Bytes of a message are not aligned for floats; they are taken a piece at a time.
template <typename Visit>
void for_each_piece(std::span<const std::byte> bytes, const Visit& visit) {
  std::array<float, kPiece> piece;
  for (std::size_t begin = 0; begin < bytes.size(); begin += sizeof piece) {
    const std::size_t size = std::min(sizeof piece, bytes.size() - begin);
    std::memcpy(piece.data(), bytes.data() + begin, size);
    visit(begin / sizeof(float), std::span<const float>(piece).first(size / sizeof(float)));
  }
}

class Float32 final : public ValueFormat {
 public:
  std::uint8_t id() const override { return 0; }

  std::optional<std::size_t> dense_size(std::size_t count, Groups) const override { return count * sizeof(float); }

  bool write_dense(std::span<const float> values, Groups, std::span<std::byte> out) const override {
    for (std::size_t begin = 0; begin < values.size(); begin += kPiece) {
      const std::span<const float> piece = values.subspan(begin, std::min(kPiece, values.size() - begin));
      if (!kernels::all_finite(piece)) return false;
      std::memcpy(out.data() + begin * sizeof(float), piece.data(), piece.size_bytes());
    }
    return true;
  }

  void check_dense(ByteReader& in, std::size_t count, Groups) override {
    for_each_piece(in.raw(count * sizeof(float)), [&](std::size_t, std::span<const float> piece) {
      if (!kernels::all_finite(piece)) in.fail("a value that is not finite");
    });
  }

  void add_dense(ByteReader& in, Groups, float weight, std::span<float> y) override {
    for_each_piece(in.raw(y.size_bytes()), [&](std::size_t at, std::span<const float> piece) {
      kernels::axpy(weight, piece, y.subspan(at, piece.size()));
    });
  }

  bool append(std::span<const float> values, Groups, kernels::NoiseKey, ByteWriter& out) override {
    append_float_list(words_of(values), kShape, out);
    return kernels::all_finite(values);
  }

  void read(ByteReader& in, Groups, std::span<float> values) override {
    read_float_list(in, kShape, values.size(), words_, [&](std::size_t begin, std::span<const std::uint32_t> words) {
      std::transform(words.begin(), words.end(), values.begin() + static_cast<std::ptrdiff_t>(begin),
                     [](std::uint32_t word) { return std::bit_cast<float>(word); });
    });
    if (!kernels::all_finite(values)) in.fail("a value that is not finite");
  }

  bool unbiased() const override { return true; }
  double omega(std::span<const float>, Groups) const override { return 1.0; }
  std::optional<double> second_moment(std::span<const float>, std::size_t) const override { return 1.0; }
  double entropy_bits(std::span<const float> values, Groups, kernels::NoiseKey) override {
    return float_list_entropy_bits(words_of(values), kShape);
  }

 private:
  std::span<const std::uint32_t> words_of(std::span<const float> values) {
    words_.resize(values.size());
    std::transform(values.begin(), values.end(), words_.begin(),
                   [](float value) { return std::bit_cast<std::uint32_t>(value); });
    return words_;
  }

  std::vector<std::uint32_t> words_;  // scratch
};

}  // namespace

std::unique_ptr<ValueFormat> make_float32(std::uint32_t, bool) { return std::make_unique<Float32>(); }

}  // namespace compress

namespace {
CompressorFactory make(const Options&, const Layout& layout) {
  return [size = layout.size] {
    return std::make_unique<compress::DenseCompressor>(std::vector{size}, compress::make_float32(0, false));
  };
}
}  // namespace

extern const CompressorRow kNone;
const CompressorRow kNone = {.name = "none", .help = "every value as float32", .source = "", .make = make};

}  // namespace laconic
