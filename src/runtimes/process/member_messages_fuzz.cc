// Whatever comes as a word on who is present, or behind a collective's payload, is decoded or refused with a DecodeError.
//
// The first byte says how: 0, the rest is a message; 1, the part of a collective; 2, its result, behind 4 bytes.
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.h"
#include "comm/attendance.h"
#include "runtimes/process/member_messages.h"

namespace {

constexpr int kSlots = 11;
constexpr std::uint64_t kMaxState = 1000;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace laconic;
  if (size == 0) return 0;
  const auto rest = std::as_bytes(std::span(data + 1, size - 1));
  const Frame frame(FrameHeader{Traffic::kControl, Tag::kMembership, Round{0}}, rest);
  try {
    if (data[0] == 0) {
      const process::MemberMessage message = process::decode_member_message(frame, kSlots, kMaxState);
      if (const auto* enter = std::get_if<process::Enter>(&message)) {
        LACONIC_CHECK(enter->state.size() <= kMaxState, "a long state");
        for (const Rank rank : enter->view.members) LACONIC_CHECK(is_node(rank, kSlots), "no slot");
      }
      if (const auto* offer = std::get_if<process::Offer>(&message)) {
        LACONIC_CHECK(offer->size <= kMaxState && offer->checksums.size() <= 1, "a long state");
      }
    } else if (data[0] == 1) {
      const SaidStanding said = decode_standing(frame, {5});
      LACONIC_CHECK(said.step.value <= UINT32_MAX, "a step out of range");
    } else {
      const View before{.number = 3, .members = {{0}, {2}}};
      const View view = decode_view(frame, 4, before, kSlots);
      LACONIC_CHECK(view.number >= before.number, "a view goes backwards");
      for (const Rank rank : view.members) LACONIC_CHECK(is_node(rank, kSlots), "no slot");
    }
  } catch (const DecodeError&) {
  }
  return 0;
}
