// What a worker that comes and goes and the coordinator tell each other of that: frames of the tag kMembership, in round
// 0. docs/wire_format.md has them byte by byte. All decoders throw DecodeError.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/byte_stream.h"
#include "base/ids.h"
#include "comm/frame.h"
#include "comm/view.h"

namespace laconic::process {

// The parts in which a state travels.
inline constexpr std::size_t kStatePiece = std::size_t{1} << 20;
inline constexpr std::size_t kMaxReason = 512;

// From a worker. It is there, and no member.
struct Join {
  std::uint32_t start = 0;  // checksum of its first parameters
  // Where members keep what they have in common: the newest result that this one has that too of; else 0.
  Step step = {};
  std::uint32_t history = 0;
};
// It wants a piece of a state.
struct Ask {
  std::uint32_t version = 0;
  std::uint32_t piece = 0;
};
// It has all of a state.
struct Ready {
  std::uint32_t version = 0;
};
// It has taken its last step.
struct Done {
  Step step;
};

// It was present when the coordinator was started again: what it has heard of before.
struct Here {
  std::uint32_t view = 0;  // of the newest result
  Round round;             // whose result it has not heard
  Step step;               // of the newest result
  std::uint32_t history = 0;
};
// The newest result that it has heard.
struct Heard {
  std::span<const std::byte> result;  // the whole frame
};

// What it has in common with the other members after that result.
struct Given {
  Step step;
  std::uint32_t history = 0;
  std::span<const std::byte> state;
};

// On an asynchronous clock: the last step that it has taken.
struct At {
  Step step;
};

// From the coordinator. Those who are members have this in common: its checksums are of its pieces of kStatePiece bytes,
// of which the last may be shorter. Version 0, of no bytes, is the start.
struct Offer {
  std::uint32_t version = 0;
  std::uint64_t size = 0;
  std::vector<std::uint32_t> checksums;
};
struct StatePiece {
  std::uint32_t version = 0;
  std::uint32_t piece = 0;
  std::span<const std::byte> bytes;
};
// The worker is a member, and begins a round after `step` whose first exchange is `round`. `state`: where it is ready
// with another version than this one.
struct Enter {
  View view;
  Round round;
  Step step;
  std::uint32_t history = 0;
  std::uint32_t version = 0;
  bool has_state = false;
  std::span<const std::byte> state;
};
// It is no member any more.
struct Out {
  std::string reason;
};
// It cannot become one.
struct Refused {
  std::string reason;
};
// The run has come to its end.
struct End {};
// It wants the newest result that the worker has heard.
struct Repeat {};
// It wants what the members have in common, for one that joins.
struct Give {};
// On an asynchronous clock it wants to know at which step the worker is, as another one joins.
struct Where {};

// In the order of their kinds.
using MemberMessage = std::variant<Join, Ask, Ready, Done, Offer, StatePiece, Enter, Out, Refused, End, Here, Repeat,
                                   Heard, Give, Given, Where, At>;

Frame encode(const MemberMessage& message, int slots);
// Views of the frame's bytes, which stay as they are as long as the result is used. `max_state`: bytes of a state.
MemberMessage decode_member_message(const Frame& frame, int slots, std::uint64_t max_state);

}  // namespace laconic::process
