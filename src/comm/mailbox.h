// Matching of frames that arrived with receives that wait, for every runtime's endpoints; and the list of who waits for
// whom, since when and until when.
#pragma once

#include <cstdint>
#include <deque>
#include <exception>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/archive.h"
#include "comm/transport.h"

namespace laconic {

class Mailbox;

// All waits of a process, ordered by their ends. One thread.
class WaitList {
 public:
  // The earliest end of a wait; infinity when none ends.
  Seconds next_deadline() const;
  // Whether a wait's end lets its node go on.
  bool any_may_be_late() const;
  // Ends the waits whose time has come: their receives get nothing.
  void expire(Seconds now);
  // "worker 3 waits for the result of a reduction (round 17) from the coordinator since second 12.3 of the run", one for each node
  // that waits, in the order of ranks; idle waits are left out unless `with_idle`.
  std::vector<std::string> describe(bool with_idle) const;

 private:
  friend class Mailbox;
  struct Entry {
    Seconds deadline;
    std::uint64_t id;
    Mailbox* mailbox;
    friend bool operator<(const Entry& a, const Entry& b) {
      return a.deadline != b.deadline ? a.deadline < b.deadline : a.id < b.id;
    }
  };
  std::set<Entry> entries_;
  std::uint64_t next_id_ = 0;
};

// One node's arrivals and receives. One thread.
class Mailbox {
 public:
  // `waits` outlives the mailbox.
  Mailbox(Rank node, int world_size, WaitList& waits) : node_(node), world_size_(world_size), waits_(waits) {}
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  // Hands an arrival to the oldest receive that matches, which is resumed at once, or keeps it until a receive takes
  // it. Never call it from inside a coroutine. One that arrives twice is two: what the mailbox cannot know is which
  // round a node has done with. A protocol for networks with faults therefore leaves nothing behind that it never asks
  // for: it sends under one round, numbers its messages in their payloads, and takes all that is there.
  void deliver(Arrival arrival);
  // An arrival that came before (the oldest that matches), or the next one until now + patience.
  Task<std::optional<Arrival>> receive(Pattern pattern, Seconds now, Seconds patience);
  // Frames kept that nobody has asked for, and their bytes.
  std::size_t kept() const;
  std::uint64_t kept_bytes() const;
  // These frames and their order; loaded into an empty mailbox.
  void archive(Archive& archive);
  // Ends what waits for a frame of `from` alone: its receives get nothing. Frames that came of it are dropped.
  void give_up(Rank from);
  // Drops the frames of rounds before `round`, which nobody asks for any more.
  void drop_before(Round round);
  // Ends every receive, which throws `error`, and drops every frame.
  void fail(const std::exception_ptr& error);
  // Drops every receive, which unwinds its coroutine.
  void drop_receives();
  // The same, and every frame.
  void clear();
  // Whether the node does nothing but wait, without a deadline, for what nobody owes it.
  bool is_idle() const;

 private:
  friend class WaitList;
  struct Wait {
    WaitList::Entry entry;
    Pattern pattern;
    Seconds since;
    Resume<std::optional<Arrival>> resume;
  };
  // Arrivals by (round, tag, sender), each with the order of its arrival.
  struct Key {
    std::uint64_t round;
    Tag tag;
    std::int32_t from;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Kept {
    std::uint64_t order;
    Frame frame;
  };
  std::optional<Arrival> take(const Pattern& pattern);
  void expire(std::uint64_t id);

  Rank node_;
  int world_size_;
  WaitList& waits_;
  std::map<Key, std::deque<Kept>> kept_;
  std::uint64_t next_order_ = 0;
  std::deque<Wait> receives_;
};

}  // namespace laconic
