#include "topology/relay_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "topology/topology.h"

namespace laconic {
namespace {

std::shared_ptr<const LinkSchedule> schedule(std::string_view spec, double up = 1.0) {
  return make_schedule(spec, std::nullopt, 1, up);
}

// Plays a plan by hand: what a node sends it has to have, over a link of that round, and nobody gets anything twice.
void expect_everybody_to_get_everything_once(const LinkSchedule& links, const RelayPlan& plan, std::uint64_t first) {
  const auto n = static_cast<int>(links.nodes());
  std::vector<std::set<int>> has(links.nodes());
  for (int node = 0; node < n; ++node) has[static_cast<std::size_t>(node)] = {node};
  for (std::size_t i = 0; i < plan.rounds.size(); ++i) {
    const auto here = links.at(first + i);
    const std::vector<std::set<int>> before = has;
    std::multiset<std::array<int, 3>> sent;
    std::multiset<std::array<int, 3>> received;
    for (int node = 0; node < n; ++node) {
      const auto at = static_cast<std::size_t>(node);
      const RelayRound& part = plan.rounds[i][at];
      for (const RelayedMessage& message : part.sends) {
        const auto receivers = here->receivers({node});
        EXPECT_TRUE(std::any_of(receivers.begin(), receivers.end(),
                                [&](const auto& one) { return one.rank.value == message.peer.value; }));
        EXPECT_TRUE(before[at].count(message.origin.value) == 1) << node << " has not " << message.origin.value;
        sent.insert({node, message.peer.value, message.origin.value});
      }
      for (const RelayedMessage& message : part.receives) {
        EXPECT_TRUE(has[at].insert(message.origin.value).second) << node << " has " << message.origin.value;
        received.insert({message.peer.value, node, message.origin.value});
      }
    }
    EXPECT_EQ(sent, received) << "round " << i;
  }
  for (const std::set<int>& one : has) EXPECT_EQ(one.size(), links.nodes());
  EXPECT_EQ(plan.transfers(), static_cast<std::uint64_t>(n) * static_cast<std::uint64_t>(n - 1));
}

TEST(RelayPlan, BringsEveryMessageToEveryNodeOnceOverLinksThatAreThere) {
  for (const std::string_view spec : {"directed_ring:7", "one_peer:8", "one_peer:6", "exponential:9", "random_out:10:2",
                                      "rotating", "base:11:2", "base:8:1", "star:5", "ring:9", "erdos_renyi:12:0.4"}) {
    for (const double up : {1.0, 0.5}) {
      SCOPED_TRACE(std::string(spec) + (up < 1.0 ? ", failing" : ""));
      const auto links = schedule(spec, up);
      for (const std::uint64_t first : {0, 1, 5}) {
        expect_everybody_to_get_everything_once(*links, make_relay_plan(*links, first), first);
      }
    }
  }
}

TEST(RelayPlan, TakesTheFewestRoundsThatTheLinksAllow) {
  EXPECT_EQ(make_relay_plan(*schedule("directed_ring:7"), 3).rounds.size(), 6U);
  EXPECT_EQ(make_relay_plan(*schedule("ring:9"), 0).rounds.size(), 4U);
  EXPECT_EQ(make_relay_plan(*schedule("one_peer:8"), 0).rounds.size(), 3U);
  EXPECT_EQ(make_relay_plan(*schedule("star:5"), 0).rounds.size(), 2U);
}

TEST(RelayPlan, SendsOneMessageALinkAndRoundOnADirectedRing) {
  const RelayPlan plan = make_relay_plan(*schedule("directed_ring:7"), 0);
  for (const auto& round : plan.rounds) {
    for (const RelayRound& part : round) EXPECT_EQ(part.sends.size(), 1U);
  }
}

TEST(RelayPlan, SharesTheWorkBetweenSendersThatCouldBothDoIt) {
  // 0 and 1 know all of the other two's messages after the first round, and bring them to 3.
  std::vector<LinkMatrix> rounds;
  rounds.push_back(LinkMatrix::evenly(4, {{2, 0}, {2, 1}, {0, 1}, {1, 0}, {3, 2}}));
  rounds.push_back(LinkMatrix::evenly(4, {{0, 3}, {1, 3}, {0, 2}, {2, 0}, {2, 1}}));
  const RelayPlan plan = make_relay_plan(LinkSchedule(std::move(rounds)), 0);
  std::map<int, int> brought;
  for (const RelayedMessage& message : plan.rounds[1][3].receives) ++brought[message.peer.value];
  EXPECT_EQ(brought, (std::map<int, int>{{0, 2}, {1, 1}}));
}

TEST(RelayPlan, OfLinksThatDoNotJoinNamesTwoNodes) {
  std::vector<LinkMatrix> rounds;
  rounds.push_back(LinkMatrix::evenly(3, {{0, 1}, {1, 0}, {1, 2}}));
  try {
    make_relay_plan(LinkSchedule(std::move(rounds)), 0);
    FAIL() << "accepted";
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("bring nothing from worker 2 to worker 0"), std::string::npos)
        << error.what();
  }
}

TEST(RelayPlans, AreMadeOnceWhereTheyComeAgain) {
  RelayPlans plans(schedule("one_peer:8"));
  EXPECT_EQ(plans.from(0), plans.from(3));
  EXPECT_NE(plans.from(0), plans.from(1));
  RelayPlans drawn(schedule("random_out:6:2"));
  EXPECT_NE(drawn.from(0), drawn.from(3));
  EXPECT_EQ(drawn.from(3), drawn.from(3));
}

}  // namespace
}  // namespace laconic
