// Frames: what a transport carries, byte for byte. docs/wire_format.md is the specification.
//
//   frame    := header payload
//   header   := kind round length checksum    at most kMaxHeaderSize bytes
//   kind     := u8        low 3 bits: Traffic, high 5 bits: Tag
//   round    := varint    below 2^42
//   length   := varint    bytes of the payload, below 2^35
//   checksum := u32       crc32c over kind, round, length and payload
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/units.h"

namespace laconic {

// What the bytes are for: the kinds the ledger counts.
enum class Traffic : std::uint8_t { kModel, kGradient, kState, kControl, kEvaluation };
inline constexpr std::size_t kTrafficKinds = 5;
std::string_view to_text(Traffic traffic);

// Which exchange a frame belongs to.
enum class Tag : std::uint8_t {
  kReduceMean,          // to the coordinator: average these floats
  kReduceSum,           // to the coordinator: add these floats
  kReduceAny,           // to the coordinator: or of one bit
  kReduced,             // from the coordinator: the result
  kRing,                // a chunk between neighbours on a ring
  kTreeUp,              // towards the root of a tree
  kTreeDown,            // from the root of a tree
  kGather,              // a member's part, to the one that gathers
  kBroadcast,           // from one to many
  kGossip,              // to a neighbour on the job's graph
  kReplica,             // to a neighbour that asked: the whole of what it should know of the sender
  kAnswer,              // back over a link: which of its frames came
  kReport,              // to worker 0, from runtime to runtime: what a worker has come to
  kVerdict,             // from worker 0, from runtime to runtime: what follows from the reports
  kReduceWeightedMean,  // to the coordinator: average these floats by the workers' weights
  kMembership,          // between the coordinator and a worker, from runtime to runtime: who is present
  kAnnouncedPart,       // to the coordinator: a part of a mean or a sum that is there to be pulled
  kPull,                // from the coordinator: asks for a piece of it
  kPulled,              // to the coordinator: that piece
  kAsk,                 // from the coordinator, that collects: it wants more of a member than its part
};
inline constexpr std::size_t kTags = 20;
std::string_view to_text(Tag tag);

struct FrameHeader {
  Traffic traffic = Traffic::kControl;
  Tag tag = Tag::kBroadcast;
  Round round;
};

inline constexpr std::size_t kMaxHeaderSize = 16;
inline constexpr std::uint64_t kMaxRound = (std::uint64_t{1} << 42) - 1;
inline constexpr std::uint64_t kMaxPayloadSize = (std::uint64_t{1} << 35) - 1;

// An immutable vector of float32 that its holders share; the memory goes with the last of them.
class SharedVector {
 public:
  SharedVector() = default;
  explicit SharedVector(std::vector<float> values);
  SharedVector(std::shared_ptr<const void> owner, std::span<const float> values)
      : owner_(std::move(owner)), values_(values) {}
  std::span<const float> values() const { return values_; }
  operator std::span<const float>() const { return values_; }
  std::size_t size() const { return values_.size(); }

 private:
  std::shared_ptr<const void> owner_;
  std::span<const float> values_;
};

class FrameDraft;

// An encoded frame. Copies share the bytes, so a frame sent to many exists once.
class Frame {
 public:
  Frame() = default;
  // Encodes. Throws CheckFailed when the round or the payload's size is out of range.
  Frame(const FrameHeader& header, std::span<const std::byte> payload);
  Frame(const FrameHeader& header, std::span<const float> payload);
  // Encodes a payload of `size` bytes that `fill` writes in place, every byte of it, once: what it is given is not
  // initialised. What `fill` throws ends the construction.
  Frame(const FrameHeader& header, std::size_t size, const std::function<void(std::span<std::byte>)>& fill);
  // The same for a payload of `count` floats.
  static Frame of_floats(const FrameHeader& header, std::size_t count,
                         const std::function<void(std::span<float>)>& fill);

  // Checks and decodes what a transport received. Throws DecodeError for anything but exactly one frame with a right
  // checksum, a known kind and a payload of at most `max_payload` bytes; allocates nothing before these are known.
  static Frame decode(std::span<const std::byte> wire, std::uint64_t max_payload);

  // The checks of decode() on this frame's own bytes, which stay shared: what a receiver does that was handed the
  // sender's memory. Throws DecodeError.
  void verify(std::uint64_t max_payload) const;

  const FrameHeader& header() const { return header_; }
  std::span<const std::byte> payload() const;
  // The whole frame as it travels.
  std::span<const std::byte> wire() const;
  Bytes payload_size() const { return {payload().size()}; }
  Bytes wire_size() const { return {wire().size()}; }
  std::uint32_t checksum() const { return checksum_; }

  // The payload as floats, without a copy. Throws DecodeError unless it holds exactly `count` of them, and `more` bytes
  // behind them.
  SharedVector floats(std::size_t count, std::size_t more = 0) const;

 private:
  friend class FrameDraft;
  struct Parsed {
    FrameHeader header;
    std::span<const std::byte> payload;
  };
  static Parsed parse(std::span<const std::byte> wire, std::uint64_t max_payload);

  // The payload starts at kMaxHeaderSize, so that floats in it are aligned; the header ends there.
  std::shared_ptr<const std::byte[]> storage_;
  std::size_t start_ = 0;
  std::size_t end_ = 0;
  FrameHeader header_;
  std::uint32_t checksum_ = 0;
};

// The memory of a frame to be, whose payload is written part by part, and over again where need be.
class FrameDraft {
 public:
  // For a payload of at most `capacity` bytes, which are not initialised. Throws CheckFailed for more than a frame has.
  explicit FrameDraft(std::size_t capacity);
  // All of `capacity`; aligned for floats.
  std::span<std::byte> payload() { return {storage_.get() + kMaxHeaderSize, capacity_}; }
  // The frame of the payload's first `size` bytes, each of which was written. The draft has no memory afterwards.
  Frame finish(const FrameHeader& header, std::size_t size);

 private:
  std::shared_ptr<std::byte[]> storage_;
  std::size_t capacity_;
};

}  // namespace laconic
