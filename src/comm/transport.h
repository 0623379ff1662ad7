// One node's endpoint: what a runtime provides and everything above is written on.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>

#include "async/task.h"
#include "base/ids.h"
#include "base/units.h"
#include "comm/frame.h"

namespace laconic {

// A set of tags.
class TagSet {
 public:
  TagSet(Tag tag) : bits_(bit(tag)) {}
  TagSet(std::initializer_list<Tag> tags) : bits_(0) {
    for (const Tag tag : tags) bits_ |= bit(tag);
  }
  TagSet operator|(const TagSet& others) const {
    TagSet all = *this;
    all.bits_ |= others.bits_;
    return all;
  }
  bool contains(Tag tag) const { return (bits_ & bit(tag)) != 0; }
  std::string to_text() const;

 private:
  static std::uint32_t bit(Tag tag) { return std::uint32_t{1} << static_cast<unsigned>(tag); }
  std::uint32_t bits_;
};

// Which frame a node waits for.
struct Pattern {
  std::optional<Rank> from;  // unset: from anyone
  TagSet tags;
  Round round;
  // Whether the node goes on without the frame when it is late; else its lateness is an error.
  bool may_be_late = false;
};

struct Arrival {
  Rank from;
  Frame frame;
};

// A span that never passes: only for a node that is idle, that is, waits for a request nobody owes it.
inline constexpr Seconds kIdle{std::numeric_limits<double>::infinity()};

// All calls on one node's endpoint come from the thread that runs its protocol.
class Transport {
 public:
  virtual ~Transport() = default;

  virtual Rank self() const = 0;
  virtual int world_size() const = 0;
  // The coordinator's id; it exists when the job's strategy or collectives need one.
  Rank coordinator() const { return kCoordinator; }
  // What messages for people call a node.
  virtual std::string name(Rank node) const;

  // Queues the frame and returns. Frames from one node to another arrive in the order sent. On a network with faults
  // some arrive never and some twice, the second time at any later time.
  virtual void send(Rank to, const Frame& frame) = 0;
  // The first frame that matches, waiting at most `patience` for it; nothing when the patience ends.
  virtual Task<std::optional<Arrival>> receive(Pattern pattern, Seconds patience) = 0;

  // What this node has sent and received so far, framed.
  virtual Bytes carried() const = 0;

  // Time of the runtime: virtual in the simulator.
  virtual Seconds now() const = 0;
  virtual Task<void> sleep(Seconds span) = 0;
};

// "worker 3" or "the coordinator".
std::string node_name(Rank node);

// A moment of a run's clock, in words that nobody takes for a duration: "second 12.3 of the run".
std::string moment_text(Seconds moment);

}  // namespace laconic
