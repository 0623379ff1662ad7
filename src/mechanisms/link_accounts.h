// Mass that survives a network which loses frames and repeats them, for push-sum that waits for nobody.
//
// A sender takes what it gives off its own x and y and keeps the message until its receiver has answered for it. The
// receiver takes the messages of a sender in their order, each once; one that others have overtaken is lost, and stays
// so if it comes later. It answers with what it has taken. The sender then adds what was lost to its own x and y again.
// So the sum of x and y over all nodes, what is kept for messages without an answer and was not taken included, stays
// as it is: y to the bit. An answer repeats what the sender may not know yet, so that a lost one does no harm.
//
// A receiver that has answered for none of the last kWindow messages gets no more of x and y until it does (it is slow,
// it is done, or it is gone): a node that gave on would soon have nothing left. The newest message to it is then
// repeated, every kRepeat steps, in case the answers or the messages themselves were lost. So nobody waits, and nothing
// hangs.
//
//   message := weight step number behind payload      to a receiver, Tag::kGossip
//   step    := varint    of the sender, in which it sent: its round of the schedule of links
//   number  := varint    of this message on this link, from 0
//   behind  := varint    number - the smallest number on this link that the sender has no answer for
//   answer  := next lost count (gap)*                   to a sender, Tag::kAnswer
//   next    := varint    the number after the newest one taken: of all before it is decided what became of them
//   count   := varint    lost messages before `next` that the sender may not know of
//   gap     := varint    first their smallest number, then each next one's distance from the one before
//
// Frames from one node to another arrive in the order sent (Transport); a repeated one comes behind the first.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <vector>

#include "mechanisms/push_sum.h"

namespace laconic {

class LinkAccounts {
 public:
  // Without `keep` nothing is made good: a lost message is lost, a repeated one is taken twice.
  LinkAccounts(std::shared_ptr<const LinkSchedule> links, bool keep) : links_(std::move(links)), keep_(keep) {}

  // What a node gave away with one message.
  struct Transfer {
    double fraction = 0.0;  // gamma p_ki
    PushWeight weight{0};
    Frame frame;  // as sent; the message is what stands behind `head` bytes of its payload
    std::size_t head = 0;
    std::span<const std::byte> message() const { return frame.payload().subspan(head); }
  };
  // Those of the receivers who get a message in this step.
  std::vector<WeightedNeighbor> open(std::span<const WeightedNeighbor> receivers) const;
  // Sends `message` of the round `step` with the weight y of this node, of which it gives gamma p_ki to each of the
  // `receivers`, who are open; and repeats to others in `all` what they have not answered.
  Task<void> send(Worker& self, Step step, std::span<const WeightedNeighbor> receivers,
                  std::span<const WeightedNeighbor> all, double gamma, PushWeight weight,
                  std::span<const std::byte> message);

  // A message that came and counts.
  struct Taken {
    Rank from;
    double fraction = 0.0;  // p_ij of its round
    PushWeight weight{0};   // y_j
    std::span<const std::byte> message;
    Frame frame;  // which it is a view of
  };
  // All that is there. Throws DecodeError that names the sender.
  Task<std::vector<Taken>> take(Worker& self);
  // Answers to whom take() has heard since the last call.
  void answer(Worker& self);
  // Reads the answers that are there and returns what did not come and goes back to its sender.
  Task<std::vector<Transfer>> take_back(Worker& self);

  // Of the mass on this node's account: what its unanswered messages gave. For tests and checkpoints.
  using Unanswered = std::map<std::uint64_t, Transfer>;  // by number
  std::map<std::int32_t, Unanswered> unanswered() const;
  // Whether this node took a sender's message of that number.
  bool took(Rank sender, std::uint64_t number) const;

  void archive(Archive& archive);

  static constexpr std::size_t kWindow = 16;
  static constexpr std::uint64_t kRepeat = 8;

 private:
  struct Outgoing {
    std::uint64_t next = 0;
    Unanswered unanswered;
  };
  struct Incoming {
    std::uint64_t next = 0;
    std::set<std::uint64_t> lost;  // that the sender may not know of
    bool to_answer = false;
  };

  std::shared_ptr<const LinkSchedule> links_;
  bool keep_;
  std::map<std::int32_t, Outgoing> outgoing_;  // by receiver
  std::map<std::int32_t, Incoming> incoming_;  // by sender
};

}  // namespace laconic
