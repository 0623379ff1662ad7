#include "topology/link_file.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace laconic {
namespace {

std::string refusal(std::string_view text) {
  try {
    parse_link_file(text, "links.csv");
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(LinkFile, GivesTheLinksOfEachRound) {
  const auto schedule =
      parse_link_file("round,from,to\r\n# a comment\n0,0,1 # another\n0, 0 ,2\n\n2,2,0\n1#\n", "links.csv");
  EXPECT_EQ(schedule->nodes(), 3U);
  EXPECT_EQ(schedule->period(), 3U);
  EXPECT_EQ(schedule->at(3)->links(), 2U);
  EXPECT_EQ(schedule->at(1)->links(), 0U);
  EXPECT_EQ(schedule->at(2)->links(), 1U);
  EXPECT_DOUBLE_EQ(schedule->at(0)->self_weight({0}), 1.0 / 3);
  EXPECT_DOUBLE_EQ(schedule->at(0)->senders({2})[0].weight, 1.0 / 3);
  EXPECT_EQ(schedule->at(0)->self_weight({1}), 1.0);
}

TEST(LinkFile, TakesWeightsAndLeavesTheRestToTheSender) {
  const auto schedule = parse_link_file("0,0,1,0.25\n0,1,0,0.5\n0,1,1,0.5\n", "links.csv");
  EXPECT_EQ(schedule->at(0)->self_weight({0}), 0.75);
  EXPECT_EQ(schedule->at(0)->self_weight({1}), 0.5);
  EXPECT_EQ(schedule->at(0)->receivers({1})[0].weight, 0.5);
}

TEST(LinkFile, SaysWhereAndWhatIsWrong) {
  EXPECT_EQ(refusal(""), "links.csv: lists no link; a line is round,from,to such as 0,0,1");
  EXPECT_EQ(refusal("0,0,1\n0,1\n"), "links.csv:2: 2 fields; a line is round,from,to or round,from,to,weight");
  EXPECT_EQ(refusal("0,0,1\n0,a,1\n"), "links.csv:2: 'a' is no node: a whole number from 0 to 99999");
  EXPECT_EQ(refusal("0,0,1\n-1,0,1\n"), "links.csv:2: '-1' is no round: a whole number from 0 to 99999");
  EXPECT_EQ(refusal("0,0,1\n0,1,0\n0,0,1\n"),
            "links.csv:3: the link is listed already in this round, in line 1; list it once");
  EXPECT_EQ(refusal("0,0,1\n0,1,1\n"), "links.csv:2: a link from node 1 to itself; remove the line");
  EXPECT_EQ(refusal("0,0,1,0.5\n0,1,0\n"),
            "links.csv:2: no weight where the lines before have one; give one in all lines or in none");
  EXPECT_EQ(refusal("0,0,1,0\n"), "links.csv:1: '0' is no weight: a number from 0.000001 to 1");
  EXPECT_EQ(refusal("0,0,1,1e-30\n"), "links.csv:1: '1e-30' is no weight: a number from 0.000001 to 1");
  EXPECT_EQ(refusal("O,0,2\n0,0,1\n"), "links.csv:1: 'O' is no round: a whole number from 0 to 99999");
  EXPECT_EQ(refusal("0,0,0,1\n"), "links.csv: one node has nobody to send to; list links between at least two");
  std::string sparse = "0,0,99999\n0,99999,0\n";
  for (int round = 1; round < 1000; ++round) sparse += std::to_string(round) + "\n";
  EXPECT_EQ(refusal(sparse), "links.csv: 1000 rounds of 100000 nodes; give fewer rounds");
  EXPECT_EQ(refusal("0,0,1,nan\n"), "links.csv:1: 'nan' is no weight: a number from 0.000001 to 1");
  EXPECT_EQ(
      refusal("0,0,1,0.6\n0,0,2,0.6\n0,1,0,0.5\n"),
      "links.csv:2: the weights of node 0 in this round add up to 1.200000; they may add up to 1 at most, and what "
      "is left it keeps");
  EXPECT_EQ(refusal("0,0,1,0.6\n0,0,0,0.3\n0,1,0,0.5\n"),
            "links.csv:1: the weights of node 0 in this round add up to 0.900000; they have to add up to 1");
  EXPECT_EQ(refusal("0,0,1\n2,1,0\n"),
            "links.csv: nothing is said of round 1 of 0 to 2; give it links, or a line with its number alone if nobody "
            "sends in it");
}

}  // namespace
}  // namespace laconic
