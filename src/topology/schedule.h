// Schedules: the directed links of every round.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "topology/graph.h"
#include "topology/links.h"

namespace laconic {

// The links of rounds 0, 1, ... Drawn ones are for one thread at a time.
class LinkSchedule {
 public:
  // The rounds come again and again; at least one, all of as many nodes.
  explicit LinkSchedule(std::vector<LinkMatrix> rounds);
  // Every round is what `draw`, a function of the round alone, gives for it; of `nodes` nodes.
  LinkSchedule(std::uint32_t nodes, std::function<LinkMatrix(std::uint64_t round)> draw);

  std::uint32_t nodes() const { return nodes_; }
  std::shared_ptr<const LinkMatrix> at(std::uint64_t round) const;
  // After how many rounds they come again; 0: never, each is drawn.
  std::uint64_t period() const { return rounds_.size(); }
  // How many rounds from 0 on stand for all: a period, or kDrawnRounds.
  static constexpr std::uint64_t kDrawnRounds = 100;
  std::uint64_t typical_rounds() const { return period() > 0 ? period() : kDrawnRounds; }
  // Whether all rounds are the same.
  bool is_static() const { return period() == 1; }

 private:
  std::uint32_t nodes_ = 0;
  std::vector<std::shared_ptr<const LinkMatrix>> rounds_;
  std::function<LinkMatrix(std::uint64_t)> draw_;
  // The rounds drawn last: nodes are not in the same one at the same moment.
  struct Drawn {
    std::uint64_t round = 0;
    std::shared_ptr<const LinkMatrix> links;
  };
  mutable std::deque<Drawn> drawn_;
};

// An undirected graph as links in both directions, divided evenly by each sender.
LinkMatrix links_of(const Graph& graph);
// The same where each edge is there in a round with probability `up` in (0, 1], in both directions or in neither.
std::shared_ptr<const LinkSchedule> schedule_of(const Graph& graph, double up, std::uint64_t seed);
// Any schedule of which each link is there with probability `up`; what one that is not would have got its sender keeps.
std::shared_ptr<const LinkSchedule> with_failing_links(std::shared_ptr<const LinkSchedule> schedule, double up,
                                                       std::uint64_t seed);

// Throws UsageError unless what any node sends reaches every other one over the links of some rounds together: those of
// a period, or of at most kJoiningRounds drawn ones; no node gives away all it has in a round in which it gets nothing;
// and, where nodes keep nothing in some round of a period, unless after some rounds every node has a part of what each
// of them had (models that only change places never meet). The message names a node that never sends or never hears, or
// the nodes that are out of reach. `node` is what it calls a node.
inline constexpr std::uint64_t kJoiningRounds = 1000;
void require_joined(const LinkSchedule& schedule, std::string_view node = "worker");

// The links of a period as Graphviz reads them, `title` as their name; where the rounds differ each link carries the
// numbers of its own. For periodic schedules.
std::string graphviz_text(const LinkSchedule& schedule, const std::string& title);

// What a schedule does to push-sum without training.
struct Mixing {
  // |lambda_2| of the product of a period's matrices, to the power 1 / period: by this factor a round the models'
  // distances from the average fall. 0: they are exactly equal after a period.
  double factor = 0.0;
  bool exact = false;  // the product is the average, to rounding
};
// For periodic schedules of at most kMaxMixingNodes nodes (n^3 time).
inline constexpr std::uint32_t kMaxMixingNodes = 500;
Mixing mixing_of(const LinkSchedule& schedule);

}  // namespace laconic
