#include "links/session/hello.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace laconic::session {
namespace {

Hello example() {
  return {.job = 0x0102030405060708,
          .channel = ChannelName::kData,
          .from = 3,
          .to = 0,
          .incarnation = 2,
          .known = 1,
          .attempt = 4,
          .received = 300,
          .limit = 8'388'608};
}

TEST(Hello, IsLaidOutAsItsPageSays) {
  const std::vector<unsigned> expected = {'l', 'a', 'c', 'o', 'n', 'i', 'c', 1, 8,    7, 6,    5,    4,    3,
                                          2,   1,   1,   3,   0,   2,   1,   4, 0xac, 2, 0x80, 0x80, 0x80, 4};
  const std::vector<std::byte> body = example().encode();
  std::vector<unsigned> bytes;
  for (const std::byte byte : body) bytes.push_back(static_cast<unsigned>(byte));
  EXPECT_EQ(bytes, expected);
  const Hello hello = Hello::decode(body);
  EXPECT_EQ(hello.encode(), body);
  EXPECT_EQ(hello.limit, 8'388'608U);
}

TEST(Hello, RefusesEveryOtherBeginningAndEveryCut) {
  const std::vector<std::byte> body = example().encode();
  for (std::size_t size = 0; size < body.size(); ++size) {
    EXPECT_THROW(Hello::decode(std::span(body).first(size)), DecodeError) << size;
  }
  for (std::size_t at = 0; at < 8; ++at) {
    std::vector<std::byte> other = body;
    other[at] ^= std::byte{1};
    EXPECT_THROW(Hello::decode(other), DecodeError) << at;
  }
  std::vector<std::byte> longer = body;
  longer.push_back(std::byte{0});
  EXPECT_THROW(Hello::decode(longer), DecodeError);
  std::vector<std::byte> channel = body;
  channel[16] = std::byte{2};
  EXPECT_THROW(Hello::decode(channel), DecodeError);
  Hello far = example();
  far.from = static_cast<int>(kMaxProcesses);
  EXPECT_THROW(Hello::decode(far.encode()), DecodeError);
}

TEST(Admission, OfAClaimIsTheNewestIncarnationOrARefusalByName) {
  EXPECT_EQ(admit_claim(3, 2, 2).incarnation, 2U);
  const Admission older = admit_claim(3, 1, 2);
  EXPECT_EQ(older.incarnation, 0U);
  EXPECT_EQ(older.refusal.code, Refusal::Code::kReplaced);
  EXPECT_EQ(older.refusal.text, "process 3 of incarnation 1 is over: incarnation 2 has taken its place");
  const Admission lie = admit_claim(3, 7, 2);
  EXPECT_EQ(lie.incarnation, 0U);
  EXPECT_EQ(lie.refusal.code, Refusal::Code::kNeverGiven);
  EXPECT_EQ(lie.refusal.text, "process 3 claims incarnation 7, which was never given: the newest is 2");
}

TEST(Refusal, ComesAsItWasSaidAndSteersNoTerminal) {
  const Refusal refusal{.code = Refusal::Code::kReplaced, .text = "process 3 is over\x1b[2J"};
  const Refusal came = Refusal::decode(refusal.encode());
  EXPECT_EQ(came.code, Refusal::Code::kReplaced);
  EXPECT_EQ(came.text, "process 3 is over?[2J");
  EXPECT_THROW(Refusal::decode({}), DecodeError);
  const std::vector<std::byte> unknown = {std::byte{4}};
  EXPECT_THROW(Refusal::decode(unknown), DecodeError);
  EXPECT_THROW(Refusal::decode(std::vector<std::byte>(kMaxRefusal + 2)), DecodeError);
}

}  // namespace
}  // namespace laconic::session
