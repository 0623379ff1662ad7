#include "mechanisms/push_sum.h"

#include <cmath>
#include <limits>

#include "mechanisms/test_worker.h"

namespace laconic {
namespace {

constexpr std::size_t kSize = 20;
constexpr auto kUnits = static_cast<std::uint64_t>(PushWeight::kOne);

TEST(PushWeight, AShareIsTheWholePartOfItsFractionAndNeverMoreThanTheWhole) {
  EXPECT_EQ(PushWeight(7).share(0.5).units(), 3);
  EXPECT_EQ(PushWeight(7).share(0.0).units(), 0);
  EXPECT_EQ(PushWeight(1).share(0.999).units(), 0);
  EXPECT_EQ(PushWeight().share(0.25).units(), PushWeight::kOne / 4);
  // Of up to all that the largest job has, odd in its last places, where double has no bits for them.
  RandomStream random(1, "shares");
  for (std::int64_t units : {PushWeight::kOne, (std::int64_t{1} << 54) + 3, (std::int64_t{1} << 60) + 127,
                             PushWeight::kOne * kMaxNodes - 1}) {
    const PushWeight weight(units);
    EXPECT_LE(weight.share(1.0).units(), units);
    EXPECT_GE(weight.share(1.0).units(), units - (units >> 53));
    for (int t = 0; t < 1000; ++t) {
      const double fraction = random.uniform();
      const long double exact = static_cast<long double>(units) * static_cast<long double>(fraction);
      const auto share = static_cast<long double>(weight.share(fraction).units());
      ASSERT_LE(share, static_cast<long double>(units));
      ASSERT_NEAR(static_cast<double>(share - exact), 0.0, 1.0 + 0x1p-52 * static_cast<double>(units));
    }
  }
  for (const double fraction : {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THROW(PushWeight().share(fraction), CheckFailed);
  }
  EXPECT_EQ(text_of(PushWeight(PushWeight::kOne / 8)), "0.125");
}

TEST(PushWeight, WhatASenderGivesIsToTheBitWhatItsReceiversWorkOut) {
  RandomStream random(2, "links");
  for (int t = 0; t < 500; ++t) {
    std::vector<WeightedNeighbor> receivers;
    double rest = 1.0;
    for (int i = 0; i < 1 + t % 5; ++i) {
      const double weight = rest * random.uniform();
      receivers.push_back({{i}, weight});
      rest -= weight;
    }
    const double gamma = random.uniform();
    const PushWeight before(1 + static_cast<std::int64_t>(random.below(100 * kUnits)));
    PushWeight left = before;
    give_weight(left, receivers, gamma);
    PushWeight sum = left;
    double floats = 0.0;
    for (const WeightedNeighbor& receiver : receivers) {
      sum += before.share(gamma * receiver.weight);
      floats += static_cast<float>(gamma * receiver.weight * 1.5);
    }
    ASSERT_EQ(sum, before);
    ASSERT_GE(left.units(), 0);
    ASSERT_EQ(given_fraction(receivers, gamma, 1.5), static_cast<float>(floats));
  }
  PushWeight alone;
  give_weight(alone, {}, 1.0);
  EXPECT_EQ(alone, PushWeight());
  EXPECT_EQ(given_fraction({}, 1.0), 0.0F);
}

// z = x / y and x += gain (z' - z), element by element in double.
TEST(PushSum, AStepMovesTheNumeratorsByWhatItMovesTheModel) {
  for (const std::int64_t units : {PushWeight::kOne, PushWeight::kOne / 3, PushWeight::kOne * 7 / 2}) {
    for (const double gain : {1.0, 0.25}) {
      Crew crew(gaussian_models(1, kSize));
      Worker& self = crew.workers[0].self;
      PushSum sum;
      crew.network.run(sum.begin(self));
      sum.weight() = PushWeight(units);
      sum.set_model(self, 0);
      const std::vector<float> x(sum.numerators().begin(), sum.numerators().end());
      for (std::size_t j = 0; j < kSize; ++j) EXPECT_NEAR(self.params()[j], x[j] / sum.weight().value(), 1e-6);
      sum.take_step(self.params(), gain);
      EXPECT_EQ(std::vector<float>(sum.numerators().begin(), sum.numerators().end()), x) << "no step";
      std::vector<float> model = gaussian_vector(kSize, 8);
      sum.take_step(model, gain);
      for (std::size_t j = 0; j < kSize; ++j) {
        const double moved = gain * (static_cast<double>(model[j]) - x[j] / sum.weight().value());
        EXPECT_NEAR(sum.numerators()[j], x[j] + moved, 1e-5);
      }
      crew.network.run(sum.begin(self));
      EXPECT_NEAR(sum.numerators()[0], x[0] + gain * (model[0] - x[0] / sum.weight().value()), 1e-5) << "begun once";
    }
  }
}

TEST(PushSum, AWeightThatNearsZeroEndsTheRunWithTheWorkerAndTheRoundNamed) {
  Crew crew(gaussian_models(2, kSize));
  PushSum sum;
  crew.network.run(sum.begin(crew.workers[1].self));
  const std::vector<float> model(crew.workers[1].self.params().begin(), crew.workers[1].self.params().end());
  for (const std::int64_t units : {PushWeight::kOne / 1'000'001, std::int64_t{0}, std::int64_t{-5}}) {
    sum.weight() = PushWeight(units);
    const std::string text = error_of<RunError>([&] { sum.set_model(crew.workers[1].self, 17); });
    EXPECT_TRUE(contains(text, "worker 1") && contains(text, "in round 17")) << text;
  }
  EXPECT_EQ(std::vector<float>(crew.workers[1].self.params().begin(), crew.workers[1].self.params().end()), model);
  sum.weight() = PushWeight(PushWeight::kOne / 999'999);
  EXPECT_NO_THROW(sum.set_model(crew.workers[1].self, 17));
}

TEST(PushSum, AMessageCarriesTheWeightAndHostileOnesAreRefused) {
  PushSum sum;
  sum.weight() = PushWeight(3 * PushWeight::kOne - 7);
  const std::vector<std::byte> message(5, std::byte{42});
  const Frame frame = sum.frame({Traffic::kModel, Tag::kGossip, {3}}, message.size(), [&](std::span<std::byte> out) {
    std::copy(message.begin(), message.end(), out.begin());
  });
  EXPECT_EQ(frame.payload().size(), PushSum::kPayloadOverhead + message.size());
  const PushMessage read = parse_push(frame, 3);
  EXPECT_EQ(read.weight, sum.weight());
  EXPECT_EQ(std::vector<std::byte>(read.message.begin(), read.message.end()), message);
  EXPECT_THROW(parse_push(frame, 2), DecodeError) << "more than two nodes have";
  for (std::size_t size = 0; size < PushSum::kPayloadOverhead; ++size) {
    EXPECT_THROW(parse_push(Frame(frame.header(), frame.payload().first(size)), 3), DecodeError) << size;
  }
  for (const std::uint64_t units : {std::uint64_t{0}, 3 * kUnits + 1, ~std::uint64_t{0}, std::uint64_t{1} << 63}) {
    ByteWriter out;
    out.u64(units);
    EXPECT_THROW(parse_push(Frame(frame.header(), out.bytes()), 3), DecodeError) << units;
  }
}

TEST(PushSum, SavedAndLoadedItGoesOnBitForBit) {
  Crew crew(gaussian_models(1, kSize));
  PushSum sum, other;
  crew.network.run(sum.begin(crew.workers[0].self));
  sum.weight() = PushWeight(12345678901234);
  const std::vector<std::byte> bytes = saved(sum);
  load(other, bytes);
  EXPECT_EQ(saved(other), bytes);
  EXPECT_EQ(other.weight(), sum.weight());
  crew.network.run(other.begin(crew.workers[0].self));  // which finds it begun
  EXPECT_EQ(saved(other), bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(load(other, std::span(bytes).first(size)), DecodeError) << size;
  }
}

// 0 -> 1, 0 -> 2, 2 -> 0, and a round in which nobody sends.
LinkSchedule two_rounds() {
  std::vector<LinkMatrix> rounds;
  rounds.push_back(LinkMatrix::evenly(4, {{0, 1}, {0, 2}, {2, 0}}));
  rounds.push_back(LinkMatrix::evenly(4, {}));
  return LinkSchedule(std::move(rounds));
}

TEST(ExchangeOverLinks, BringsEachReceiverTheFrameThatIsForIt) {
  const LinkSchedule links = two_rounds();
  for (const bool one_for_all : {false, true}) {
    Crew crew(gaussian_models(4, 1));
    const FrameHeader header{Traffic::kModel, Tag::kGossip, {0}};
    std::map<std::pair<int, int>, float> heard;
    crew.each([&](Worker& self) -> Task<void> {
      std::vector<Frame> frames;
      for (const WeightedNeighbor& receiver : links.at(0)->receivers(self.rank())) {
        const auto value = static_cast<float>(10 * self.rank().value + (one_for_all ? 0 : receiver.rank.value));
        frames.emplace_back(header, std::span<const float>(&value, 1));
      }
      if (one_for_all && !frames.empty()) frames.resize(1);
      const std::vector<NeighborFrame> received =
          co_await exchange_over_links(self.comm(), *links.at(0), frames, header);
      for (const NeighborFrame& from : received) {
        heard[{from.from.rank.value, self.rank().value}] = from.frame.floats(1).values()[0];
      }
    });
    const std::map<std::pair<int, int>, float> each = {{{0, 1}, 1.0F}, {{0, 2}, 2.0F}, {{2, 0}, 20.0F}};
    const std::map<std::pair<int, int>, float> same = {{{0, 1}, 0.0F}, {{0, 2}, 0.0F}, {{2, 0}, 20.0F}};
    EXPECT_EQ(heard, one_for_all ? same : each);
  }
}

TEST(LinkTraffic, CountsTheLinksOfAPeriod) {
  const LinkSchedule changing = two_rounds();
  EXPECT_EQ(links_a_round(changing).mean, 1.5);
  EXPECT_FALSE(links_a_round(changing).same);
  EXPECT_EQ(links_ever(changing), 3U);
  EXPECT_EQ(link_traffic(changing, 100).sync(Traffic::kModel), 150U);
  EXPECT_TRUE(link_traffic(changing, 100).depends_on_values);
  std::vector<LinkMatrix> one;
  one.push_back(LinkMatrix::evenly(1, {}));
  const LinkSchedule alone(std::move(one));
  EXPECT_EQ(links_a_round(alone).mean, 0.0);
  EXPECT_EQ(links_ever(alone), 0U);
  EXPECT_EQ(link_traffic(alone, 100).sync(Traffic::kModel), 0U);
  StrategyRow row{};
  row.name = "quantized";
  Demands demands;
  demands.gossip.fixed_links = true;
  EXPECT_NO_THROW(require_links_that_fit(row, demands, alone));
  EXPECT_THROW(require_links_that_fit(row, demands, changing), UsageError);
  demands.gossip.fixed_links = false;
  EXPECT_NO_THROW(require_links_that_fit(row, demands, changing));
}

}  // namespace
}  // namespace laconic
