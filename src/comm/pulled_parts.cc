#include "comm/pulled_parts.h"

#include <algorithm>
#include <string>

#include "base/byte_stream.h"
#include "base/error.h"

namespace laconic {
namespace {

void check_range(const ByteReader& in, std::uint64_t first, std::uint64_t count, std::size_t size) {
  if (count == 0 || first >= size || count > size - first) {
    in.fail(std::to_string(count) + " elements from " + std::to_string(first) + " on, of " + std::to_string(size));
  }
}

}  // namespace

Frame encode_announcement(const FrameHeader& of, std::size_t count, std::span<const std::byte> standing) {
  ByteWriter out;
  out.u8(static_cast<std::uint8_t>(of.tag));
  out.u64(count);
  out.raw(standing);
  return {{.traffic = of.traffic, .tag = Tag::kAnnouncedPart, .round = of.round}, out.bytes()};
}

Announcement decode_announcement(const Frame& part, std::uint64_t largest) {
  ByteReader in(part.payload(), "announcement of a part");
  const Tag of{in.u8()};
  if (of != Tag::kReduceMean && of != Tag::kReduceSum && of != Tag::kReduceWeightedMean) {
    in.fail("of no mean and no sum");
  }
  const std::uint64_t count = in.u64();
  if (count == 0 || count > largest / sizeof(float)) {
    in.fail(std::to_string(count) + " floats, where a part has at most " + std::to_string(largest) + " bytes");
  }
  in.raw(standing_size(part));
  in.expect_end();
  return {.of = of, .count = static_cast<std::size_t>(count)};
}

Frame encode_pull(Round round, const PieceRange& range) {
  LACONIC_CHECK(range.count <= UINT32_MAX, "a piece of " << range.count << " elements");
  ByteWriter out;
  out.u64(range.first);
  out.u32(static_cast<std::uint32_t>(range.count));
  return {{.traffic = Traffic::kControl, .tag = Tag::kPull, .round = round}, out.bytes()};
}

PieceRange decode_pull(const Frame& request, std::size_t size) {
  ByteReader in(request.payload(), "request for a piece");
  const std::uint64_t first = in.u64();
  const std::uint32_t count = in.u32();
  in.expect_end();
  check_range(in, first, count, size);
  return {.first = static_cast<std::size_t>(first), .count = count};
}

Frame encode_pulled(const FrameHeader& of, std::span<const float> part, const PieceRange& range) {
  ByteWriter place;
  place.u64(range.first);
  const std::span<const std::byte> floats = std::as_bytes(part.subspan(range.first, range.count));
  const FrameHeader header{.traffic = of.traffic, .tag = Tag::kPulled, .round = of.round};
  return {header, floats.size() + kPlaceSize, [&](std::span<std::byte> out) {
            std::ranges::copy(floats, out.begin());
            std::ranges::copy(place.bytes(), out.last(kPlaceSize).begin());
          }};
}

PieceRange decode_pulled(const Frame& piece, std::size_t size) {
  ByteReader in(piece.payload(), "piece of a part");
  if (in.remaining() < kPlaceSize || in.remaining() % sizeof(float) != 0) in.fail("no floats and their place");
  const std::size_t count = (in.remaining() - kPlaceSize) / sizeof(float);
  in.raw(count * sizeof(float));
  const std::uint64_t first = in.u64();
  check_range(in, first, count, size);
  return {.first = static_cast<std::size_t>(first), .count = count};
}

}  // namespace laconic
