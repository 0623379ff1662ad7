#include "comm/frame.h"

#include <fmt/core.h>

#include <cstring>
#include <string>

#include "base/byte_stream.h"
#include "base/error.h"
#include "comm/crc32c.h"
#include "kernels/vector_ops.h"

namespace laconic {

std::string_view to_text(Traffic traffic) {
  switch (traffic) {
    case Traffic::kModel:
      return "model";
    case Traffic::kGradient:
      return "gradient";
    case Traffic::kState:
      return "state";
    case Traffic::kControl:
      return "control";
    case Traffic::kEvaluation:
      return "evaluation";
  }
  return "unknown";
}

std::string_view to_text(Tag tag) {
  switch (tag) {
    case Tag::kReduceMean:
      return "part of a mean";
    case Tag::kReduceSum:
      return "part of a sum";
    case Tag::kReduceAny:
      return "vote";
    case Tag::kReduced:
      return "result of a reduction";
    case Tag::kRing:
      return "chunk on the ring";
    case Tag::kTreeUp:
      return "part from below in the tree";
    case Tag::kTreeDown:
      return "result from above in the tree";
    case Tag::kGather:
      return "gathered part";
    case Tag::kBroadcast:
      return "broadcast";
    case Tag::kGossip:
      return "neighbour's message";
    case Tag::kReplica:
      return "neighbour's replica";
    case Tag::kAnswer:
      return "answer to a message";
    case Tag::kReport:
      return "report";
    case Tag::kVerdict:
      return "word on the reports";
    case Tag::kReduceWeightedMean:
      return "part of a weighted mean";
    case Tag::kAsk:
      return "ask";
    case Tag::kMembership:
      return "word on who is present";
    case Tag::kAnnouncedPart:
      return "announced part of a reduction";
    case Tag::kPull:
      return "request for a piece";
    case Tag::kPulled:
      return "piece of a part";
  }
  return "unknown";
}

SharedVector::SharedVector(std::vector<float> values) {
  auto owned = std::make_shared<const std::vector<float>>(std::move(values));
  values_ = *owned;
  owner_ = std::move(owned);
}

Frame::Frame(const FrameHeader& header, std::span<const std::byte> payload)
    : Frame(header, payload.size(), [payload](std::span<std::byte> out) {
        if (!payload.empty()) std::memcpy(out.data(), payload.data(), payload.size());
      }) {}

Frame::Frame(const FrameHeader& header, std::span<const float> payload)
    : Frame(of_floats(header, payload.size(), [payload](std::span<float> out) { kernels::copy(payload, out); })) {}

// The payload is aligned for floats: kMaxHeaderSize lies before it.
Frame Frame::of_floats(const FrameHeader& header, std::size_t count,
                       const std::function<void(std::span<float>)>& fill) {
  return {header, count * sizeof(float), [&](std::span<std::byte> out) {
            fill({reinterpret_cast<float*>(out.data()), count});
          }};
}

Frame::Frame(const FrameHeader& header, std::size_t size, const std::function<void(std::span<std::byte>)>& fill) {
  FrameDraft draft(size);
  fill(draft.payload());
  *this = draft.finish(header, size);
}

FrameDraft::FrameDraft(std::size_t capacity) : capacity_(capacity) {
  LACONIC_CHECK(capacity <= kMaxPayloadSize, "payload of " << capacity << " bytes");
  storage_.reset(new std::byte[kMaxHeaderSize + capacity]);  // not value-initialised
}

Frame FrameDraft::finish(const FrameHeader& header, std::size_t size) {
  LACONIC_CHECK(header.round.value <= kMaxRound, "round " << header.round.value);
  LACONIC_CHECK(size <= capacity_, size << " bytes of " << capacity_);
  const std::span<const std::byte> written = payload().first(size);
  ByteWriter fields;
  fields.u8(static_cast<std::uint8_t>(static_cast<unsigned>(header.traffic) | static_cast<unsigned>(header.tag) << 3));
  fields.varint(header.round.value);
  fields.varint(size);
  Frame frame;
  frame.header_ = header;
  frame.checksum_ = crc32c(written, crc32c(fields.bytes()));
  fields.u32(frame.checksum_);
  frame.start_ = kMaxHeaderSize - fields.size();
  frame.end_ = kMaxHeaderSize + size;
  std::memcpy(storage_.get() + frame.start_, fields.bytes().data(), fields.size());
  frame.storage_ = std::move(storage_);
  capacity_ = 0;
  return frame;
}

Frame::Parsed Frame::parse(std::span<const std::byte> wire, std::uint64_t max_payload) {
  ByteReader reader(wire, "frame");
  const std::uint8_t kind = reader.u8();
  const unsigned traffic = kind & 7U;
  const unsigned tag = kind >> 3U;
  if (traffic >= kTrafficKinds || tag >= kTags) reader.fail("unknown kind " + std::to_string(kind));
  const std::uint64_t round = reader.varint();
  if (round > kMaxRound) reader.fail("round out of range");
  const std::uint64_t length = reader.varint();
  if (length > kMaxPayloadSize || length > max_payload) {
    reader.fail("payload of " + std::to_string(length) + " bytes, at most " + std::to_string(max_payload));
  }
  const auto checked = wire.first(reader.offset());
  const std::uint32_t claimed = reader.u32();
  const auto payload = reader.raw(static_cast<std::size_t>(length));
  reader.expect_end();
  if (crc32c(payload, crc32c(checked)) != claimed) reader.fail("wrong checksum");
  return {{.traffic = static_cast<Traffic>(traffic), .tag = static_cast<Tag>(tag), .round = {round}}, payload};
}

Frame Frame::decode(std::span<const std::byte> wire, std::uint64_t max_payload) {
  const Parsed parsed = parse(wire, max_payload);
  return {parsed.header, parsed.payload};
}

void Frame::verify(std::uint64_t max_payload) const { parse(wire(), max_payload); }

std::span<const std::byte> Frame::payload() const {
  return storage_ ? std::span(storage_.get() + kMaxHeaderSize, end_ - kMaxHeaderSize) : std::span<const std::byte>{};
}

std::span<const std::byte> Frame::wire() const {
  return storage_ ? std::span(storage_.get() + start_, end_ - start_) : std::span<const std::byte>{};
}

SharedVector Frame::floats(std::size_t count, std::size_t more) const {
  const auto bytes = payload();
  if (bytes.size() != count * sizeof(float) + more) {
    throw DecodeError(fmt::format("frame ({}, round {}): payload of {} bytes where {} floats belong{}",
                                  to_text(header_.tag), header_.round.value, bytes.size(), count,
                                  more > 0 ? fmt::format(" and {} more", more) : ""));
  }
  return {storage_, {reinterpret_cast<const float*>(bytes.data()), count}};
}

}  // namespace laconic
