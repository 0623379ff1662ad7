#include "mechanisms/link_memory.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "mechanisms/test_worker.h"

namespace laconic {
namespace {

constexpr std::size_t kSize = 12;
constexpr double kGamma = 0.5;
using Vector = std::vector<double>;
using Message = std::vector<std::byte>;

Vector wide(std::span<const float> values) { return {values.begin(), values.end()}; }
void expect_near(std::span<const float> got, const Vector& expected, const std::string& what = "") {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t j = 0; j < got.size(); ++j) EXPECT_NEAR(got[j], expected[j], 2e-6) << what << ", element " << j;
}
// C of top_k: the k largest magnitudes, the others 0.
Vector top(const Vector& v, std::size_t k) {
  std::vector<std::size_t> order(v.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return std::abs(v[a]) > std::abs(v[b]); });
  Vector result(v.size(), 0.0);
  for (std::size_t i = 0; i < k; ++i) result[order[i]] = v[order[i]];
  return result;
}
double norm(const Vector& v) { return std::sqrt(std::inner_product(v.begin(), v.end(), v.begin(), 0.0)); }

const LinkMemory::MakeFrame kMake = [](std::size_t size, const auto& write) {
  return Frame(FrameHeader{Traffic::kModel, Tag::kGossip, {0}}, size, write);
};
CompressorFactory top_k(std::size_t k) { return operator_of("top_k", {{"k", std::to_string(k)}}, kSize); }

// A sender's memory, with the messages that it encoded last.
struct Sender {
  std::unique_ptr<LinkMemory> memory;
  RandomStream random{1, "test"};
  std::vector<Message> messages = {};

  void encode(std::span<const float> x, double weight, LinkMemory::Receivers receivers,
              std::span<const float> before = {}) {
    messages.clear();
    for (const Frame& frame : memory->encode(x, before, weight, receivers, random, kMake)) {
      messages.emplace_back(frame.payload().begin(), frame.payload().end());
    }
  }
  void give(LinkMemory::Receivers receivers, double weight, std::span<float> x) {
    const std::vector<std::span<const std::byte>> views(messages.begin(), messages.end());
    memory->give(receivers, kGamma, weight, views, x);
  }
};

// What a message that is taken whole adds to 0.
std::vector<float> taken(LinkMemory& memory, const Message& message, double fraction = 1.0, double weight = 1.0,
                         int sender = 0) {
  std::vector<float> x(kSize, 0.0F);
  memory.take({sender}, message, fraction, weight, x);
  return x;
}
void expect_refused(LinkMemory& memory, const Message& message, const std::string& what) {
  const std::vector<float> before = gaussian_vector(kSize, 4);
  std::vector<float> x = before;
  EXPECT_THROW(memory.take({0}, message, 0.5, 1.0, x), DecodeError) << what;
  EXPECT_EQ(x, before) << what;
}

TEST(ExactMemory, TheReceiverAddsWhatTheSenderTakesOffItself) {
  const std::vector<WeightedNeighbor> receivers = {{{1}, 0.3}, {{4}, 0.45}};
  const std::vector<float> start = gaussian_vector(kSize, 1);
  std::vector<float> x = start;
  Sender sender{make_exact_memory()};
  sender.encode(x, 1.0, receivers);
  sender.give(receivers, 1.0, x);
  Vector left = wide(start);
  for (double& value : left) value *= 1.0 - kGamma * 0.75;
  expect_near(x, left);
  Message message(sender.messages.at(0));
  for (const WeightedNeighbor& receiver : receivers) {
    Vector expected = wide(start);
    for (double& value : expected) value *= kGamma * receiver.weight;
    expect_near(taken(*make_exact_memory(), message, kGamma * receiver.weight), expected);
  }
  // A message may lie at any address.
  message.insert(message.begin(), std::byte{});
  std::vector<float> copy(kSize, 0.0F);
  make_exact_memory()->take({0}, std::span(message).subspan(1), 1.0, 1.0, copy);
  EXPECT_EQ(copy, start);
}

TEST(ExactMemory, RefusesModelsOfAnotherSizeOrThatAreNotFinite) {
  Sender sender{make_exact_memory()};
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    std::vector<float> x = gaussian_vector(kSize, 1);
    x.back() = bad;
    sender.encode(x, 1.0, {});
    expect_refused(*sender.memory, sender.messages.at(0), std::to_string(bad));
  }
  for (const std::size_t size : {0, 1, 47, 49, 52}) expect_refused(*sender.memory, Message(size), std::to_string(size));
}

// v = x + e; c = C(v); e = v - c: Sparse-Push, with x or with what the steps added to it.
TEST(ErrorMemory, TellsTheOperatorOfWhatIsNewAndWhatEarlierMessagesLeftOut) {
  for (const bool of_updates : {false, true}) {
    Sender sender{make_error_memory(top_k(3)(), kSize, of_updates)};
    EXPECT_EQ(sender.memory->needs_before(), of_updates);
    Vector error(kSize, 0.0);
    const std::vector<WeightedNeighbor> receivers = {{{1}, 0.25}, {{2}, 0.5}};
    for (std::uint64_t round = 0; round < 30; ++round) {
      const std::vector<float> before = gaussian_vector(kSize, 50 + round);
      std::vector<float> x = gaussian_vector(kSize, 100 + round);
      const std::vector<float> at_first = x;
      Vector v = error;
      for (std::size_t j = 0; j < kSize; ++j) v[j] += x[j] - (of_updates ? static_cast<double>(before[j]) : 0.0);
      if (round % 5 == 4) {  // nobody hears: of x nothing is told, of an update all is left
        sender.memory->skip_round(x, before);
        if (of_updates) error = v;
        continue;
      }
      sender.encode(x, 1.0, receivers, before);
      const Vector told = top(v, 3);
      for (std::size_t j = 0; j < kSize; ++j) error[j] = v[j] - told[j];
      ASSERT_EQ(sender.messages.size(), 1U) << "one for all";
      expect_near(taken(*make_error_memory(top_k(3)(), kSize, of_updates), sender.messages[0]), told);
      EXPECT_NEAR(sender.memory->residual(), norm(error), 1e-5);
      sender.give(receivers, 1.0, x);
      Vector left = wide(at_first);
      for (std::size_t j = 0; j < kSize; ++j) left[j] -= kGamma * 0.75 * told[j];
      expect_near(x, left);
    }
    sender.memory->merged(std::vector<float>(kSize, 1.0F));
    EXPECT_EQ(sender.memory->residual(), 0.0);
    sender.encode(gaussian_vector(kSize, 1), 1.0, receivers, gaussian_vector(kSize, 2));
    EXPECT_GT(sender.memory->residual(), 0.0);
    sender.memory->sent_uncompressed();
    EXPECT_EQ(sender.memory->residual(), 0.0);
  }
}

// z-hat += C(z - z-hat) at both ends of each link, or x-hat of x; given and taken are fractions of y z-hat, or x-hat.
TEST(DifferenceMemory, BothEndsHoldWhatTheMessagesOfTheirLinkAddUpTo) {
  for (const bool of_models : {false, true}) {
    for (const bool same_receivers : {false, true}) {
      const DifferenceOptions options{.of_models = of_models, .same_receivers = same_receivers};
      const std::vector<float> start = gaussian_vector(kSize, 9);
      const auto make = [&] { return make_difference_memory(top_k(3)(), kSize, start, options); };
      Sender sender{make()};
      std::map<int, std::unique_ptr<LinkMemory>> ends;
      std::map<int, Vector> known;
      for (const int node : {1, 2, 5}) known[node] = wide(start), ends[node] = make();
      for (std::uint64_t round = 0; round < 20; ++round) {
        std::vector<WeightedNeighbor> receivers = {{{1}, 0.25}, {{2}, 0.125}, {{5}, 0.5}};
        if (!same_receivers && round % 2 == 1) receivers.erase(receivers.begin() + 1);  // links that change
        if (!same_receivers && round % 7 == 6) receivers.clear();
        const double weight = 1.0 + 0.1 * static_cast<double>(round);
        const double worth = of_models ? weight : 1.0;
        std::vector<float> x = gaussian_vector(kSize, 100 + round / 4);
        const Vector at_first = wide(x);
        Vector left = at_first;
        sender.encode(x, weight, receivers);
        sender.give(receivers, weight, x);
        ASSERT_EQ(sender.messages.size(), same_receivers ? 1 : receivers.size());
        double largest = 0.0;
        for (std::size_t i = 0; i < receivers.size(); ++i) {
          Vector& copy = known[receivers[i].rank.value];
          Vector difference(kSize);
          for (std::size_t j = 0; j < kSize; ++j) difference[j] = at_first[j] / worth - copy[j];
          largest = std::max(largest, norm(difference));
          const Vector told = top(difference, 3);
          Vector expected(kSize);
          const double fraction = kGamma * receivers[i].weight;
          for (std::size_t j = 0; j < kSize; ++j) {
            copy[j] += told[j];
            expected[j] = fraction * worth * copy[j];
            left[j] -= expected[j];
          }
          LinkMemory& end = *ends[receivers[i].rank.value];
          const std::vector<float> got = taken(end, sender.messages[same_receivers ? 0 : i], fraction, weight);
          expect_near(got, expected, "round " + std::to_string(round));
        }
        expect_near(x, left, "the sender in round " + std::to_string(round));
        EXPECT_NEAR(sender.memory->residual(), largest, 1e-5);
      }
    }
  }
}

TEST(DifferenceMemory, AfterAMergeOnlyWhatIsNewSinceItIsTold) {
  const auto make = [] { return make_difference_memory(top_k(2)(), kSize, {}, {}); };
  const std::vector<WeightedNeighbor> receivers = {{{1}, 0.5}};
  Sender sender{make()};
  const std::unique_ptr<LinkMemory> end = make();
  const auto tell = [&](const std::vector<float>& x) {
    sender.encode(x, 1.0, receivers);
    std::vector<float> own = x;
    sender.give(receivers, 1.0, own);
    return taken(*end, sender.messages.at(0));
  };
  tell(gaussian_vector(kSize, 1));
  std::vector<float> common = gaussian_vector(kSize, 2);
  sender.memory->merged(common);
  end->merged(common);
  EXPECT_EQ(tell(common), common) << "the chain of messages goes on over a merge";
  EXPECT_EQ(sender.memory->residual(), 0.0);
  common[3] += 1.0F;
  EXPECT_EQ(tell(common), common) << "one element is new, of two that a message tells";
}

TEST(DifferenceMemory, AMessageLostRepeatedOrAheadOfAnotherIsRefusedAndTheRightOneStillTaken) {
  const auto make = [] { return make_difference_memory(top_k(2)(), kSize, {}, {}); };
  const std::vector<WeightedNeighbor> receivers = {{{1}, 0.5}};
  Sender sender{make()};
  const std::unique_ptr<LinkMemory> end = make();
  std::vector<Message> messages;
  std::vector<float> x = gaussian_vector(kSize, 1);
  for (int round = 0; round < 3; ++round) {
    sender.encode(x, 1.0, receivers);
    sender.give(receivers, 1.0, x);
    messages.push_back(sender.messages.at(0));
  }
  expect_refused(*end, messages[1], "the first is lost");
  taken(*end, messages[0]);
  expect_refused(*end, messages[0], "repeated");
  expect_refused(*end, messages[2], "ahead of the second");
  for (std::size_t size = 0; size < messages[1].size(); ++size) {
    expect_refused(*end, Message(messages[1].begin(), messages[1].begin() + static_cast<std::ptrdiff_t>(size)),
                   std::to_string(size) + " bytes of it");
  }
  taken(*end, messages[1]);
  EXPECT_THROW(taken(*end, messages[2], 1.0, 1.0, 3), DecodeError) << "of another sender, whose first it would be";
  taken(*end, messages[2]);
}

TEST(LinkMemory, AZeroVectorMovesNobodyAndOneThatIsNotFiniteIsNotSent) {
  const std::vector<WeightedNeighbor> receivers = {{{1}, 0.5}};
  const std::vector<float> zero(kSize, 0.0F);
  const auto every = [] {
    std::vector<std::unique_ptr<LinkMemory>> memories;
    memories.push_back(make_exact_memory());
    memories.push_back(make_error_memory(top_k(2)(), kSize, false));
    memories.push_back(make_error_memory(top_k(2)(), kSize, true));
    memories.push_back(make_difference_memory(top_k(2)(), kSize, {}, {}));
    return memories;
  };
  std::vector<std::unique_ptr<LinkMemory>> ends = every();
  for (std::size_t i = 0; i < ends.size(); ++i) {
    Sender sender{std::move(every()[i])};
    std::vector<float> x = zero;
    sender.encode(x, 1.0, receivers, zero);
    sender.give(receivers, 1.0, x);
    EXPECT_EQ(x, zero) << i;
    EXPECT_EQ(taken(*ends[i], sender.messages.at(0)), zero) << i;
    EXPECT_EQ(sender.memory->residual(), 0.0) << i;
    if (i == 0) continue;  // whole models are looked at where they come
    x[5] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_THROW(sender.encode(x, 1.0, receivers, zero), RunError) << i;
  }
}

}  // namespace
}  // namespace laconic
