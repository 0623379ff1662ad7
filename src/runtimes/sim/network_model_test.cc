#include "runtimes/sim/network_model.h"

#include <gtest/gtest.h>

#include <limits>

namespace laconic::sim {
namespace {

constexpr BitsPerSecond kUp{8000.0};  // 1,000 bytes a second
constexpr BitsPerSecond kDown{16000.0};
constexpr Seconds kLatency{0.25};

std::unique_ptr<NetworkModel> interfaces() {
  return make_network({.shared_channel = false,
                       .channel = {},
                       .worker = {.up = kUp, .down = kDown},
                       .coordinator = {.up = {80000.0}, .down = {80000.0}},
                       .latency = kLatency},
                      3);
}

TEST(Interfaces, AFrameTakesItsSizeOverTheRateAtEachEndAndTheLatency) {
  const auto network = interfaces();
  const Seconds reached = network->reach({1.0}, {0}, {1}, {500});
  EXPECT_DOUBLE_EQ(reached.value, 1.0 + 0.5 + 0.25);
  EXPECT_DOUBLE_EQ(network->arrive(reached, {1}, {500}).value, reached.value + 0.25);
}

TEST(Interfaces, FramesQueueAtTheSendersAndAtTheReceiversInterface) {
  const auto network = interfaces();
  const Seconds first = network->reach({0.0}, {0}, {1}, {1000});
  const Seconds second = network->reach({0.0}, {0}, {2}, {1000});
  EXPECT_DOUBLE_EQ((second - first).value, 1.0);
  const Seconds other = network->reach({0.0}, {1}, {2}, {1000});  // another sender does not queue behind worker 0
  EXPECT_DOUBLE_EQ(other.value, first.value);
  EXPECT_DOUBLE_EQ(network->arrive({5.0}, {2}, {1000}).value, 5.5);
  EXPECT_DOUBLE_EQ(network->arrive({5.1}, {2}, {1000}).value, 6.0);
  EXPECT_DOUBLE_EQ(network->arrive({5.1}, {0}, {1000}).value, 5.6);
}

TEST(Interfaces, TheCoordinatorHasRatesOfItsOwn) {
  const auto network = interfaces();
  EXPECT_DOUBLE_EQ(network->reach({0.0}, kCoordinator, {0}, {1000}).value, 0.1 + 0.25);
  EXPECT_DOUBLE_EQ(network->arrive({0.0}, kCoordinator, {1000}).value, 0.1);
}

TEST(Interfaces, AnUnlimitedLinkTakesNoTime) {
  const BitsPerSecond unlimited{std::numeric_limits<double>::infinity()};
  const auto network = make_network({.shared_channel = false,
                                     .channel = {},
                                     .worker = {.up = unlimited, .down = unlimited},
                                     .coordinator = {.up = unlimited, .down = unlimited},
                                     .latency = kLatency},
                                    2);
  EXPECT_EQ(network->reach({1.0}, {0}, {1}, {1000000}), Seconds{1.25});
  EXPECT_EQ(network->arrive({1.25}, {1}, {1000000}), Seconds{1.25});
}

TEST(SharedChannel, OneFrameAtATimeWhoeverSends) {
  const auto network =
      make_network({.shared_channel = true, .channel = kUp, .worker = {}, .coordinator = {}, .latency = kLatency}, 3);
  EXPECT_DOUBLE_EQ(network->reach({0.0}, {0}, {1}, {1000}).value, 1.25);
  EXPECT_DOUBLE_EQ(network->reach({0.0}, {2}, {1}, {500}).value, 1.75);
  EXPECT_DOUBLE_EQ(network->reach({9.0}, {1}, {0}, {500}).value, 9.75);
  EXPECT_DOUBLE_EQ(network->arrive({1.25}, {1}, {1000}).value, 1.25);
}

}  // namespace
}  // namespace laconic::sim
