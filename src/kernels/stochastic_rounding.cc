// The conversions of quantise.h that draw: a coordinate becomes a small integer at random, right on average.
#include <cstring>

#include "base/error.h"
#include "kernels/quantise.h"

// The vectors of scalable instruction sets cannot be held in arrays; their processors run the NEON code.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/stochastic_rounding.cc"
#include <hwy/foreach_target.h>  // compiles the part up to HWY_AFTER_NAMESPACE once a target
//
#include <hwy/highway.h>

#include "kernels/kept-inl.h"
#include "kernels/partial_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace laconic::kernels::HWY_NAMESPACE {

using Unsigned = hn::RebindToUnsigned<Floats>;
using Values = hn::VFromD<Floats>;
using Bits = hn::VFromD<Unsigned>;
using Integers = hn::VFromD<Words>;

// noise() of a vector of coordinates.
class Noise {
 public:
  HWY_INLINE explicit Noise(NoiseKey key)
      : first_(hn::Set(Unsigned(), key.first)), second_(hn::Set(Unsigned(), key.second)) {}
  HWY_INLINE Bits operator()(Bits coordinate) const {
    const Unsigned d;
    Bits bits = hn::Add(coordinate, first_);
    bits = hn::Mul(hn::Xor(bits, hn::ShiftRight<16>(bits)), hn::Set(d, 0x7feb352dU));
    bits = hn::Mul(hn::Xor(hn::Xor(bits, hn::ShiftRight<15>(bits)), second_), hn::Set(d, 0x846ca68bU));
    return hn::Xor(bits, hn::ShiftRight<16>(bits));
  }

 private:
  Bits first_;
  Bits second_;
};

// A rounding gives for values and the noise of their coordinates the symbols, 2 * magnitude + sign, of which those
// below 2 are not written; `may_write` is false only where all are such, and quicker to tell. Zeros are never written.

class Levels {
 public:
  HWY_INLINE explicit Levels(float inverse_step)
      : inverse_step_(hn::Set(Floats(), inverse_step)), to_bound_(hn::Set(Floats(), inverse_step * 0x1p31F)) {}

  // With n = noise >> 1 and F = f 2^31, level > floor(t) exactly when n < F; both are rounded to floats in order, which
  // keeps <=. A t >= 1 is above any n. (A bound of 0 times infinity is above none, as it has to be.)
  HWY_INLINE bool may_write(Values x, Bits noise) const {
    const Values bound = hn::Mul(hn::Abs(x), to_bound_);
    const Values drawn = hn::ConvertTo(Floats(), hn::BitCast(Words(), hn::ShiftRight<1>(noise)));
    return !hn::AllFalse(Floats(), hn::Le(drawn, bound));
  }

  HWY_INLINE Bits symbols(Values x, Bits noise) const {
    const Values t = scaled(x);
    const Integers whole = hn::ConvertTo(Words(), t);
    const Values fraction = hn::Sub(t, hn::ConvertTo(Floats(), whole));
    // An integer is below F exactly when it is below the next integer from F on.
    const Integers bound = hn::ConvertTo(Words(), hn::Ceil(hn::Mul(fraction, hn::Set(Floats(), 0x1p31F))));
    const auto up = hn::Lt(hn::BitCast(Words(), hn::ShiftRight<1>(noise)), bound);
    const Bits level = hn::BitCast(Unsigned(), hn::Sub(whole, hn::VecFromMask(Words(), up)));
    return hn::Or(hn::Add(level, level), hn::ShiftRight<31>(hn::BitCast(Unsigned(), x)));
  }

 private:
  HWY_INLINE Values scaled(Values x) const { return hn::Mul(hn::Abs(x), inverse_step_); }

  Values inverse_step_;
  Values to_bound_;
};

class Powers {
 public:
  HWY_INLINE bool may_write(Values, Bits) const { return true; }

  HWY_INLINE Bits symbols(Values x, Bits noise) const {
    const Unsigned d;
    const Bits bits = hn::BitCast(d, x);
    const Bits carried = hn::Add(hn::And(bits, hn::Set(d, 0x7fffffff)), hn::And(noise, hn::Set(d, 0x7fffff)));
    const Bits exponent = hn::Min(hn::ShiftRight<23>(carried), hn::Set(d, 254));
    return hn::Or(hn::Add(exponent, exponent), hn::ShiftRight<31>(bits));
  }
};

// Writes what there is to the front of the outputs, which have room for a vector. Returns how many it is.
template <typename Rounding>
HWY_INLINE std::size_t write_vector(const Rounding& rounding, Values x, Bits noise, Bits coordinate,
                                    std::uint32_t* indices, std::uint32_t* symbols) {
  const Unsigned d;
  const Bits symbol = rounding.symbols(x, noise);
  const Kept kept(hn::Gt(hn::BitCast(Words(), symbol), hn::Set(Words(), 1)));
  hn::StoreU(kept.front(coordinate), d, indices);
  hn::StoreU(kept.front(symbol), d, symbols);
  return kept.count();
}

template <typename Rounding>
HWY_INLINE std::size_t write_all(const Rounding& rounding, const Noise& noise, const float* HWY_RESTRICT x,
                                 std::size_t size, std::uint32_t first_index, std::uint32_t* HWY_RESTRICT indices,
                                 std::uint32_t* HWY_RESTRICT symbols) {
  constexpr std::size_t kFloats = hn::MaxLanes(Floats());
  const auto step = hn::Set(Unsigned(), static_cast<std::uint32_t>(kFloats));
  Bits coordinate = hn::Iota(Unsigned(), first_index);
  std::size_t count = 0;
  std::size_t j = 0;
  for (; j + kFloats <= size; j += kFloats) {
    fetch_ahead(x + j);
    const Values value = hn::LoadU(Floats(), x + j);
    const Bits drawn = noise(coordinate);
    if (rounding.may_write(value, drawn)) {
      count += write_vector(rounding, value, drawn, coordinate, indices + count, symbols + count);
    }
    coordinate = hn::Add(coordinate, step);
  }
  if (j < size) {
    float rest[kFloats] = {};
    std::uint32_t rest_indices[kFloats];
    std::uint32_t rest_symbols[kFloats];
    std::memcpy(rest, x + j, (size - j) * sizeof(float));
    const std::size_t written =
        write_vector(rounding, hn::LoadU(Floats(), rest), noise(coordinate), coordinate, rest_indices, rest_symbols);
    std::memcpy(indices + count, rest_indices, written * sizeof(std::uint32_t));
    std::memcpy(symbols + count, rest_symbols, written * sizeof(std::uint32_t));
    count += written;
  }
  return count;
}

std::size_t quantise_levels(const float* x, std::size_t size, float inverse_step, NoiseKey key,
                            std::uint32_t first_index, std::uint32_t* indices, std::uint32_t* symbols) {
  return write_all(Levels(inverse_step), Noise(key), x, size, first_index, indices, symbols);
}

std::size_t round_to_powers(const float* x, std::size_t size, NoiseKey key, std::uint32_t first_index,
                            std::uint32_t* indices, std::uint32_t* symbols) {
  return write_all(Powers(), Noise(key), x, size, first_index, indices, symbols);
}

}  // namespace laconic::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace laconic::kernels {

HWY_EXPORT(quantise_levels);
HWY_EXPORT(round_to_powers);

namespace {
void check_room(std::size_t size, std::size_t indices, std::size_t symbols) {
  LACONIC_CHECK(indices >= size && symbols >= size,
                "room for " << indices << " indices and " << symbols << " symbols of " << size << " elements");
}
}  // namespace

std::size_t quantise_levels(std::span<const float> x, float inverse_step, NoiseKey key, std::uint32_t first_index,
                            std::span<std::uint32_t> indices, std::span<std::uint32_t> symbols) {
  check_room(x.size(), indices.size(), symbols.size());
  return HWY_DYNAMIC_DISPATCH(quantise_levels)(x.data(), x.size(), inverse_step, key, first_index, indices.data(),
                                               symbols.data());
}

std::size_t round_to_powers(std::span<const float> x, NoiseKey key, std::uint32_t first_index,
                            std::span<std::uint32_t> indices, std::span<std::uint32_t> symbols) {
  check_room(x.size(), indices.size(), symbols.size());
  return HWY_DYNAMIC_DISPATCH(round_to_powers)(x.data(), x.size(), key, first_index, indices.data(), symbols.data());
}

}  // namespace laconic::kernels
#endif  // HWY_ONCE
