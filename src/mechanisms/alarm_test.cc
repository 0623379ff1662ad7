#include "mechanisms/alarm.h"

#include "base/byte_stream.h"
#include "mechanisms/test_worker.h"

namespace laconic {
namespace {

struct Workers : Crew {
  explicit Workers(std::size_t count) : Crew(gaussian_models(count, 1), {.deadline = {10.0}}) {}
  Comm& comm(std::size_t k) { return workers[k].comm; }
  bool raised(std::size_t k, std::uint64_t number) { return network.run(alarm_raised(comm(k), number)); }
  void alarm(int from, int to, const std::vector<std::byte>& payload) {
    network.flight().push_back({{from}, {to}, Frame(FrameHeader{Traffic::kControl, Tag::kBroadcast, {0}}, payload)});
  }
};

TEST(Alarm, ReachesAllOthersAtTheBytesOfTheFormulaAndIsHeardOnce) {
  Workers crew(4);
  EXPECT_FALSE(crew.raised(0, 0)) << "no bytes go while nobody wants one";
  raise_alarm(crew.comm(2), 0);
  std::uint64_t payload = 0;
  for (const TestNetwork::Parcel& parcel : crew.network.flight()) payload += parcel.frame.payload().size();
  EXPECT_EQ(payload, alarm_payload(4));
  crew.network.deliver();
  for (const std::size_t k : {0, 1, 3}) {
    EXPECT_TRUE(crew.raised(k, 0)) << k;
    EXPECT_FALSE(crew.raised(k, 0)) << k;
  }
  EXPECT_FALSE(crew.raised(2, 0)) << "not its own";
  Workers alone(1);
  raise_alarm(alone.comm(0), 0);
  EXPECT_TRUE(alone.network.flight().empty());
  EXPECT_EQ(alarm_payload(1), 0U);
}

TEST(Alarm, OfAnExchangeThatIsOverIsForgottenAndSeveralOfOneAreOne) {
  Workers crew(3);
  const std::uint64_t huge = ~std::uint64_t{0};
  raise_alarm(crew.comm(1), 4);
  raise_alarm(crew.comm(2), 4);
  crew.network.deliver();
  EXPECT_FALSE(crew.raised(0, 5));
  EXPECT_FALSE(crew.raised(0, 4)) << "both were taken";
  raise_alarm(crew.comm(1), 5);
  raise_alarm(crew.comm(2), 5);
  raise_alarm(crew.comm(1), 4);
  crew.network.deliver();
  EXPECT_TRUE(crew.raised(0, 5));
  EXPECT_FALSE(crew.raised(0, 5));
  raise_alarm(crew.comm(1), huge);
  crew.network.deliver();
  EXPECT_TRUE(crew.raised(0, huge));
}

TEST(Alarm, FurtherAheadThanTheNextExchangeIsRefusedWithBothWorkersNamed) {
  Workers crew(3);
  raise_alarm(crew.comm(2), 6);
  crew.network.deliver();
  const std::string text = error_of<DecodeError>([&] { crew.raised(0, 5); });
  EXPECT_TRUE(contains(text, "alarm of worker 2") && contains(text, "worker 0 has not taken part in exchange 5"))
      << text;
}

TEST(Alarm, BytesThatAreNoneAreRefusedWithTheirSenderNamed) {
  const std::vector<std::vector<std::byte>> hostile = {{},
                                                       {std::byte{0}, std::byte{0}},
                                                       {std::byte{0x80}},
                                                       {std::byte{0x80}, std::byte{0}},
                                                       std::vector(11, std::byte{0xff})};
  for (const std::vector<std::byte>& payload : hostile) {
    Workers crew(2);
    crew.alarm(1, 0, payload);
    crew.network.deliver();
    EXPECT_TRUE(contains(error_of<DecodeError>([&] { crew.raised(0, 0); }), "alarm of worker 1")) << payload.size();
  }
}

TEST(Alarm, WhoAwaitsOneGoesOnWithTheNextAndGivesUpAtTheDeadline) {
  Workers crew(3);
  raise_alarm(crew.comm(1), 3);
  raise_alarm(crew.comm(2), 4);
  crew.network.run(await_alarm(crew.comm(0), 4));
  EXPECT_EQ(crew.comm(0).now(), Seconds{0.0});
  raise_alarm(crew.comm(1), 4);  // old by now, and no reason to wait any longer
  const std::string text = error_of<PeerLost>([&] { crew.network.run(await_alarm(crew.comm(0), 5)); });
  EXPECT_TRUE(contains(text, "worker 0 has done its steps") && contains(text, "(exchange 5)")) << text;
  EXPECT_EQ(crew.comm(0).now(), Seconds{10.0});
}

}  // namespace
}  // namespace laconic
