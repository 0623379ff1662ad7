#include "runtimes/process/state_transfer.h"

#include <algorithm>

#include "base/error.h"
#include "comm/crc32c.h"

namespace laconic::process {
namespace {

// Enough that a link is busy while an answer is on its way, few enough that a receiver's memory is what it asked for.
constexpr std::ptrdiff_t kAskedAtOnce = 4;

std::span<const std::byte> piece_of(std::span<const std::byte> bytes, std::size_t number) {
  const std::size_t begin = number * kStatePiece;
  if (begin >= bytes.size()) return {};
  return bytes.subspan(begin, std::min(kStatePiece, bytes.size() - begin));
}

}  // namespace

StateSnapshot::StateSnapshot(std::uint32_t version, std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {
  offer_.version = version;
  offer_.size = bytes_.size();
  for (std::size_t at = 0; at < bytes_.size(); at += kStatePiece) {
    offer_.checksums.push_back(crc32c(piece_of(bytes_, at / kStatePiece)));
  }
}

std::span<const std::byte> StateSnapshot::piece(std::uint32_t number) const { return piece_of(bytes_, number); }

void StateReceiver::begin(Offer offer) {
  std::vector<Piece> pieces(offer.checksums.size(), Piece::kMissing);
  bytes_.resize(static_cast<std::size_t>(offer.size));
  for (std::size_t i = 0; i < std::min(pieces.size(), pieces_.size()); ++i) {
    const bool is_same = pieces_[i] == Piece::kHere && crc32c(piece_of(bytes_, i)) == offer.checksums[i];
    if (is_same) pieces[i] = Piece::kHere;
  }
  pieces_ = std::move(pieces);
  offer_ = std::move(offer);
}

std::optional<std::uint32_t> StateReceiver::next_to_ask() {
  if (std::count(pieces_.begin(), pieces_.end(), Piece::kAsked) >= kAskedAtOnce) return std::nullopt;
  const auto next = std::find(pieces_.begin(), pieces_.end(), Piece::kMissing);
  if (next == pieces_.end()) return std::nullopt;
  *next = Piece::kAsked;
  return static_cast<std::uint32_t>(next - pieces_.begin());
}

void StateReceiver::ask_again() { std::replace(pieces_.begin(), pieces_.end(), Piece::kAsked, Piece::kMissing); }

void StateReceiver::take(const StatePiece& piece) {
  if (!offer_ || piece.version != offer_->version || piece.piece >= pieces_.size()) return;  // of an older offer
  Piece& state = pieces_[piece.piece];
  if (state == Piece::kHere) return;
  const std::span<const std::byte> place = piece_of(bytes_, piece.piece);
  if (piece.bytes.size() != place.size() || crc32c(piece.bytes) != offer_->checksums[piece.piece]) {
    state = Piece::kMissing;
    throw DecodeError("state: piece " + std::to_string(piece.piece) + " of " + std::to_string(pieces_.size()) +
                      " is not what was offered");
  }
  std::copy(piece.bytes.begin(), piece.bytes.end(),
            bytes_.begin() + static_cast<std::ptrdiff_t>(piece.piece * kStatePiece));
  state = Piece::kHere;
}

bool StateReceiver::is_whole() const {
  return offer_ && std::all_of(pieces_.begin(), pieces_.end(), [](Piece piece) { return piece == Piece::kHere; });
}

}  // namespace laconic::process
