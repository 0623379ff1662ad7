// Moves the lanes that a mask names to a vector's front. For files that Highway compiles once a target; of this folder
// only. Highway's own Compress does that too, but where there is no instruction for it (all but AVX-512) version 1.0.3
// keeps its tables in local arrays, which g++ copies to the stack, a kilobyte at each use.
#if defined(LACONIC_KERNELS_KEPT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LACONIC_KERNELS_KEPT_INL_H
#undef LACONIC_KERNELS_KEPT_INL_H
#else
#define LACONIC_KERNELS_KEPT_INL_H
#endif

#include <hwy/highway.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace laconic::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL

// The lanes of float and 32-bit integer vectors that `mask`, one of signed integers, names.
class Kept {
 public:
  using Integers = hn::ScalableTag<std::int32_t>;
  HWY_INLINE explicit Kept(hn::MFromD<Integers> mask) : mask_(mask) {}
  HWY_INLINE std::size_t count() const { return hn::CountTrue(Integers(), mask_); }
  // The kept lanes in order, then anything.
  template <typename Vector>
  HWY_INLINE Vector front(Vector lanes) const {
    return hn::Compress(lanes, hn::RebindMask(hn::DFromV<Vector>(), mask_));
  }

 private:
  hn::MFromD<Integers> mask_;
};

#else

constexpr std::size_t kKeptLanes = hn::MaxLanes(hn::ScalableTag<std::int32_t>());
static_assert(kKeptLanes == 1 || kKeptLanes == 4 || kKeptLanes == 8);

// For every mask what a vector's front is made of: lanes, or bytes where a vector has 16 of them.
constexpr std::size_t kPerLane = kKeptLanes == 4 ? 4 : 1;
constexpr std::size_t kPerMask = kKeptLanes * kPerLane;
constexpr std::array<std::uint8_t, (std::size_t{1} << kKeptLanes) * kPerMask> front_table() {
  std::array<std::uint8_t, (std::size_t{1} << kKeptLanes) * kPerMask> table{};
  for (std::size_t mask = 0; mask < std::size_t{1} << kKeptLanes; ++mask) {
    std::size_t next = mask * kPerMask;
    for (std::size_t lane = 0; lane < kKeptLanes; ++lane) {
      if ((mask >> lane & 1) == 0) continue;
      for (std::size_t i = 0; i < kPerLane; ++i) table[next++] = static_cast<std::uint8_t>(lane * kPerLane + i);
    }
  }
  return table;
}
alignas(64) constexpr auto kFrontTable = front_table();

class Kept {
 public:
  using Integers = hn::ScalableTag<std::int32_t>;
  template <typename Mask>
  HWY_INLINE explicit Kept(Mask mask) {
    std::uint8_t stored[8] = {};
    hn::StoreMaskBits(Integers(), mask, stored);
    bits_ = stored[0];
  }
  HWY_INLINE std::size_t count() const { return hwy::PopCount(static_cast<std::uint64_t>(bits_)); }
  template <typename Vector>
  HWY_INLINE Vector front(Vector lanes) const {
    if constexpr (kKeptLanes == 1) {
      return lanes;
    } else {
      const hn::DFromV<Vector> d;
      const std::uint8_t* const from = kFrontTable.data() + bits_ * kPerMask;
      if constexpr (kPerLane == 4) {
        const hn::Repartition<std::uint8_t, decltype(d)> bytes;
        return hn::BitCast(d, hn::TableLookupBytes(hn::BitCast(bytes, lanes), hn::LoadU(bytes, from)));
      } else {
        const hn::Rebind<std::uint8_t, decltype(d)> narrow;
        const auto order = hn::PromoteTo(Integers(), hn::LoadU(narrow, from));
        return hn::TableLookupLanes(lanes, hn::IndicesFromVec(d, order));
      }
    }
  }

 private:
  std::size_t bits_;
};

#endif

}  // namespace laconic::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
