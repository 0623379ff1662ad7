// Messages, answers and saved state that nobody in order would send.
#include <cmath>
#include <limits>

#include "base/byte_stream.h"
#include "mechanisms/link_accounts.h"
#include "mechanisms/test_worker.h"

namespace laconic {
namespace {

constexpr auto kOne = static_cast<std::uint64_t>(PushWeight::kOne);
constexpr std::uint64_t kHuge = std::numeric_limits<std::uint64_t>::max();

// 0 sends to 1, and 1 to 2.
std::shared_ptr<const LinkSchedule> links() {
  std::vector<LinkMatrix> rounds;
  rounds.push_back(LinkMatrix::evenly(3, {{0, 1}, {1, 2}}));
  return std::make_shared<const LinkSchedule>(std::move(rounds));
}

struct Pair {
  explicit Pair(bool keep = true) : sender(schedule, keep), receiver(schedule, keep) { crew.network.hold(); }

  std::vector<LinkAccounts::Taken> take(const std::vector<std::byte>& payload, int from = 0) {
    const FrameHeader header{.traffic = Traffic::kModel, .tag = Tag::kGossip, .round = {0}};
    crew.network.flight().push_back({{from}, {1}, Frame(header, payload)});
    crew.network.deliver();
    return crew.network.run(receiver.take(crew.workers[1].self));
  }
  std::vector<LinkAccounts::Transfer> take_back(const std::vector<std::byte>& payload, int from = 1) {
    const FrameHeader header{.traffic = Traffic::kControl, .tag = Tag::kAnswer, .round = {0}};
    crew.network.flight().push_back({{from}, {0}, Frame(header, payload)});
    crew.network.deliver();
    return crew.network.run(sender.take_back(crew.workers[0].self));
  }
  void send(std::uint64_t step) {
    const auto receivers = schedule->at(0)->receivers({0});
    crew.network.run(sender.send(crew.workers[0].self, {step}, receivers, receivers, 1.0, PushWeight(), {}));
    crew.network.flight().clear();
  }

  std::shared_ptr<const LinkSchedule> schedule = links();
  Crew crew{std::vector<std::vector<float>>(3, std::vector<float>(1))};
  LinkAccounts sender;
  LinkAccounts receiver;
};

std::vector<std::byte> message(std::uint64_t weight, std::uint64_t step, std::uint64_t number, std::uint64_t behind) {
  ByteWriter out;
  out.u64(weight);
  for (const std::uint64_t value : {step, number, behind}) out.varint(value);
  return out.take();
}
std::vector<std::byte> answer(const std::vector<std::uint64_t>& values) {
  ByteWriter out;
  for (const std::uint64_t value : values) out.varint(value);
  return out.take();
}
void expect_named(const std::string& text, int sender) {
  EXPECT_TRUE(contains(text, "what worker " + std::to_string(sender) + " sent")) << text;
}

TEST(LinkAccountsMessages, HostileOnesAreRefusedWithTheirSendersNamed) {
  constexpr std::uint64_t kGap = 1U << 20;
  const std::vector<std::vector<std::byte>> hostile = {
      message(0, 0, 0, 0),          message(3 * kOne + 1, 0, 0, 0), message(kHuge, 0, 0, 0),
      message(kOne, kHuge, 0, 0),   message(kOne, 0, 0, 1),         message(kOne, 0, 5, kHuge),
      message(kOne, 0, kGap, kGap), message(kOne, 0, kHuge, kHuge), message(kOne, 0, kHuge, 0)};
  for (std::size_t i = 0; i < hostile.size(); ++i) {
    Pair pair;
    SCOPED_TRACE(i);
    expect_named(error_of<DecodeError>([&] { pair.take(hostile[i]); }), 0);
    EXPECT_FALSE(pair.receiver.took({0}, 0));
  }
  const std::vector<std::byte> whole = message(3 * kOne, 0, kGap - 1, kGap - 1);
  EXPECT_EQ(Pair().take(whole).size(), 1U) << "all that the limits allow";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Pair pair;
    expect_named(error_of<DecodeError>([&] {
                   pair.take({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
                 }),
                 0);
  }
  Pair pair;
  const std::string text = error_of<DecodeError>([&] { pair.take(message(kOne, 0, 0, 0), 2); });
  expect_named(text, 2);
  EXPECT_TRUE(contains(text, "a link that isn't there")) << text;
}

TEST(LinkAccountsMessages, StepsOfAnyNumberAreRoundsOfTheSchedule) {
  EXPECT_EQ(Pair().take(message(kOne, std::uint64_t{1} << 62, 0, 0)).at(0).fraction, 0.5);
}

TEST(LinkAccountsMessages, WithoutAccountsAWeightThatRepeatsHaveMadeEndsTheRunWithTheRemedy) {
  Pair pair(false);
  EXPECT_EQ(pair.take(message(kOne * kMaxNodes, 0, 0, 0)).size(), 1U);
  const std::string text = error_of<RunError>([&] { pair.take(message(kOne * kMaxNodes + 1, 0, 1, 0)); });
  EXPECT_TRUE(contains(text, "worker 0 has") && contains(text, "set account = true")) << text;
}

TEST(LinkAccountsAnswers, HostileOnesAreRefusedWithTheirSendersNamedAndNothingIsGivenBack) {
  const std::vector<std::vector<std::uint64_t>> hostile = {
      {},          {2},           {2, 1},           {5, 0},    {kHuge, 0},       {4, 0, 0},
      {4, 1, 4},   {4, 1, kHuge}, {4, 2, 3, kHuge}, {4, 2, 1}, {4, kHuge, 0, 1}, {4, 2, 1, 0},
      {4, 2, 1, 3}};
  Pair pair;
  for (std::uint64_t step = 0; step < 4; ++step) pair.send(step);
  for (std::size_t i = 0; i < hostile.size(); ++i) {
    SCOPED_TRACE(i);
    expect_named(error_of<DecodeError>([&] { pair.take_back(answer(hostile[i])); }), 1);
    EXPECT_EQ(pair.sender.unanswered().at(1).size(), 4U);
  }
  expect_named(error_of<DecodeError>([&] { pair.take_back(answer({1, 0}), 2); }), 2);  // of one who never got a message
  const std::vector<LinkAccounts::Transfer> back = pair.take_back(answer({4, 2, 1, 2}));
  ASSERT_EQ(back.size(), 2U);
  for (const LinkAccounts::Transfer& transfer : back) EXPECT_EQ(transfer.weight.units(), PushWeight::kOne / 2);
  EXPECT_TRUE(pair.sender.unanswered().at(1).empty());
  EXPECT_TRUE(pair.take_back(answer({4, 2, 1, 2})).empty()) << "a second time";
}

TEST(LinkAccountsState, SavedBetweenAMessageAndItsAnswerItStillAnswers) {
  Pair pair;
  pair.take(message(kOne, 0, 2, 2));
  const std::vector<std::byte> bytes = saved(pair.receiver);
  LinkAccounts loaded(pair.schedule, true);
  load(loaded, bytes);
  EXPECT_TRUE(loaded.took({0}, 2));
  EXPECT_FALSE(loaded.took({0}, 1)) << "lost";
  loaded.answer(pair.crew.workers[1].self);
  ASSERT_EQ(pair.crew.network.flight().size(), 1U);
  const auto payload = pair.crew.network.flight()[0].frame.payload();
  EXPECT_EQ(std::vector<std::byte>(payload.begin(), payload.end()), answer({3, 2, 0, 1})) << "0 and 1 are lost";
}

TEST(LinkAccountsState, OfANodeThatIsNotThereOrOfABrokenMessageIsRefused) {
  const auto state = [](std::uint64_t rank, std::uint64_t head, const std::vector<std::byte>& payload,
                        double fraction = 0.5) {
    Archive save;
    const auto value = [&](const char* name, std::uint64_t number) { save.value(name, number); };
    std::vector<std::byte> bytes = payload;
    value("outgoing.links", 1);
    value("outgoing.rank", rank);
    value("outgoing.next", 1);
    value("outgoing.unanswered", 1);
    value("outgoing.number", 0);
    save.value("outgoing.fraction", fraction);
    value("outgoing.weight", kOne / 2);
    save.bytes("outgoing.payload", bytes, bytes.size());
    value("outgoing.head", head);
    value("incoming.links", 0);
    return save.take();
  };
  const std::vector<std::byte> payload = message(kOne, 0, 0, 0);
  const auto load_from = [](const std::vector<std::byte>& bytes) {
    Pair pair;
    load(pair.sender, bytes);
    return pair.sender.unanswered().at(1).size();
  };
  EXPECT_EQ(load_from(state(1, payload.size(), payload)), 1U);
  EXPECT_THROW(load_from(state(3, payload.size(), payload)), DecodeError);
  EXPECT_THROW(load_from(state(kHuge, payload.size(), payload)), DecodeError);
  EXPECT_THROW(load_from(state(1, payload.size() + 1, payload)), DecodeError);
  EXPECT_THROW(load_from(state(1, kHuge, payload)), DecodeError);
  for (const double fraction : {std::nan(""), -0.5, 1.5})
    EXPECT_THROW(load_from(state(1, payload.size(), payload, fraction)), DecodeError) << fraction;
}

}  // namespace
}  // namespace laconic
