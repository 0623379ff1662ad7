// What nodes know of their neighbours' vectors: that it is what these have, and what happens where it is not.
#include "mechanisms/replicas.h"

#include <gtest/gtest.h>

#include <mutex>

#include "gossip_scenarios.h"
#include "matrix_form.h"
#include "run.h"

namespace laconic::tests {
namespace {

// A strategy that gossips through Replicas as CHOCO does, and keeps every neighbour's copy apart beside it.
struct Copies {
  std::mutex mutex;
  std::map<int, std::vector<float>> own;                    // xhat_i on node i
  std::map<int, std::vector<float>> differences;            // D_i
  std::map<std::pair<int, int>, std::vector<float>> known;  // (i, j): what i holds of j
};

class Listener final : public Strategy {
 public:
  Listener(const StrategySetting& setting, Replicas::Form form, Copies& copies)
      : mixing_(setting.mixing),
        replicas_(setting.mixing, setting.compressor(), setting.dimension, setting.start, form),
        decoder_(setting.compressor()),
        start_(setting.start),
        copies_(copies) {}

  Task<void> round(Worker& self) override {
    co_await self.local_step();
    std::vector<float> difference(self.params().size());
    for (std::size_t c = 0; c < difference.size(); ++c) difference[c] = self.params()[c] - replicas_.replica()[c];
    const Frame own = co_await replicas_.encode(self, self.step(), difference, Traffic::kModel);
    const Replicas::Exchanged exchanged = co_await replicas_.exchange_frames(self, own);
    co_await replicas_.apply(self, exchanged);
    for (std::size_t c = 0; c < difference.size(); ++c) {
      self.params()[c] += 0.3F * replicas_.difference()[c];
    }
    const std::scoped_lock lock(copies_.mutex);
    const int i = self.rank().value;
    for (const NeighborFrame& neighbor : exchanged.received) {
      std::vector<float>& copy = copies_.known[{i, neighbor.from.rank.value}];
      if (copy.empty()) copy = start_;
      decoder_->decode_add(neighbor.frame.payload().subspan(Replicas::kPayloadOverhead), 1.0F, copy);
    }
    copies_.own[i].assign(replicas_.replica().begin(), replicas_.replica().end());
    copies_.differences[i].assign(replicas_.difference().begin(), replicas_.difference().end());
  }

 private:
  std::shared_ptr<const MixingMatrix> mixing_;
  Replicas replicas_;
  std::unique_ptr<Compressor> decoder_;
  std::vector<float> start_;
  Copies& copies_;
};

class ReplicasOf : public testing::TestWithParam<std::string> {};  // an operator

TEST_P(ReplicasOf, C2ANeighboursCopyIsBitIdenticalAndC3TheDifferenceIsThatOfTheCopies) {
  for (const Replicas::Form form : {Replicas::Form::kSum, Replicas::Form::kEach}) {
    Scenario s = gossip("choco", {});
    s.topology = "torus:2x3";
    s.compressor = GetParam();
    const StrategySetting setting = strategy_setting(s);
    Copies copies;
    s.wrap = [&](const StrategyFactory&) -> StrategyFactory {
      return [&] { return std::make_unique<Listener>(setting, form, copies); };
    };
    const Result result = run(s);
    ASSERT_EQ(result.outcome.end, Outcome::End::kSteps);
    EXPECT_TRUE(result.warnings.empty());
    ASSERT_EQ(copies.own.size(), static_cast<std::size_t>(kNodes));
    const Matrix weights = weights_of(s);
    std::size_t edges = 0;
    for (const auto& [edge, copy] : copies.known) {
      ++edges;
      EXPECT_EQ(copy, copies.own[edge.second]) << "node " << edge.first << "'s copy of node " << edge.second;
    }
    EXPECT_EQ(edges, 18U);  // 2 x 3 torus: 9 edges, each in both directions
    for (int i = 0; i < kNodes; ++i) {
      for (std::size_t c = 0; c < kSize; ++c) {
        double expected = -static_cast<double>(copies.own[i][c]);
        for (int j = 0; j < kNodes; ++j) expected += weights[i][j] * copies.own[j][c];
        EXPECT_NEAR(copies.differences[i][c], expected, 2e-5) << "node " << i;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Operators, ReplicasOf,
                         testing::Values("none", "bfloat16", "sign", "qsgd", "natural", "top_k", "random_k",
                                         "random_gossip", "low_rank"));

TEST(C9, DcdsReplicaIsTheModel) {
  const Scenario s = compressing(gossip("dcd_psgd", {{"allow_biased", "true"}}), 10);
  const std::vector<std::vector<std::byte>> states = states_after(s);
  const std::vector<std::vector<float>> models = run(s).params;
  ASSERT_EQ(states.size(), static_cast<std::size_t>(kNodes));
  for (std::size_t i = 0; i < states.size(); ++i) {
    Archive archive(states[i]);
    std::vector<float> replica(kSize);
    archive.floats("replicas.own", replica);
    EXPECT_EQ(replica, models[i]);
  }
}

// A strategy that after some step is made to forget: its sum of differences and the chain of its first neighbour are
// changed, between two rounds, through its own archive.
class Forgetful final : public Strategy {
 public:
  Forgetful(std::unique_ptr<Strategy> inner, Step when, bool holds_copies)
      : inner_(std::move(inner)), when_(when), holds_copies_(holds_copies) {}

  Task<void> round(Worker& self) override {
    co_await inner_->round(self);
    if (self.rank().value == 2 && self.step().value == when_.value) forget();
  }

 private:
  void forget() {
    Archive save;
    inner_->archive(save);
    const std::vector<std::byte> bytes = save.take();
    Archive read(bytes);
    Archive write;
    std::vector<float> own(kSize);
    std::vector<float> differences(kSize);
    std::uint64_t own_chain = 0;
    std::uint64_t count = 0;
    bool parted = false;
    read.floats("replicas.own", own);
    write.floats("replicas.own", own);
    read.floats("replicas.difference", differences);
    for (float& value : differences) value += 0.5F;
    write.floats("replicas.difference", differences);
    read.value("replicas.own_chain", own_chain);
    write.value("replicas.own_chain", own_chain);
    read.value("replicas.neighbors", count);
    write.value("replicas.neighbors", count);
    for (std::uint64_t i = 0; i < count; ++i) {
      std::uint64_t chain = 0;
      read.value("replicas.chain", chain);
      if (i == 0) chain += 1;
      write.value("replicas.chain", chain);
    }
    for (std::uint64_t i = 0; holds_copies_ && i < count; ++i) {
      std::vector<float> copy(kSize);
      read.floats("replicas.copy", copy);
      if (i == 0) copy[0] += 0.5F;
      write.floats("replicas.copy", copy);
    }
    read.value("replicas.parted", parted);
    write.value("replicas.parted", parted);
    const std::vector<std::byte> changed = write.take();
    Archive load(changed);
    inner_->archive(load);
  }

  std::unique_ptr<Strategy> inner_;
  Step when_;
  bool holds_copies_;
};

class PartedReplicas : public testing::TestWithParam<std::string> {};  // how they are held

TEST_P(PartedReplicas, AreNamedAndRebuiltWhereANodeIsSilentMostly) {
  Scenario s = gossip("choco", {{"gamma", "0.3"}, {"replicas", GetParam()}, {"trigger", "0.5"}});
  s.steps = 60;
  const Result clean = run(s);
  EXPECT_GT(clean.outcome.ledger.total(Traffic::kControl).frames, 100U);
  s.wrap = [](StrategyFactory make) -> StrategyFactory {
    return [make = std::move(make)] { return std::make_unique<Forgetful>(make(), Step{8}, GetParam() == "each"); };
  };
  const Result result = run(s);
  ASSERT_EQ(result.outcome.end, Outcome::End::kSteps);
  ASSERT_EQ(result.warnings.size(), 1U);
  EXPECT_NE(result.warnings[0].find("worker 2 knows of worker 1 "), std::string::npos) << result.warnings[0];
  EXPECT_LT(squared_distance_from_average(result.params), 2.0 * squared_distance_from_average(clean.params));
}

TEST_P(PartedReplicas, AreNamedAndRebuilt) {
  Scenario s = compressing(gossip("choco", {{"gamma", "0.3"}, {"replicas", GetParam()}}), 4);
  s.steps = 20;
  const Result clean = run(s);
  s.wrap = [](StrategyFactory make) -> StrategyFactory {
    return [make = std::move(make)] { return std::make_unique<Forgetful>(make(), Step{8}, GetParam() == "each"); };
  };
  const Result result = run(s);
  ASSERT_EQ(result.outcome.end, Outcome::End::kSteps);
  ASSERT_EQ(result.warnings.size(), 1U);
  EXPECT_NE(result.warnings[0].find("worker 2 knows of worker 1 "), std::string::npos) << result.warnings[0];
  // Beside the messages, whose sizes may differ a little: the replicas of two neighbours, once.
  const double more = static_cast<double>(result.outcome.ledger.total().payload.value) -
                      static_cast<double>(clean.outcome.ledger.total().payload.value);
  EXPECT_NEAR(more, 2.0 * (4 + 4 * kSize), 60.0);
  // Once the sum is that of the replicas again the models come together as if nothing had happened.
  EXPECT_LT(squared_distance_from_average(result.params), 2.0 * squared_distance_from_average(clean.params));
}

INSTANTIATE_TEST_SUITE_P(Forms, PartedReplicas, testing::Values("sum", "each"));

}  // namespace
}  // namespace laconic::tests
