// What a member and the coordinator say of a part that is pulled piece by piece (pulled_reduction.h).
//
//   announcement := of:u8 count:u64 standing      of: the tag of the part that it stands for; standing: attendance.h
//   request      := first:u64 count:u32           elements of that part
//   piece        := float32* first:u64            these elements
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "comm/attendance.h"
#include "comm/frame.h"

namespace laconic {

struct Announcement {
  Tag of = Tag::kReduceMean;  // kReduceMean, kReduceSum or kReduceWeightedMean
  std::size_t count = 0;      // floats
};
// With the standing behind it. Throws DecodeError where the vector has more than `largest` bytes.
Frame encode_announcement(const FrameHeader& of, std::size_t count, std::span<const std::byte> standing);
Announcement decode_announcement(const Frame& part, std::uint64_t largest);

// Behind the floats of a piece.
inline constexpr std::size_t kPlaceSize = 8;

// Elements of a part.
struct PieceRange {
  std::size_t first = 0;
  std::size_t count = 0;  // below 2^32
  friend bool operator==(const PieceRange&, const PieceRange&) = default;
};
Frame encode_pull(Round round, const PieceRange& range);
// Throws DecodeError where a vector of `size` elements has no such piece.
PieceRange decode_pull(const Frame& request, std::size_t size);
// `part`: the whole vector, which has these elements. Copies them.
Frame encode_pulled(const FrameHeader& of, std::span<const float> part, const PieceRange& range);
// The same of an answer.
PieceRange decode_pulled(const Frame& piece, std::size_t size);

}  // namespace laconic
