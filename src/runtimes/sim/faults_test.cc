#include "runtimes/sim/faults.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace laconic::sim {
namespace {

constexpr int kWorkers = 3;
constexpr std::uint64_t kSeed = 7;

NetworkOptions lossy(double loss, double duplication) {
  NetworkOptions options;
  options.loss = loss;
  options.duplication = duplication;
  return options;
}

std::vector<Fate> fates(Faults& faults, Rank from, Rank to, std::size_t count) {
  std::vector<Fate> result;
  for (std::size_t i = 0; i < count; ++i) result.push_back(faults.next(from, to));
  return result;
}

// Whether `hits` of `trials` is within 5 standard deviations of what the probability makes.
bool is_likely(double hits, double trials, double probability) {
  return std::abs(hits - trials * probability) <= 5.0 * std::sqrt(trials * probability * (1.0 - probability));
}

TEST(Faults, LoseAndDoubleAsManyFramesAsTheirProbabilitiesSay) {
  constexpr double kLoss = 0.2;
  constexpr double kDuplication = 0.1;
  Faults faults(lossy(kLoss, kDuplication), kWorkers, kSeed);
  double frames = 0;
  double lost = 0;
  double doubled = 0;
  for (const Rank from : {Rank{0}, Rank{1}, Rank{2}}) {
    for (const Fate fate : fates(faults, from, {3}, 20000)) {
      frames += 1;
      lost += fate == Fate::kLost ? 1 : 0;
      doubled += fate == Fate::kDoubled ? 1 : 0;
    }
  }
  EXPECT_TRUE(is_likely(lost, frames, kLoss)) << lost << " of " << frames;
  EXPECT_TRUE(is_likely(doubled, frames - lost, kDuplication)) << doubled << " of " << frames - lost;
}

TEST(Faults, OfAPairDoNotDependOnWhatOthersSend) {
  Faults alone(lossy(0.3, 0.3), kWorkers, kSeed);
  Faults among_others(lossy(0.3, 0.3), kWorkers, kSeed);
  const std::vector<Fate> expected = fates(alone, {1}, {2}, 300);
  for (const Fate fate : expected) {
    among_others.next({2}, {1});
    among_others.next({1}, {0});
    EXPECT_EQ(among_others.next({1}, {2}), fate);
  }
  EXPECT_NE(fates(alone, {2}, {1}, 300), expected);
  Faults other_seed(lossy(0.3, 0.3), kWorkers, kSeed + 1);
  EXPECT_NE(fates(other_seed, {1}, {2}, 300), expected);
}

TEST(Faults, LoseTheSameFramesWhateverIsDoubledAndMoreOfThemWithALargerLoss) {
  Faults some(lossy(0.2, 0.0), kWorkers, kSeed);
  Faults some_and_doubled(lossy(0.2, 0.9), kWorkers, kSeed);
  Faults more(lossy(0.6, 0.0), kWorkers, kSeed);
  for (int i = 0; i < 1000; ++i) {
    const bool lost = some.next({0}, {1}) == Fate::kLost;
    EXPECT_EQ(some_and_doubled.next({0}, {1}) == Fate::kLost, lost);
    EXPECT_GE(more.next({0}, {1}) == Fate::kLost, lost);
  }
}

TEST(Faults, WithoutAnyEveryFrameArrivesOnce) {
  Faults none(lossy(0.0, 0.0), kWorkers, kSeed);
  EXPECT_EQ(fates(none, {0}, {1}, 100), std::vector<Fate>(100, Fate::kArrives));
}

}  // namespace
}  // namespace laconic::sim
