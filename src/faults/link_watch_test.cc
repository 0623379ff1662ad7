#include "faults/link_watch.h"

#include <gtest/gtest.h>

namespace laconic::faults {
namespace {

Frame frame(std::uint32_t round) {
  return Frame({Traffic::kControl, Tag::kReduced, Round{round}}, std::span<const std::byte>());
}

class Watch : public ::testing::Test {
 protected:
  void send(int from, int to, std::initializer_list<std::uint32_t> rounds) {
    for (const std::uint32_t round : rounds) watch_.sent(from, to, frame(round));
  }
  // Whether it may come so.
  bool comes(int from, int to, std::initializer_list<std::uint32_t> rounds) {
    for (const std::uint32_t round : rounds) watch_.came(from, to, frame(round));
    return watch_.objections().empty();
  }
  LinkWatch watch_{3};
};

TEST_F(Watch, FramesComeOnceAndInOrder) {
  send(0, 1, {1, 2, 3});
  send(0, 2, {7});
  EXPECT_TRUE(comes(0, 1, {1, 2}));
  EXPECT_TRUE(comes(0, 2, {7}));
  EXPECT_TRUE(comes(0, 1, {3}));
}

TEST_F(Watch, OneThatComesTwiceIsFound) {
  send(0, 1, {1, 2});
  EXPECT_FALSE(comes(0, 1, {1, 1}));
}

TEST_F(Watch, OneThatIsLostIsFound) {
  send(0, 1, {1, 2, 3});
  EXPECT_FALSE(comes(0, 1, {1, 3}));
}

TEST_F(Watch, WhatWasSentToOrByAnIncarnationThatIsOverIsLostAndMayNotCome) {
  watch_.started(1);
  send(1, 0, {1, 2});
  EXPECT_TRUE(comes(1, 0, {1}));
  send(0, 1, {4});
  watch_.started(1);
  send(1, 0, {1});
  watch_.heard_restart(0, 1);
  send(0, 1, {5});
  EXPECT_TRUE(comes(1, 0, {1}));
  EXPECT_TRUE(comes(0, 1, {5}));
  send(0, 1, {6});
  watch_.started(1);
  watch_.heard_restart(0, 1);
  EXPECT_FALSE(comes(0, 1, {6})) << "it was sent to the one before";
}

TEST_F(Watch, OneThatNeverSpokeLeavesWhatWasSaidToItToTheNext) {
  watch_.started(1);
  send(0, 1, {4});
  send(1, 0, {1});
  watch_.started(1);
  send(1, 0, {1, 2});
  EXPECT_TRUE(comes(1, 0, {1, 2}));
  EXPECT_TRUE(comes(0, 1, {4}));
}

TEST_F(Watch, OneThatHasHeardSomethingAndNeverSpokeLeavesItToTheNextToo) {
  watch_.started(1);
  send(0, 1, {4});
  EXPECT_TRUE(comes(0, 1, {4}));
  watch_.started(1);
  EXPECT_TRUE(comes(0, 1, {4}));
  send(1, 0, {1});
  EXPECT_TRUE(comes(1, 0, {1}));
  EXPECT_FALSE(comes(0, 1, {4}));
}

}  // namespace
}  // namespace laconic::faults
