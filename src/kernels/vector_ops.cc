#include "kernels/vector_ops.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#include "base/error.h"
#include "kernels/drift_tile.h"

// The vectors of scalable instruction sets cannot be held in arrays; their processors run the NEON code.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/vector_ops.cc"
#include <hwy/foreach_target.h>  // compiles the part up to HWY_AFTER_NAMESPACE once a target
//
#include <hwy/highway.h>

#include "kernels/partial_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace laconic::kernels::HWY_NAMESPACE {

double dot(const float* HWY_RESTRICT a, const float* HWY_RESTRICT b, std::size_t size) {
  PartialSums sums;
  std::size_t j = 0;
  for (; j + kLanes <= size; j += kLanes) {
    fetch_ahead(a + j);
    fetch_ahead(b + j);
    for (std::size_t part = 0; part < kParts; ++part) {
      const std::size_t at = j + part * kWidth;
      sums.add(part, hn::Mul(load_wide(a + at), load_wide(b + at)));
    }
  }
  double lanes[kLanes];
  sums.store(lanes);
  for (std::size_t lane = 0; j < size; ++j, ++lane)
    lanes[lane] += static_cast<double>(a[j]) * static_cast<double>(b[j]);
  return fold(lanes);
}

double squared_norm(const float* a, std::size_t size) {
  PartialSums sums;
  std::size_t j = 0;
  for (; j + kLanes <= size; j += kLanes) {
    fetch_ahead(a + j);
    for (std::size_t part = 0; part < kParts; ++part) {
      const Wide value = load_wide(a + j + part * kWidth);
      sums.add(part, hn::Mul(value, value));
    }
  }
  double lanes[kLanes];
  sums.store(lanes);
  for (std::size_t lane = 0; j < size; ++j, ++lane)
    lanes[lane] += static_cast<double>(a[j]) * static_cast<double>(a[j]);
  return fold(lanes);
}

double squared_distance(const float* a, const float* b, std::size_t size) {
  PartialSums sums;
  std::size_t j = 0;
  for (; j + kLanes <= size; j += kLanes) {
    fetch_ahead(a + j);
    fetch_ahead(b + j);
    for (std::size_t part = 0; part < kParts; ++part) {
      const std::size_t at = j + part * kWidth;
      const Wide difference = hn::Sub(load_wide(a + at), load_wide(b + at));
      sums.add(part, hn::Mul(difference, difference));
    }
  }
  double lanes[kLanes];
  sums.store(lanes);
  for (std::size_t lane = 0; j < size; ++j, ++lane) {
    const double difference = static_cast<double>(a[j]) - static_cast<double>(b[j]);
    lanes[lane] += difference * difference;
  }
  return fold(lanes);
}

Drift drift(const float* params, const float* reference, const float* previous, std::size_t size) {
  PartialSums norm_sums;
  PartialSums along_sums;
  std::size_t j = 0;
  for (; j + kLanes <= size; j += kLanes) {
    fetch_ahead(params + j);
    fetch_ahead(reference + j);
    fetch_ahead(previous + j);
    for (std::size_t part = 0; part < kParts; ++part) {
      const std::size_t at = j + part * kWidth;
      const Wide origin = load_wide(reference + at);
      const Wide moved = hn::Sub(load_wide(params + at), origin);
      const Wide direction = hn::Sub(origin, load_wide(previous + at));
      norm_sums.add(part, hn::Mul(moved, moved));
      along_sums.add(part, hn::Mul(moved, direction));
    }
  }
  double norm_lanes[kLanes];
  double along_lanes[kLanes];
  norm_sums.store(norm_lanes);
  along_sums.store(along_lanes);
  for (std::size_t lane = 0; j < size; ++j, ++lane) {
    const double origin = reference[j];
    const double moved = static_cast<double>(params[j]) - origin;
    const double direction = origin - static_cast<double>(previous[j]);
    norm_lanes[lane] += moved * moved;
    along_lanes[lane] += moved * direction;
  }
  return {.squared_norm = fold(norm_lanes), .along = fold(along_lanes)};
}

void drift_tile(const float* params, const float* reference, std::size_t size, double* HWY_RESTRICT difference,
                double* HWY_RESTRICT lanes) {
  PartialSums sums(lanes);
  std::size_t j = 0;
  for (; j + kLanes <= size; j += kLanes) {
    for (std::size_t part = 0; part < kParts; ++part) {
      const std::size_t at = j + part * kWidth;
      const Wide moved = hn::Sub(load_wide(params + at), load_wide(reference + at));
      hn::StoreU(moved, Doubles(), difference + at);
      sums.add(part, hn::Mul(moved, moved));
    }
  }
  sums.store(lanes);
  for (std::size_t lane = 0; j < size; ++j, ++lane) {
    difference[j] = static_cast<double>(params[j]) - static_cast<double>(reference[j]);
    lanes[lane] += difference[j] * difference[j];
  }
}

void subtract(const float* a, const float* b, float* out, std::size_t size) {
  const Floats d;
  const std::size_t width = hn::Lanes(d);
  std::size_t j = 0;
  for (; j + width <= size; j += width) hn::StoreU(hn::Sub(hn::LoadU(d, a + j), hn::LoadU(d, b + j)), d, out + j);
  for (; j < size; ++j) out[j] = a[j] - b[j];
}

void axpy(float alpha, const float* HWY_RESTRICT x, float* HWY_RESTRICT y, std::size_t size) {
  const Floats d;
  const std::size_t width = hn::Lanes(d);
  const auto factor = hn::Set(d, alpha);
  std::size_t j = 0;
  for (; j + width <= size; j += width) {
    hn::StoreU(hn::Add(hn::LoadU(d, y + j), hn::Mul(factor, hn::LoadU(d, x + j))), d, y + j);
  }
  for (; j < size; ++j) y[j] += alpha * x[j];
}

void axpy_difference(float alpha, const float* a, const float* b, float* y, std::size_t size) {
  const Floats d;
  const std::size_t width = hn::Lanes(d);
  const auto factor = hn::Set(d, alpha);
  std::size_t j = 0;
  for (; j + width <= size; j += width) {
    const auto difference = hn::Sub(hn::LoadU(d, a + j), hn::LoadU(d, b + j));
    hn::StoreU(hn::Add(hn::LoadU(d, y + j), hn::Mul(factor, difference)), d, y + j);
  }
  for (; j < size; ++j) y[j] += alpha * (a[j] - b[j]);
}

void scaled(float alpha, const float* x, float* out, std::size_t size) {
  const Floats d;
  const std::size_t width = hn::Lanes(d);
  const auto factor = hn::Set(d, alpha);
  std::size_t j = 0;
  for (; j + width <= size; j += width) hn::StoreU(hn::Mul(factor, hn::LoadU(d, x + j)), d, out + j);
  for (; j < size; ++j) out[j] = alpha * x[j];
}

void add_change(float gain, float alpha, const float* HWY_RESTRICT z, float* HWY_RESTRICT x, std::size_t size) {
  const Floats d;
  const std::size_t width = hn::Lanes(d);
  const auto factor = hn::Set(d, alpha);
  const auto amount = hn::Set(d, gain);
  std::size_t j = 0;
  for (; j + width <= size; j += width) {
    const auto before = hn::LoadU(d, x + j);
    const auto change = hn::Sub(hn::LoadU(d, z + j), hn::Mul(factor, before));
    hn::StoreU(hn::Add(before, hn::Mul(amount, change)), d, x + j);
  }
  for (; j < size; ++j) x[j] += gain * (z[j] - alpha * x[j]);
}

void accumulate(double weight, const float* HWY_RESTRICT x, double* HWY_RESTRICT sum, std::size_t size) {
  const Doubles d;
  const Wide factor = hn::Set(d, weight);
  std::size_t j = 0;
  for (; j + kWidth <= size; j += kWidth) {
    hn::StoreU(hn::Add(hn::LoadU(d, sum + j), hn::Mul(factor, load_wide(x + j))), d, sum + j);
  }
  for (; j < size; ++j) sum[j] += weight * static_cast<double>(x[j]);
}

// kStream: past the caches, for an `out` on a cache line's start; only the last values, short of a vector, go through.
template <bool kStream>
HWY_INLINE void divide(const double* HWY_RESTRICT sum, double divisor, float* HWY_RESTRICT out, std::size_t size) {
  const Doubles d;
  const NarrowFloats narrow;
  const Wide below = hn::Set(d, divisor);
  std::size_t j = 0;
  for (; j + kWidth <= size; j += kWidth) {
    const auto quotient = hn::DemoteTo(narrow, hn::Div(hn::LoadU(d, sum + j), below));
    if constexpr (kStream) {
      hn::Stream(quotient, narrow, out + j);
    } else {
      hn::StoreU(quotient, narrow, out + j);
    }
  }
  for (; j < size; ++j) out[j] = static_cast<float>(sum[j] / divisor);
}

void finish_mean(const double* HWY_RESTRICT sum, double divisor, float* HWY_RESTRICT out, std::size_t size) {
  divide<false>(sum, divisor, out, size);
}

// sums += sum_k weights_k vectors_k, k from 0 to kCount - 1 in this order, from element `begin` of the vectors on.
template <std::size_t kCount>
void accumulate_group(const std::span<const float>* vectors, const double* weights, std::size_t begin,
                      double* HWY_RESTRICT sums, std::size_t size) {
  const Doubles d;
  std::size_t j = 0;
  for (; j + kLanes <= size; j += kLanes) {
    Wide parts[kParts];
    for (std::size_t part = 0; part < kParts; ++part) parts[part] = hn::LoadU(d, sums + j + part * kWidth);
    for (std::size_t k = 0; k < kCount; ++k) {
      const float* x = vectors[k].data() + begin + j;
      const Wide factor = hn::Set(d, weights[k]);
      fetch_ahead(x);
      for (std::size_t part = 0; part < kParts; ++part) {
        parts[part] = hn::Add(parts[part], hn::Mul(factor, load_wide(x + part * kWidth)));
      }
    }
    for (std::size_t part = 0; part < kParts; ++part) hn::StoreU(parts[part], d, sums + j + part * kWidth);
  }
  for (; j < size; ++j) {
    for (std::size_t k = 0; k < kCount; ++k) sums[j] += weights[k] * static_cast<double>(vectors[k][begin + j]);
  }
}

constexpr std::size_t kGroup = 8;
constexpr decltype(&accumulate_group<1>) kAccumulateGroup[kGroup + 1] = {nullptr,
                                                                         accumulate_group<1>,
                                                                         accumulate_group<2>,
                                                                         accumulate_group<3>,
                                                                         accumulate_group<4>,
                                                                         accumulate_group<5>,
                                                                         accumulate_group<6>,
                                                                         accumulate_group<7>,
                                                                         accumulate_group<8>};

void weighted_mean(const std::span<const float>* vectors, const double* weights, std::size_t count, double divisor,
                   float* out, std::size_t size) {
  // A tile's sums stay in the first-level cache while every vector's piece of the tile streams through, some vectors at
  // a time. The tile is short so that the processor loads the next one while it still divides this one. A result that
  // is too large to be found in a cache later is written past it: an ordinary store would first read the line that it
  // overwrites. For that the first tile ends where a cache line of `out` begins.
  constexpr std::size_t kTile = 128;
  constexpr std::size_t kLineBytes = 64;
  constexpr std::size_t kStreamFrom = std::size_t{1} << 20;
  const bool stream = size >= kStreamFrom;
  const std::size_t head =
      (kLineBytes - reinterpret_cast<std::uintptr_t>(out) % kLineBytes) % kLineBytes / sizeof(float);
  HWY_ALIGN double sums[kTile];
  std::size_t length = 0;
  for (std::size_t begin = 0; begin < size; begin += length) {
    const bool before_line = begin == 0 && head != 0;
    length = std::min(before_line ? head : kTile, size - begin);
    std::fill_n(sums, length, 0.0);
    for (std::size_t k = 0; k < count; k += kGroup) {
      kAccumulateGroup[std::min(kGroup, count - k)](vectors + k, weights + k, begin, sums, length);
    }
    if (stream && !before_line) {
      divide<true>(sums, divisor, out + begin, length);
    } else {
      divide<false>(sums, divisor, out + begin, length);
    }
  }
  if (stream) hwy::FlushStream();
}

bool all_finite(const float* x, std::size_t size) {
  // A float is finite exactly when its bits without the sign, read as an integer, are below those of infinity.
  constexpr std::int32_t kInfinity = 0x7f800000;
  constexpr std::size_t kBlock = 4096;
  const Words d;
  const std::size_t width = hn::Lanes(d);
  const auto magnitude = hn::Set(d, 0x7fffffff);
  for (std::size_t begin = 0; begin < size; begin += kBlock) {
    const std::size_t end = std::min(size, begin + kBlock);
    auto largest = hn::Zero(d);
    std::size_t j = begin;
    for (; j + width <= end; j += width) {
      largest = hn::Max(largest, hn::And(magnitude, hn::BitCast(d, hn::LoadU(Floats(), x + j))));
    }
    if (hn::GetLane(hn::MaxOfLanes(d, largest)) >= kInfinity) return false;
    for (; j < end; ++j) {
      if ((std::bit_cast<std::int32_t>(x[j]) & 0x7fffffff) >= kInfinity) return false;
    }
  }
  return true;
}

}  // namespace laconic::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace laconic::kernels {

HWY_EXPORT(dot);
HWY_EXPORT(squared_norm);
HWY_EXPORT(squared_distance);
HWY_EXPORT(drift);
HWY_EXPORT(drift_tile);
HWY_EXPORT(subtract);
HWY_EXPORT(axpy);
HWY_EXPORT(axpy_difference);
HWY_EXPORT(scaled);
HWY_EXPORT(add_change);
HWY_EXPORT(accumulate);
HWY_EXPORT(finish_mean);
HWY_EXPORT(weighted_mean);
HWY_EXPORT(all_finite);

namespace {
thread_local std::uint64_t elements_passed = 0;
void count(std::size_t size) { elements_passed += size; }

template <typename A, typename B>
void check_sizes(const A& a, const B& b) {
  LACONIC_CHECK(a.size() == b.size(), "vectors of " << a.size() << " and " << b.size() << " elements");
}
}  // namespace

double dot(std::span<const float> a, std::span<const float> b) {
  count(a.size());
  check_sizes(a, b);
  return HWY_DYNAMIC_DISPATCH(dot)(a.data(), b.data(), a.size());
}

double squared_norm(std::span<const float> a) {
  count(a.size());
  return HWY_DYNAMIC_DISPATCH(squared_norm)(a.data(), a.size());
}

double squared_distance(std::span<const float> a, std::span<const float> b) {
  count(a.size());
  check_sizes(a, b);
  return HWY_DYNAMIC_DISPATCH(squared_distance)(a.data(), b.data(), a.size());
}

Drift drift(std::span<const float> params, std::span<const float> reference, std::span<const float> previous) {
  count(params.size());
  check_sizes(params, reference);
  check_sizes(params, previous);
  return HWY_DYNAMIC_DISPATCH(drift)(params.data(), reference.data(), previous.data(), params.size());
}

void detail::drift_tile(std::span<const float> params, std::span<const float> reference, std::span<double> difference,
                        std::span<double, kLanes> lanes) {
  count(params.size());
  check_sizes(params, reference);
  check_sizes(params, difference);
  HWY_DYNAMIC_DISPATCH(drift_tile)(params.data(), reference.data(), params.size(), difference.data(), lanes.data());
}

double detail::fold_lanes(std::span<double, kLanes> lanes) { return HWY_STATIC_DISPATCH(fold)(lanes.data()); }

void subtract(std::span<const float> a, std::span<const float> b, std::span<float> out) {
  count(a.size());
  check_sizes(a, b);
  check_sizes(a, out);
  HWY_DYNAMIC_DISPATCH(subtract)(a.data(), b.data(), out.data(), a.size());
}

void axpy(float alpha, std::span<const float> x, std::span<float> y) {
  count(x.size());
  check_sizes(x, y);
  HWY_DYNAMIC_DISPATCH(axpy)(alpha, x.data(), y.data(), x.size());
}

void axpy_difference(float alpha, std::span<const float> a, std::span<const float> b, std::span<float> y) {
  count(a.size());
  check_sizes(a, b);
  check_sizes(a, y);
  HWY_DYNAMIC_DISPATCH(axpy_difference)(alpha, a.data(), b.data(), y.data(), y.size());
}

void scaled(float alpha, std::span<const float> x, std::span<float> out) {
  count(x.size());
  check_sizes(x, out);
  HWY_DYNAMIC_DISPATCH(scaled)(alpha, x.data(), out.data(), x.size());
}

void add_change(float gain, float alpha, std::span<const float> z, std::span<float> x) {
  count(z.size());
  check_sizes(z, x);
  HWY_DYNAMIC_DISPATCH(add_change)(gain, alpha, z.data(), x.data(), x.size());
}

void scale(float alpha, std::span<float> x) { scaled(alpha, x, x); }

void accumulate(double weight, std::span<const float> x, std::span<double> sum) {
  count(x.size());
  check_sizes(x, sum);
  HWY_DYNAMIC_DISPATCH(accumulate)(weight, x.data(), sum.data(), x.size());
}

void finish_mean(std::span<const double> sum, double divisor, std::span<float> out) {
  count(sum.size());
  check_sizes(sum, out);
  HWY_DYNAMIC_DISPATCH(finish_mean)(sum.data(), divisor, out.data(), sum.size());
}

void weighted_mean(std::span<const std::span<const float>> vectors, std::span<const double> weights,
                   std::span<float> out) {
  count(vectors.size() * out.size());
  LACONIC_CHECK(!vectors.empty(), "the mean of no vectors");
  check_sizes(vectors, weights);
  double divisor = 0.0;
  for (std::size_t k = 0; k < vectors.size(); ++k) {
    check_sizes(vectors[k], out);
    divisor += weights[k];
  }
  HWY_DYNAMIC_DISPATCH(weighted_mean)(vectors.data(), weights.data(), vectors.size(), divisor, out.data(), out.size());
}

bool all_finite(std::span<const float> x) {
  count(x.size());
  return HWY_DYNAMIC_DISPATCH(all_finite)(x.data(), x.size());
}

void copy(std::span<const float> x, std::span<float> out) {
  count(x.size());
  check_sizes(x, out);
  if (!x.empty()) std::memcpy(out.data(), x.data(), x.size_bytes());
}

std::uint64_t elements_on_this_thread() { return elements_passed; }

}  // namespace laconic::kernels
#endif  // HWY_ONCE
