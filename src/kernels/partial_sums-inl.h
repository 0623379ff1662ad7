// What the kernels' files share on every instruction set: the interleaved partial sums of vector_ops.h and the
// look-ahead of streams. For files that Highway compiles once a target; of this folder only.
#if defined(LACONIC_KERNELS_PARTIAL_SUMS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LACONIC_KERNELS_PARTIAL_SUMS_INL_H
#undef LACONIC_KERNELS_PARTIAL_SUMS_INL_H
#else
#define LACONIC_KERNELS_PARTIAL_SUMS_INL_H
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <cstddef>

#include "kernels/vector_ops.h"

HWY_BEFORE_NAMESPACE();
namespace laconic::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Doubles = hn::ScalableTag<double>;
using NarrowFloats = hn::Rebind<float, Doubles>;  // as many floats as there are doubles in a vector
using Floats = hn::ScalableTag<float>;
using Words = hn::RebindToSigned<Floats>;
using Wide = hn::VFromD<Doubles>;

constexpr std::size_t kWidth = hn::MaxLanes(Doubles());
static_assert(kLanes % kWidth == 0);
constexpr std::size_t kParts = kLanes / kWidth;  // vectors that hold the partial sums

HWY_INLINE Wide load_wide(const float* from) { return hn::PromoteTo(Doubles(), hn::LoadU(NarrowFloats(), from)); }

// Asks for the cache line that a stream reads a page later. The hardware's own look-ahead stops at each page's end and
// starts anew, which leaves kernels that only read well below the memory's rate. Harmless beyond the end of a vector.
HWY_INLINE void fetch_ahead(const float* from) {
  constexpr std::size_t kAheadBytes = 4096;
  hwy::Prefetch(reinterpret_cast<const char*>(from) + kAheadBytes);
}

// The kLanes partial sums of one sum.
class PartialSums {
 public:
  HWY_INLINE PartialSums() {
    for (std::size_t part = 0; part < kParts; ++part) parts_[part] = hn::Zero(Doubles());
  }
  HWY_INLINE explicit PartialSums(const double* lanes) {
    for (std::size_t part = 0; part < kParts; ++part) parts_[part] = hn::LoadU(Doubles(), lanes + part * kWidth);
  }
  HWY_INLINE void add(std::size_t part, Wide term) { parts_[part] = hn::Add(parts_[part], term); }
  HWY_INLINE void store(double* lanes) const {
    for (std::size_t part = 0; part < kParts; ++part) hn::StoreU(parts_[part], Doubles(), lanes + part * kWidth);
  }

 private:
  Wide parts_[kParts];
};

// Adds the lanes in one fixed order: halves onto halves.
HWY_INLINE double fold(double* lanes) {
  for (std::size_t half = kLanes / 2; half > 0; half /= 2) {
    for (std::size_t i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  }
  return lanes[0];
}

}  // namespace laconic::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
