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
  if (is_news) write_members(out, view.members, slots);
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
  view.members = read_members(in, slots);
  in.expect_end();
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
