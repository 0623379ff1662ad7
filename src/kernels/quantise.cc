// The conversions that treat every coordinate alike; stochastic_rounding.cc has those that draw.
#include "kernels/quantise.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/error.h"

// The vectors of scalable instruction sets cannot be held in arrays; their processors run the NEON code.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/quantise.cc"
#include <hwy/foreach_target.h>  // compiles the part up to HWY_AFTER_NAMESPACE once a target
//
#include <hwy/highway.h>

#include "kernels/partial_sums-inl.h"

static_assert(std::endian::native == std::endian::little);

HWY_BEFORE_NAMESPACE();
namespace laconic::kernels::HWY_NAMESPACE {

using Unsigned = hn::RebindToUnsigned<Floats>;
using Halves = hn::Rebind<std::uint16_t, Floats>;
using Values = hn::VFromD<Floats>;
using Bits = hn::VFromD<Unsigned>;
constexpr std::size_t kFloats = hn::MaxLanes(Floats());

Mass mass(const float* x, std::size_t size) {
  PartialSums absolute;
  PartialSums squared;
  std::size_t j = 0;
  for (; j + kLanes <= size; j += kLanes) {
    fetch_ahead(x + j);
    for (std::size_t part = 0; part < kParts; ++part) {
      const Wide value = load_wide(x + j + part * kWidth);
      absolute.add(part, hn::Abs(value));
      squared.add(part, hn::Mul(value, value));
    }
  }
  double absolute_lanes[kLanes];
  double squared_lanes[kLanes];
  absolute.store(absolute_lanes);
  squared.store(squared_lanes);
  for (std::size_t lane = 0; j < size; ++j, ++lane) {
    const double value = x[j];
    absolute_lanes[lane] += std::abs(value);
    squared_lanes[lane] += value * value;
  }
  return {.absolute = fold(absolute_lanes), .squared = fold(squared_lanes)};
}

constexpr std::size_t kBlock = 64;  // signs that are handled as one integer
static_assert(kBlock % kLanes == 0 && kBlock % kFloats == 0);

// The signs of kLanes floats; bit i is that of x_i.
HWY_INLINE std::uint64_t signs_of(const float* x) {
  constexpr std::size_t kAtOnce = std::min(kLanes, kFloats);
  std::uint64_t signs = 0;
  for (std::size_t i = 0; i < kLanes; i += kAtOnce) {
    const auto negative = hn::Lt(hn::BitCast(Words(), hn::LoadU(Floats(), x + i)), hn::Zero(Words()));
    std::uint8_t stored[8] = {};
    hn::StoreMaskBits(Words(), negative, stored);
    std::uint64_t mask = 0;
    std::memcpy(&mask, stored, sizeof(mask));
    signs |= mask << i;
  }
  return signs;
}

double pack_signs(const float* HWY_RESTRICT x, std::size_t size, std::size_t first_bit,
                  std::uint8_t* HWY_RESTRICT bits) {
  bits += first_bit / 8;
  std::size_t filled = first_bit % 8;  // bits of the next byte that are settled, and those
  std::uint64_t pending = filled == 0 ? 0 : bits[0] & ((1U << filled) - 1);
  PartialSums sums;
  std::size_t j = 0;
  for (; j + kBlock <= size; j += kBlock) {
    std::uint64_t signs = 0;
    for (std::size_t i = 0; i < kBlock; i += kLanes) {
      fetch_ahead(x + j + i);
      signs |= signs_of(x + j + i) << i;
      for (std::size_t part = 0; part < kParts; ++part) {
        sums.add(part, hn::Abs(load_wide(x + j + i + part * kWidth)));
      }
    }
    const std::uint64_t word = pending | signs << filled;
    std::memcpy(bits, &word, sizeof(word));
    bits += sizeof(word);
    pending = signs >> 1 >> (63 - filled);
  }
  double lanes[kLanes];
  sums.store(lanes);
  for (std::size_t i = 0; j < size; ++j, ++i) {
    lanes[i % kLanes] += std::abs(static_cast<double>(x[j]));
    pending |= static_cast<std::uint64_t>(std::signbit(x[j])) << filled;
    if (++filled == 8) {
      *bits++ = static_cast<std::uint8_t>(pending);
      pending = 0;
      filled = 0;
    }
  }
  if (filled != 0) bits[0] = static_cast<std::uint8_t>((bits[0] & ~((1U << filled) - 1)) | pending);
  return fold(lanes);
}

void add_signs(const std::uint8_t* HWY_RESTRICT bits, std::size_t first_bit, float amount, float* HWY_RESTRICT y,
               std::size_t size) {
  constexpr std::size_t kWordBits = 32;
  const Floats d;
  const auto plus = hn::Set(d, amount);
  const auto minus = hn::Set(d, -amount);
  Bits place[kWordBits / kFloats];  // the bits of a word that are those of a vector's lanes
  for (std::size_t part = 0; part < kWordBits / kFloats; ++part) {
    place[part] = hn::Shl(hn::Set(Unsigned(), 1), hn::Iota(Unsigned(), static_cast<std::uint32_t>(part * kFloats)));
  }
  bits += first_bit / 8;
  const std::size_t shift = first_bit % 8;
  std::size_t j = 0;
  for (; j + kBlock <= size; j += kBlock) {
    std::uint64_t signs = 0;
    std::memcpy(&signs, bits, sizeof(signs));
    bits += sizeof(signs);
    signs >>= shift;
    if (shift != 0) signs |= static_cast<std::uint64_t>(bits[0]) << (64 - shift);
    for (std::size_t i = 0; i < kBlock; i += kWordBits) {
      const Bits word = hn::Set(Unsigned(), static_cast<std::uint32_t>(signs >> i));
      fetch_ahead(y + j + i);
      for (std::size_t part = 0; part < kWordBits / kFloats; ++part) {
        float* const at = y + j + i + part * kFloats;
        const auto negative = hn::RebindMask(d, hn::TestBit(word, place[part]));
        hn::StoreU(hn::Add(hn::LoadU(d, at), hn::IfThenElse(negative, minus, plus)), d, at);
      }
    }
  }
  for (std::size_t bit = shift; j < size; ++j, ++bit) y[j] += (bits[bit / 8] >> bit % 8 & 1) != 0 ? -amount : amount;
}

// A format of 16 bits: `encode` gives, in the low half of each lane, the bits of a finite float, `decode` the float of
// such bits. kInfinity is the format's infinity.

struct Bfloat16 {
  static constexpr std::int16_t kInfinity = 0x7f80;

  // Adding just under half a unit of the last place, and one more where the last bit kept is odd, carries exactly where
  // round to nearest even rounds up.
  static HWY_INLINE Bits encode(Values x) {
    const Unsigned d;
    const Bits bits = hn::BitCast(d, x);
    const Bits odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(d, 1));
    const Bits carried = hn::Add(hn::Add(bits, hn::Set(d, 0x7fff)), odd);
    // Cut at the largest value: as signed integers the negative floats, as unsigned ones the positive are below it.
    const auto cut_above = hn::Min(hn::BitCast(Words(), carried), hn::Set(Words(), 0x7f7fffff));
    return hn::ShiftRight<16>(hn::Min(hn::BitCast(d, cut_above), hn::Set(d, 0xff7fffff)));
  }
  static HWY_INLINE Values decode(Bits half) { return hn::BitCast(Floats(), hn::ShiftLeft<16>(half)); }
};

struct Float16 {
  static constexpr std::int16_t kInfinity = 0x7c00;

  static HWY_INLINE Bits encode(Values x) {
    const Unsigned d;
    const Bits bits = hn::BitCast(d, x);
    const Bits magnitude = hn::And(bits, hn::Set(d, 0x7fffffff));
    // From 2^-14 on, as for bfloat16, with the exponent's bias moved from 127 to 15.
    const Bits odd = hn::And(hn::ShiftRight<13>(magnitude), hn::Set(d, 1));
    const Bits carried = hn::Add(hn::Add(magnitude, hn::Set(d, 0xfffU - (112U << 23))), odd);
    const Bits normal = hn::Min(hn::ShiftRight<13>(carried), hn::Set(d, 0x7bff));
    // Below, a unit is 2^-24, which is that of the floats from 1/2 to 1: adding 1/2 rounds to it. (A denormal float,
    // which a processor may be told to take for zero, rounds to zero.)
    const Values half = hn::Set(Floats(), 0.5F);
    const Bits rounded = hn::BitCast(d, hn::Add(hn::BitCast(Floats(), magnitude), half));
    const Bits denormal = hn::Sub(rounded, hn::BitCast(d, half));
    const auto small = hn::Lt(hn::BitCast(Words(), magnitude), hn::Set(Words(), 0x38800000));
    const Bits result = hn::IfThenElse(hn::RebindMask(d, small), denormal, normal);
    return hn::Or(result, hn::And(hn::ShiftRight<16>(bits), hn::Set(d, 0x8000)));
  }

  static HWY_INLINE Values decode(Bits half) {
    const Unsigned d;
    const Bits magnitude = hn::And(half, hn::Set(d, 0x7fff));
    const Bits bias = hn::Set(d, 112U << 23);
    Bits normal = hn::Add(hn::ShiftLeft<13>(magnitude), bias);
    const auto special = hn::Gt(hn::BitCast(Words(), magnitude), hn::Set(Words(), kInfinity - 1));
    normal = hn::Add(normal, hn::IfThenElseZero(hn::RebindMask(d, special), bias));
    const Values denormal =
        hn::Mul(hn::ConvertTo(Floats(), hn::BitCast(Words(), magnitude)), hn::Set(Floats(), 0x1p-24F));
    const auto small = hn::Lt(hn::BitCast(Words(), magnitude), hn::Set(Words(), 0x400));
    const Bits result = hn::IfThenElse(hn::RebindMask(d, small), hn::BitCast(d, denormal), normal);
    return hn::BitCast(Floats(), hn::Or(result, hn::ShiftLeft<16>(hn::And(half, hn::Set(d, 0x8000)))));
  }
};

// Bytes have any alignment: they are read and written as integers of 16 bits only by LoadU and StoreU.

template <typename Format>
HWY_INLINE void encode_vector(Values x, std::uint8_t* out) {
  const auto halves = hn::DemoteTo(Halves(), hn::BitCast(Words(), Format::encode(x)));
  hn::StoreU(halves, Halves(), reinterpret_cast<std::uint16_t*>(out));
}

template <typename Format>
HWY_INLINE Values decode_vector(const std::uint8_t* from) {
  return Format::decode(hn::PromoteTo(Unsigned(), hn::LoadU(Halves(), reinterpret_cast<const std::uint16_t*>(from))));
}

template <typename Format>
HWY_INLINE bool encode_all(const float* HWY_RESTRICT x, std::size_t size, std::uint8_t* HWY_RESTRICT out) {
  const auto magnitude = hn::Set(Words(), 0x7fffffff);
  auto largest = hn::Zero(Words());
  std::size_t j = 0;
  for (; j + kFloats <= size; j += kFloats) {
    fetch_ahead(x + j);
    const Values value = hn::LoadU(Floats(), x + j);
    largest = hn::Max(largest, hn::And(magnitude, hn::BitCast(Words(), value)));
    encode_vector<Format>(value, out + 2 * j);
  }
  if (j < size) {
    float rest[kFloats] = {};
    std::uint8_t rest_out[2 * kFloats];
    std::memcpy(rest, x + j, (size - j) * sizeof(float));
    const Values value = hn::LoadU(Floats(), rest);
    largest = hn::Max(largest, hn::And(magnitude, hn::BitCast(Words(), value)));
    encode_vector<Format>(value, rest_out);
    std::memcpy(out + 2 * j, rest_out, 2 * (size - j));
  }
  return hn::GetLane(hn::MaxOfLanes(Words(), largest)) < 0x7f800000;
}

template <typename Format>
HWY_INLINE bool all_below_infinity(const std::uint8_t* bytes, std::size_t size) {
  const hn::ScalableTag<std::int16_t> d;
  const std::size_t width = hn::Lanes(d);
  const auto magnitude = hn::Set(d, 0x7fff);
  auto largest = hn::Zero(d);
  std::size_t j = 0;
  for (; j + width <= size; j += width) {
    largest = hn::Max(largest, hn::And(magnitude, hn::LoadU(d, reinterpret_cast<const std::int16_t*>(bytes + 2 * j))));
  }
  if (!hn::AllFalse(d, hn::Gt(largest, hn::Set(d, Format::kInfinity - 1)))) return false;
  for (; j < size; ++j) {
    if (((bytes[2 * j] | bytes[2 * j + 1] << 8) & 0x7fff) >= Format::kInfinity) return false;
  }
  return true;
}

template <typename Format>
HWY_INLINE void add_all(const std::uint8_t* HWY_RESTRICT bytes, float weight, float* HWY_RESTRICT y, std::size_t size) {
  const Floats d;
  const auto factor = hn::Set(d, weight);
  std::size_t j = 0;
  for (; j + kFloats <= size; j += kFloats) {
    const Values term = hn::Mul(factor, decode_vector<Format>(bytes + 2 * j));
    hn::StoreU(hn::Add(hn::LoadU(d, y + j), term), d, y + j);
  }
  if (j < size) {
    std::uint8_t rest[2 * kFloats] = {};
    float terms[kFloats];
    std::memcpy(rest, bytes + 2 * j, 2 * (size - j));
    hn::StoreU(hn::Mul(factor, decode_vector<Format>(rest)), d, terms);
    for (std::size_t i = 0; j < size; ++j, ++i) y[j] += terms[i];
  }
}

bool to_bfloat16(const float* x, std::size_t size, std::uint8_t* out) { return encode_all<Bfloat16>(x, size, out); }
bool bfloat16_finite(const std::uint8_t* bytes, std::size_t size) { return all_below_infinity<Bfloat16>(bytes, size); }
void add_bfloat16(const std::uint8_t* bytes, float weight, float* y, std::size_t size) {
  add_all<Bfloat16>(bytes, weight, y, size);
}

bool to_float16(const float* x, std::size_t size, std::uint8_t* out) { return encode_all<Float16>(x, size, out); }
bool float16_finite(const std::uint8_t* bytes, std::size_t size) { return all_below_infinity<Float16>(bytes, size); }
void add_float16(const std::uint8_t* bytes, float weight, float* y, std::size_t size) {
  add_all<Float16>(bytes, weight, y, size);
}

}  // namespace laconic::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace laconic::kernels {

HWY_EXPORT(mass);
HWY_EXPORT(pack_signs);
HWY_EXPORT(add_signs);
HWY_EXPORT(to_bfloat16);
HWY_EXPORT(bfloat16_finite);
HWY_EXPORT(add_bfloat16);
HWY_EXPORT(to_float16);
HWY_EXPORT(float16_finite);
HWY_EXPORT(add_float16);

namespace {
const std::uint8_t* octets(std::span<const std::byte> bytes) {
  return reinterpret_cast<const std::uint8_t*>(bytes.data());
}
std::uint8_t* octets(std::span<std::byte> bytes) { return reinterpret_cast<std::uint8_t*>(bytes.data()); }

void check_bits(std::size_t bytes, std::size_t first_bit, std::size_t count) {
  LACONIC_CHECK(bytes >= (first_bit + count + 7) / 8,
                count << " signs from bit " << first_bit << " on in " << bytes << " bytes");
}
void check_halves(std::size_t bytes, std::size_t count) {
  LACONIC_CHECK(bytes == 2 * count, count << " values of two bytes in " << bytes << " bytes");
}
}  // namespace

Mass mass(std::span<const float> x) { return HWY_DYNAMIC_DISPATCH(mass)(x.data(), x.size()); }

double pack_signs(std::span<const float> x, std::size_t first_bit, std::span<std::byte> bits) {
  check_bits(bits.size(), first_bit, x.size());
  return HWY_DYNAMIC_DISPATCH(pack_signs)(x.data(), x.size(), first_bit, octets(bits));
}

void add_signs(std::span<const std::byte> bits, std::size_t first_bit, float amount, std::span<float> y) {
  check_bits(bits.size(), first_bit, y.size());
  HWY_DYNAMIC_DISPATCH(add_signs)(octets(bits), first_bit, amount, y.data(), y.size());
}

bool to_bfloat16(std::span<const float> x, std::span<std::byte> out) {
  check_halves(out.size(), x.size());
  return HWY_DYNAMIC_DISPATCH(to_bfloat16)(x.data(), x.size(), octets(out));
}

bool bfloat16_finite(std::span<const std::byte> bytes) {
  check_halves(bytes.size(), bytes.size() / 2);
  return HWY_DYNAMIC_DISPATCH(bfloat16_finite)(octets(bytes), bytes.size() / 2);
}

void add_bfloat16(std::span<const std::byte> bytes, float weight, std::span<float> y) {
  check_halves(bytes.size(), y.size());
  HWY_DYNAMIC_DISPATCH(add_bfloat16)(octets(bytes), weight, y.data(), y.size());
}

bool to_float16(std::span<const float> x, std::span<std::byte> out) {
  check_halves(out.size(), x.size());
  return HWY_DYNAMIC_DISPATCH(to_float16)(x.data(), x.size(), octets(out));
}

bool float16_finite(std::span<const std::byte> bytes) {
  check_halves(bytes.size(), bytes.size() / 2);
  return HWY_DYNAMIC_DISPATCH(float16_finite)(octets(bytes), bytes.size() / 2);
}

void add_float16(std::span<const std::byte> bytes, float weight, std::span<float> y) {
  check_halves(bytes.size(), y.size());
  HWY_DYNAMIC_DISPATCH(add_float16)(octets(bytes), weight, y.data(), y.size());
}

}  // namespace laconic::kernels
#endif  // HWY_ONCE
