// A state on its way to a worker that joins, in pieces with a checksum each. What came is kept over a break, and over
// an offer of another version where a piece is the same there.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "runtimes/process/member_messages.h"

namespace laconic::process {

// A state as it was at one moment: its owner goes on.
class StateSnapshot {
 public:
  StateSnapshot(std::uint32_t version, std::vector<std::byte> bytes);
  std::uint32_t version() const { return offer_.version; }
  const Offer& offer() const { return offer_; }
  std::span<const std::byte> bytes() const { return bytes_; }
  // Empty: there is no such piece.
  std::span<const std::byte> piece(std::uint32_t number) const;

 private:
  std::vector<std::byte> bytes_;
  Offer offer_;
};

class StateReceiver {
 public:
  // Goes on with that state.
  void begin(Offer offer);
  // The next piece to ask for, if another may be asked for now: a few are on their way at a time.
  std::optional<std::uint32_t> next_to_ask();
  // After a break: what was asked for and has not come is asked for again.
  void ask_again();
  // Throws DecodeError for a piece that is not the one that was offered; then it is to be asked for again.
  void take(const StatePiece& piece);

  bool has_offer() const { return offer_.has_value(); }
  std::uint32_t version() const { return offer_ ? offer_->version : 0; }
  bool is_whole() const;
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  enum class Piece : std::uint8_t { kMissing, kAsked, kHere };
  std::optional<Offer> offer_;
  std::vector<Piece> pieces_;
  std::vector<std::byte> bytes_;
};

}  // namespace laconic::process
