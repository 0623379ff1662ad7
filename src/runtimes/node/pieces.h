// Frames as messages between two processes.
//
//   frame    := whole | opening piece+
//   whole    := the frame's bytes, where these are at most the piece size
//   opening  := u64       the size of the frame
//   piece    := the frame's next bytes, as many as the piece size, or all that is left of it
//
// A link chooses its piece size: long enough that a piece costs the network more than the processors, short enough that
// others get their turn and that a receiver hears from its sender often.
//
// Between two processes run up to four *lanes*, one for each pair of nodes: process 0 is worker 0 and the coordinator.
// A lane keeps its frames in order, and its messages with them; lanes take turns, so that a small frame of one lane
// goes between the pieces of a long one of another. What an arriving message is, and of which lane, stands in its tag.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "base/ids.h"
#include "comm/frame.h"
#include "runtimes/node/link.h"

namespace laconic::node {

enum class Part : std::uint8_t { kWhole, kOpening, kPiece };

// Index of a lane: bit 0, its frames come from the coordinator; bit 1, they go to the coordinator.
inline constexpr std::size_t kLanes = 4;
inline constexpr std::size_t kFromCoordinator = 1;
inline constexpr std::size_t kToCoordinator = 2;

// The lane of frames between two nodes of different processes.
inline std::size_t lane_of(Rank from, Rank to) {
  return (from == kCoordinator ? kFromCoordinator : 0) + (to == kCoordinator ? kToCoordinator : 0);
}

// The nodes whose frames a lane carries from one process to another; `exist`: whether they live in these processes.
struct Ends {
  Rank from;
  Rank to;
  bool exist = false;
};
inline Ends ends_of(std::size_t lane, int from, int to, Placement placement = Placement::kCoordinatorBesideWorker0) {
  const Rank sender = (lane & kFromCoordinator) != 0 ? kCoordinator : node_of(from, placement);
  const Rank receiver = (lane & kToCoordinator) != 0 ? kCoordinator : node_of(to, placement);
  const bool exist = process_of(sender, placement) == from && process_of(receiver, placement) == to &&
                     lane_of(sender, receiver) == lane;
  return {.from = sender, .to = receiver, .exist = exist};
}

// A message on its way out. It shares the frame's bytes and points into them: nothing is copied.
class Outgoing {
 public:
  Outgoing(Part part, std::size_t lane, Frame frame, std::size_t begin, std::size_t size);
  Part part() const { return part_; }
  std::size_t lane() const { return lane_; }
  const Frame& frame() const { return frame_; }
  // What to send. Valid as long as this object stays where it is.
  std::span<const std::byte> bytes() const;
  // Whether the frame is on its way in full once this message is.
  bool is_last() const { return part_ != Part::kOpening && begin_ + size_ == frame_.wire().size(); }

 private:
  Part part_;
  std::size_t lane_;
  Frame frame_;
  std::size_t begin_;
  std::size_t size_;
  std::array<std::byte, sizeof(std::uint64_t)> opening_{};
};

// What waits to be sent to one process.
class Outbox {
 public:
  explicit Outbox(std::size_t piece_size) : piece_size_(piece_size) {}
  // Takes a share of the frame's bytes. A frame that was never encoded fails a check.
  void push(std::size_t lane, const Frame& frame);
  bool empty() const { return frames_ == 0; }
  // Frames of which not every message was taken.
  std::size_t frames() const { return frames_; }
  // The next message, of the lane whose turn it is; fails a check when there is none.
  Outgoing pop();
  // Drops all that waits.
  void clear();

 private:
  struct Waiting {
    Frame frame;
    std::size_t sent = 0;
    bool opened = false;
  };
  std::size_t piece_size_;
  std::array<std::deque<Waiting>, kLanes> lanes_;
  std::size_t turn_ = 0;
  std::size_t frames_ = 0;
};

// Puts the frames of one lane together. Its input is hostile: it holds at most twice the bytes that came, whatever size
// an opening claims, and never more than one frame of the largest size.
class Assembly {
 public:
  // `max_size`: of a frame, header and all. `piece_size`: the sender's.
  Assembly(std::size_t piece_size, std::uint64_t max_size) : piece_size_(piece_size), max_size_(max_size) {}

  // Takes the next message of the lane. Returns the bytes of the frame that it completes, valid until the next call and
  // as long as `message` is; nothing where the frame is not complete.
  //
  // Throws DecodeError, once for each frame that cannot become whole: an opening of more than `max_size` bytes or of
  // too few to need one, a piece of another size than its place asks for, a piece without an opening, a frame that
  // begins inside another (both are dropped). The pieces that belong to what was refused are then passed over, up to
  // the next frame.
  std::optional<std::span<const std::byte>> take(Part part, std::span<const std::byte> message);

  // Bytes held for a frame that is not complete.
  std::size_t held() const { return bytes_.capacity(); }

 private:
  enum class State : std::uint8_t { kBetween, kInside, kPassingOver };
  [[noreturn]] void refuse(const std::string& problem, State next);
  std::optional<std::span<const std::byte>> take_piece(std::span<const std::byte> message);

  std::size_t piece_size_;
  std::uint64_t max_size_;
  State state_ = State::kBetween;
  std::uint64_t total_ = 0;
  std::vector<std::byte> bytes_;
  std::vector<std::byte> complete_;
};

}  // namespace laconic::node
