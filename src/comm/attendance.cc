#include "comm/attendance.h"

#include "base/byte_stream.h"
#include "base/error.h"
#include "comm/crc32c.h"

namespace laconic {

std::vector<std::byte> encode_standing(const Standing& standing) {
  LACONIC_CHECK(standing.step.value <= UINT32_MAX, "step " << standing.step.value);
  ByteWriter out;
  out.u32(static_cast<std::uint32_t>(standing.step.value));
  out.u32(standing.history);
  return out.take();
}

Standing decode_standing(const Frame& part) {
  ByteReader in(part.payload(), "part of a collective");
  if (in.remaining() < kStandingSize) in.fail("too short");
  in.raw(in.remaining() - kStandingSize);
  Standing standing;
  standing.step = {in.u32()};
  standing.history = in.u32();
  return standing;
}

std::vector<std::byte> encode_view(const View& view, bool is_news, int slots) {
  ByteWriter out;
  out.u32(view.number);
  out.u8(is_news ? 1 : 0);
  if (!is_news) return out.take();
  const std::span<std::byte> bits = out.extend((static_cast<std::size_t>(slots) + 7) / 8);
  for (const Rank rank : view.members) {
    bits[static_cast<std::size_t>(rank.value) / 8] |= std::byte{1} << (rank.value % 8);
  }
  return out.take();
}

std::size_t named_view_size(int slots) { return sizeof(std::uint32_t) + 1 + (static_cast<std::size_t>(slots) + 7) / 8; }

View decode_view(const Frame& result, std::size_t size, const View& before, int slots) {
  ByteReader in(result.payload(), "result of a collective");
  in.raw(size);
  View view{.number = in.u32(), .members = {}};
  const std::uint8_t news = in.u8();
  if (news > 1) in.fail("neither news nor none");
  if (news == 0) {
    in.expect_end();
    if (view.number != before.number) in.fail("view " + std::to_string(view.number) + ", which nobody has told of");
    return before;
  }
  const std::span<const std::byte> bits = in.raw((static_cast<std::size_t>(slots) + 7) / 8);
  in.expect_end();
  for (std::size_t slot = 0; slot < 8 * bits.size(); ++slot) {
    if ((bits[slot / 8] >> (slot % 8) & std::byte{1}) == std::byte{0}) continue;
    if (slot >= static_cast<std::size_t>(slots)) in.fail("slot " + std::to_string(slot));
    view.members.push_back({static_cast<std::int32_t>(slot)});
  }
  // Who has just entered knows the view already.
  const bool is_known = view == before;
  if (view.number <= before.number && !is_known) in.fail("view " + std::to_string(view.number) + " after a later one");
  return view;
}

std::uint32_t next_history(std::uint32_t history, const Frame& result) {
  ByteWriter out;
  out.u32(result.checksum());
  return crc32c(out.bytes(), history);
}

}  // namespace laconic
