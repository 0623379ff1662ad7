#include "runtimes/process/member_messages.h"

#include <algorithm>

#include "base/error.h"
#include "runtimes/node/link.h"

namespace laconic::process {
namespace {

constexpr std::uint64_t kMaxStep = std::uint64_t{1} << 32;

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

void write_reason(ByteWriter& out, const std::string& reason) {
  const auto text = std::as_bytes(std::span(reason));
  out.raw(text.first(std::min(text.size(), kMaxReason)));
}

std::string read_reason(ByteReader& in) {
  if (in.remaining() > kMaxReason) in.fail("a reason of " + std::to_string(in.remaining()) + " bytes");
  return node::end_text(in.raw(in.remaining()));
}

std::uint64_t pieces_of(std::uint64_t size) { return (size + kStatePiece - 1) / kStatePiece; }

Step read_step(ByteReader& in) {
  const Step step{in.varint()};
  if (step.value >= kMaxStep) in.fail("step " + std::to_string(step.value));
  return step;
}

Here read_here(ByteReader& in) {
  Here here{.view = in.u32(), .round = {in.varint()}, .step = {}, .history = 0};
  if (here.round.value > kMaxRound) in.fail("round " + std::to_string(here.round.value));
  here.step = read_step(in);
  here.history = in.u32();
  return here;
}

Offer read_offer(ByteReader& in, std::uint64_t max_state) {
  Offer offer{.version = in.u32(), .size = in.varint(), .checksums = {}};
  if (offer.size > max_state) in.fail("a state of " + std::to_string(offer.size) + " bytes");
  if (in.remaining() != sizeof(std::uint32_t) * pieces_of(offer.size)) in.fail("another number of pieces");
  offer.checksums.resize(static_cast<std::size_t>(pieces_of(offer.size)));
  for (std::uint32_t& checksum : offer.checksums) checksum = in.u32();
  return offer;
}

Enter read_enter(ByteReader& in, int slots, std::uint64_t max_state) {
  Enter enter;
  enter.view.number = in.u32();
  enter.view.members = read_members(in, slots);
  enter.round = {in.varint()};
  if (enter.round.value > kMaxRound) in.fail("round " + std::to_string(enter.round.value));
  enter.step = read_step(in);
  enter.history = in.u32();
  enter.version = in.u32();
  const std::uint8_t has_state = in.u8();
  if (has_state > 1) in.fail("neither a state nor none");
  enter.has_state = has_state == 1;
  if (in.remaining() > max_state || (!enter.has_state && in.remaining() > 0)) in.fail("a state that is too long");
  enter.state = in.raw(in.remaining());
  return enter;
}

}  // namespace

Frame encode(const MemberMessage& message, int slots) {
  ByteWriter out;
  out.u8(static_cast<std::uint8_t>(message.index()));
  Traffic traffic = Traffic::kControl;
  std::span<const std::byte> bulk;
  std::visit(Overloaded{[&](const Join& join) {
                          out.u32(join.start);
                          out.varint(join.step.value);
                          out.u32(join.history);
                        },
                        [&](const Ask& ask) {
                          out.u32(ask.version);
                          out.u32(ask.piece);
                        },
                        [&](const Ready& ready) { out.u32(ready.version); },
                        [&](const Done& done) { out.varint(done.step.value); },
                        [&](const Offer& offer) {
                          out.u32(offer.version);
                          out.varint(offer.size);
                          for (const std::uint32_t checksum : offer.checksums) out.u32(checksum);
                        },
                        [&](const StatePiece& piece) {
                          out.u32(piece.version);
                          out.u32(piece.piece);
                          bulk = piece.bytes;
                          traffic = Traffic::kModel;
                        },
                        [&](const Enter& enter) {
                          out.u32(enter.view.number);
                          write_members(out, enter.view.members, slots);
                          out.varint(enter.round.value);
                          out.varint(enter.step.value);
                          out.u32(enter.history);
                          out.u32(enter.version);
                          out.u8(enter.has_state ? 1 : 0);
                          bulk = enter.state;
                          if (enter.has_state) traffic = Traffic::kModel;
                        },
                        [&](const Out& gone) { write_reason(out, gone.reason); },
                        [&](const Refused& refused) { write_reason(out, refused.reason); }, [](const End&) {},
                        [&](const Here& here) {
                          out.u32(here.view);
                          out.varint(here.round.value);
                          out.varint(here.step.value);
                          out.u32(here.history);
                        },
                        [](const Repeat&) {},
                        [&](const Heard& heard) {
                          bulk = heard.result;
                          traffic = Traffic::kModel;
                        },
                        [](const Give&) {},
                        [&](const Given& given) {
                          out.varint(given.step.value);
                          out.u32(given.history);
                          bulk = given.state;
                          traffic = Traffic::kModel;
                        },
                        [](const Where&) {}, [&](const At& at) { out.varint(at.step.value); }},
             message);
  const std::span<const std::byte> head = out.bytes();
  const FrameHeader header{traffic, Tag::kMembership, Round{0}};
  return Frame(header, head.size() + bulk.size(), [&](std::span<std::byte> bytes) {
    std::copy(bulk.begin(), bulk.end(), std::copy(head.begin(), head.end(), bytes.begin()));
  });
}

MemberMessage decode_member_message(const Frame& frame, int slots, std::uint64_t max_state) {
  ByteReader in(frame.payload(), "message on who is present");
  const std::uint8_t kind = in.u8();
  MemberMessage message;
  switch (kind) {
    case 0: {
      Join join{.start = in.u32(), .step = {}, .history = 0};
      join.step = read_step(in);
      join.history = in.u32();
      message = join;
      break;
    }
    case 1: {
      const std::uint32_t version = in.u32();
      message = Ask{.version = version, .piece = in.u32()};
      break;
    }
    case 2:
      message = Ready{.version = in.u32()};
      break;
    case 3:
      message = Done{.step = read_step(in)};
      break;
    case 4:
      message = read_offer(in, max_state);
      break;
    case 5: {
      StatePiece piece{.version = in.u32(), .piece = 0, .bytes = {}};
      piece.piece = in.u32();
      if (in.remaining() > kStatePiece) in.fail("a piece of " + std::to_string(in.remaining()) + " bytes");
      piece.bytes = in.raw(in.remaining());
      message = piece;
      break;
    }
    case 6:
      message = read_enter(in, slots, max_state);
      break;
    case 7:
      message = Out{.reason = read_reason(in)};
      break;
    case 8:
      message = Refused{.reason = read_reason(in)};
      break;
    case 9:
      message = End{};
      break;
    case 10:
      message = read_here(in);
      break;
    case 11:
      message = Repeat{};
      break;
    case 12:
      if (in.remaining() > max_state) in.fail("a result of " + std::to_string(in.remaining()) + " bytes");
      message = Heard{.result = in.raw(in.remaining())};
      break;
    case 13:
      message = Give{};
      break;
    case 14: {
      Given given{.step = read_step(in), .history = 0, .state = {}};
      given.history = in.u32();
      if (in.remaining() > max_state) in.fail("a state of " + std::to_string(in.remaining()) + " bytes");
      given.state = in.raw(in.remaining());
      message = given;
      break;
    }
    case 15:
      message = Where{};
      break;
    case 16:
      message = At{.step = read_step(in)};
      break;
    default:
      in.fail("no kind " + std::to_string(kind));
  }
  in.expect_end();
  return message;
}

}  // namespace laconic::process
