#include "runtimes/node/pieces.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/byte_stream.h"
#include "base/error.h"

namespace laconic::node {

Outgoing::Outgoing(Part part, std::size_t lane, Frame frame, std::size_t begin, std::size_t size)
    : part_(part), lane_(lane), frame_(std::move(frame)), begin_(begin), size_(size) {
  if (part_ != Part::kOpening) return;
  ByteWriter opening;
  opening.u64(frame_.wire().size());
  std::ranges::copy(opening.bytes(), opening_.begin());
}

std::span<const std::byte> Outgoing::bytes() const {
  if (part_ == Part::kOpening) return opening_;
  return frame_.wire().subspan(begin_, size_);
}

void Outbox::push(std::size_t lane, const Frame& frame) {
  LACONIC_CHECK(lane < kLanes, "lane " << lane);
  LACONIC_CHECK(!frame.wire().empty(), "a frame that was never encoded");
  lanes_[lane].push_back({.frame = frame});
  ++frames_;
}

Outgoing Outbox::pop() {
  LACONIC_CHECK(frames_ > 0, "nothing waits");
  while (lanes_[turn_].empty()) turn_ = (turn_ + 1) % kLanes;
  const std::size_t lane = std::exchange(turn_, (turn_ + 1) % kLanes);
  Waiting& next = lanes_[lane].front();
  const std::size_t total = next.frame.wire().size();
  if (total > piece_size_ && !next.opened) {
    next.opened = true;
    return {Part::kOpening, lane, next.frame, 0, 0};
  }
  const std::size_t begin = next.sent;
  const std::size_t size = std::min(piece_size_, total - begin);
  next.sent += size;
  Outgoing message(next.opened ? Part::kPiece : Part::kWhole, lane, next.frame, begin, size);
  if (next.sent == total) {
    lanes_[lane].pop_front();
    --frames_;
  }
  return message;
}

void Outbox::clear() {
  for (auto& lane : lanes_) lane.clear();
  frames_ = 0;
}

std::optional<std::span<const std::byte>> Assembly::take(Part part, std::span<const std::byte> message) {
  complete_ = std::vector<std::byte>();
  if (part == Part::kPiece) return take_piece(message);
  if (state_ == State::kInside) {
    refuse("a frame begins after " + std::to_string(bytes_.size()) + " of the " + std::to_string(total_) +
               " bytes of another",
           part == Part::kOpening ? State::kPassingOver : State::kBetween);
  }
  if (part == Part::kWhole) {
    state_ = State::kBetween;
    if (message.size() > std::min<std::uint64_t>(piece_size_, max_size_)) {
      refuse("a frame of " + std::to_string(message.size()) + " bytes in one message, at most " +
                 std::to_string(std::min<std::uint64_t>(piece_size_, max_size_)),
             State::kBetween);
    }
    return message;
  }
  if (message.size() != sizeof(std::uint64_t)) {
    refuse("an opening of " + std::to_string(message.size()) + " bytes", State::kPassingOver);
  }
  total_ = ByteReader(message, "opening").u64();
  if (total_ > max_size_ || total_ <= piece_size_) {
    refuse("an opening of a frame of " + std::to_string(total_) + " bytes, which has more than " +
               std::to_string(piece_size_) + " and at most " + std::to_string(max_size_),
           State::kPassingOver);
  }
  state_ = State::kInside;
  return std::nullopt;
}

std::optional<std::span<const std::byte>> Assembly::take_piece(std::span<const std::byte> message) {
  if (state_ == State::kPassingOver) return std::nullopt;
  if (state_ == State::kBetween) refuse("a piece without an opening", State::kPassingOver);
  const std::uint64_t expected = std::min<std::uint64_t>(piece_size_, total_ - bytes_.size());
  if (message.size() != expected) {
    refuse("a piece of " + std::to_string(message.size()) + " bytes where " + std::to_string(expected) + " belong",
           State::kPassingOver);
  }
  const std::size_t size = bytes_.size() + message.size();
  if (size > bytes_.capacity()) {
    // Doubled with what comes, for the size that the opening claims is only a claim; cut to it, to hold no more.
    bytes_.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(total_, std::uint64_t{2} * size)));
  }
  bytes_.insert(bytes_.end(), message.begin(), message.end());
  if (bytes_.size() < total_) return std::nullopt;
  complete_ = std::exchange(bytes_, {});
  state_ = State::kBetween;
  return std::span<const std::byte>(complete_);
}

void Assembly::refuse(const std::string& problem, State next) {
  bytes_ = std::vector<std::byte>();  // gives the memory back, as = {} would not
  state_ = next;
  throw DecodeError("message: " + problem);
}

}  // namespace laconic::node
