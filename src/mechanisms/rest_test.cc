#include "mechanisms/rest.h"

#include "mechanisms/test_worker.h"

namespace laconic {
namespace {

struct Resting : testing::Test {
  Crew crew{gaussian_models(3, 1), {.deadline = {10.0}}};
  Comm coordinator{crew.network.node(3), crew.processor, {.deadline = {10.0}}};
  RestingWorkers workers{3};
  void say(int worker, std::uint64_t taken_in) { workers.said(coordinator, {worker}, rest_frame({0}, taken_in)); }
};

TEST_F(Resting, AWorkerRestsThatHasSaidSoAfterAllThatWentToIt) {
  EXPECT_EQ(workers.count(), 0U);
  say(0, 0);
  say(0, 0);
  EXPECT_TRUE(workers.contains({0}));
  EXPECT_EQ(workers.count(), 1U) << "said twice";
  workers.sent({0});
  workers.sent({0});
  EXPECT_FALSE(workers.contains({0}));
  say(0, 0);
  say(0, 1);
  EXPECT_FALSE(workers.contains({0})) << "one more is on its way to it";
  say(0, 2);
  say(1, 0);
  say(2, 0);
  EXPECT_EQ(workers.count(), 3U);
  workers.sent({1});
  EXPECT_EQ(workers.count(), 2U);
}

TEST_F(Resting, FramesThatWereNeverSentAndBytesThatAreNoNumberAreRefusedWithTheWorkerNamed) {
  workers.sent({1});
  for (const std::uint64_t taken_in : {std::uint64_t{2}, ~std::uint64_t{0}}) {
    EXPECT_TRUE(contains(error_of<DecodeError>([&] { say(1, taken_in); }), "rest of worker 1"));
  }
  const Frame whole = rest_frame({0}, 1);
  const std::vector<std::vector<std::byte>> hostile = {
      {}, {std::byte{1}, std::byte{0}}, {std::byte{0x81}, std::byte{0}}, std::vector(10, std::byte{0xff})};
  for (const std::vector<std::byte>& payload : hostile) {
    const Frame frame(whole.header(), payload);
    EXPECT_THROW(workers.said(coordinator, {1}, frame), DecodeError) << payload.size();
  }
  EXPECT_EQ(workers.count(), 0U);
  EXPECT_EQ(whole.header().traffic, Traffic::kControl);
}

TEST_F(Resting, SavedAndLoadedItKnowsWhoRestsAndWhatWasSent) {
  workers.sent({1});
  say(1, 1);
  workers.sent({2});
  const std::vector<std::byte> bytes = saved(workers);
  RestingWorkers loaded(3);
  load(loaded, bytes);
  EXPECT_EQ(saved(loaded), bytes);
  EXPECT_TRUE(loaded.contains({1}));
  EXPECT_EQ(loaded.count(), 1U);
  loaded.said(coordinator, {2}, rest_frame({0}, 0));
  EXPECT_FALSE(loaded.contains({2}));
  loaded.said(coordinator, {2}, rest_frame({0}, 1));
  EXPECT_TRUE(loaded.contains({2}));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(load(loaded, std::span(bytes).first(size)), DecodeError) << size;
  }
}

TEST_F(Resting, AWorkerAtRestGetsTheCoordinatorsNextFrameOrNamesItAtTheDeadline) {
  coordinator.send({1}, Frame(FrameHeader{Traffic::kControl, Tag::kBroadcast, {4}}, std::vector<std::byte>(2)));
  Comm& comm = crew.workers[1].comm;
  EXPECT_EQ(crew.network.run(receive_at_rest(comm, {4})).payload().size(), 2U);
  const std::string text = error_of<PeerLost>([&] { crew.network.run(receive_at_rest(comm, {4})); });
  EXPECT_TRUE(contains(text, "worker 1 rests at a checkpoint") && contains(text, "the coordinator")) << text;
  EXPECT_EQ(comm.now(), Seconds{10.0});
}

}  // namespace
}  // namespace laconic
