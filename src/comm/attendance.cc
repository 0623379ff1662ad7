#include "comm/attendance.h"

#include "base/byte_stream.h"
#include "base/error.h"
#include "comm/crc32c.h"

namespace laconic {
namespace {

constexpr std::uint8_t kMostSteps = 253;
constexpr std::uint8_t kAllTold = 254;
constexpr std::uint8_t kStepTold = 255;
constexpr std::uint64_t kRoundsUntilAllIsTold = 64;
constexpr std::uint8_t kMembersFollow = 1;
constexpr std::uint8_t kDecisionBefore = 2;

// Of a result whose payload is of no known size, and that names the members: what is behind the decision.
std::span<const std::byte> named_view_of(const Frame& result, int slots) {
  const std::size_t size = named_view_size(slots);
  if (result.payload().size() < size)
    throw DecodeError("an answer of the coordinator without the view that it is over");
  return result.payload().last(size);
}

// The decision before that, where there is one.
std::optional<std::uint32_t> decision_of(const Frame& result, int slots) {
  ByteReader view(named_view_of(result, slots), "view of a result");
  view.u32();
  if ((view.u8() & kDecisionBefore) == 0) return std::nullopt;
  const std::size_t size = decision_size(slots);
  if (result.payload().size() < size) throw DecodeError("an answer of the coordinator without its decision");
  return ByteReader(result.payload().last(size), "decision of a result").u32();
}

}  // namespace

bool tells_all(const FrameHeader& header) {
  const bool is_much = header.traffic == Traffic::kModel || header.traffic == Traffic::kGradient;
  return is_much || header.round.value % kRoundsUntilAllIsTold == 0;
}

std::vector<std::byte> encode_standing(const Standing& standing, const FrameHeader& header) {
  LACONIC_CHECK(standing.step.value <= UINT32_MAX, "step " << standing.step.value);
  LACONIC_CHECK(standing.step >= standing.heard, "step " << standing.step.value << " before that of a result");
  const std::uint64_t steps = standing.step.value - standing.heard.value;
  ByteWriter out;
  if (!tells_all(header) && steps <= kMostSteps) {
    out.u8(static_cast<std::uint8_t>(steps));
    return out.take();
  }
  out.u32(static_cast<std::uint32_t>(standing.step.value));
  if (tells_all(header)) out.u32(standing.history);
  out.u8(tells_all(header) ? kAllTold : kStepTold);
  return out.take();
}

std::size_t standing_size(const Frame& part) {
  const std::span<const std::byte> payload = part.payload();
  if (payload.empty()) throw DecodeError("a part of a collective without a standing");
  const auto last = static_cast<std::uint8_t>(payload.back());
  const std::size_t size = last == kAllTold ? kFullStanding : last == kStepTold ? sizeof(std::uint32_t) + 1 : 1;
  if (payload.size() < size) throw DecodeError("a part of a collective that is too short");
  return size;
}

SaidStanding decode_standing(const Frame& part, Step newest) {
  const std::size_t size = standing_size(part);
  ByteReader in(part.payload().last(size), "standing behind a part");
  SaidStanding said;
  if (size == 1) {
    said.step = {newest.value + in.u8()};
    return said;
  }
  said.step = {in.u32()};
  if (size == kFullStanding) said.history = in.u32();
  return said;
}

std::vector<std::byte> encode_view(const View& view, bool is_news, int slots) {
  ByteWriter out;
  if (!is_news) return out.take();
  out.u32(view.number);
  out.u8(kMembersFollow);
  write_members(out, view.members, slots);
  return out.take();
}

std::vector<std::byte> encode_decision(std::uint32_t decision, const View& view, int slots) {
  ByteWriter out;
  out.u32(decision);
  out.u32(view.number);
  out.u8(kMembersFollow | kDecisionBefore);
  write_members(out, view.members, slots);
  return out.take();
}

std::size_t named_view_size(int slots) { return sizeof(std::uint32_t) + 1 + (static_cast<std::size_t>(slots) + 7) / 8; }

std::size_t decision_size(int slots) { return sizeof(std::uint32_t) + named_view_size(slots); }

View decode_view(const Frame& result, std::size_t size, const View& before, int slots) {
  ByteReader in(result.payload(), "result of a collective");
  in.raw(size);
  if (in.remaining() == 0) return before;
  View view{.number = in.u32(), .members = {}};
  const std::uint8_t what = in.u8();
  if (what > (kMembersFollow | kDecisionBefore)) in.fail("neither news nor none");
  if ((what & kMembersFollow) == 0) in.fail("a view without its members");
  view.members = read_members(in, slots);
  in.expect_end();
  // Who has just entered knows the view already.
  const bool is_known = view == before;
  if (view.number <= before.number && !is_known) in.fail("view " + std::to_string(view.number) + " after a later one");
  return view;
}

View decode_named_view(const Frame& result, int slots) {
  ByteReader in(named_view_of(result, slots), "view of a result");
  View view{.number = in.u32(), .members = {}};
  if (in.u8() != kMembersFollow) in.fail("a view without its members");
  view.members = read_members(in, slots);
  in.expect_end();
  return view;
}

std::uint32_t next_history(std::uint32_t history, const Frame& result, int slots) {
  std::optional<std::uint32_t> decision;
  // A reduction's is for all, and its size known to who reads it.
  if (result.header().tag != Tag::kReduced) decision = decision_of(result, slots);
  ByteWriter out;
  out.u32(decision.value_or(result.checksum()));
  return crc32c(out.bytes(), history);
}

}  // namespace laconic
