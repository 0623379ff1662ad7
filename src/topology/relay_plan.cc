#include "topology/relay_plan.h"

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace laconic {
namespace {

class Planner {
 public:
  explicit Planner(std::uint32_t nodes) : nodes_(nodes), has_(nodes, std::vector<char>(nodes, 0)) {
    for (std::uint32_t node = 0; node < nodes; ++node) has_[node][node] = 1;
    missing_ = std::uint64_t{nodes} * (nodes - 1);
  }

  bool complete() const { return missing_ == 0; }

  std::vector<RelayRound> round(const LinkMatrix& links) {
    std::vector<RelayRound> parts(nodes_);
    std::vector<RelayedMessage> arrivals;  // of the receiver looked at
    std::vector<std::pair<std::uint32_t, std::uint32_t>> told;
    for (std::uint32_t receiver = 0; receiver < nodes_; ++receiver) {
      const Rank to{static_cast<std::int32_t>(receiver)};
      const auto senders = links.senders(to);
      std::vector<std::size_t> carried(senders.size(), 0);
      arrivals.clear();
      for (std::uint32_t origin = 0; origin < nodes_; ++origin) {
        if (has_[receiver][origin] != 0) continue;
        const std::size_t chosen = least_laden(senders, carried, origin);
        if (chosen == senders.size()) continue;
        ++carried[chosen];
        arrivals.push_back({senders[chosen].rank, Rank{static_cast<std::int32_t>(origin)}});
        told.emplace_back(receiver, origin);
      }
      std::stable_sort(arrivals.begin(), arrivals.end(),
                       [](const auto& a, const auto& b) { return a.peer.value < b.peer.value; });
      for (const RelayedMessage& arrival : arrivals) {
        parts[static_cast<std::size_t>(arrival.peer.value)].sends.push_back({to, arrival.origin});
      }
      parts[receiver].receives = arrivals;
    }
    // What comes in a round is passed on in the next one at the earliest.
    for (const auto& [receiver, origin] : told) has_[receiver][origin] = 1;
    missing_ -= told.size();
    return parts;
  }

  // Two nodes of which the first has not heard of the second.
  std::pair<std::uint32_t, std::uint32_t> apart() const {
    for (std::uint32_t node = 0; node < nodes_; ++node) {
      for (std::uint32_t origin = 0; origin < nodes_; ++origin) {
        if (has_[node][origin] == 0) return {node, origin};
      }
    }
    return {0, 0};
  }

 private:
  std::size_t least_laden(std::span<const WeightedNeighbor> senders, const std::vector<std::size_t>& carried,
                          std::uint32_t origin) const {
    std::size_t chosen = senders.size();
    for (std::size_t i = 0; i < senders.size(); ++i) {
      if (has_[static_cast<std::size_t>(senders[i].rank.value)][origin] == 0) continue;
      if (chosen == senders.size() || carried[i] < carried[chosen]) chosen = i;
    }
    return chosen;
  }

  std::uint32_t nodes_;
  std::vector<std::vector<char>> has_;  // has_[node][origin]
  std::uint64_t missing_ = 0;
};

}  // namespace

std::uint64_t RelayPlan::transfers() const {
  std::uint64_t sum = 0;
  for (const auto& round : rounds) {
    for (const RelayRound& part : round) sum += part.sends.size();
  }
  return sum;
}

RelayPlan make_relay_plan(const LinkSchedule& links, std::uint64_t first) {
  Planner planner(links.nodes());
  RelayPlan plan;
  while (!planner.complete()) {
    if (plan.rounds.size() == kJoiningRounds) {
      const auto [node, origin] = planner.apart();
      throw UsageError("the links of rounds " + std::to_string(first) + " to " +
                       std::to_string(first + kJoiningRounds - 1) + " bring nothing from worker " +
                       std::to_string(origin) + " to worker " + std::to_string(node) +
                       "; relays need links that join all workers; take a graph with more links");
    }
    plan.rounds.push_back(planner.round(*links.at(first + plan.rounds.size())));
  }
  return plan;
}

std::shared_ptr<const RelayPlan> RelayPlans::from(std::uint64_t first_round) {
  const std::uint64_t first = links_->period() > 0 ? first_round % links_->period() : first_round;
  const auto same = [first](const Made& made) { return made.first == first; };
  const auto found = std::find_if(made_.begin(), made_.end(), same);
  if (found != made_.end()) return found->plan;
  if (made_.size() == kKept) made_.pop_front();
  made_.push_back({first, std::make_shared<const RelayPlan>(make_relay_plan(*links_, first))});
  return made_.back().plan;
}

}  // namespace laconic
