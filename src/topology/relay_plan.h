// Relays: how a message of every node reaches all others over the links of some rounds in turn.
//
// In each of these rounds a node passes on what it has and a receiver has not, so that every node gets every other's
// message exactly once: n (n - 1) transfers, the fewest there can be. Where several senders of a round could bring the
// same message, the one that has the fewest to bring does, and of equals the lowest rank. All nodes make the same plan
// out of the schedule, so that nobody has to say what it sends.
//
// A directed ring takes n - 1 rounds with one message a link; links that double what each node knows (one_peer, n a
// power of two) take log2 n.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "topology/schedule.h"

namespace laconic {

// A message that goes over a link: whose it was at first.
struct RelayedMessage {
  Rank peer;  // the receiver in RelayRound::sends, the sender in ::receives
  Rank origin;
};

// One node's part of a round, in the order in which it sends: by receiver or sender, then by origin.
struct RelayRound {
  std::vector<RelayedMessage> sends;
  std::vector<RelayedMessage> receives;
};

struct RelayPlan {
  // rounds[i][node]: the i-th round of links from the first on.
  std::vector<std::vector<RelayRound>> rounds;

  std::uint64_t transfers() const;
};

// The plan over the links of rounds first, first + 1, ... until every node has every message. Time and memory n^2 and
// rounds times links. Throws UsageError that names two nodes where kJoiningRounds rounds do not bring the message of
// one to the other.
RelayPlan make_relay_plan(const LinkSchedule& links, std::uint64_t first);

// The plans of a schedule whose every exchange begins where the last one ended: number 0 at round 0. Plans that come
// again are made once. For one thread at a time.
class RelayPlans {
 public:
  explicit RelayPlans(std::shared_ptr<const LinkSchedule> links) : links_(std::move(links)) {}

  std::uint32_t nodes() const { return links_->nodes(); }
  std::shared_ptr<const RelayPlan> from(std::uint64_t first_round);

 private:
  static constexpr std::size_t kKept = 64;
  struct Made {
    std::uint64_t first = 0;
    std::shared_ptr<const RelayPlan> plan;
  };
  std::shared_ptr<const LinkSchedule> links_;
  std::deque<Made> made_;
};

}  // namespace laconic
